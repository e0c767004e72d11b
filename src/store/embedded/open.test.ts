import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import { systemClock } from '../../base/clock.ts'
import { randomSecret } from '../../base/random-id.ts'
import { GatehouseError } from '../../errors.ts'
import type { Revocation, Store } from '../store.ts'
import { openEmbeddedStore } from './open.ts'
import { freshSession, loginToken, recordedLog, scratchPath } from './scratch.fixture.ts'

const log = recordedLog()
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url')

async function openStore(t: TestContext, path: string, clock = systemClock): Promise<Store> {
  const store = await openEmbeddedStore({ path, clock, log })
  t.after(() => store.close())
  return store
}

/** Leaves a database behind that was not made by this version. */
function foreignFile(t: TestContext, sql: string): string {
  const path = scratchPath(t)
  mkdirSync(dirname(path))
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
  return path
}

const refusedWith = (detail: RegExp) => (error: unknown) =>
  error instanceof GatehouseError && error.code === 'GH_STORE_UNAVAILABLE' && detail.test(error.detail ?? '')

test('directory and files are created for their owner alone', async (t) => {
  const path = scratchPath(t)
  const store = await openStore(t, path)
  await store.ping()
  assert.equal(statSync(dirname(path)).mode & 0o777, 0o700)
  const files = readdirSync(dirname(path))
  assert.deepEqual(files.sort(), ['cts.db', 'cts.db-shm', 'cts.db-wal'])
  for (const file of files) assert.equal(statSync(join(dirname(path), file)).mode & 0o777, 0o600, file)
})

test('a file of a newer schema is refused with both versions named, and left as it is', async (t) => {
  const path = foreignFile(t, 'CREATE TABLE sessions (sid TEXT); PRAGMA user_version = 99')
  const before = readFileSync(path)
  await assert.rejects(openEmbeddedStore({ path, clock: systemClock, log }), refusedWith(/version 99, .* knows \d+/))
  assert.deepEqual(readFileSync(path), before)
})

test('a file of the version before is migrated with its sessions, and its log goes on', async (t) => {
  const path = foreignFile(t, readFileSync(new URL('./vectors/schema-1.sql', import.meta.url), 'utf8'))
  const now = 1_750_000_000_000 as EpochMs
  const store = await openStore(t, path, () => now)
  const session = { ...freshSession('s1', now), origin: { address: '', device: '' } }
  assert.deepEqual(await store.sessions.resolve('h1', 5), { session, token: loginToken('s1', 'h1', now) })
  assert.equal((await store.documents.get('store', 'epoch'))?.value, 'the-epoch-of-this-store')
  const heard: Revocation[] = []
  store.revocations.subscribe((entries) => void heard.push(...entries))
  await store.sessions.end('s1', 'logout')
  await store.epochs.raise('user:alice')
  const owner = { realm: session.realm, userId: session.userId }
  assert.deepEqual(heard, [
    { cursor: 8, at: now, kind: 'session-ended', sid: 's1', cause: 'logout', owner, hashes: ['h1'] },
    { cursor: 9, at: now, kind: 'epoch-raised', epoch: { key: 'user:alice', value: 1 } },
  ])
  assert.deepEqual([(await store.outbox.claim(9, 1_000)).length, await store.denylist.load()], [1, []])
})

test('a process of the version before goes on writing to a migrated file', async (t) => {
  const path = foreignFile(t, readFileSync(new URL('./vectors/schema-1.sql', import.meta.url), 'utf8'))
  const before = new DatabaseSync(path)
  t.after(() => before.close())
  const log = before.prepare('INSERT INTO revocations (at, kind, sid, cause, hashes) VALUES (?, ?, ?, ?, ?)')
  const now = 1_750_000_000_000 as EpochMs
  const store = await openStore(t, path, () => now)
  const { promise: heard, resolve } = Promise.withResolvers<readonly Revocation[]>()
  store.revocations.subscribe(resolve)
  // Of this moment: what is older than the log keeps may be swept before anybody hears of it.
  log.run(now, 'session-ended', 's9', 'admin', '["h9"]')
  assert.deepEqual(await heard, [
    { cursor: 8, at: now, kind: 'session-ended', sid: 's9', cause: 'admin', hashes: ['h9'] },
  ])
})

test('a database of another program and a file that is no database are refused and left as they are', async (t) => {
  const database = foreignFile(t, 'CREATE TABLE invoices (id INTEGER)')
  await assert.rejects(openEmbeddedStore({ path: database, clock: systemClock, log }), refusedWith(/another program/))
  const db = new DatabaseSync(database)
  assert.equal(db.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'delete')
  db.close()
  const text = scratchPath(t)
  mkdirSync(dirname(text))
  writeFileSync(text, 'accounts of the year, page by page\n'.repeat(100))
  await assert.rejects(openEmbeddedStore({ path: text, clock: systemClock, log }), refusedWith(/not a database/))
})

test('a path where nothing can be written is refused with the reason', async (t) => {
  const path = scratchPath(t)
  writeFileSync(dirname(path), 'a file where the directory should be')
  await assert.rejects(openEmbeddedStore({ path, clock: systemClock, log }), refusedWith(/EEXIST|ENOTDIR/))
})

