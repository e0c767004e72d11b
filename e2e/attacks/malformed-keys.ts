import { randomBytes } from 'node:crypto'
import type { Deviation } from '../../src/authn/modules/webauthn/authenticator.fixture.ts'
import { changed } from './passkeys.ts'

/** Order of P-256 (SEC 2 §2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** DER: a tag, a length below 128, and what it is the length of. */
function byteString(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag, content.length), content])
}

function derInteger(value: Buffer): Buffer {
  return byteString(0x02, value)
}

/** The other signature (r, n - s) that is as right as this one. */
export function negatedS(signature: string): string {
  const der = Buffer.from(signature, 'base64url')
  const r = der.subarray(4, 4 + der.readUInt8(3))
  const s = BigInt(`0x${der.subarray(4 + r.length + 2).toString('hex')}`)
  const hex = (ORDER - s).toString(16).padStart(64, '0')
  const negated = Buffer.from(`00${hex}`, 'hex')
  let start = 0
  while (negated.readUInt8(start) === 0 && (negated[start + 1] ?? 0x80) < 0x80) start++
  const content = Buffer.concat([derInteger(r), derInteger(negated.subarray(start))])
  return byteString(0x30, content).toString('base64url')
}

/** The same signature, with a zero before r that DER does not allow. */
function withZero(der: Buffer): Buffer {
  const r = der.subarray(4, 4 + der.readUInt8(3))
  return byteString(0x30, Buffer.concat([derInteger(Buffer.concat([Buffer.of(0), r])), der.subarray(4 + r.length)]))
}

const junk = new Uint8Array(70).fill(0x30)

/** Statements of every format that has been registered, none of them right (WebAuthn Level 3 §8). */
export const FORMATS: Readonly<Record<string, Deviation>> = Object.fromEntries(
  [
    'packed',
    'fido-u2f',
    'tpm',
    'android-key',
    'android-safetynet',
    'apple',
    'compound',
    'none',
    '',
    '__proto__',
    'x',
  ].flatMap((fmt) =>
    Object.entries({
      empty: fmt === 'none' ? [['x5c', []]] : [],
      'no certificates': [
        ['alg', -7],
        ['sig', junk],
        ['x5c', []],
      ],
      'certificates that are none': [
        ['alg', -7],
        ['sig', junk],
        ['x5c', [junk, junk]],
      ],
      'other types': [
        ['alg', 'ES256'],
        ['sig', 'text'],
        ['x5c', 'text'],
        ['ver', 2],
        ['certInfo', 1],
        ['pubArea', []],
        ['response', 1],
      ],
      bytes: [
        ['alg', -7],
        ['sig', junk],
        ['x5c', [junk]],
        ['ver', '2.0'],
        ['certInfo', junk],
        ['pubArea', junk],
        ['response', junk],
      ],
    } as Readonly<Record<string, readonly (readonly [string, unknown])[]>>).map(([about, entries]) => [
      `${fmt}: ${about}`,
      { attestation: () => ({ fmt, attStmt: new Map<string, unknown>(entries) }) },
    ]),
  ),
)

const [zero, one] = [Buffer.of(0), Buffer.of(1)]
const pair = (r: Buffer, s: Buffer): Buffer => byteString(0x30, Buffer.concat([derInteger(r), derInteger(s)]))

/** Signatures that are none, and other spellings of the right one. */
export const SIGNATURES: Readonly<Record<string, Deviation>> = {
  'r = s = 0': { signature: () => pair(zero, zero) },
  'r = 0': { signature: () => pair(zero, one) },
  's = 0': { signature: () => pair(one, zero) },
  's = r = 1': { signature: () => pair(one, one) },
  'cut off': { signature: (right) => right.subarray(0, -1) },
  'one byte more': { signature: (right) => Buffer.concat([right, zero]) },
  'a zero in front': { signature: withZero },
  'a long length': { signature: (right) => Buffer.concat([Buffer.of(0x30, 0x81), right.subarray(1)]) },
  'no DER': { signature: () => randomBytes(64) },
  'an endless length': { signature: () => Buffer.from('3084ffffffff0201000201000', 'hex') },
  'no bytes': { signature: () => Buffer.of(0x30, 0) },
}

const instead = (hex: string): Deviation => ({ attestationObject: () => Buffer.from(hex, 'hex') })

/** Attestation objects that take a reader of CBOR out of its way. */
export const CBOR: Readonly<Record<string, Deviation>> = {
  truncated: { attestationObject: (right) => right.subarray(0, -1) },
  'cut in half': { attestationObject: (right) => right.subarray(0, right.length / 2) },
  trailing: { attestationObject: (right) => Buffer.concat([right, Buffer.of(0)]) },
  'a second item': { attestationObject: (right) => Buffer.concat([right, right]) },
  'a key twice': {
    attestationObject: (right) => Buffer.concat([Buffer.of(0xa4), right.subarray(1, 10), right.subarray(1)]),
  },
  '1 GB of bytes': instead('5a40000000'),
  '1 GB in a map': instead('a163666d745a40000000'),
  'more than there can be': instead('5bffffffffffffffff'),
  'a list of 2^32': instead('9affffffff'),
  deep: { attestationObject: () => Buffer.alloc(8_900, 0x81) },
  'deep maps': { attestationObject: () => Buffer.alloc(8_900, 0xa1) },
  'deep tags': { attestationObject: () => Buffer.alloc(8_900, 0xc1) },
  'deeper than is read': { attestationObject: () => Buffer.alloc(10_000, 0x81) },
  indefinite: {
    attestationObject: (right) => Buffer.concat([Buffer.of(0xbf), right.subarray(1), Buffer.of(0xff)]),
  },
  tagged: { attestationObject: (right) => Buffer.concat([Buffer.from('d9d9f7', 'hex'), right]) },
  'a bignum': instead('c249010000000000000000'),
  NaN: instead('f97e00'),
  'NaN as statement': instead('a363666d74646e6f6e656761747453746d74f97e0068617574684461746140'),
  undefined: instead('f7'),
  'a text': instead('64746578'),
  nothing: { json: changed(() => ({ attestationObject: '' })) },
  'in the key': { authData: (right) => Buffer.concat([right.subarray(0, -77), Buffer.alloc(77, 0x81)]) },
  'no key': { authData: (right) => right.subarray(0, -77) },
  'behind the key': { authData: (right) => Buffer.concat([right, Buffer.of(0)]) },
}
