import { importPKCS8 } from 'jose'
import * as openid from 'openid-client'
import type { Clock } from '../../base/clock.ts'
import type { JsonValue } from '../../crypto/seal.ts'
import { endpointFetch, EndpointUnreachable, isUnreachable } from './endpoint-fetch.ts'
import { logoutTokenReader } from './logout-token.ts'
import type { Claims } from '../claims.ts'
import type { LoginWish, ProviderFault } from '../login-provider.ts'
import type { Arrival, ProviderClient, ProviderTokens } from './provider.ts'
import type { ProviderConfig } from './providers.schema.ts'

/** How long its metadata counts, in milliseconds. */
const METADATA_MS = 3_600_000
/** One that could not be read is left alone for this long. */
const REST_MS = 5_000
/** Longest wait for a revocation: ends of other sessions wait for it. In milliseconds, less than the outbox holds an entry for. */
const REVOCATION_MS = 5_000

interface Pending {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly acr: readonly string[]
  /** What `auth_time` must not be before, seconds since the epoch. */
  readonly notBefore?: number
}

/** Speaks OpenID Connect with one provider: code flow with PKCE, `state`, `nonce` and RFC 9207, signatures always checked. */
export function createProviderClient(
  config: ProviderConfig,
  { redirectUri, clock }: { readonly redirectUri: string; readonly clock: Clock },
): ProviderClient {
  const metadata = metadataOf(config, clock)
  const readLogoutToken = logoutTokenReader(config, {
    clock,
    jwksUri: async () => (await metadata()).serverMetadata().jwks_uri,
  })

  return {
    async depart(wish) {
      const server = await metadata()
      const pending = pendingOf(wish, { now: clock(), toleranceMs: config.clockTolerance })
      const url = openid.buildAuthorizationUrl(server, {
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: config.scopes.join(' '),
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
        ...wished(wish),
      })
      requireSafe(url, config)
      return { url: url.href, state: pending.state, pending: { ...pending } }
    },

    async arrive(sealed, query) {
      try {
        return await arrive(
          config,
          { server: await metadata(), url: new URL(`${redirectUri}?${query}`), now: clock() },
          readPending(sealed),
        )
      } catch (error) {
        return { kind: 'refused', ...faultOf(error) }
      }
    },

    async refresh({ refreshToken, idToken }) {
      if (refreshToken === undefined) return { kind: 'failed', isAnswered: true, detail: 'there is no refresh token' }
      try {
        const answer = await openid.refreshTokenGrant(await metadata(), refreshToken)
        const next = answer.claims()
        const before = claimsWithin(idToken)
        if (next !== undefined && (next.sub !== before['sub'] || next.iss !== before['iss'])) return { kind: 'over' }
        const tokens = tokensOf(answer, { idToken, now: clock() })
        return { kind: 'refreshed', tokens: tokens.refreshToken === undefined ? { ...tokens, refreshToken } : tokens }
      } catch (error) {
        const isAnswer = error instanceof openid.ResponseBodyError
        if (isAnswer && error.error === 'invalid_grant') return { kind: 'over' }
        return { kind: 'failed', isAnswered: isAnswer, detail: faultOf(error).detail }
      }
    },

    async introspect({ refreshToken, accessToken }) {
      try {
        const { active } = await openid.tokenIntrospection(await metadata(), refreshToken ?? accessToken)
        return active ? 'live' : 'over'
      } catch {
        return 'unknown'
      }
    },

    async revoke(tokens) {
      try {
        await inTime(metadata().then((server) => revoke(server, tokens)))
      } catch (error) {
        throw new Error(`its tokens are not revoked: ${faultOf(error).detail}`, { cause: error })
      }
    },

    async logout(idToken, returnTo) {
      const { end_session_endpoint: action } = (await metadata()).serverMetadata()
      if (action === undefined || !config.logout) return undefined
      requireSafe(new URL(action), config)
      const fields = { id_token_hint: idToken, client_id: config.clientId, post_logout_redirect_uri: returnTo }
      return { action, fields }
    },
    readLogoutToken,
    faultOf,
  }
}

/** Rejects when it takes too long; what comes of it then is nobody's. */
async function inTime(work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new EndpointUnreachable('too slow')), REVOCATION_MS)
  await Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}