test('a file that is moved or replaced under a running store is told, until it is back', async (t) => {
  const path = scratchPath(t)
  const store = await openStore(t, path)
  await store.ping()
  renameSync(path, `${path}.away`)
  await assert.rejects(store.ping(), refusedWith(/moved, replaced or deleted/))
  await assert.rejects(store.sessions.resolve('h1', 5), refusedWith(/moved, replaced or deleted/))
  await assert.rejects(store.documents.list('keys'), refusedWith(/moved, replaced or deleted/))
  await assert.rejects(store.counters.add('c', 1, 1_000), refusedWith(/moved, replaced or deleted/))
  writeFileSync(path, '')
  await assert.rejects(store.ping(), refusedWith(/moved, replaced or deleted/))
  renameSync(`${path}.away`, path)
  await store.ping()
  assert.equal(await store.sessions.resolve('h1', 5), undefined)
  assert.equal((await store.counters.add('c', 1, 1_000)).count, 1)
})

test('a file that is moved is noticed without being asked about, by the log that caches rely on', async (t) => {
  const path = scratchPath(t)
  const { promise: told, resolve } = Promise.withResolvers<string>()
  const listening = { ...log, error: (_fields: unknown, message: string) => resolve(message) }
  const store = await openEmbeddedStore({ path, clock: systemClock, log: listening })
  t.after(() => store.close())
  renameSync(path, `${path}.away`)
  assert.equal(await told, 'the revocation log cannot be read')
  await assert.rejects(store.sessions.resolve('h1', 5), refusedWith(/moved, replaced or deleted/))
})

test('several that open a new file at once all find the one schema and epoch', async (t) => {
  const path = scratchPath(t)
  const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(t, path)))
  const epochs = await Promise.all(stores.map((store) => store.documents.get('store', 'epoch')))
  assert.equal(new Set(epochs.map((epoch) => epoch?.value)).size, 1)
})

test('the epoch outlives the process; a new file has another', async (t) => {
  const path = scratchPath(t)
  const first = await openStore(t, path)
  const epoch = await first.documents.get('store', 'epoch')
  await first.close()
  assert.deepEqual(await (await openStore(t, path)).documents.get('store', 'epoch'), epoch)
  const elsewhere = await openStore(t, scratchPath(t))
  assert.notEqual((await elsewhere.documents.get('store', 'epoch'))?.value, epoch?.value)
})

test('the files of the store hold hashes and no secret', async (t) => {
  const path = scratchPath(t)
  const store = await openStore(t, path)
  const now = systemClock()
  const secrets = Array.from({ length: 50 }, randomSecret)
  for (const [i, secret] of secrets.entries()) {
    await store.sessions.create(freshSession(`s${i}`, now), loginToken(`s${i}`, sha256(secret), now))
    await store.sessions.resolve(sha256(secret), 5)
    if (i % 2) await store.sessions.end(`s${i}`, 'logout')
  }
  const dump = readdirSync(dirname(path)).map((file) => readFileSync(join(dirname(path), file), 'latin1'))
  const bytes = dump.join('')
  assert.ok(bytes.includes(sha256(secrets[0] ?? '')), 'the dump holds what was written')
  for (const secret of secrets) assert.ok(!bytes.includes(secret))
})

test('a revocation of its own reaches subscribers before the end settles', async (t) => {
  const store = await openStore(t, scratchPath(t))
  const now = systemClock()
  for (let i = 0; i < 20; i++) {
    await store.sessions.create(freshSession(`s${i}`, now), loginToken(`s${i}`, `h${i}`, now))
    let heard = 0
    const subscription = store.revocations.subscribe((entries) => (heard += entries.length))
    await store.sessions.end(`s${i}`, 'logout')
    assert.equal(heard, 1)
    subscription.close()
  }
})

test('what has expired is removed with later writes; sessions wait for the reaper, young log entries stay', async (t) => {
  const path = scratchPath(t)
  let now = 1_750_000_000_000 as EpochMs
  const store = await openStore(t, path, () => now)
  await store.sessions.create(freshSession('kept', now), loginToken('kept', 'kept-login', now))
  await store.sessions.create(freshSession('ended', now), loginToken('ended', 'ended-login', now))
  await store.sessions.end('ended', 'logout')
  await store.sessions.create({ ...freshSession('carried', now), kind: 'stateless' }, undefined)
  await store.sessions.end('carried', 'logout')
  const count = 2_500
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      await store.oneTime.put('code', `${i}`, 'v', 60_000)
      await store.versioned.create('journey', `${i}`, 'v', 60_000)
      await store.counters.add(`${i}`, 1, 60_000)
    }),
  )
  await store.leases.acquire('reaper', 'p1', 60_000)
  const db = new DatabaseSync(path, { readOnly: true })
  t.after(() => db.close())
  const rows = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']
  const tables = ['one_time', 'versioned', 'counters', 'leases', 'revocations', 'sessions', 'denylist', 'outbox']
  const left = () => tables.map(rows)
  assert.deepEqual(left(), [count, count, count, 1, 2, 1, 1, 2])

  now = (now + 60_000) as EpochMs
  for (let i = 0; i < 4; i++) await store.ping()
  assert.deepEqual(left(), [0, 0, 0, 0, 2, 1, 1, 2])
  now = (now + 3_600_000) as EpochMs
  for (let i = 0; i < 2; i++) await store.ping()
  assert.deepEqual(left(), [0, 0, 0, 0, 0, 1, 1, 2])
  now = (now + 86_400_000) as EpochMs
  for (let i = 0; i < 2; i++) await store.ping()
  assert.deepEqual(left(), [0, 0, 0, 0, 0, 1, 1, 0], 'a clock that ran ahead has not emptied the denylist')
  now = (now + 86_400_000) as EpochMs
  for (let i = 0; i < 2; i++) await store.ping()
  assert.deepEqual(left(), [0, 0, 0, 0, 0, 1, 0, 0])
})
