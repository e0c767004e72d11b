import { ObjectIdentifier, type Sequence } from 'asn1js'
import { AltName, type GeneralName } from 'pkijs'
import { EXTENSION, parsed, type Certificate } from '../../../crypto/x509/certificate.ts'
import { subjectValues, textOf } from '../../../crypto/x509/subject.ts'
import { isPlainName } from '../named-user.ts'
import type { X509Config } from './x509.schema.ts'

export type NameSource = X509Config['user']['from']

const ATTRIBUTES: Readonly<Record<string, string>> = {
  'subject:CN': '2.5.4.3',
  'subject:UID': '0.9.2342.19200300.100.1.1',
  'subject:emailAddress': '1.2.840.113549.1.9.1',
  'subject:serialNumber': '2.5.4.5',
}
const UPN = '1.3.6.1.4.1.311.20.2.3'
const EMAIL = 1
const URI = 6

/**
 * The one name that a certificate has for its user; `undefined` where there is none, where there are two, and for one that somebody
 * else could read differently: an attribute beside another in one RDN, a control character, a string type with a code page of its own.
 */
export function nameIn(certificate: Certificate, from: NameSource): string | undefined {
  const names = from.startsWith('subject:')
    ? subjectValues(certificate, ATTRIBUTES[from] ?? '')
    : inSan(certificate, from)
  const [name, ...more] = names ?? []
  if (from === 'fingerprint') return Buffer.from(certificate.fingerprint, 'base64url').toString('hex')
  return more.length === 0 && name !== undefined && isPlainName(name) ? name : undefined
}

function inSan({ asn1 }: Certificate, from: NameSource): readonly string[] | undefined {
  const names = parsed(asn1, EXTENSION.subjectAltName, AltName)?.altNames ?? []
  switch (from) {
    case 'email':
      return names.flatMap((name) => stringOf(name, EMAIL))
    case 'uri':
      return names.flatMap((name) => stringOf(name, URI))
    case 'upn':
      return names.flatMap(upnOf)
    default:
      return undefined
  }
}

function stringOf({ type, value }: GeneralName, wanted: number): readonly string[] {
  return type === wanted && typeof value === 'string' ? [value] : []
}

/** `otherName` with Microsoft's user principal name, a UTF8String. Of another type it is no name, and no second one either. */
function upnOf({ type, value }: GeneralName): readonly string[] {
  if (type !== 0) return []
  const [oid, wrapped] = (value as Sequence).valueBlock.value
  if (!(oid instanceof ObjectIdentifier) || oid.valueBlock.toString() !== UPN) return []
  const [text] = (wrapped as Sequence | undefined)?.valueBlock.value ?? []
  return [textOf(text) ?? '']
}
