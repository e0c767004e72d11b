import assert from 'node:assert/strict'
import { after, beforeEach, suite, test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { EpochMs } from '../../base/brand.ts'
import { EPOCH } from '../epoch.ts'

import type { Revocation } from '../store.ts'
import { silentLog } from './contract-data.fixture.ts'
import { clock, freshSession, isUnavailable, login, tokenFor, untilItWorks } from './logins.fixture.ts'
import { openRedisStore, type RedisStore } from './open.ts'
import { freePorts, settingsFor, startServer } from './redis-server.fixture.ts'

/** It is used again within 2 s where nothing else runs. */
const BACK_MS = 30_000
const TIMEOUT_MS = 2_000

const [port = 0] = await freePorts(1)
const server = await startServer({ port })
const admin = server.client()
after(() => server.dispose())

async function open(t: TestContext): Promise<RedisStore> {
  const settings = settingsFor(port, { timeout: TIMEOUT_MS })
  const store = await openRedisStore({ settings, clock, log: silentLog })
  t.after(() => store.close())
  return store
}

/** What a subscriber of the log heard. */
function listen(store: RedisStore) {
  const heard: Revocation[] = []
  const gaps = { count: 0 }
  store.revocations.subscribe(
    (entries) => void heard.push(...entries),
    () => gaps.count++,
  )
  const sids = () => heard.map((entry) => ('sid' in entry ? entry.sid : ''))
  const until = async (sid: string): Promise<void> => {
    while (!sids().includes(sid)) await pause(5)
  }
  return { sids, gaps, until }
}

beforeEach(() => admin.flushall())

suite('a server that fails', () => {
  test('that hangs is given up in time, then refused at once, and used again', async (t) => {
    const store = await open(t)
    const session = await login(store)
    server.signal('SIGSTOP')
    await assert.rejects(store.sessions.find(session.sid), isUnavailable)
    await assert.rejects(store.sessions.end(session.sid, 'logout'), isUnavailable)
    await pause(50)
    const began = performance.now()
    for (let i = 0; i < 200; i++) await assert.rejects(store.sessions.find(session.sid), isUnavailable)
    await assert.rejects(store.ping(), isUnavailable)
    // Each of them would have taken two seconds.
    assert.ok(performance.now() - began < 60_000, 'a call waited for a server that is known to be down')
    await pause(1_200)
    assert.ok(clock() - store.revocations.tailedAt() > 1_000, 'the tail of the log counts as fresh')
    server.signal('SIGCONT')
    const back = await untilItWorks(() => login(store))
    assert.ok(back <= BACK_MS, `back after ${back} ms`)
    while (clock() - store.revocations.tailedAt() > 500) await pause(5)
  })

  test('that was killed is used again after its return, with everything in it', async (t) => {
    const store = await open(t)
    const session = await login(store)
    await pause(1_100) // the append-only file is synced once a second
    await server.kill()
    await assert.rejects(login(store), isUnavailable)
    await server.restart()
    const back = await untilItWorks(() => store.ping())
    assert.ok(back <= BACK_MS, `back after ${back} ms`)
    assert.deepEqual(await store.sessions.find(session.sid), session)
  })

  test('whose memory is full refuses logins, ends sessions and goes on when there is room', async (t) => {
    const store = await open(t)
    const session = await login(store)
    await admin.config('SET', 'maxmemory', '1')
    t.after(() => admin.config('SET', 'maxmemory', '0'))
    await assert.rejects(login(store), isUnavailable)
    await assert.rejects(store.ping(), isUnavailable)
    assert.deepEqual(await store.sessions.find(session.sid), session)
    assert.equal((await store.sessions.end(session.sid, 'logout'))?.sid, session.sid)
    await admin.config('SET', 'maxmemory', '0')
    await login(store)
    await store.ping()
  })

  test('that has become a replica is not read from either; it is used when it is a primary again', async (t) => {
    const store = await open(t)
    const session = await login(store)
    await admin.replicaof('127.0.0.1', 1)
    t.after(() => admin.replicaof('NO', 'ONE'))
    await assert.rejects(login(store), isUnavailable)
    await assert.rejects(store.ping(), isUnavailable)
    await admin.replicaof('NO', 'ONE')
    const back = await untilItWorks(() => login(store))
    assert.ok(back <= BACK_MS, `back after ${back} ms`)
    assert.deepEqual(await store.sessions.find(session.sid), session)
  })

  test('that forgot its scripts gets them again', async (t) => {
    const store = await open(t)
    const session = await login(store)
    await admin.script('FLUSH')
    const all = await Promise.all([
      login(store),
      store.sessions.find(session.sid),
      store.sessions.end(session.sid, 'logout'),
    ])
    assert.equal(all[2]?.sid, session.sid)
  })
})

suite('data that is lost', () => {
  const epochOf = async (store: RedisStore) => (await store.documents.get(EPOCH.collection, EPOCH.id))?.value

  test('gives the store a new epoch, the same for all processes', async (t) => {
    const [store, other] = [await open(t), await open(t)]
    const before = await epochOf(store)
    await admin.flushall()
    await Promise.all([store.ping(), other.ping()])
    const now = await epochOf(store)
    assert.ok(now !== undefined && now !== before)
    await store.ping()
    assert.equal(await epochOf(other), now)
  })

  test('in one part of it gives the whole store a new epoch', async (t) => {
    const store = await open(t)
    const before = await epochOf(store)
    const [mark = ''] = await admin.keys('gh:{g7.*:life')
    await admin.del(mark)
    await store.ping()
    assert.notEqual(await epochOf(store), before)
    const now = await epochOf(store)
    await store.ping()
    assert.equal(await epochOf(store), now)
  })
})

suite('the connection of the revocation log', () => {
  async function cut(): Promise<void> {
    const clients = String(await admin.client('LIST')).split('\n')
    const ids = clients.filter((line) => line.includes('cmd=xread')).map((line) => /id=(\d+)/.exec(line)?.[1] ?? '')
    assert.ok(ids.length > 0, 'nobody reads the log')
    await Promise.all(ids.map((id) => admin.client('KILL', 'ID', id)))
  }

  test('when cut, misses nothing and repeats nothing, and tells that there may be a gap', async (t) => {
    const [store, other] = [await open(t), await open(t)]
    const [first, second, third] = [await login(store), await login(store), await login(store)]
    const ear = listen(store)
    await other.sessions.end(first.sid, 'logout')
    await ear.until(first.sid)
    await cut()
    await other.sessions.end(second.sid, 'logout')
    await ear.until(second.sid)
    while (ear.gaps.count === 0) await pause(5)
    await other.sessions.end(third.sid, 'logout')
    await ear.until(third.sid)
    assert.deepEqual(ear.sids(), [first.sid, second.sid, third.sid])
    assert.equal(ear.gaps.count, 1)
  })

  test('when its process slept for long, tells that there may be a gap: what was missed may have been trimmed', async (t) => {
    let slept = 0
    const later = () => (clock() + slept) as EpochMs
    const store = await openRedisStore({ settings: settingsFor(port), clock: later, log: silentLog })
    t.after(() => store.close())
    const ear = listen(store)
    await store.ping()
    slept = 400_000
    while (ear.gaps.count < 1) await pause(5)
  })

  test('brings what another process revoked without being asked, each time', async (t) => {
    const [store, other] = [await open(t), await open(t)]
    const ear = listen(store)
    const delays: number[] = []
    for (let i = 0; i < 20; i++) {
      const { sid } = await login(other)
      await other.sessions.end(sid, 'logout')
      const began = performance.now()
      await ear.until(sid)
      delays.push(performance.now() - began)
    }
    // 5 ms where nothing else runs: that the promise of a second is kept is for the bench to show.
    t.diagnostic(`typically ${delays.sort((a, b) => a - b)[10]?.toFixed(1)} ms`)
  })

  test('keeps no more than it must: old entries are trimmed', async (t) => {
    const store = await open(t)
    const session = await login(store)
    await store.sessions.end(session.sid, 'logout')
    const [key = ''] = await admin.keys('gh:{g0.*:log')
    for (let i = 1; i <= 300; i++) await admin.xadd(`${key}2`, `${i}-0`, 'x', 'y')
    await admin.rename(`${key}2`, key)
    const second = await login(store)
    await store.sessions.end(second.sid, 'logout')
    assert.ok((await admin.xlen(key)) < 300)
  })
})

suite('room in memory', () => {
  test('a session with its login token, one token of an application and its indexes takes less than 1 KB', async (t) => {
    const store = await open(t)
    await login(store)
    const count = 2_000
    const before = await used()
    for (let from = 0; from < count; from += 200) {
      await Promise.all(Array.from({ length: 200 }, (_, i) => fullSession(store, from + i)))
    }
    const each = ((await used()) - before) / count // two buckets as full as with a million sessions in all
    t.diagnostic(`${Math.round(each)} bytes a session`)
    assert.ok(each < 1_024, `${each} bytes`)
  })

  async function used(): Promise<number> {
    return (
      Number(/used_memory_dataset:(\d+)/.exec(await admin.info('memory'))?.[1]) + overheadOf(await admin.info('memory'))
    )
  }

  /** The tables of all keys count, too. */
  function overheadOf(info: string): number {
    return Number(/used_memory_overhead:(\d+)/.exec(info)?.[1])
  }

  async function fullSession(store: RedisStore, i: number): Promise<void> {
    const userId = `7c9e6679-7425-40de-944b-${String(i).padStart(12, '0')}`
    const session = freshSession({ userId, username: `user${i}@example.com`, bucket: 512 + (i % 2) })
    await store.sessions.create(session, tokenFor(session))
    await store.sessions.addToken(tokenFor(session, 'agent:app'))
  }
})

suite('settings of the server', () => {
  test('that lose data are noticed', async (t) => {
    await admin.config('SET', 'maxmemory', '100mb')
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await admin.config('SET', 'appendonly', 'no')
    t.after(async () => {
      await admin.config('SET', 'maxmemory', '0')
      await admin.config('SET', 'maxmemory-policy', 'noeviction')
      await admin.config('SET', 'appendonly', 'yes')
    })
    const store = await open(t)
    while (store.notices().length < 2) await pause(5)
    assert.match(store.notices().join('; '), /set noeviction.*Set appendonly yes/)
  })
})
