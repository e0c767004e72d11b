import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameBoundary } from './frame-boundary.ts'

interface Frame {
  readonly length: number
  readonly masked: boolean
}

/** RFC 6455 §5.2: the shortest length there is, and a payload that looks like headers. */
function bytesOf({ length, masked }: Frame): Buffer {
  const mask = masked ? 0x80 : 0
  const small = Buffer.from([0x82, mask | Math.min(length, 126)])
  const medium = Buffer.from([0x82, mask | 126, length >> 8, length & 0xff])
  const large = Buffer.alloc(10)
  large.set([0x82, mask | 127])
  large.writeBigUInt64BE(BigInt(length), 2)
  const header = length < 126 ? small : length < 65_536 ? medium : large
  return Buffer.concat([header, Buffer.alloc(masked ? 4 : 0, 0x81), Buffer.alloc(length, 0x81)])
}

const frame = fc.record({
  length: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(125, 126, 65_535, 65_536, 70_000)),
  masked: fc.boolean(),
})

test('RFC 6455 §5.2: it is between frames after the last byte of one and never before, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(80_000)), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(bytesOf))
      const ends = new Set<number>([0])
      let end = 0
      for (const each of frames) ends.add((end += bytesOf(each).length))
      const places = [...new Set([...cuts.map((cut) => cut % bytes.length), ...ends])].sort((a, b) => a - b)
      const boundary = new FrameBoundary()
      let at = 0
      for (const place of places) {
        boundary.push(bytes.subarray(at, place))
        at = place
        assert.equal(boundary.between, ends.has(at), `at ${at} of ${bytes.length}`)
      }
    }),
  )
})

test('RFC 6455 §5.2: a length of eight bytes is read whole', () => {
  const boundary = new FrameBoundary()
  boundary.push(Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 2]))
  boundary.push(Buffer.alloc(2))
  assert.equal(boundary.between, false)
})
