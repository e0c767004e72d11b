import assert from 'node:assert/strict'
import type { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../base/clock.ts'
import type { QuotaAction } from '../store.ts'
import { createCommitter } from './committer.ts'
import { openForReading, openForWriting } from './connection.ts'
import type { Operation, WriteName } from './operations.ts'
import { freshSession, loginToken, scratchPath } from './scratch.fixture.ts'

const now = systemClock()

/** One of each; the compiler sees that none is missing. */
const OPERATIONS: { readonly [K in WriteName]: Operation<K>['input'] } = {
  createSession: { session: freshSession('s1', now), token: loginToken('s1', 'h1', now), quota: undefined },
  upgradeSession: {
    sid: 's1',
    expectedGen: 1,
    patch: { authLevel: 2, authModules: [], authInstant: now, properties: {} },
    token: loginToken('s1', 'h2', now),
  },
  addToken: loginToken('s1', 'h3', now),
  removeTokens: { sid: 's1', audience: 'agent:app' },
  touchSessions: [{ sid: 's1', at: now }],
  endSession: { sid: 's1', cause: 'logout' },
  raiseEpoch: { key: 'user:u1' },
  claimOutbox: { limit: 10, leaseMs: 1_000 },
  finishOutbox: ['1'],
  putOneTime: { namespace: 'n', key: 'k', value: 'v', ttlMs: 1 },
  takeOneTime: { namespace: 'n', key: 'k' },
  createVersioned: { namespace: 'n', key: 'k', value: 'v', ttlMs: 1 },
  replaceVersioned: { namespace: 'n', key: 'k', value: 'v', ttlMs: 1, expectedVersion: 1 },
  removeVersioned: { namespace: 'n', key: 'k' },
  addCount: { key: 'k', amount: 1, windowMs: 1 },
  clearCount: { key: 'k' },
  acquireLease: { name: 'l', owner: 'o', ttlMs: 1 },
  releaseLease: { name: 'l', owner: 'o' },
  putDocument: { collection: 'c', id: 'i', value: 'v' },
  replaceDocument: { collection: 'c', id: 'i', expectedVersion: 1, value: 'v' },
  removeDocument: { collection: 'c', id: 'i' },
  probe: undefined,
}

function openDatabase(t: TestContext): DatabaseSync {
  const db = openForWriting(scratchPath(t))
  t.after(() => db.close())
  return db
}

const operation = (name: WriteName) => ({ name, input: OPERATIONS[name], now }) as Operation
const FULL = 2

test('revocations, one-time values and documents are synced to disk before they are answered', (t) => {
  const db = openDatabase(t)
  const commit = createCommitter(db)
  const names = Object.keys(OPERATIONS) as WriteName[]
  const synced = names.filter((name) => {
    commit([operation('probe')])
    commit([operation('touchSessions'), operation(name), operation('addCount')])
    return db.prepare('PRAGMA synchronous').get()?.['synchronous'] === FULL
  })
  assert.deepEqual(synced, [
    'upgradeSession',
    'addToken',
    'removeTokens',
    'endSession',
    'raiseEpoch',
    'putOneTime',
    'takeOneTime',
    'putDocument',
    'replaceDocument',
    'removeDocument',
  ])
})

test('a login that may end other sessions by its quota is synced to disk, one that may not is not', (t) => {
  const db = openDatabase(t)
  const commit = createCommitter(db)
  const isSynced = (action: QuotaAction) => {
    const session = { ...OPERATIONS.createSession, quota: { limit: 5, action } }
    commit([{ name: 'createSession', input: session, now }])
    return db.prepare('PRAGMA synchronous').get()?.['synchronous'] === FULL
  }
  assert.equal(isSynced('DESTROY_OLDEST_SESSION'), true)
  assert.equal(isSynced('DENY_ACCESS'), false)
})

test('a batch whose transaction is lost fails as a whole and leaves no transaction open', (t) => {
  const db = openDatabase(t)
  const commit = createCommitter(db)
  db.exec("CREATE TEMP TRIGGER disk_full BEFORE INSERT ON counters BEGIN SELECT RAISE(ROLLBACK, 'disk is full'); END")
  assert.throws(() => commit([operation('putDocument'), operation('addCount')]), /disk is full/)
  assert.equal(db.isTransaction, false)
  assert.equal(db.prepare("SELECT count(*) AS n FROM documents WHERE collection = 'c'").get()?.['n'], 0)
  assert.deepEqual(commit([operation('putDocument')]), [{ ok: true, value: true }])
})

test('a batch that cannot be committed is rolled back, and the next one is not held up', (t) => {
  const db = openDatabase(t)
  const commit = createCommitter(db)
  db.exec(`CREATE TABLE parents (id INTEGER PRIMARY KEY);
    CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER unfinished AFTER INSERT ON counters BEGIN INSERT INTO children VALUES (1); END`)
  assert.throws(() => commit([operation('putDocument'), operation('addCount')]), /FOREIGN KEY/)
  assert.deepEqual(commit([operation('putDocument')]), [{ ok: true, value: true }])
})

test('the connection of the main thread refuses to write', (t) => {
  const path = scratchPath(t)
  const writing = openForWriting(path)
  const reading = openForReading(path)
  t.after(() => {
    reading.close()
    writing.close()
  })
  assert.throws(() => reading.exec("DELETE FROM documents WHERE collection = 'store'"), /readonly/)
})
