import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { isoCBOR } from '@simplewebauthn/server/helpers'
import { isExact } from './signature.ts'

const coseKey = (...entries: readonly (readonly [number, number | Uint8Array<ArrayBuffer>])[]) =>
  new Uint8Array(isoCBOR.encode(new Map(entries)))
const half = new Uint8Array(32)
const EC2 = coseKey([1, 2], [3, -7], [-1, 1], [-2, half], [-3, half])
const OKP = coseKey([1, 1], [3, -8], [-1, 6], [-2, half])

test('whatever an ECDSA key signs is written in the one way that there is', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (let i = 0; i < 200; i++) assert.ok(isExact(sign('sha256', Buffer.of(i), privateKey), EC2))
})

for (const [about, hex] of Object.entries({
  nothing: '',
  'no integers': '3000',
  'one integer': '3003020101',
  three: '3009020101020101020101',
  'bytes behind': '300602010102010100',
  'bytes behind, counted': '30070201010201010000',
  'a byte is missing': '3006020101020101'.slice(0, -2),
  'a long length': '308106020101020101',
  'an endless one': '30800201010201010000',
  'a zero in front': '300702020001020101',
  negative: '3006020181020101',
  'an empty integer': '30050200020101',
  'another type': '3006040101020101',
  'a set': '3106020101020101',
})) {
  test(`another spelling of an ECDSA signature is none: ${about}`, () => {
    assert.equal(isExact(Buffer.from(hex, 'hex'), EC2), false)
  })
}

test('a zero is kept where the next bit would be a sign; other keys sign in raw bytes', () => {
  assert.ok(isExact(Buffer.from('300702020081020101', 'hex'), EC2))
  assert.ok(isExact(Buffer.alloc(64, 0x30), OKP))
})
