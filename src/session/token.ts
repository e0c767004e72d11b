import { randomSecret } from '../base/random-id.ts'
import { sha256 } from '../crypto/sha256.ts'
import type { Bucket, SecretHash } from '../store/store.ts'
import type { SessionToken } from './session.ts'

/**
 * `<secret>*<extension>*<tail>`. The secret is 256 bits in 43 characters, the last of which has two slack bits that must be
 * zero. The extension is 24 bits in 4 characters: 7 of the site id, 7 of the server id, 10 of the bucket. The tail is empty
 * where the session is in the store, else a JWT that carries it. One token has one spelling, so that nothing keyed on a token can be
 * walked around.
 */
const FORM = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\*[A-Za-z0-9_-]{4}\*$/
const SECRET = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/
const SECRET_LENGTH = 43
/** Characters of a token without its tail: all there is, where the session is in the store. */
export const TOKEN_LENGTH = 49
/** Characters of the longest token. With name and attributes it stays below the 4,096 that browsers take (RFC 6265 §6.1). */
export const LONGEST_TOKEN = 3_800
const TAIL = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){4}$/

/** What each character of base64url stands for (RFC 4648 §5), by its code. */
const SIX_BITS = sixBits()

function sixBits(): Uint8Array {
  const table = new Uint8Array(128)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  for (let i = 0; i < alphabet.length; i++) table[alphabet.charCodeAt(i)] = i
  return table
}

/** Who issues tokens: two digits each. */
export interface TokenPlace {
  readonly siteId: string
  readonly serverId: string
}

export interface ParsedToken extends TokenPlace {
  readonly secret: string
  readonly bucket: Bucket
}

/** A token that nobody has had before, and the hash under which the store will know it. */
export function newToken(
  place: TokenPlace,
  bucket: Bucket,
): { readonly token: SessionToken; readonly hash: SecretHash } {
  const secret = randomSecret()
  return { token: formatToken({ ...place, secret, bucket }), hash: hashSecret(secret) }
}

export function formatToken({ secret, siteId, serverId, bucket }: ParsedToken): SessionToken {
  const extension = Buffer.alloc(3)
  extension.writeUIntBE((Number(siteId) << 17) | (Number(serverId) << 10) | bucket, 0, 3)
  return `${secret}*${extension.toString('base64url')}*` as SessionToken
}

/** `undefined` for everything that `formatToken` cannot have written; looks at no more than 49 characters. */
export function parseToken(text: string): ParsedToken | undefined {
  if (text.length !== TOKEN_LENGTH || !FORM.test(text)) return undefined
  const bits = bitsAt(text, SECRET_LENGTH + 1)
  const [site, server] = [bits >>> 17, (bits >>> 10) & 0x7f]
  if (site > 99 || server > 99) return undefined
  return {
    secret: text.slice(0, SECRET_LENGTH),
    siteId: twoDigits(site),
    serverId: twoDigits(server),
    bucket: bits & 0x3ff,
  }
}

/** What stands before the tail, and the tail; `undefined` where there is none, and for what nobody can have issued. */
export function splitToken(text: string): { readonly front: string; readonly tail: string } | undefined {
  if (text.length <= TOKEN_LENGTH || text.length > LONGEST_TOKEN) return undefined
  const [front, tail] = [text.slice(0, TOKEN_LENGTH), text.slice(TOKEN_LENGTH)]
  return TAIL.test(tail) ? { front, tail } : undefined
}

/** Whether it is 43 characters that can be a secret of ours. */
export function isSecret(text: string): boolean {
  return SECRET.test(text)
}

/** What the store knows a secret by. A fast hash is right here: 256 random bits cannot be guessed. */
export function hashSecret(secret: string): SecretHash {
  return sha256(secret)
}

/** 24 bits from four characters of base64url. */
function bitsAt(text: string, start: number): number {
  let bits = 0
  for (let i = start; i < start + 4; i++) bits = (bits << 6) | (SIX_BITS[text.charCodeAt(i)] ?? 0)
  return bits
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
