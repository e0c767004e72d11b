import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import { GatehouseError } from '../errors.ts'
import { KEY_COLLECTION, openKeyRing, type KeyDocuments, type KeyRing } from './key-ring.ts'
import { ALL_PURPOSES, PURPOSES } from './purposes.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const masterKey = randomBytes(32).toString('base64url')

interface Store extends KeyDocuments {
  readonly content: Map<string, string>
  reads: number
  failing: boolean
}

function createStore(): Store {
  const content = new Map<string, string>()
  const store: Store = {
    content,
    reads: 0,
    failing: false,
    async list(collection) {
      store.reads++
      await Promise.resolve()
      if (store.failing) throw new Error('disk on fire')
      return collection === KEY_COLLECTION ? [...content].map(([id, value]) => ({ id, value })) : []
    },
    async putIfAbsent(_, id, value) {
      await Promise.resolve()
      if (content.has(id)) return false
      content.set(id, value)
      return true
    },
    async remove(_, id) {
      await Promise.resolve()
      content.delete(id)
    },
  }
  return store
}

function createBench(t: TestContext) {
  const documents = createStore()
  const time = { now: 1_800_000_000_000 as EpochMs }
  const logged: string[] = []
  const write = (fields: object, message: string): void => {
    logged.push(`${message} ${JSON.stringify(fields)}`)
  }
  const open = async (options: { masterKey?: string; refreshMs?: number } = {}): Promise<KeyRing> => {
    const log = { error: write, info: write }
    const ring = await openKeyRing({ documents, masterKey, clock: () => time.now, log, ...options })
    t.after(() => ring.close())
    return ring
  }
  const pass = (ms: number): void => {
    time.now = (time.now + ms) as EpochMs
  }
  return { documents, logged, open, pass }
}

function coded(code: string, detail: RegExp) {
  return (caught: unknown) =>
    caught instanceof GatehouseError && caught.code === code && detail.test(caught.detail ?? '')
}

test('the first start makes one key for each purpose, and the next start finds the same', async (t) => {
  const { open } = createBench(t)
  const first = await open()
  const second = await open()
  for (const purpose of ALL_PURPOSES) {
    assert.equal(first.current(purpose).kid, second.current(purpose).kid)
    assert.deepEqual(first.current(purpose).key.equals(second.current(purpose).key), true)
  }
  assert.equal(new Set(first.summaries().map(({ kid }) => kid)).size, ALL_PURPOSES.length)
})

test('of processes that start at once on an empty store one makes the keys, and all use them', async (t) => {
  const { open } = createBench(t)
  const rings = await Promise.all([open(), open(), open(), open()])
  for (const purpose of ALL_PURPOSES) assert.equal(new Set(rings.map((ring) => ring.current(purpose).kid)).size, 1)
})

test('a wrong master key is told apart and says what to do', async (t) => {
  const { open } = createBench(t)
  await open()
  const other = randomBytes(32).toString('base64url')
  await assert.rejects(open({ masterKey: other }), coded('GH_CONFIG_INVALID', /masterKey does not open .*Put back/))
})

test('a master key that is not 32 canonical bytes of base64url is refused', async (t) => {
  const { open } = createBench(t)
  const bad = [
    '',
    masterKey.slice(1),
    `${masterKey}=`,
    `${masterKey.slice(0, 42)}B`,
    randomBytes(31).toString('base64url'),
  ]
  for (const text of bad) await assert.rejects(open({ masterKey: text }), coded('GH_CONFIG_INVALID', /32 bytes/))
})

test('a store that cannot be read at the start is GH_KEYS_UNAVAILABLE with its cause', async (t) => {
  const { documents, open } = createBench(t)
  documents.failing = true
  await assert.rejects(open(), (caught: unknown) => {
    assert.ok(caught instanceof GatehouseError)
    assert.equal(caught.code, 'GH_KEYS_UNAVAILABLE')
    assert.match(String(caught.cause), /disk on fire/)
    return true
  })
})

test('a dump of the store shows no private key', async (t) => {
  const { documents, open } = createBench(t)
  const ring = await open()
  const dump = [...documents.content.values()].join('\n')
  const jwk = ring.current('assertion').key.export({ format: 'jwk' })
  assert.ok(jwk.d)
  const secrets = [jwk.d, ring.current('journey').key.export().toString('base64url')]
  for (const secret of secrets) {
    assert.equal(dump.includes(secret), false)
    assert.equal(dump.includes(Buffer.from(secret, 'base64url').toString('hex')), false)
  }
})

