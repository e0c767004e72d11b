import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EpochMs } from '../base/brand.ts'
import { GatehouseError } from '../errors.ts'
import { openKeyRing, type KeyRing } from './key-ring.ts'
import { createSealer, type JsonValue } from './seal.ts'

const BASE64URL = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')

async function createBench() {
  const content = new Map<string, string>()
  const time = { now: 1_800_000_000_000 as EpochMs }
  const ring: KeyRing = await openKeyRing({
    documents: {
      list: () => Promise.resolve([...content].map(([id, value]) => ({ id, version: 1, value }))),
      putIfAbsent: (_, id, value) => Promise.resolve(!content.has(id) && content.set(id, value).size > 0),
      replace: () => Promise.resolve(false),
      remove: (_, id) => Promise.resolve(void content.delete(id)),
    },
    masterKey: randomBytes(32).toString('base64url'),
    clock: () => time.now,
    log: { error: () => undefined, info: () => undefined },
  })
  ring.close()
  return { ring, time, sealer: createSealer(ring, () => time.now) }
}

const { ring, time, sealer } = await createBench()

test('whatever JSON is sealed opens as it was, and only for its purpose', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (given) => {
      const value = given as JsonValue
      const text = sealer.seal('journey', value, 60_000)
      assert.deepEqual(sealer.open('journey', text), JSON.parse(JSON.stringify(value)))
      assert.equal(sealer.open('session', text), undefined)
      assert.match(text, /^[\w-]{16}\.[\w-]+$/)
    }),
  )
})

test('the purpose is bound beside having a key of its own', () => {
  const key = ring.current('journey')
  const shared = createSealer({ current: () => key, known: () => key }, () => time.now)
  assert.equal(shared.open('session', shared.seal('journey', 1, 60_000)), undefined)
  assert.equal(shared.open('journey', shared.seal('journey', 1, 60_000)), 1)
})

test('a text with any character replaced, removed, added or moved does not open', () => {
  const text = sealer.seal('journey', { user: 'alice', step: 2 }, 60_000)
  const at = fc.nat(text.length - 1)
  fc.assert(
    fc.property(at, fc.constantFrom(...BASE64URL, '.', '=', ' ', '\n', '+', '/', 'é'), (i, c) => {
      const changed = text.slice(0, i) + c + text.slice(i + 1)
      if (changed !== text) assert.equal(sealer.open('journey', changed), undefined)
      assert.equal(sealer.open('journey', text.slice(0, i) + c + text.slice(i)), undefined)
      assert.equal(sealer.open('journey', text.slice(0, i) + text.slice(i + 1)), undefined)
    }),
    { numRuns: 2_000 },
  )
})

test('no text that was never sealed opens', () => {
  const { kid } = ring.current('journey')
  fc.assert(
    fc.property(fc.string(), fc.base64String(), (any, base64) => {
      assert.equal(sealer.open('journey', any), undefined)
      assert.equal(sealer.open('journey', `${kid}.${base64}`), undefined)
    }),
  )
})

test('base64url with slack bits set is another spelling of the same bytes and does not open', () => {
  const respelled = ['', 'a', 'ab'].flatMap((value) => {
    const text = sealer.seal('session', value, 60_000)
    return BASE64URL.map((c) => text.slice(0, -1) + c).filter(
      (other) => other !== text && Buffer.from(other, 'base64url').equals(Buffer.from(text, 'base64url')),
    )
  })
  assert.ok(respelled.length > 0)
  for (const text of respelled) assert.equal(sealer.open('session', text), undefined)
})

test('a text opens until its time is over, and not at that moment', () => {
  const text = sealer.seal('session', 'x', 1_000)
  const start = time.now
  time.now = (start + 999) as EpochMs
  assert.equal(sealer.open('session', text), 'x')
  time.now = (start + 1_000) as EpochMs
  assert.equal(sealer.open('session', text), undefined)
  time.now = start
})

test('nothing is sealed for longer than its key is kept, or for no time', () => {
  for (const ttl of [0, -1, NaN, Infinity, 86_400_001]) {
    assert.throws(
      () => sealer.seal('journey', 1, ttl),
      (caught) => caught instanceof GatehouseError && caught.code === 'GH_INTERNAL',
    )
  }
})

test('what was sealed before a rotation opens after it', async () => {
  const text = sealer.seal('journey', [1, 2], 7_200_000)
  const start = time.now
  await ring.rotate('journey')
  time.now = (start + 3_600_000) as EpochMs
  assert.notEqual(sealer.seal('journey', 0, 1_000).slice(0, 16), text.slice(0, 16))
  assert.deepEqual(sealer.open('journey', text), [1, 2])
  time.now = start
})

test('the same value is never sealed to the same text', () => {
  const texts = new Set(Array.from({ length: 2_000 }, () => sealer.seal('session', 'same', 1_000)))
  assert.equal(texts.size, 2_000)
})
