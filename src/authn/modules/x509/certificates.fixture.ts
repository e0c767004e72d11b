import {
  BitString,
  type BmpString,
  Integer,
  ObjectIdentifier,
  type PrintableString,
  type TeletexString,
  Sequence,
  Set as Asn1Set,
  Utf8String,
} from 'asn1js'
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import {
  AlgorithmIdentifier,
  BasicConstraints,
  Certificate,
  CertificateRevocationList,
  Extension,
  Extensions,
  ExtKeyUsage,
  PublicKeyInfo,
  RelativeDistinguishedNames,
  RevokedCertificate,
  Time,
  TimeType,
} from 'pkijs'

type Value = Utf8String | PrintableString | BmpString | TeletexString

export const CN = '2.5.4.3'
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

/** One attribute of a name, as the bytes that are given. */
export type Attribute = readonly [oid: string, value: string | Value]

export type Rdn = Attribute | readonly Attribute[]

/** Each argument one RDN, an array of attributes one with several values. */
export function nameOf(...rdns: readonly Rdn[]): RelativeDistinguishedNames {
  const sequence = new Sequence({
    value: rdns.map((rdn) => {
      const attributes = (typeof rdn[0] === 'string' ? [rdn] : rdn) as readonly Attribute[]
      return new Asn1Set({
        value: attributes.map(
          ([oid, value]) =>
            new Sequence({
              value: [
                new ObjectIdentifier({ value: oid }),
                typeof value === 'string' ? new Utf8String({ value }) : value,
              ],
            }),
        ),
      })
    }),
  })
  return RelativeDistinguishedNames.fromBER(sequence.toBER())
}

export interface Issued {
  readonly der: Buffer
  readonly pem: string
  readonly key: KeyObject
  readonly keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
  /** PEM. */
  readonly keyPem: string
  readonly name: RelativeDistinguishedNames
  readonly serial: Integer
}

export interface Wanted {
  readonly name?: RelativeDistinguishedNames
  readonly by?: Issued
  readonly keys?: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
  readonly serial?: Integer
  /** Milliseconds since the epoch. */
  readonly from?: number
  readonly until?: number
  readonly authority?: boolean | { readonly pathLength: number }
  /** The first byte of the key usage; `undefined` for what is usual, `null` for none. */
  readonly usage?: number | null
  readonly purposes?: readonly string[] | null
  readonly more?: readonly Extension[]
  readonly algorithm?: { readonly oid: string; readonly hash: string }
}

const ECDSA_SHA256 = { oid: '1.2.840.10045.4.3.2', hash: 'sha256' }
export const RSA_SHA256 = { oid: '1.2.840.113549.1.1.11', hash: 'sha256' }
export const RSA_SHA1 = { oid: '1.2.840.113549.1.1.5', hash: 'sha1' }

export const ecKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const rsaKeys = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })

/** When certificates and lists are valid, unless they say otherwise: by every clock that a test has. */
const [FROM, UNTIL] = [Date.UTC(2000, 0), Date.UTC(2049, 0)]

/** A certificate with whatever is wanted in it, whether it makes sense or not. Of a person unless it is one of an authority. */
export function issue(wanted: Wanted = {}): Issued {
  const { by, authority = false, keys = ecKeys() } = wanted
  const name = wanted.name ?? nameOf([CN, 'alice'])
  const serial = wanted.serial ?? new Integer({ valueHex: Buffer.concat([Buffer.of(1), randomBytes(15)]) })
  const signer = by?.key ?? keys.privateKey
  const { oid, hash } = wanted.algorithm ?? (signer.asymmetricKeyType === 'rsa' ? RSA_SHA256 : ECDSA_SHA256)
  const certificate = new Certificate()
  certificate.version = 2
  certificate.serialNumber = serial
  certificate.issuer = by?.name ?? name
  certificate.subject = name
  certificate.notBefore = timeOf(wanted.from ?? FROM)
  certificate.notAfter = timeOf(wanted.until ?? UNTIL)
  certificate.subjectPublicKeyInfo = PublicKeyInfo.fromBER(keys.publicKey.export({ type: 'spki', format: 'der' }))
  certificate.extensions = [...extensionsOf(wanted, authority), ...(wanted.more ?? [])]
  certificate.signature = new AlgorithmIdentifier({ algorithmId: oid })
  certificate.signatureAlgorithm = certificate.signature
  const tbs = certificate.encodeTBS().toBER()
  certificate.tbsView = new Uint8Array(tbs)
  certificate.signatureValue = signature(tbs, hash, signer)
  const der = Buffer.from(certificate.toSchema(true).toBER())
  const keyPem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { der, pem: pemOf('CERTIFICATE', der), key: keys.privateKey, keys, keyPem, name, serial }
}

