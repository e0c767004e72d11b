import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { decrypt, encrypt } from './aead.ts'

/*
 * The store holds only the hash of a code or a token, so what is sealed under it opens for nobody who reads the store.
 */

/** Of more than a hundred random bits, so that the derivation needs no salt (RFC 5869 §3.1). */
function keyOf(secret: string, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', purpose, 32)))
}

export function sealUnder(secret: string, purpose: string, text: string): string {
  return encrypt(keyOf(secret, purpose), Buffer.from(purpose), Buffer.from(text)).toString('base64url')
}

/** `undefined` for what was not sealed under this secret for this purpose. */
export function openUnder(secret: string, purpose: string, sealed: string): string | undefined {
  const plain = decrypt(keyOf(secret, purpose), Buffer.from(purpose), Buffer.from(sealed, 'base64url'))
  return plain?.toString('utf8')
}
