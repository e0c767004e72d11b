import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { decrypt, encrypt } from '../crypto/aead.ts'
import { fault } from '../errors.ts'

/*
 * The address that a person wanted may carry an application's secrets in its query, and deleted records stay in the files of a
 * database for a while. The store holds only the hash of a code, so what is sealed under the code opens for nobody who reads
 * the store.
 */

const PURPOSE = 'gatehouse handshake goto'

/** Of 256 random bits, so that the derivation needs no salt (RFC 5869 §3.1). */
function keyOf(code: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', code, '', PURPOSE, 32)))
}

export function sealGoto(code: string, goto: string): string {
  return encrypt(keyOf(code), Buffer.from(PURPOSE), Buffer.from(goto)).toString('base64url')
}

/** @throws GH_INTERNAL for what was not sealed under this code: the store hands out what it was given. */
export function openGoto(code: string, sealed: string): string {
  const plain = decrypt(keyOf(code), Buffer.from(PURPOSE), Buffer.from(sealed, 'base64url'))
  if (plain === undefined) throw fault('GH_INTERNAL', { detail: 'the address of a handshake does not open' })
  return plain.toString('utf8')
}
