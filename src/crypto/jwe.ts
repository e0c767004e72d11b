import type { KeyObject } from 'node:crypto'
import { decrypt, encrypt } from './aead.ts'
import { decodeBase64url } from './base64url.ts'

/*
 * JWTs that only we read: JWE compact serialization (RFC 7516 §7.1) with `dir` and A256GCM (RFC 7518 §4.5, §5.3). What we write is
 * the only thing we read: no header says how it wants to be opened, so there is no other algorithm, no compression, no `crit`, no
 * key and no address of a key to talk a reader into.
 */

const NONCE_BYTES = 12
const TAG_BYTES = 16
const KID = '[A-Za-z0-9_-]{16}'

/** How one kind of JWT is written and read. */
export interface JweForm {
  /** `undefined`: no JWT of this form. The key of that id may not exist. */
  kidOf(jwt: string): string | undefined
  seal(key: { readonly kid: string; readonly key: KeyObject }, claims: object): string
  /** `undefined` for what was not sealed with this key, is spelled in another way than `seal` spelled it, or is no JSON. */
  open(key: KeyObject, jwt: string): unknown
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true })

function readJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(UTF_8.decode(bytes)) as unknown
  } catch {
    // Sealed by us and still no JSON in UTF-8 (RFC 7519 §7.2): no claims.
    return undefined
  }
}

/** `typ` tells kinds of JWT apart (RFC 8725 §3.11), beside each having a key of its own. */
export function jweForm(typ: string): JweForm {
  const headerOf = (kid: string): string =>
    Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid, typ })).toString('base64url')
  const exactly = new RegExp(
    `^\\{"alg":"dir","enc":"A256GCM","kid":"(${KID})","typ":"${typ.replace(/[.+]/g, '\\$&')}"\\}$`,
  )

  return {
    kidOf(jwt) {
      const dots = jwt.indexOf('..')
      const header = dots === -1 ? undefined : decodeBase64url(jwt.slice(0, dots))
      return header && exactly.exec(header.toString('latin1'))?.[1]
    },

    seal({ kid, key }, claims) {
      const header = headerOf(kid)
      const sealed = encrypt(key, Buffer.from(header), Buffer.from(JSON.stringify(claims)))
      const parts = [
        sealed.subarray(0, NONCE_BYTES),
        sealed.subarray(NONCE_BYTES, -TAG_BYTES),
        sealed.subarray(-TAG_BYTES),
      ]
      return `${header}..${parts.map((part) => part.toString('base64url')).join('.')}`
    },

    open(key, jwt) {
      const [header = '', wrapped, nonce, body, tag, ...more] = jwt.split('.')
      if (wrapped !== '' || nonce === undefined || body === undefined || tag === undefined || more.length > 0)
        return undefined
      const bytes = [nonce, body, tag].map(decodeBase64url)
      const [nonceBytes, bodyBytes, tagBytes] = bytes
      if (nonceBytes?.length !== NONCE_BYTES || bodyBytes === undefined || tagBytes?.length !== TAG_BYTES)
        return undefined
      const plain = decrypt(key, Buffer.from(header), Buffer.concat([nonceBytes, bodyBytes, tagBytes]))
      return plain && readJson(plain)
    },
  }
}
