import { X509Certificate } from 'node:crypto'
import type { AdapterFactory, ClientMetadata, Configuration, JWK, KoaContextWithOIDC } from 'oidc-provider'
import type { UserDirectory } from '../../identity/directory.ts'
import { isAnonymous } from '../../session/anonymous.ts'
import type { Session } from '../../session/session.ts'
import { claimsByScope, claimsOf, type Claims } from './account-claims.ts'
import { metadataOf } from './client-metadata.ts'
import type { ClientsFile, OidcClientConfig } from './clients.schema.ts'
import { devicePages } from './device-pages.ts'
import type { Grants } from './grants.ts'
import type { Levels } from './levels.ts'
import type { Library } from './library.ts'
import { createPolicy } from './login-prompt.ts'
import { logoutPages } from './logout-pages.ts'
import { partnerFetch } from './partner-fetch.ts'
import type { PartnerGate } from './partner-gate.ts'
import { REGISTRATION_PATH } from './registration.ts'
import type { SubjectOf } from './subjects.ts'
import type { Visits } from './visits.ts'

export interface ConfigurationParts {
  readonly library: Library
  readonly file: ClientsFile
  readonly clientOf: (id: string) => OidcClientConfig | undefined
  readonly directory: Pick<UserDirectory, 'find'>
  readonly grants: Grants
  /** What a client may come to know, by scope. */
  readonly claimsFor: (clientId: string) => Claims
  readonly levels: Levels
  readonly partnerGate: PartnerGate
  readonly visits: Visits
  readonly adapter: AdapterFactory
  readonly keys: readonly JWK[]
  readonly issuer: string
  readonly subjectOf: SubjectOf
  /** Whether the login host is reached by https. */
  readonly isSecure: boolean
  /** Longest life of the realm's sessions, in milliseconds. */
  readonly maxLifeMs: number
  readonly sessionOf: (ctx: KoaContextWithOIDC) => Session | undefined
  readonly interactionUrl: (uid: string, clientId: string) => string
  readonly renderError: NonNullable<Configuration['renderError']>
}

/** As OpenAM names them, below the issuer. */
const ROUTES = {
  authorization: '/authorize',
  token: '/access_token',
  userinfo: '/userinfo',
  introspection: '/introspect',
  revocation: '/token/revoke',
  jwks: '/connect/jwk_uri',
  end_session: '/connect/endSession',
  device_authorization: '/device/code',
  code_verification: '/device/user',
  pushed_authorization_request: '/par',
} as const

/** Seconds. */
const MINUTE = 60
const HOUR = 60 * MINUTE

/** The library's settings for one realm. What is off is off on purpose: each would be a way in that nobody here has asked for. */
export function configurationOf(parts: ConfigurationParts): Configuration {
  const { file, directory, grants, visits, clientOf, claimsFor } = parts
  const scopes = claimsByScope(file.claims)
  const findAccount: Configuration['findAccount'] = async (ctx, sub, token) => {
    const user = isAnonymous({ userId: sub }) ? undefined : await directory.find(sub)
    // Who is disabled and enabled again has to sign in again.
    if (user === undefined && token?.grantId !== undefined) await parts.adapter('Grant').destroy(token.grantId)
    if (user !== undefined && token?.kind === 'RefreshToken') await parts.partnerGate.mayRefresh(ctx, token, user)
    return user && { accountId: user.id, claims: () => claimsOf(user, claimsFor(ctx.oidc.client?.clientId ?? '')) }
  }
  const fetchOfPartner = partnerFetch(file.clients)
  return {
    adapter: parts.adapter,
    clients: file.clients.filter(({ disabled }) => !disabled).map((client): ClientMetadata => metadataOf(client)),
    jwks: { keys: [...parts.keys] },
    routes: ROUTES,
    cookies: {
      names: cookieNames(parts.isSecure),
      long: { httpOnly: true, sameSite: 'lax' },
      short: { httpOnly: true, sameSite: 'lax' },
    },
    responseTypes: ['code'],
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (_ctx, userId, client) => parts.subjectOf(client.clientId, userId),
    scopes: [
      ...new Set([
        'openid',
        'offline_access',
        ...file.clients.flatMap((client) => client.scopes),
        ...(file.registration?.scopes ?? []),
      ]),
    ],
    claims: {
      openid: ['sub', 'acr', 'amr', 'auth_time', 'sid'],
      ...Object.fromEntries(Object.entries(scopes).map(([scope, claims]) => [scope, Object.keys(claims)])),
    },
    acrValues: [...parts.levels.names],
    ...(file.registration === undefined
      ? {}
      : { discovery: { registration_endpoint: parts.issuer + REGISTRATION_PATH } }),
    clientAuthMethods: [
      ...(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const),
      ...(isAnyByCertificate(file) ? (['self_signed_tls_client_auth'] as const) : []),
    ],
    pkce: {
      required: (_ctx, { clientId, clientAuthMethod }) =>
        clientAuthMethod === 'none' || clientOf(clientId)?.pkce !== false,
    },
    features: {
      ...OFF,
      ...devicePages(visits),
      rpInitiatedLogout: { enabled: true, ...logoutPages(parts) },
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      dPoP: { enabled: true },
      ...certificates(parts),
      userinfo: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      introspection: {
        enabled: true,
        allowedPolicy: async (ctx, client, token) => {
          const mayAsk = token.clientId === client.clientId || clientOf(client.clientId)?.introspects === 'all'
          // Those of a client that is gone or disabled are none.
          const isKnown = token.clientId !== undefined && clientOf(token.clientId) !== undefined
          if (client.clientAuthMethod === 'none' || !mayAsk || !isKnown) return false
          const owner = 'accountId' in token ? token.accountId : undefined
          return owner === undefined || (await findAccount(ctx, owner)) !== undefined
        },
      },
    },
    clientBasedCORS: (_ctx, origin, client) =>
      // An address of a scheme of its own has the origin `null`, as has any page in a sandbox.
      origin !== 'null' && client.redirectUris?.some((uri) => URL.parse(uri)?.origin === origin) === true,
    // Whoever may refresh does, for as long as the session lives; `offline_access` is for longer.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: (_ctx, source) => !source.scopes.has('offline_access'),
    rotateRefreshToken: () => true,
    revokeGrantPolicy: () => true,
    loadExistingGrant: (ctx) => grants.existing(ctx),
    findAccount,
    interactions: {
      policy: createPolicy(parts),
      url: (ctx, { uid }) => parts.interactionUrl(uid, ctx.oidc.client?.clientId ?? ''),
    },
    ttl: lifetimes(parts),
    fetch: (input, init) => fetchOfPartner(input instanceof Request ? input.url : input, init),
    renderError: parts.renderError,
  }
}

