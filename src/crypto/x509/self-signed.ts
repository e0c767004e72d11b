import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto'

const TAG = {
  integer: 2,
  bits: 3,
  octets: 4,
  oid: 6,
  utf8: 12,
  utcTime: 23,
  time: 24,
  sequence: 0x30,
  set: 0x31,
} as const
const VERSION_3 = 0xa0
const EXTENSIONS = 0xa3

const SHA256_WITH_RSA = '2a864886f70d01010b'
const COMMON_NAME = '550403'
const KEY_USAGE = '551d0f'
/** digitalSignature, nonRepudiation, keyEncipherment and dataEncipherment (RFC 5280 §4.2.1.3). */
const ALL_USES = '030204f0'
/** Its bits, where a name may be no longer (RFC 5280, ub-common-name). */
const LONGEST_NAME = 64

/**
 * The certificate that a key makes for itself, for partners who know keys by certificates: trusted because they were given it, not
 * because of anything that it says. The same key, name and times always make the same one, so that all processes have it
 * without storing it. DER (RFC 5280 §4.1); RSA keys alone.
 */
export function selfSignedCertificate(
  key: KeyObject,
  { name, notBefore, notAfter }: { readonly name: string; readonly notBefore: number; readonly notAfter: number },
): Buffer {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  // Positive, never zero, and of its key alone.
  const serial = createHash('sha256').update(spki).digest().subarray(0, 16)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  const algorithm = der(TAG.sequence, der(TAG.oid, hex(SHA256_WITH_RSA)), Buffer.from([5, 0]))
  const text = der(TAG.utf8, Buffer.from(Array.from(name).slice(0, LONGEST_NAME).join(''), 'utf8'))
  const subject = der(TAG.sequence, der(TAG.set, der(TAG.sequence, der(TAG.oid, hex(COMMON_NAME)), text)))
  const usage = der(TAG.sequence, der(TAG.oid, hex(KEY_USAGE)), der(TAG.octets, hex(ALL_USES)))
  const body = der(
    TAG.sequence,
    der(VERSION_3, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, serial),
    algorithm,
    subject,
    der(TAG.sequence, timeOf(notBefore), timeOf(notAfter)),
    subject,
    spki,
    der(EXTENSIONS, der(TAG.sequence, usage)),
  )
  return der(TAG.sequence, body, algorithm, der(TAG.bits, Buffer.from([0]), sign('sha256', body, key)))
}

/** Two digits of a year until 2049, four from then on (RFC 5280 §4.1.2.5). */
function timeOf(at: number): Buffer {
  const text = `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`
  return Number(text.slice(0, 4)) < 2050
    ? der(TAG.utcTime, Buffer.from(text.slice(2), 'ascii'))
    : der(TAG.time, Buffer.from(text, 'ascii'))
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const digits = length.toString(16)
  const size = hex(digits.length % 2 === 0 ? digits : `0${digits}`)
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, content])
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, 'hex')
}
