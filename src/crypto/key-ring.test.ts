import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import { GatehouseError } from '../errors.ts'
import { KEY_COLLECTION, type KeyDocuments } from './key-maintenance.ts'
import { openKeyRing, readKeyRing, type KeyRing, type KeyRingDeps } from './key-ring.ts'
import { keysSchema } from './keys.schema.ts'
import { MADE_AT_ONCE, PURPOSES } from './purposes.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const { rotateAfter, publishAhead } = keysSchema.parse({})
const masterKey = randomBytes(32).toString('base64url')

interface Store extends KeyDocuments {
  readonly content: Map<string, { readonly version: number; readonly value: string }>
  reads: number
  failing: boolean
  /** Writes that still succeed; the one after them fails, as for a process that dies. */
  writesLeft: number
}

function createStore(): Store {
  const content: Store['content'] = new Map()
  const write = (change: () => void): void => {
    if (store.writesLeft-- <= 0) throw new Error('the process is gone')
    change()
  }
  const store: Store = {
    content,
    reads: 0,
    failing: false,
    writesLeft: Infinity,
    async list(collection) {
      store.reads++
      await Promise.resolve()
      if (store.failing) throw new Error('disk on fire')
      return collection === KEY_COLLECTION ? [...content].map(([id, document]) => ({ id, ...document })) : []
    },
    async putIfAbsent(_, id, value) {
      await Promise.resolve()
      if (content.has(id)) return false
      write(() => content.set(id, { version: 1, value }))
      return true
    },
    async replace(_, id, version, value) {
      await Promise.resolve()
      if (content.get(id)?.version !== version) return false
      write(() => content.set(id, { version: version + 1, value }))
      return true
    },
    async remove(_, id) {
      await Promise.resolve()
      write(() => content.delete(id))
    },
  }
  return store
}

function createBench(t: TestContext) {
  const documents = createStore()
  const time = { now: 1_800_000_000_000 as EpochMs, monotonic: 0 }
  const logged: string[] = []
  const write = (fields: object, message: string): void => {
    logged.push(`${message} ${JSON.stringify(fields)}`)
  }
  const deps = (options: Partial<KeyRingDeps>): KeyRingDeps => ({
    documents,
    masterKey,
    clock: () => time.now,
    monotonic: () => time.monotonic,
    log: { error: write, info: write },
    ...options,
  })
  const open = async (options: Partial<KeyRingDeps> = {}): Promise<KeyRing> => {
    const ring = await openKeyRing(deps(options))
    t.after(() => ring.close())
    return ring
  }
  const pass = (ms: number): void => {
    time.now = (time.now + ms) as EpochMs
    time.monotonic += ms
  }
  const valueOf = (id: string): string => documents.content.get(id)?.value ?? ''
  const put = (id: string, value: string): void => void documents.content.set(id, { version: 1, value })
  return { documents, logged, deps, open, pass, valueOf, put }
}

function coded(code: string, detail: RegExp) {
  return (caught: unknown) =>
    caught instanceof GatehouseError && caught.code === code && detail.test(caught.detail ?? '')
}

test('the first start makes one key for each purpose, and the next start finds the same', async (t) => {
  const { open } = createBench(t)
  const first = await open()
  const second = await open()
  for (const purpose of MADE_AT_ONCE) {
    assert.equal(first.current(purpose).kid, second.current(purpose).kid)
    assert.deepEqual(first.current(purpose).key.equals(second.current(purpose).key), true)
  }
  assert.equal(new Set(first.summaries().map(({ kid }) => kid)).size, MADE_AT_ONCE.length)
})

