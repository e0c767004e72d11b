import { X509Certificate, type KeyObject } from 'node:crypto'

/** A certificate of a partner's metadata, read when the configuration is. */
export interface PartnerKey {
  readonly key: KeyObject
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

const CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const SHORTEST_RSA = 2_048

/**
 * Reads a certificate, as PEM or as the Base64 that stands in metadata. A text in place of the key says what is wrong with it. Its
 * issuer, name and uses say nothing here: it is trusted because the metadata has it (SAML Metadata Interoperability 2.0 §2.6.1).
 */
export function readPartnerKey(certificate: string): PartnerKey | string {
  const text = certificate.trim()
  let read: X509Certificate
  try {
    read = new X509Certificate(text.startsWith('-----') ? text : Buffer.from(text.replaceAll(/\s/g, ''), 'base64'))
  } catch {
    return 'this is no certificate: it is written as PEM, or as Base64 like in metadata'
  }
  const { publicKey: key } = read
  const flaw = weakness(key)
  return flaw ?? { key, notBefore: Date.parse(read.validFrom), notAfter: Date.parse(read.validTo) }
}

/** Why a key is not accepted for signatures or encryption; `undefined` for a good one. */
function weakness(key: KeyObject): string | undefined {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa')
    return modulusLength >= SHORTEST_RSA
      ? undefined
      : `an RSA key of ${modulusLength} bits: it needs at least ${SHORTEST_RSA}`
  if (key.asymmetricKeyType === 'ec')
    return CURVES.has(namedCurve) ? undefined : `a key on the curve ${namedCurve}: P-256, P-384 and P-521 are accepted`
  return `a key of type ${key.asymmetricKeyType}: RSA and EC are accepted`
}

export function isValidAt({ notBefore, notAfter }: PartnerKey, now: number): boolean {
  return notBefore <= now && now <= notAfter
}