test('a key moved under another id or with other times is refused (substitution in the store)', async (t) => {
  const { documents, open } = createBench(t)
  await open()
  const journey = documents.content.get('journey.1') ?? ''
  const csrf = documents.content.get('csrf.1') ?? ''
  documents.content.set('csrf.1', journey)
  await assert.rejects(open(), coded('GH_CONFIG_INVALID', /"csrf\.1"/))
  documents.content.set('csrf.1', csrf.replace(/"notBefore":\d/, '"notBefore":2'))
  await assert.rejects(open(), coded('GH_CONFIG_INVALID', /"csrf\.1"/))
  documents.content.set('csrf.1', csrf)
  await open()
})

test('keys of purposes that only a newer version knows are left alone', async (t) => {
  const { documents, open } = createBench(t)
  documents.content.set('hologram.1', 'whatever')
  await open()
  assert.equal(documents.content.get('hologram.1'), 'whatever')
})

test('a successor is published before it signs, and takes over after the grace', async (t) => {
  const { open, pass } = createBench(t)
  const ring = await open()
  const old = ring.current('assertion').kid
  const next = await ring.rotate('assertion')
  assert.notEqual(next, old)
  assert.equal(ring.current('assertion').kid, old)
  assert.deepEqual(
    ring.jwks().keys.map(({ kid }) => kid),
    [old, next],
  )
  pass(PURPOSES.assertion.publishAheadMs)
  assert.equal(ring.current('assertion').kid, next)
  assert.equal(ring.known('assertion', old)?.kid, old)
  assert.deepEqual(
    ring
      .summaries()
      .filter(({ purpose }) => purpose === 'assertion')
      .map(({ state }) => state),
    ['verifying', 'active'],
  )
})

test('rotating while a successor is on its way adds no second one', async (t) => {
  const { documents, open } = createBench(t)
  const [one, two] = [await open(), await open()]
  const kids = await Promise.all([one.rotate('journey'), two.rotate('journey'), one.rotate('journey')])
  assert.equal(new Set(kids).size, 1)
  assert.equal([...documents.content.keys()].filter((id) => id.startsWith('journey.')).length, 2)
})

test('an old key is replaced by age and removed once nothing it made can be valid', async (t) => {
  const { documents, open, pass } = createBench(t)
  const ring = await open()
  const old = ring.current('csrf').kid
  pass(PURPOSES.csrf.rotateAfterMs)
  await ring.refresh()
  assert.ok(documents.content.has('csrf.2'))
  pass(PURPOSES.csrf.publishAheadMs + PURPOSES.csrf.longestLifeMs)
  await ring.refresh()
  assert.ok(ring.known('csrf', old), 'still opens what was sealed in its last moment')
  pass(6 * MINUTE)
  await ring.refresh()
  assert.equal(ring.known('csrf', old), undefined)
  assert.equal(documents.content.has('csrf.1'), false)
  assert.ok(documents.content.has('csrf.2'))
})

test('a ring that slept past every age still signs, and keeps the key it signs with', async (t) => {
  const { open, pass } = createBench(t)
  const ring = await open()
  const old = ring.current('assertion').kid
  pass(400 * DAY)
  await ring.refresh()
  assert.equal(ring.current('assertion').kid, old)
  pass(PURPOSES.assertion.publishAheadMs)
  assert.notEqual(ring.current('assertion').kid, old)
})

test('an unknown kid is looked for in the store once in five seconds, however many are invented', async (t) => {
  const { documents, open, pass } = createBench(t)
  const ring = await open()
  const before = documents.reads
  for (let i = 0; i < 50; i++) assert.equal(await ring.find('journey', `invented-${i}`), undefined)
  assert.equal(documents.reads, before + 1)
  pass(5_000)
  const other = await open()
  const kid = await other.rotate('journey')
  assert.equal((await ring.find('journey', kid))?.kid, kid)
})

test('a kid of another purpose is unknown', async (t) => {
  const { open } = createBench(t)
  const ring = await open()
  assert.equal(ring.known('csrf', ring.current('journey').kid), undefined)
})

test('a ring keeps working from memory while the store is away, and says so', async (t) => {
  const { documents, logged, open } = createBench(t)
  const ring = await open()
  documents.failing = true
  await assert.rejects(ring.refresh(), coded('GH_KEYS_UNAVAILABLE', /^$/))
  assert.ok(ring.current('assertion').kid)
  ring.known('journey', 'no-such-key')
  await assert.rejects(ring.refresh())
  assert.match(logged.join('\n'), /keys cannot be refreshed/)
})

test('the timer brings in what another process published', async (t) => {
  const { documents, open } = createBench(t)
  const ring = await open({ refreshMs: 1 })
  const kid = await (await open()).rotate('handshake')
  const seen = documents.reads + 3
  while (documents.reads < seen) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.ok(ring.summaries().some((summary) => summary.kid === kid))
})

test('the public set holds no private part', async (t) => {
  const { open } = createBench(t)
  const ring = await open()
  for (const key of ring.jwks().keys)
    assert.deepEqual(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})