test('an RSA key is made beside the requests, not between them', async (t) => {
  const { open } = createBench(t)
  const ring = await open()
  let turns = 0
  const turn = (): void => {
    turns++
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  await ring.rotate('access-rsa')
  clearImmediate(next)
  assert.ok(turns > 1, `the loop turned ${turns} times`)
})

test('of processes that start at once on an empty store one makes the keys, and all use them', async (t) => {
  const { open } = createBench(t)
  const rings = await Promise.all([open(), open(), open(), open()])
  for (const purpose of MADE_AT_ONCE) assert.equal(new Set(rings.map((ring) => ring.current(purpose).kid)).size, 1)
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
  const dump = JSON.stringify([...documents.content.values()])
  const jwk = ring.current('assertion').key.export({ format: 'jwk' })
  assert.ok(jwk.d)
  const secrets = [jwk.d, ring.current('journey').key.export().toString('base64url')]
  for (const secret of secrets) {
    assert.equal(dump.includes(secret), false)
    assert.equal(dump.includes(Buffer.from(secret, 'base64url').toString('hex')), false)
  }
})

test('a key moved under another id or with other times is refused (substitution in the store)', async (t) => {
  const { open, put, valueOf } = createBench(t)
  await open()
  const session = valueOf('session.1')
  put('session.1', valueOf('journey.1'))
  await assert.rejects(open(), coded('GH_CONFIG_INVALID', /"session\.1"/))
  put('session.1', session.replace(/"notBefore":\d/, '"notBefore":2'))
  await assert.rejects(open(), coded('GH_CONFIG_INVALID', /"session\.1"/))
  put('session.1', session)
  await open()
})

test('keys of purposes that only a newer version knows are left alone', async (t) => {
  const { open, put, valueOf } = createBench(t)
  put('hologram.1', 'whatever')
  const ring = await open()
  await ring.refresh()
  assert.equal(valueOf('hologram.1'), 'whatever')
})

test('a successor is published before it signs, and takes over after the grace', async (t) => {
  const { open, pass } = createBench(t)
  const ring = await open()
  const old = ring.current('assertion').kid
  const next = await ring.rotate('assertion')
  assert.notEqual(next, old)
  assert.equal(ring.current('assertion').kid, old)
  const published = ring.jwks().keys.map(({ kid }) => kid)
  assert.deepEqual(
    published.filter((kid) => kid === old || kid === next),
    [old, next],
  )
  pass(publishAhead)
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

test('what has no key from the start gets one when it is wanted, the same in all processes, and a successor is listed behind it', async (t) => {
  const { open } = createBench(t)
  const rings = await Promise.all([open(), open()])
  assert.deepEqual(rings[0].all('oidc-ec'), [])
  assert.throws(() => rings[0].current('oidc-ec'), coded('GH_KEYS_UNAVAILABLE', /oidc-ec/))
  await Promise.all(rings.map((ring) => ring.want(['oidc-ec'])))
  const [kid] = rings[0].all('oidc-ec').map((key) => key.kid)
  assert.deepEqual(
    rings[1].all('oidc-ec').map((key) => key.kid),
    [kid],
  )
  const next = await rings[0].rotate('oidc-ec')
  assert.deepEqual(
    rings[0].all('oidc-ec').map((key) => key.kid),
    [kid, next],
    'the one that signs comes first',
  )
  assert.ok(!JSON.stringify(rings[0].jwks()).includes(String(kid)), 'only its issuers publish it')
})

test('an old key is replaced by age and removed once nothing it made can be valid', async (t) => {
  const { documents, open, pass } = createBench(t)
  const ring = await open()
  const old = ring.current('journey').kid
  pass(rotateAfter - 1)
  await ring.refresh()
  assert.equal(documents.content.has('journey.2'), false)
  pass(1)
  await ring.refresh()
  assert.ok(documents.content.has('journey.2'))
  pass(publishAhead + PURPOSES.journey.longestLifeMs)
  await ring.refresh()
  assert.ok(ring.known('journey', old), 'still opens what was sealed in its last moment')
  pass(6 * MINUTE)
  await ring.refresh()
  assert.equal(ring.known('journey', old), undefined)
  assert.equal(documents.content.has('journey.1'), false)
  assert.ok(documents.content.has('journey.2'))
})

test('only the process that holds the lease replaces and removes keys; a first key everybody may make', async (t) => {
  const { documents, open, pass } = createBench(t)
  const asked: string[] = []
  const lease = (holder: boolean) => () => {
    asked.push(String(holder))
    return Promise.resolve(holder)
  }
  const idle = await open({ mayMaintain: lease(false) })
  const busy = await open({ mayMaintain: lease(true) })
  assert.deepEqual(asked, [], 'nothing to do, nobody asks')
  pass(rotateAfter)
  await idle.refresh()
  assert.equal(documents.content.size, MADE_AT_ONCE.length)
  await busy.refresh()
  assert.equal(documents.content.size, MADE_AT_ONCE.length * 2)
  pass(rotateAfter - 1)
  await idle.refresh()
  assert.equal(documents.content.size, MADE_AT_ONCE.length * 2)
  await busy.refresh()
  assert.equal(documents.content.size, MADE_AT_ONCE.length + 1, 'what factors are sealed with stays')
})

test('a crash after any write of a retirement or a new seal leaves a ring that works, and the next process ends the work', async (t) => {
  const { documents, open, pass } = createBench(t)
  const first = await open()
  const kids = MADE_AT_ONCE.map((purpose) => first.current(purpose).kid)
  for (const purpose of MADE_AT_ONCE) await first.rotate(purpose)
  pass(publishAhead + 31 * DAY)
  const content = [...documents.content]
  const changed = { masterKey: randomBytes(32).toString('base64url'), previousMasterKeys: [masterKey] }
  for (let writes = 0; writes < MADE_AT_ONCE.length * 3 - 1; writes++) {
    documents.content.clear()
    for (const [id, document] of content) documents.content.set(id, document)
    documents.writesLeft = writes
    await assert.rejects(open(changed))
    documents.writesLeft = Infinity
    const again = await open(changed)
    for (const [i, purpose] of MADE_AT_ONCE.entries()) {
      assert.ok(again.current(purpose).key)
      const isKept = again.known(purpose, kids[i] ?? '') !== undefined
      assert.equal(isKept, purpose === 'factors', 'the first keys are gone, but of what no time ends')
    }
    assert.equal(documents.content.size, MADE_AT_ONCE.length + 1)
    await open({ masterKey: changed.masterKey })
  }
})

test('a crash between two successors leaves a ring that works, and the next process publishes the rest', async (t) => {
  const { documents, open, pass } = createBench(t)
  await open()
  pass(rotateAfter)
  documents.writesLeft = 1
  await assert.rejects(open(), coded('GH_KEYS_UNAVAILABLE', /^$/))
  documents.writesLeft = Infinity
  const ring = await open()
  pass(publishAhead)
  for (const purpose of MADE_AT_ONCE) {
    assert.equal(ring.current(purpose).sequence, 2)
    assert.equal(ring.summaries().filter((summary) => summary.purpose === purpose).length, 2)
  }
})

test('a ring that slept past every age still signs, and keeps the key it signs with', async (t) => {
  const { open, pass } = createBench(t)
  const ring = await open()
  const old = ring.current('assertion').kid
  pass(400 * DAY)
  await ring.refresh()
  assert.equal(ring.current('assertion').kid, old)
  pass(publishAhead)
  assert.notEqual(ring.current('assertion').kid, old)
})

test('invented kids are unknown and cause no reading while the ring is fresh', async (t) => {
  const { documents, open, pass } = createBench(t)
  const ring = await open()
  const before = documents.reads
  pass(1_000)
  for (let i = 0; i < 50; i++) assert.equal(ring.known('journey', `invented-${i}`), undefined)
  assert.equal(documents.reads, before)
})

test('a kid that is unknown to a ring not read of late is a fault and no logout, and is looked for', async (t) => {
  const { documents, open, pass } = createBench(t)
  const ring = await open()
  const known = ring.current('journey').kid
  const kid = await (await open()).rotate('journey')
  pass(60_000)
  documents.failing = true
  assert.ok(ring.known('journey', known))
  assert.throws(() => ring.known('journey', kid), coded('GH_KEYS_UNAVAILABLE', /read of late/))
  documents.failing = false
  assert.throws(() => ring.known('journey', kid), coded('GH_KEYS_UNAVAILABLE', /read of late/))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(ring.known('journey', kid)?.kid, kid)
})

test('a kid of another purpose is unknown', async (t) => {
  const { open } = createBench(t)
  const ring = await open()
  assert.equal(ring.known('session', ring.current('journey').kid), undefined)
})

test('a ring keeps working from memory while the store is away, and says so once', async (t) => {
  const { documents, logged, open } = createBench(t)
  const ring = await open({ pollMs: 1 })
  documents.failing = true
  await assert.rejects(ring.refresh(), coded('GH_KEYS_UNAVAILABLE', /^$/))
  await untilRead(documents, 5)
  assert.ok(ring.current('assertion').kid)
  assert.equal(logged.filter((line) => line.startsWith('keys cannot be refreshed')).length, 1)
})

async function untilRead(documents: Store, times: number): Promise<void> {
  const seen = documents.reads + times
  while (documents.reads < seen) await new Promise((resolve) => setTimeout(resolve, 1))
}

test('the timer brings in what another process published', async (t) => {
  const { documents, open } = createBench(t)
  const ring = await open({ pollMs: 1 })
  const kid = await (await open()).rotate('journey')
  await untilRead(documents, 3)
  assert.ok(ring.summaries().some((summary) => summary.kid === kid))
})

test('a store that lost its keys gets new ones at the next look, and everybody uses them', async (t) => {
  const { documents, open } = createBench(t)
  const rings = [await open({ pollMs: 1 }), await open({ pollMs: 1 })] as const
  documents.content.clear()
  while (documents.content.size < MADE_AT_ONCE.length) await untilRead(documents, 1)
  await untilRead(documents, 10)
  for (const purpose of MADE_AT_ONCE) assert.equal(rings[0].current(purpose).kid, rings[1].current(purpose).kid)
})

test('another master key takes over while the one before still opens, and then alone', async (t) => {
  const { deps, logged, open } = createBench(t)
  const before = await open()
  const kid = before.current('journey').kid
  const next = randomBytes(32).toString('base64url')
  const read = await readKeyRing(deps({ masterKey: next, previousMasterKeys: [masterKey] }))
  assert.ok(read.summaries().some((summary) => summary.kid === kid))
  await open({ masterKey, previousMasterKeys: [next] })
  const during = await open({ masterKey: next, previousMasterKeys: [masterKey] })
  assert.equal(during.current('journey').kid, kid)
  assert.equal(logged.filter((line) => line.startsWith('key sealed with the present')).length, MADE_AT_ONCE.length)
  assert.equal((await open({ masterKey: next })).current('journey').kid, kid)
  await assert.rejects(open({ masterKey }), coded('GH_CONFIG_INVALID', /previousMasterKeys/))
})

test('looking at the ring makes, replaces and removes nothing', async (t) => {
  const { deps, documents, open, pass } = createBench(t)
  assert.deepEqual((await readKeyRing(deps({}))).summaries(), [])
  assert.equal(documents.content.size, 0)
  await open()
  pass(rotateAfter * 2)
  const ring = await readKeyRing(deps({}))
  assert.equal(ring.summaries().length, MADE_AT_ONCE.length)
  assert.equal(documents.content.size, MADE_AT_ONCE.length)
})

test('the public set holds no private part', async (t) => {
  const { open } = createBench(t)
  const ring = await open()
  assert.ok(ring.jwks().keys.length > 0)
  for (const key of ring.jwks().keys)
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.equal(member in key, false, member)
})
