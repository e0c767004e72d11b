import { isoCBOR } from '@simplewebauthn/server/helpers'

/** What an authenticator attests, out of the data that it signs (WebAuthn Level 3 §6.1), for an ES256 key. */
export interface AttestedKey {
  readonly rpIdHash: Buffer
  readonly clientDataHash: Buffer
  readonly credentialId: Buffer
  readonly x: Buffer
  readonly y: Buffer
}

export function attestedKey(signed: Buffer): AttestedKey {
  const length = signed.readUInt16BE(53)
  const key = isoCBOR.decodeFirst<Map<number, Uint8Array>>(new Uint8Array(signed.subarray(55 + length, -32)))
  const part = (label: number): Buffer => Buffer.from(key.get(label) ?? [])
  return {
    rpIdHash: signed.subarray(0, 32),
    clientDataHash: signed.subarray(-32),
    credentialId: signed.subarray(55, 55 + length),
    x: part(-2),
    y: part(-3),
  }
}
