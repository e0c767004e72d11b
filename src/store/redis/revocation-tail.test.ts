import assert from 'node:assert/strict'
import { after, beforeEach, suite, test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { silentLog } from './contract-data.fixture.ts'
import { clock, login } from './logins.fixture.ts'
import { openRedisStore, type RedisStore } from './open.ts'
import { freePorts, settingsFor, startServer } from './redis-server.fixture.ts'

const [port = 0] = await freePorts(1)
const server = await startServer({ port })
const admin = server.client()
after(() => server.dispose())
beforeEach(() => admin.flushall())

async function open(t: TestContext): Promise<RedisStore> {
  const store = await openRedisStore({ settings: settingsFor(port), clock, log: silentLog })
  t.after(() => store.close())
  return store
}

/** The log of the first group: of all sessions of these tests. */
async function logKey(): Promise<string> {
  const [key = ''] = await admin.keys('gh:{g0.*:log')
  return key
}

/** What a process whose clock says `ms` writes when a session ends. */
function endedAt(key: string, ms: number, sid: string): Promise<unknown> {
  const fields = { at: ms, kind: 'session-ended', sid, cause: 'logout', hashes: '', deny: '', realm: '', user: '' }
  return admin.xadd(key, `${ms}-0`, ...Object.entries(fields).flatMap((pair) => pair.map(String)))
}

/** As after a fail-over: all connections are new, and the log lacks its end and stands `ms` back. */
async function fallBehind(key: string, ms: number): Promise<number> {
  const [[last] = ['']] = await admin.xrevrange(key, '+', '-', 'COUNT', 1)
  const behind = Number(last.split('-')[0]) - ms
  const copy = `${key}-copy`
  await endedAt(copy, behind, 'known-already')
  await admin.rename(copy, key)
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  return behind
}

suite('a primary that is behind the one before', () => {
  for (const ms of [5_000, 60_000]) {
    test(`by ${ms / 1_000} s in its log and by its clock: revocations are heard, though their ids are smaller`, async (t) => {
      const store = await open(t)
      const first = await login(store)
      const isRead = new Promise((resolve) => store.revocations.subscribe(resolve))
      await store.sessions.end(first.sid, 'logout')
      await isRead
      const heard: string[] = []
      let gaps = 0
      store.revocations.subscribe(
        (entries) => entries.forEach((entry) => 'sid' in entry && heard.push(entry.sid)),
        () => gaps++,
      )
      await store.ping()
      const key = await logKey()
      const behind = await fallBehind(key, ms)
      await endedAt(key, behind + 100, 'while-away')
      while (gaps === 0) await pause(5)
      await endedAt(key, behind + 200, 'since')
      while (!heard.includes('since')) await pause(5)
      assert.deepEqual(
        heard.filter((sid) => sid !== 'known-already'),
        ['while-away', 'since'],
      )
    })
  }
})
