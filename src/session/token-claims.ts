import type { RealmName } from '../base/brand.ts'
import type { TokenPurposes } from '../crypto/jws.ts'

/*
 * Access and refresh tokens: what they say. Both of a pair, and every pair of a session, have the session's sid as their `jti`:
 * whatever is kept about a token is kept about the sid, never about its text.
 */

/** Registered claims in RFC 7519 §4.1; times in seconds. */
export interface TokenClaims {
  readonly aud: string
  readonly exp: number
  readonly iat: number
  readonly iss: string
  readonly jti: string
  readonly nbf: number
  /** The how many-th pair of its session: 1 at login, one more with each refresh. */
  readonly seq: number
  /** The user's immutable id. */
  readonly sub: string
  readonly typ: 'Bearer' | 'Refresh'
}

export const ACCESS_PURPOSES: TokenPurposes = { EdDSA: 'access-eddsa', RS256: 'access-rsa' }
export const REFRESH_PURPOSES: TokenPurposes = { EdDSA: 'refresh-eddsa', RS256: 'refresh-rsa' }

/** Who may take an access token for what it says: the sites of one realm. */
export function accessAudience(issuer: string, realm: RealmName): string {
  return issuer + realm
}

/** A refresh token is for one address of ours. */
export function refreshAudience(issuer: string): string {
  return `${issuer}/api/v1/auth/refresh`
}

/** Other processes' clocks may be this many seconds ahead. */
const SKEW = 60

/**
 * What a signed payload says, where it is a token of this kind that is valid at this time. Each member is there once, of its type, and
 * none besides: no reader can take it for something else.
 */
export function readClaims(
  payload: unknown,
  expected: Pick<TokenClaims, 'iss' | 'typ'>,
  nowMs: number,
): TokenClaims | undefined {
  if (!isClaims(payload)) return undefined
  const { iss, typ, exp, nbf, iat } = payload
  const now = nowMs / 1_000
  if (iss !== expected.iss || typ !== expected.typ) return undefined
  // Expired at its last second, and not before its first but for the clocks of others.
  if (exp <= now || nbf > now + SKEW || iat > now + SKEW) return undefined
  return payload
}

const TEXTS = ['aud', 'iss', 'jti', 'sub', 'typ'] as const
const NUMBERS = ['exp', 'iat', 'nbf', 'seq'] as const
const LATEST = 8_640_000_000_000

function isClaims(payload: unknown): payload is TokenClaims {
  if (typeof payload !== 'object' || payload === null) return false
  const claims = payload as Partial<Record<string, unknown>>
  return (
    Object.keys(claims).length === TEXTS.length + NUMBERS.length &&
    TEXTS.every((name) => typeof claims[name] === 'string') &&
    NUMBERS.every((name) => isTime(claims[name]))
  )
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value < LATEST
}

/**
 * Whether a header value holds something that we made, or that pretends so, however it is put there: it is ours to judge, and never
 * an application's to see. Lenient where readers of tokens are: what another one might take for ours is recognised.
 */
export function mentionsToken(value: string, issuer: string): boolean {
  if (!value.includes('eyJ')) return false
  const parts = value.split(/[^A-Za-z0-9_+/=-]/).filter((part) => part.startsWith('eyJ'))
  // Each costs a failing parse, and anybody may send thousands: no client sends so many, and here they end.
  return parts.length > MOST_PARTS || parts.some((part) => isPayload(part, issuer))
}

/** A JWT has two parts that begin like JSON. */
const MOST_PARTS = 16

function isPayload(part: string, issuer: string): boolean {
  try {
    const payload = JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Partial<Record<string, unknown>>
    return payload['iss'] === issuer && (payload['typ'] === 'Bearer' || payload['typ'] === 'Refresh')
  } catch {
    // Not JSON: nobody's claims.
    return false
  }
}
