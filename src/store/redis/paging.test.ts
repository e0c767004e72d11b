import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { after, beforeEach, suite, test, type TestContext } from 'node:test'
import { EVERY_GEN } from '../store.ts'
import { silentLog } from './contract-data.fixture.ts'
import { clock, freshSession, login } from './logins.fixture.ts'
import { openRedisStore, type RedisStore } from './open.ts'
import { freePorts, settingsFor, startServer } from './redis-server.fixture.ts'

/* A script holds up everybody else: none may do more the more there is. */

const MANY = 1_500
/** Commands of one script, and entries of one command. */
const MOST = 2_100

const [port = 0] = await freePorts(1)
const server = await startServer({ port })
const admin = server.client()
after(() => server.dispose())
beforeEach(() => admin.flushall())

async function open(t: TestContext): Promise<RedisStore> {
  // Everything is asked at once here, on a machine that may be busy.
  const settings = settingsFor(port, { timeout: 20_000 })
  const store = await openRedisStore({ settings, clock, log: silentLog })
  t.after(() => store.close())
  return store
}

/** What the longest script did meanwhile: how many commands, and the ranges that end nowhere. */
async function watched(work: () => Promise<unknown>): Promise<{ longest: number; endless: readonly string[] }> {
  const endless = new Set<string>()
  let [longest, commands] = [0, 0]
  // Not by ioredis, which takes what Redis says with the answer to MONITOR for an answer to nothing, and throws.
  const monitor = connect(port, '127.0.0.1')
  const lines = createInterface(monitor)
  const [isOn, isOver] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  lines.on('line', (line) => {
    if (line === '+OK') isOn.resolve(undefined)
    const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word)
    const isOfScript = /^\+[\d.]+ \[\d+ lua\]/.test(line)
    commands = isOfScript ? commands + 1 : 0
    longest = Math.max(longest, commands)
    const [name = '', key = ''] = words
    if (isOfScript && isEndless(words)) endless.add(`${name} ${key}`)
    if (name.toLowerCase() === 'echo') isOver.resolve(undefined)
  })
  monitor.write('MONITOR\r\n')
  await isOn.promise
  try {
    await work()
    await admin.echo('over')
    await isOver.promise
  } finally {
    monitor.destroy()
  }
  return { longest, endless: [...endless] }
}

function isEndless([name = '', , from = '', to = '', ...more]: readonly string[]): boolean {
  if (name === 'HGETALL' || name === 'SMEMBERS') return true
  if (name === 'ZRANGE') return Number(to) < 0 || Number(to) - Number(from) > MOST
  return name === 'ZRANGEBYSCORE' && (!more.includes('LIMIT') || Number(more.at(-1)) > MOST)
}

suite('however much there is, a script does little', () => {
  test('sessions in one bucket are all listed, once and in order, while their use moves them', async (t) => {
    const store = await open(t)
    const sessions = Array.from({ length: MANY }, () => freshSession())
    await Promise.all(sessions.map((session) => store.sessions.create(session, undefined)))
    await Promise.all([1, 1_000].map((bucket) => login(store, { bucket })))
    const sids: string[] = []
    const seen = await watched(async () => {
      for (let after: string | undefined = ''; after !== undefined;) {
        const page: readonly { sid: string }[] = await store.sessions.list({ after, limit: 700 })
        sids.push(...page.map(({ sid }) => sid))
        after = page.length < 700 ? undefined : page.at(-1)?.sid
        const used = sessions.slice(0, 50).map(({ sid }) => ({ sid, at: clock() }))
        await store.sessions.touch(used)
      }
    })
    assert.deepEqual(sids, sids.toSorted())
    assert.equal(new Set(sids).size, MANY + 2)
    assert.deepEqual(seen.endless, [])
    assert.ok(seen.longest <= MOST, `${seen.longest} commands`)
  })

  test('a denylist is loaded whole, though many entries end in the same moment', async (t) => {
    const store = await open(t)
    const until = clock() + 3_600_000
    const untils = Array.from({ length: 2 * MANY }, (_, i) => until + (i < MANY ? 0 : i))
    const key = (await admin.keys('gh:{g0.*:life'))[0]?.replace(':life', '') ?? ''
    await admin.zadd(`${key}:denyx`, ...untils.flatMap((end, i) => [end, `0017.${i}`]))
    await admin.hset(`${key}:deny`, ...untils.flatMap((_, i) => [`0017.${i}`, EVERY_GEN]))
    let loaded: Awaited<ReturnType<RedisStore['denylist']['load']>> = []
    const seen = await watched(async () => (loaded = await store.denylist.load()))
    assert.equal(loaded.length, 2 * MANY)
    assert.equal(new Set(loaded.map(({ sid }) => sid)).size, 2 * MANY)
    assert.deepEqual(seen.endless, [])
  })

  test('counters of ends are read whole', async (t) => {
    const store = await open(t)
    const keys = Array.from({ length: MANY }, (_, i) => `user:${i}`)
    const key = (await admin.keys('gh:{g0.*:life'))[0]?.replace(':life', '') ?? ''
    await admin.hset(`${key}:epochs`, ...keys.flatMap((name, i) => [name, i + 1]))
    let all: ReadonlyMap<string, number> = new Map()
    const seen = await watched(async () => (all = await store.epochs.all()))
    assert.deepEqual(all, new Map(keys.map((name, i) => [name, i + 1])))
    assert.deepEqual(seen.endless, [])
  })

  test('a claim looks at what is due, not at all that others hold', async (t) => {
    const store = await open(t)
    const sessions = Array.from({ length: MANY }, () => freshSession())
    await Promise.all(sessions.map((session) => store.sessions.create(session, undefined)))
    await Promise.all(sessions.map(({ sid }) => store.sessions.end(sid, 'logout')))
    const held = new Set<string>()
    const seen = await watched(async () => {
      while (held.size < MANY) for (const { id } of await store.outbox.claim(100, 600_000)) held.add(id)
      assert.deepEqual(await store.outbox.claim(100, 600_000), [])
    })
    assert.ok(seen.longest <= 500, `${seen.longest} commands`)
    assert.deepEqual(seen.endless, [])
  })
})