function isAnyByCertificate({ clients }: ClientsFile): boolean {
  return clients.some((client) => client.requireCertificate || client.authMethod === 'self_signed_tls_client_auth')
}

/** What is none is as if nothing had been shown. */
function readCertificate(der: Buffer | undefined): X509Certificate | undefined {
  try {
    return der && new X509Certificate(der)
  } catch {
    return undefined
  }
}

/** Clients and tokens that are known by a certificate (RFC 8705), where some client is: it counts because the configuration has it, whoever signed it. */
function certificates({ file, visits }: ConfigurationParts): Pick<NonNullable<Configuration['features']>, 'mTLS'> {
  if (!isAnyByCertificate(file)) return {}
  return {
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      getCertificate(ctx) {
        return readCertificate(visits.of(ctx.req).certificate())
      },
    },
  }
}

/** The last two have paths of their own, which `__Host-` does not allow. */
export function cookieNames(isSecure: boolean) {
  const names = { session: 'GatehouseOp', interaction: 'GatehouseOpAsk', resume: 'GatehouseOpOn' }
  if (!isSecure) return names
  return {
    session: `__Host-${names.session}`,
    interaction: `__Secure-${names.interaction}`,
    resume: `__Secure-${names.resume}`,
  }
}

const OFF = {
  devInteractions: { enabled: false },
  registration: { enabled: false },
  clientCredentials: { enabled: false },
  requestObjects: { enabled: false },
  resourceIndicators: { enabled: false },
  encryption: { enabled: false },
} as const

function lifetimes({ maxLifeMs, clientOf, sessionOf }: ConfigurationParts): NonNullable<Configuration['ttl']> {
  const maxLife = Math.max(1, Math.floor(maxLifeMs / 1_000))
  const seconds = (ms: number | undefined): number => Math.max(1, Math.floor((ms ?? 0) / 1_000))
  const now = (): number => Math.floor(Date.now() / 1_000)
  return {
    AuthorizationCode: MINUTE,
    AccessToken: (_ctx, _token, client) => seconds(clientOf(client.clientId)?.accessTokenTTL),
    IdToken: (_ctx, _token, client) => seconds(clientOf(client.clientId)?.accessTokenTTL),
    RefreshToken: (_ctx, token, client) => {
      if (token.expiresWithSession === true) return maxLife
      const until = (token.iiat ?? now()) + seconds(clientOf(client.clientId)?.refreshTokenTTL)
      return Math.max(1, until - now())
    },
    Grant: (_ctx, { clientId = '', openid }) =>
      openid?.scope?.split(' ').includes('offline_access') === true
        ? seconds(clientOf(clientId)?.refreshTokenTTL)
        : maxLife,
    DeviceCode: 10 * MINUTE,
    Interaction: HOUR,
    Session: (ctx) => {
      const session = sessionOf(ctx)
      return session === undefined ? HOUR : seconds(session.maxExpiresAt - Date.now())
    },
  }
}
