import assert from 'node:assert/strict'
import { after, beforeEach, test, type TestContext } from 'node:test'
import type { Log } from '../../telemetry/log.ts'
import { EPOCH } from '../epoch.ts'
import { clock } from './logins.fixture.ts'
import { openRedisStore, type RedisStore } from './open.ts'
import { freePorts, settingsFor, startServer } from './redis-server.fixture.ts'

const [port = 0] = await freePorts(1)
const server = await startServer({ port })
const admin = server.client()
after(() => server.dispose())
beforeEach(() => admin.flushall())

/** Stores as several processes have them, and how often they said that data is lost. */
async function processes(t: TestContext, count: number) {
  const said: string[] = []
  const nothing = (): void => undefined
  const log: Log = { error: (_, message) => void said.push(message), warn: nothing, info: nothing, debug: nothing }
  const settings = settingsFor(port)
  const opening = Array.from({ length: count }, () => openRedisStore({ settings, clock, log }))
  const stores = await Promise.all(opening)
  t.after(() => Promise.all(stores.map((store) => store.close())))
  return { stores, losses: () => said.filter((message) => message.includes('has lost data')).length }
}

async function epochOf(store: RedisStore) {
  const epoch = await store.documents.get(EPOCH.collection, EPOCH.id)
  assert.ok(epoch !== undefined)
  return epoch
}

async function marks(): Promise<readonly (string | null)[]> {
  const keys = await admin.keys('gh:*:life')
  assert.equal(keys.length, 16)
  return [...new Set(await admin.mget(keys))]
}

test('processes that come to an empty store together begin one life, and none of them misses any data', async (t) => {
  const { stores, losses } = await processes(t, 8)
  const [first, ...others] = await Promise.all(stores.map(epochOf))
  for (const other of others) assert.deepEqual(other, first)
  assert.equal(first?.version, 1)
  assert.deepEqual(await marks(), [first.value])
  assert.equal(losses(), 0)
})

test('processes that notice a loss together begin one new life', async (t) => {
  const { stores, losses } = await processes(t, 8)
  const [first] = stores
  assert.ok(first !== undefined)
  const before = await epochOf(first)
  const [mark = ''] = await admin.keys('gh:*:life')
  await admin.del(mark)
  await Promise.all(stores.map((store) => store.ping()))
  const now = await epochOf(first)
  assert.equal(now.version, before.version + 1)
  assert.deepEqual(await marks(), [now.value])
  assert.equal(losses(), 1)
})
