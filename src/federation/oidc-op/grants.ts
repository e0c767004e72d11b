import type Provider from 'oidc-provider'
import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import { scopesTelling, type Claims } from './account-claims.ts'
import type { OidcClientConfig } from './clients.schema.ts'
import type { Consents } from './consents.ts'

const OFFLINE = 'offline_access'

export interface GrantsDeps {
  readonly consents: Consents
  readonly clientOf: (clientId: string) => OidcClientConfig | undefined
  /** What a client may come to know, by scope. */
  readonly claimsFor: (clientId: string) => Claims
}

/** What clients may have of people: granted by their consent, which is remembered, or by the configuration. */
export interface Grants {
  /** The grant that a request can go on with; `undefined` where there is nothing to go on with yet. */
  existing(ctx: KoaContextWithOIDC): Promise<Grant | undefined>
  /** A person has agreed. Returns the id of the grant. */
  agreed(provider: Provider, to: Agreed): Promise<string>
}

export interface Agreed {
  readonly userId: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly claims: readonly string[]
  /** What was granted before in this session. */
  readonly grantId: string | undefined
}

export function createGrants({ consents, clientOf, claimsFor }: GrantsDeps): Grants {
  const remembered = async (userId: string, clientId: string) => {
    const all = await consents.of(userId)
    return Object.hasOwn(all, clientId) ? all[clientId] : undefined
  }

  return {
    async existing(ctx) {
      const { client, session, account, result, provider } = ctx.oidc
      if (client === undefined || session === undefined || account === undefined) return undefined
      const { clientId } = client
      const grantId = result?.consent?.grantId ?? session.grantIdFor(clientId)
      const found = grantId === undefined ? undefined : await provider.Grant.find(grantId)
      const asked = [...ctx.oidc.requestParamOIDCScopes]
      const isImplied = clientOf(clientId)?.consent === 'implied'
      const known = isImplied ? undefined : await remembered(account.accountId, clientId)
      const scopes = isImplied ? asked : asked.filter((scope) => known?.scopes.includes(scope) === true)
      const wanted = [...ctx.oidc.requestParamClaims]
      // Nobody is asked about what the client is not told.
      const isTold = (claim: string): boolean => scopesTelling(claimsFor(clientId), claim).length > 0
      const claims = isImplied
        ? wanted
        : wanted.filter((claim) => known?.claims.includes(claim) === true || !isTold(claim))
      return extended(provider, found, { userId: account.accountId, clientId, scopes, claims })
    },

    async agreed(provider, { userId, clientId, scopes, claims, grantId }) {
      const found = grantId === undefined ? undefined : await provider.Grant.find(grantId)
      const grant = await extended(provider, found, { userId, clientId, scopes, claims })
      // What outlives the session is asked each time.
      const kept = scopes.filter((scope) => scope !== OFFLINE)
      await consents.add(userId, clientId, { scopes: kept, claims, isLasting: kept.length < scopes.length })
      return grant?.jti ?? ''
    },
  }
}

/** A grant lives as long as it was made for: one that is to outlive the session is another one. */
async function extended(
  provider: Provider,
  found: Grant | undefined,
  { userId, clientId, scopes, claims }: Omit<Agreed, 'grantId'>,
): Promise<Grant | undefined> {
  const has = new Set(found?.getOIDCScope().split(' '))
  const hasClaims = new Set(found?.getOIDCClaims())
  const isEnough = scopes.every((scope) => has.has(scope)) && claims.every((claim) => hasClaims.has(claim))
  if (isEnough && (found !== undefined || scopes.length + claims.length === 0)) return found
  const mustBeNew = scopes.includes(OFFLINE) && !has.has(OFFLINE)
  const grant = found === undefined || mustBeNew ? new provider.Grant({ accountId: userId, clientId }) : found
  const all = [...new Set([...has, ...scopes])].filter((scope) => scope !== '')
  if (all.length > 0) grant.addOIDCScope(all)
  if (hasClaims.size + claims.length > 0) grant.addOIDCClaims([...hasClaims, ...claims])
  await grant.save()
  return grant
}