async function revoke(server: openid.Configuration, { refreshToken, accessToken }: ProviderTokens): Promise<void> {
  if (server.serverMetadata().revocation_endpoint === undefined) return
  // A refresh token takes with it what came of it (RFC 7009 §2.1).
  const token = refreshToken ?? accessToken
  if (token === '') return
  const hint = refreshToken === undefined ? 'access_token' : 'refresh_token'
  await openid.tokenRevocation(server, token, { token_type_hint: hint })
}

/** Its metadata, read when first needed and again each hour; of two that need it at once one reads. */
function metadataOf(config: ProviderConfig, clock: Clock): () => Promise<openid.Configuration> {
  const fetch = endpointFetch(config)
  let known: { readonly server: Promise<openid.Configuration>; readonly at: number } | undefined
  let failed: { readonly error: Error; readonly at: number } | undefined
  const read = async (): Promise<openid.Configuration> => {
    const [metadata, authentication] = [clientMetadata(config), await clientAuthentication(config)]
    const execute: Enable[] = [
      openid.enableNonRepudiationChecks,
      ...(config.issuer.startsWith('http:') ? [onThisMachine] : []),
    ]
    const timeout = Math.ceil(config.timeout / 1_000) + 1
    if (config.endpoints === undefined) {
      const options = { [openid.customFetch]: fetch, timeout, execute }
      return openid.discovery(new URL(config.issuer), config.clientId, metadata, authentication, options)
    }
    const server = new openid.Configuration(staticMetadata(config), config.clientId, metadata, authentication)
    server[openid.customFetch] = fetch
    server.timeout = timeout
    for (const enable of execute) enable(server)
    return server
  }
  return async () => {
    const now = clock()
    if (known !== undefined && now - known.at < METADATA_MS) return known.server
    if (failed !== undefined && now - failed.at < REST_MS) throw failed.error
    const before = known
    const server = read().catch((error: unknown) => {
      failed = { error: error instanceof Error ? error : new Error('it was not read'), at: clock() }
      known = undefined
      // What it said an hour ago is likelier right than nothing.
      if (before === undefined) throw error
      known = { server: before.server, at: clock() - METADATA_MS + REST_MS }
      return before.server
    })
    known = { server, at: now }
    return server
  }
}

/**
 * Over http, for a provider of this very machine: the schema takes no other, and our fetch asks no other. The library marks the switch as
 * deprecated to make it stand out.
 */
const onThisMachine: Enable = Reflect.get<typeof openid, 'allowInsecureRequests'>(openid, 'allowInsecureRequests')

type Enable = (server: openid.Configuration) => void

function staticMetadata({ issuer, endpoints }: ProviderConfig): openid.ServerMetadata {
  return {
    issuer,
    ...(endpoints === undefined
      ? {}
      : {
          authorization_endpoint: endpoints.authorization,
          token_endpoint: endpoints.token,
          jwks_uri: endpoints.jwks,
          authorization_response_iss_parameter_supported: endpoints.issuerInResponse,
          ...(endpoints.userinfo === undefined ? {} : { userinfo_endpoint: endpoints.userinfo }),
          ...(endpoints.revocation === undefined ? {} : { revocation_endpoint: endpoints.revocation }),
          ...(endpoints.endSession === undefined ? {} : { end_session_endpoint: endpoints.endSession }),
        }),
  }
}

function clientMetadata({ algorithm, clockTolerance }: ProviderConfig): Partial<openid.ClientMetadata> {
  return {
    id_token_signed_response_alg: algorithm,
    [openid.clockTolerance]: Math.ceil(clockTolerance / 1_000),
  }
}

async function clientAuthentication(config: ProviderConfig): Promise<openid.ClientAuth> {
  const { clientSecret, clientKey, clientKeyId, clientKeyAlgorithm, secretIn } = config
  if (clientKey !== undefined) {
    const key = await importPKCS8(clientKey, clientKeyAlgorithm)
    return openid.PrivateKeyJwt(clientKeyId === undefined ? { key } : { key, kid: clientKeyId })
  }
  return secretIn === 'post' ? openid.ClientSecretPost(clientSecret) : openid.ClientSecretBasic(clientSecret)
}

function pendingOf(
  { acr, maxAgeMs }: LoginWish,
  { now, toleranceMs }: { readonly now: number; readonly toleranceMs: number },
): Pending {
  return {
    state: openid.randomState(),
    nonce: openid.randomNonce(),
    verifier: openid.randomPKCECodeVerifier(),
    acr,
    ...(maxAgeMs === undefined ? {} : { notBefore: Math.floor((now - maxAgeMs - toleranceMs) / 1_000) }),
  }
}

