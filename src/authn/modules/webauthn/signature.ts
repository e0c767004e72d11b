import { cose, decodeCredentialPublicKey } from '@simplewebauthn/server/helpers'

const SEQUENCE = 0x30
const INTEGER = 0x02

/**
 * Whether there is no other way to write the signature: an ECDSA one is DER (WebAuthn Level 3 §6.5.5), which the library reads as BER,
 * whatever stands behind it. Whether it is right is not asked. Throws for a public key that is none.
 */
export function isExact(signature: Uint8Array, publicKey: Uint8Array<ArrayBuffer>): boolean {
  return !cose.isCOSEPublicKeyEC2(decodeCredentialPublicKey(publicKey)) || isPair(signature)
}

/** ECDSA-Sig-Value (RFC 3279 §2.2.3) of a curve of 256 bits: all its lengths are one byte. */
function isPair(der: Uint8Array): boolean {
  const second = 4 + (der[3] ?? 0)
  const isWhole = der[0] === SEQUENCE && der[1] === der.length - 2
  return isWhole && isPositive(der.subarray(2, second)) && isPositive(der.subarray(second))
}

/** An INTEGER that is not negative, without zeros in front that it could do without (X.690 §8.3.2). */
function isPositive(der: Uint8Array): boolean {
  const [tag, length = 0, first = 0, next = 0] = der
  if (tag !== INTEGER || length === 0 || length !== der.length - 2) return false
  return first === 0 ? length === 1 || next >= 0x80 : first < 0x80
}