function extensionsOf({ usage, purposes }: Wanted, authority: Wanted['authority']): readonly Extension[] {
  const isAuthority = authority !== false
  const extensions: Extension[] = []
  const pathLenConstraint = typeof authority === 'object' ? { pathLenConstraint: authority.pathLength } : {}
  const basic = new BasicConstraints({ cA: isAuthority, ...pathLenConstraint })
  extensions.push(new Extension({ extnID: '2.5.29.19', critical: true, extnValue: basic.toSchema().toBER() }))
  if (usage !== null) {
    const bits = new BitString({ valueHex: Buffer.of(usage ?? (isAuthority ? 0x06 : 0x80)), unusedBits: 0 })
    extensions.push(new Extension({ extnID: '2.5.29.15', critical: true, extnValue: bits.toBER() }))
  }
  const named = purposes === undefined ? (isAuthority ? null : [CLIENT_AUTH]) : purposes
  if (named !== null) {
    const value = new ExtKeyUsage({ keyPurposes: [...named] })
    extensions.push(new Extension({ extnID: '2.5.29.37', extnValue: value.toSchema().toBER() }))
  }
  return extensions
}

class List extends CertificateRevocationList {
  encoded(): ArrayBuffer {
    return this.encodeTBS().toBER()
  }
}

export interface WantedList {
  readonly by: Issued
  readonly revoked?: readonly Issued[]
  readonly from?: number
  readonly until?: number
  readonly more?: readonly Extension[]
  /** Signs in place of the issuer. */
  readonly key?: KeyObject
}

/** A revocation list in DER. */
export function revoke({ by, revoked = [], from = FROM, until = UNTIL, more = [], key }: WantedList): Buffer {
  const list = new List()
  list.version = 1
  list.issuer = by.name
  list.thisUpdate = timeOf(from)
  list.nextUpdate = timeOf(until)
  if (revoked.length > 0) {
    list.revokedCertificates = revoked.map(
      ({ serial }) =>
        new RevokedCertificate({
          userCertificate: serial,
          revocationDate: timeOf(from),
        }),
    )
  }
  if (more.length > 0) list.crlExtensions = new Extensions({ extensions: [...more] })
  const isRsa = by.key.asymmetricKeyType === 'rsa'
  const { oid, hash } = isRsa ? RSA_SHA256 : ECDSA_SHA256
  list.signature = new AlgorithmIdentifier({ algorithmId: oid })
  list.signatureAlgorithm = list.signature
  const tbs = list.encoded()
  list.tbsView = new Uint8Array(tbs)
  list.signatureValue = signature(tbs, hash, key ?? by.key)
  return Buffer.from((list.toSchema(true) as Sequence).toBER())
}

function timeOf(time: number): Time {
  return new Time({ type: TimeType.UTCTime, value: new Date(time) })
}

export function signature(tbs: ArrayBuffer, hash: string, key: KeyObject): BitString {
  return new BitString({ valueHex: sign(hash, Buffer.from(tbs), key) as Uint8Array<ArrayBuffer> })
}

export function pemOf(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