function wished({ acr, maxAgeMs, loginHint }: LoginWish): Readonly<Record<string, string>> {
  return {
    ...(acr.length === 0 ? {} : { acr_values: acr.join(' ') }),
    ...(maxAgeMs === undefined ? {} : { max_age: String(Math.floor(maxAgeMs / 1_000)) }),
    ...(maxAgeMs !== undefined && maxAgeMs < 1_000 ? { prompt: 'login' } : {}),
    ...(loginHint === undefined ? {} : { login_hint: loginHint }),
  }
}

/** Sealed by `depart`, and by nobody else. */
function readPending(sealed: JsonValue): Pending {
  return sealed as unknown as Pending
}

interface Answered {
  readonly server: openid.Configuration
  readonly url: URL
  readonly now: number
}

async function arrive(config: ProviderConfig, { server, url, now }: Answered, pending: Pending): Promise<Arrival> {
  const answer = await openid.authorizationCodeGrant(server, url, {
    expectedState: pending.state,
    expectedNonce: pending.nonce,
    pkceCodeVerifier: pending.verifier,
    idTokenExpected: true,
  })
  const claims = answer.claims()
  if (claims === undefined) return { kind: 'refused', reason: 'provider-refused', detail: 'there is no ID token' }
  const weakness = weaknessOf(claims, pending)
  if (weakness !== undefined) return { kind: 'refused', reason: 'provider-too-weak', detail: weakness }
  // Its `sub` has to be that of the ID token (OpenID Connect Core 1.0 §5.3.2).
  const more = config.userinfo ? await openid.fetchUserInfo(server, answer.access_token, claims.sub) : {}
  const idTokenExpiresAt = claims.exp * 1_000
  const tokens = tokensOf(answer, { idToken: '', now })
  return { kind: 'proved', claims: { ...more, ...claims }, idTokenExpiresAt, tokens }
}

/** OpenID Connect Core 1.0 §3.1.2.1: what was asked for is a wish there; here it is a condition. */
function weaknessOf({ acr, auth_time: authTime }: openid.IDToken, wanted: Pending): string | undefined {
  if (wanted.acr.length > 0 && (typeof acr !== 'string' || !wanted.acr.includes(acr)))
    return 'its acr is not what was asked for'
  if (wanted.notBefore === undefined) return undefined
  return typeof authTime === 'number' && authTime >= wanted.notBefore ? undefined : 'its auth_time is too old'
}

type Answer = openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers

function tokensOf(
  answer: Answer,
  { idToken, now }: { readonly idToken: string; readonly now: number },
): ProviderTokens {
  const seconds = answer.expiresIn()
  return {
    idToken: answer.id_token ?? idToken,
    accessToken: answer.access_token,
    ...(answer.refresh_token === undefined ? {} : { refreshToken: answer.refresh_token }),
    ...(seconds === undefined ? {} : { expiresAt: now + seconds * 1_000 }),
  }
}

/** Of a token that was checked when it came. */
function claimsWithin(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims
}

/** A document of the provider may name any address, `javascript:` included; people are sent to https, or to this machine. */
function requireSafe({ protocol, host }: URL, { issuer }: ProviderConfig): void {
  const isOwn = protocol === 'http:' && issuer.startsWith('http:') && new URL(issuer).host === host
  if (protocol !== 'https:' && !isOwn) throw new Error(`${protocol}//${host} is no address to send people to`)
}

/** Never what the provider has written: that would be anybody's text in our log. */
function faultOf(error: unknown): { readonly reason: ProviderFault; readonly detail: string } {
  if (error instanceof openid.AuthorizationResponseError) {
    const code = /^[a-z_]{1,40}$/.test(error.error) ? error.error : 'an error'
    return { reason: REASONS[code] ?? 'provider-refused', detail: `it answers ${code}` }
  }
  if (isUnreachable(error)) return { reason: 'provider-unavailable', detail: 'it cannot be reached' }
  const code = error instanceof openid.ClientError ? error.code : undefined
  if (code === 'OAUTH_TIMEOUT') return { reason: 'provider-unavailable', detail: 'it did not answer in time' }
  return { reason: 'provider-refused', detail: error instanceof openid.ClientError ? error.message : 'it was refused' }
}

const REASONS: Readonly<Record<string, ProviderFault>> = {
  access_denied: 'provider-denied',
  server_error: 'provider-unavailable',
  temporarily_unavailable: 'provider-unavailable',
}
