import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { SessionRecord, Store } from '../store.ts'
import { UnprovedAbsence } from '../unproved-absence.ts'
import { silentLog } from './contract-data.fixture.ts'
import { clock, freshSession, isUnavailable, login, tokenFor, untilItWorks } from './logins.fixture.ts'
import { startNamedPrimary } from './named-primary.fixture.ts'
import { openRedisStore } from './open.ts'
import { HELD_MS } from './replica-watch.ts'
import { freePorts, startServer } from './redis-server.fixture.ts'
import type { RedisSettings } from './settings.ts'

/*
 * A fail-over of which `first` has not been told: it answers as a primary, with what it had. The gateway's sentinel names it, too, until it
 * is told otherwise; others know better.
 */
const [firstPort = 0, secondPort = 0, thirdPort = 0] = await freePorts(3)
const replicaof = `127.0.0.1 ${firstPort}`
const [first, second, third] = await Promise.all([
  startServer({ port: firstPort }),
  startServer({ port: secondPort, args: { replicaof } }),
  startServer({ port: thirdPort, args: { replicaof } }),
])
const [sentinel, better] = await Promise.all([startNamedPrimary(firstPort), startNamedPrimary(secondPort)])
const stores: Store[] = []
after(async () => {
  await Promise.all(stores.map((store) => store.close()))
  await Promise.all(
    [first, second, third, sentinel, better].map((one) => ('close' in one ? one.close() : one.dispose())),
  )
})

async function open(settings: RedisSettings): Promise<Store> {
  const store = await openRedisStore({ settings, clock, log: silentLog, patience: 60_000 })
  stores.push(store)
  return store
}

/** Settles when both replicas have all that the first was told. */
const admin = first.client()
async function inStep(): Promise<void> {
  await admin.set('everything-before', 'this')
  await admin.wait(2, 0)
}

/** Whatever is refused because the machine is slow is done again. */
async function surely<T>(attempt: () => Promise<T>): Promise<T> {
  let done: { readonly value: T } | undefined
  await untilItWorks(async () => (done = { value: await attempt() }))
  assert.ok(done !== undefined)
  return done.value
}

await inStep()
const gateway = await open(sentinel.settings)
const [kept, ended] = [await surely(() => login(gateway)), await surely(() => login(gateway))]
const denied = await surely(() => login(gateway, { kind: 'stateless' }))
const heard: string[] = []
gateway.revocations.subscribe((entries) => entries.forEach((entry) => 'sid' in entry && heard.push(entry.sid)))
await surely(() => gateway.ping())
await inStep()
const promotedAt = performance.now()
await second.client().replicaof('NO', 'ONE')
const meanwhile: SessionRecord[] = []
for (let i = 0; i < 3; i++) {
  const answered = await login(gateway).catch(() => undefined)
  if (answered !== undefined && performance.now() - promotedAt < HELD_MS) meanwhile.push(answered)
}
await third.client().replicaof('127.0.0.1', secondPort)
const other = await open({ ...better.settings, timeout: 60_000 })
const made = freshSession()
const token = tokenFor(made)
await other.sessions.create(made, token)
await other.versioned.create('journeys', 'one', 'step', 60_000)
await other.documents.putIfAbsent('factors', 'one', 'key')
await other.epochs.raise('everybody')
await other.sessions.end(denied.sid, 'logout')
await other.sessions.end(ended.sid, 'logout')

/** What the second has and the first lacks. */
const READINGS = {
  'sessions.find': () => gateway.sessions.find(made.sid),
  'sessions.resolve': () => gateway.sessions.resolve(token.hash, made.bucket),
  'versioned.load': () => gateway.versioned.load('journeys', 'one'),
  'documents.get': () => gateway.documents.get('factors', 'one'),
  'sessions.ofUser': async () => (await gateway.sessions.ofUser(made)).find(({ sid }) => sid === made.sid),
  'sessions.list': async () => (await gateway.sessions.list({ limit: 100 })).find(({ sid }) => sid === made.sid),
  'epochs.read': async () => (await gateway.epochs.read(['everybody']))[0] || undefined,
  'epochs.all': async () => (await gateway.epochs.all()).get('everybody'),
  'denylist.load': async () => (await gateway.denylist.load()).find(({ sid }) => sid === denied.sid),
}

async function assertNothingIsMissed(): Promise<void> {
  for (const [name, read] of Object.entries(READINGS)) await assert.rejects(read, isUnavailable, name)
}

test('what it wrote after the promotion, and a replica had that is told later, was not answered as safe', () => {
  assert.deepEqual(meanwhile, [])
})

test('what a primary lacks that was replaced and goes on is unavailable, not absent', assertNothingIsMissed)

test('the same when it has come back with its old data, and a sentinel names it', async () => {
  await first.kill()
  await first.restart()
  await untilItWorks(() => gateway.sessions.find(kept.sid))
  await assertNothingIsMissed()
})

test('it is left, by readings and by the log, when a sentinel names another, though it answers and nobody writes', async () => {
  sentinel.name(secondPort)
  const missed: string[] = []
  for (const [name, read] of Object.entries(READINGS)) {
    await untilItWorks(async () => {
      if ((await read()) === undefined) missed.push(name)
    })
  }
  assert.deepEqual(missed, [])
  assert.equal(await surely(() => gateway.sessions.find(ended.sid)), undefined)
  await other.sessions.end(made.sid, 'logout')
  while (!heard.includes(made.sid)) await pause(5)
  assert.ok(heard.includes(ended.sid), 'what was logged before it went over is heard, too')
})

test('a primary whose replicas are away answers what it has', async (t) => {
  third.signal('SIGSTOP')
  t.after(() => third.signal('SIGCONT'))
  await assert.rejects(login(gateway), isUnavailable)
  assert.deepEqual(await surely(() => gateway.sessions.find(kept.sid)), kept)
  await assert.rejects(gateway.sessions.find(made.sid), isUnavailable)
  let refused: unknown
  for (let i = 0; i < 20 && !(refused instanceof UnprovedAbsence); i++) {
    refused = await gateway.sessions.find(made.sid).catch((error: unknown) => error)
  }
  assert.ok(refused instanceof UnprovedAbsence, 'whoever overlooks an outage is told that this is none')
})
