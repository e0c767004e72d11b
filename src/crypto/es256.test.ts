import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { test } from 'node:test'
import { sideBySide, signEs256 } from './es256.ts'

/** An INTEGER of DER. */
function integer(...bytes: readonly number[]): readonly number[] {
  return [2, bytes.length, ...bytes]
}

function signature(r: readonly number[], s: readonly number[]): Uint8Array {
  return Uint8Array.from([0x30, r.length + s.length, ...r, ...s])
}

test('RFC 7518 §3.4: signatures verify as R and S side by side, short integers among them', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // Every 128th has a number that is shorter than 32 bytes.
  for (let nth = 0; nth < 1_000; nth++) {
    const input = Buffer.from(`text ${nth}`)
    const made = signEs256(input, privateKey)
    assert.equal(made.length, 64)
    assert.ok(verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, made), `signature ${nth}`)
  }
})

test('integers are set to the right: without their sign byte, and with the zeros that DER leaves out', () => {
  const full = Array.from({ length: 32 }, (_, nth) => 0xff - nth)
  const cases: readonly (readonly [readonly number[], readonly number[]])[] = [
    [integer(0, ...full), full],
    [integer(0x7f, ...full.slice(1)), [0x7f, ...full.slice(1)]],
    [integer(5), [...Array<number>(31).fill(0), 5]],
    [integer(0, 0x80), [...Array<number>(31).fill(0), 0x80]],
  ]
  for (const [r, left] of cases) {
    for (const [s, right] of cases) assert.deepEqual([...sideBySide(signature(r, s))], [...left, ...right])
  }
})

test('what is no such signature is none: nothing is made of a part of it', () => {
  const good = signature(integer(5), integer(6))
  assert.throws(() => sideBySide(good.subarray(0, -1)), TypeError)
  assert.throws(() => sideBySide(Uint8Array.from([...good, 0])), TypeError)
  assert.throws(() => sideBySide(new Uint8Array(0)), TypeError)
})
