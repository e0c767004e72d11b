import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { Sealer } from '../../crypto/seal.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { UserDirectory } from '../../identity/directory.ts'
import type { SessionService } from '../../session/session.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import { createAccounts, propertiesOf, type Provisioning } from '../accounts.ts'
import type { LoginProvider, Refusal } from '../login-provider.ts'
import { createProviderClient } from './provider-client.ts'
import { createProviderSessions } from './provider-sessions.ts'
import type { ProviderConfig } from './providers.schema.ts'
import { createTokenKeeper } from './token-keeper.ts'

/** Longer than a login takes: how long an answer that was used is remembered. */
const USED_MS = 3_600_000

export interface IdentityProviderDeps {
  readonly realm: RealmName
  readonly directory: UserDirectory
  readonly provisioning: Provisioning | undefined
  /** How long sessions of the realm may live, in milliseconds. */
  readonly longestMs: number
  /** Scheme, host and port of the login host. */
  readonly loginOrigin: string
  readonly store: Pick<Store, 'documents' | 'versioned' | 'oneTime' | 'leases' | 'counters'>
  readonly sealer: Sealer
  readonly sessions: Pick<SessionService, 'end' | 'ofUser'>
  readonly clock: Clock
  readonly log: Log
}

/** Where browsers come back to. One for each provider: an answer of one cannot pass for another's (RFC 9700 §4.4.2.2). */
export function callbackPath(realm: RealmName, name: string): string {
  return `/oidc${realm === '/' ? '' : realm}/${name}/callback`
}

export function createIdentityProvider(
  name: string,
  config: ProviderConfig,
  deps: IdentityProviderDeps,
): LoginProvider {
  const { realm, store, sealer, clock, log, loginOrigin, longestMs } = deps
  const client = createProviderClient(config, { redirectUri: `${loginOrigin}${callbackPath(realm, name)}`, clock })
  const accounts = createAccounts({ ...deps, documents: store.documents })
  // Its metadata, its keys and its token endpoint may each take as long as they may.
  const leaseMs = 4 * config.timeout + 5_000
  const tokens = createTokenKeeper({ versioned: store.versioned, leases: store.leases, sealer, clock, leaseMs })
  const sessions = createProviderSessions({ ...deps, name, config, client, tokens })
  const refuse = (reason: Refusal['reason'], detail: string): Refusal => {
    log.info({ realm, provider: name, reason, detail }, 'a login by a provider was refused')
    return { kind: 'refused', reason }
  }

  return {
    name,
    title: config.title,
    domains: config.domains,
    atOnce: config.atOnce,
    used: (session) => sessions.used(session),
    logout: (session, returnTo) => sessions.logout(session, returnTo),
    ended: (mark, end) => sessions.ended(mark, end),
    signedOut: (token) => sessions.signedOut(token),

    async depart(wish) {
      try {
        return { kind: 'departed', ...(await client.depart(wish)) }
      } catch (error) {
        const { reason, detail } = client.faultOf(error)
        return refuse(reason, detail)
      }
    },

    async arrive(pending, query) {
      const { count } = await store.counters.add(`oidc-answer:${sha256(JSON.stringify(pending))}`, 1, USED_MS)
      if (count > 1) return refuse('provider-replayed', 'its answer was used before')
      const arrival = await client.arrive(pending, query)
      if (arrival.kind === 'refused') return refuse(arrival.reason, arrival.detail)
      const { claims } = arrival
      const user = await accounts.of(config, claims)
      if (typeof user === 'string') return refuse(user, 'nobody of the realm')
      const { acr, auth_time: authTime } = claims
      return {
        kind: 'recognised',
        user,
        properties: { ...propertiesOf(config, claims), ...(await sessions.begin(arrival, user.id, longestMs)) },
        acr: typeof acr === 'string' ? acr : undefined,
        authTime: typeof authTime === 'number' ? authTime * 1_000 : undefined,
        endsAt: config.sessionEnds === 'idToken' ? arrival.idTokenExpiresAt : undefined,
      }
    },
  }
}
