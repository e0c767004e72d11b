import { X509Certificate, type KeyObject } from 'node:crypto'
import { BasicConstraints, Certificate as Asn1Certificate, ExtKeyUsage } from 'pkijs'
import { BitString } from 'asn1js'
import { sha256 } from '../sha256.ts'
import { isKnownAlgorithm, type Signed } from './signature.ts'

/** A certificate, read once. Names are compared by their DER: two spellings of one name are two names. */
export interface Certificate {
  readonly asn1: Asn1Certificate
  readonly key: KeyObject
  readonly signed: Signed
  /** Base64url SHA-256 of the DER. */
  readonly fingerprint: string
  readonly subject: string
  readonly issuer: string
  /** Hexadecimal. */
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly isAuthority: boolean
  /** Certificates of authorities that may stand below it. */
  readonly pathLength: number
  /** Absent where the certificate does not say. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined
  readonly purposes: ReadonlySet<string> | undefined
}

/** RFC 5280 §4.2.1.3, by bit. */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
] as const
export type KeyUsage = (typeof KEY_USAGES)[number]

const LARGEST = 32_768

export const EXTENSION = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  policies: '2.5.29.32',
  extKeyUsage: '2.5.29.37',
} as const

const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(EXTENSION))

/**
 * Reads DER. `undefined` for what is no certificate, what has bytes behind it, an algorithm that does not count, a critical extension
 * that nobody here understands (RFC 5280 §4.2), and one extension twice.
 */
export function readCertificate(der: Uint8Array): Certificate | undefined {
  if (der.length > LARGEST) return undefined
  try {
    const { raw, publicKey } = new X509Certificate(der)
    if (!raw.equals(der)) return undefined
    return certificateOf(Asn1Certificate.fromBER(new Uint8Array(der)), { raw, key: publicKey })
  } catch {
    return undefined
  }
}

/** The certificates of a PEM text; throws for one that cannot be read. */
export function readPem(text: string): readonly Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((pem) => {
    const read = readCertificate(new X509Certificate(pem).raw)
    if (read === undefined) throw new Error('a certificate has an algorithm or an extension that is not understood')
    return read
  })
}

function certificateOf(
  asn1: Asn1Certificate,
  { raw, key }: { readonly raw: Buffer; readonly key: KeyObject },
): Certificate | undefined {
  const { algorithmId: oid } = asn1.signatureAlgorithm
  const extensions = asn1.extensions ?? []
  const ids = extensions.map(({ extnID }) => extnID)
  if (!isKnownAlgorithm(oid) || asn1.signature.algorithmId !== oid) return undefined
  // No signature covers that count: one certificate would have several spellings, and a fingerprint for each.
  if (asn1.signatureValue.valueBlock.unusedBits !== 0) return undefined
  if (new Set(ids).size !== ids.length) return undefined
  if (extensions.some(({ critical, extnID }) => critical && !UNDERSTOOD.has(extnID))) return undefined
  const basic = parsed(asn1, EXTENSION.basicConstraints, BasicConstraints)
  const usage = parsed(asn1, EXTENSION.keyUsage, BitString)
  return {
    asn1,
    key,
    signed: { oid, tbs: asn1.tbsView, signature: asn1.signatureValue.valueBlock.valueHexView },
    fingerprint: sha256(raw),
    subject: hex(new Uint8Array(asn1.subject.valueBeforeDecode)),
    issuer: hex(new Uint8Array(asn1.issuer.valueBeforeDecode)),
    serial: hex(asn1.serialNumber.valueBlock.valueHexView),
    notBefore: asn1.notBefore.value.getTime(),
    notAfter: asn1.notAfter.value.getTime(),
    isAuthority: basic?.cA === true,
    pathLength: typeof basic?.pathLenConstraint === 'number' ? basic.pathLenConstraint : Infinity,
    keyUsage: usage && usagesOf(usage),
    purposes: ids.includes(EXTENSION.extKeyUsage)
      ? new Set(parsed(asn1, EXTENSION.extKeyUsage, ExtKeyUsage)?.keyPurposes)
      : undefined,
  }
}

/** The value of one extension; throws for one whose content is something else. */
export function parsed<T>(
  { extensions = [] }: Asn1Certificate,
  oid: string,
  type: new (...args: never[]) => T,
): T | undefined {
  const extension = extensions.find(({ extnID }) => extnID === oid)
  if (extension === undefined) return undefined
  const value: unknown = extension.parsedValue
  if (!(value instanceof type)) throw new Error(`extension ${oid} cannot be read`)
  return value
}

function usagesOf(bits: BitString): ReadonlySet<KeyUsage> {
  const [first = 0] = bits.valueBlock.valueHexView
  return new Set(KEY_USAGES.filter((_, bit) => (first & (0x80 >> bit)) !== 0))
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
