import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../base/clock.ts'
import { endpointFetch, EndpointUnreachable } from './endpoint-fetch.ts'
import type { LogoutNotice } from './provider.ts'
import type { ProviderConfig } from './providers.schema.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** How old it may be; what was seen is remembered for longer. In seconds. */
const LONGEST_AGE_S = 120
const KEYS_MS = 600_000
/** A token can name any key: this is how often its name alone has us ask. */
const COOL_DOWN_MS = 30_000
/** Keys that could not be read are left alone for this long. */
const REST_MS = 10_000
const LONGEST_TOKEN = 16_384

interface Keys {
  readonly clock: Clock
  readonly jwksUri: () => Promise<string | undefined>
}

/** OpenID Connect Back-Channel Logout 1.0 §2.6. */
export function logoutTokenReader(
  config: ProviderConfig,
  { clock, jwksUri }: Keys,
): (token: string) => Promise<LogoutNotice | undefined> {
  const { issuer, clientId, algorithm, clockTolerance, timeout } = config
  const fetch = endpointFetch(config)
  let failedAt = -Infinity
  const load = async (url: string): Promise<Response> => {
    if (clock() - failedAt < REST_MS) throw new EndpointUnreachable('its keys could not be read a moment ago')
    try {
      const answer = await fetch(url, { method: 'GET', headers: {}, body: undefined, redirect: 'manual' })
      if (answer.status !== 200) throw new EndpointUnreachable(`its keys are answered with ${answer.status}`)
      return answer
    } catch (error) {
      failedAt = clock()
      throw error
    }
  }
  let keys: { readonly uri: string; readonly set: JWTVerifyGetKey } | undefined
  const keysNow = async (): Promise<JWTVerifyGetKey> => {
    const uri = (await jwksUri()) ?? ''
    if (keys?.uri === uri) return keys.set
    const set = createRemoteJWKSet(new URL(uri), {
      cacheMaxAge: KEYS_MS,
      cooldownDuration: COOL_DOWN_MS,
      timeoutDuration: timeout + 1_000,
      [customFetch]: load,
    })
    keys = { uri, set }
    return set
  }
  return async (token) => {
    if (token.length > LONGEST_TOKEN) return undefined
    try {
      const { payload } = await jwtVerify(token, await keysNow(), {
        issuer,
        audience: clientId,
        algorithms: [algorithm],
        typ: 'logout+jwt',
        requiredClaims: ['iat', 'jti'],
        maxTokenAge: LONGEST_AGE_S,
        clockTolerance: Math.ceil(clockTolerance / 1_000),
        currentDate: new Date(clock()),
      })
      return noticeOf(payload)
    } catch (error) {
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) return undefined
      throw error
    }
  }
}

function noticeOf({ sub, sid, jti, events, nonce }: JWTPayload): LogoutNotice | undefined {
  const event: unknown = isObject(events) && Object.hasOwn(events, EVENT) ? events[EVENT] : undefined
  // With a nonce it would be an ID token that somebody wants to pass for one.
  if (!isObject(event) || nonce !== undefined || typeof jti !== 'string' || jti === '') return undefined
  const [who, where] = [textOf(sub), textOf(sid)]
  return who === undefined && where === undefined ? undefined : { sub: who, sid: where, jti }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
