import { randomBytes } from 'node:crypto'
import { sha256 } from '../crypto/sha256.ts'
import type { Bucket, SecretHash, Store } from '../store/store.ts'
import type { Clock } from '../base/clock.ts'
import type { Brand } from '../base/brand.ts'
import type { Session } from './session.ts'

/**
 * A second token of a session, in the form of a UUID of version 4 (RFC 9562 §5.4). Its last three digits are the session's bucket; of
 * the rest 110 bits are random. A secret: never logged, and the store knows its hash alone.
 */
export type ApiToken = Brand<string, 'ApiToken'>

/** All of a token but its bucket, which is not known before the person is. */
export type ApiTokenStem = Brand<string, 'ApiTokenStem'>

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{9}[0-3][0-9a-f]{2}$/
const LENGTH = 36
const BUCKET_DIGITS = 3

export function newApiTokenStem(): ApiTokenStem {
  const bytes = randomBytes(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const digits = bytes.toString('hex')
  const groups = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)]
  return groups.join('-').slice(0, -BUCKET_DIGITS) as ApiTokenStem
}

export function apiTokenOf(stem: ApiTokenStem, bucket: Bucket): ApiToken {
  return `${stem}${bucket.toString(16).padStart(BUCKET_DIGITS, '0')}` as ApiToken
}

export function stemOf(token: ApiToken): ApiTokenStem {
  return token.slice(0, -BUCKET_DIGITS) as ApiTokenStem
}

/** `undefined` for what nobody can have issued. One token has one spelling. */
export function readApiToken(text: string): ApiToken | undefined {
  return text.length === LENGTH && FORM.test(text) ? (text as ApiToken) : undefined
}

/** Where its session is, and what the store knows it by. */
export function parseApiToken(text: string): { readonly hash: SecretHash; readonly bucket: Bucket } | undefined {
  const token = readApiToken(text)
  return token && { hash: hashOfApiToken(token), bucket: Number.parseInt(token.slice(-BUCKET_DIGITS), 16) }
}

export function hashOfApiToken(token: ApiToken): SecretHash {
  return sha256(token)
}

/** Has the token open the session, wherever one for the login host would. False when the session has ended. */
export function addApiToken(
  { store, clock }: { readonly store: Pick<Store, 'sessions'>; readonly clock: Clock },
  { sid, gen, authLevel, authInstant }: Session,
  token: ApiToken,
): Promise<boolean> {
  const hash = hashOfApiToken(token)
  return store.sessions.addToken({ hash, sid, audience: 'api', gen, authLevel, authInstant, issuedAt: clock() })
}
