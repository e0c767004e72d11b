import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { GatehouseError, type ErrorCode } from '../../errors.ts'
import { createWriter, spawnWriter, type Writer, type WriterDeps } from './writer.ts'
import { freshSession, loginToken, recordedLog, scratchPath } from './scratch.fixture.ts'

const now = systemClock()
const failsWith = (code: ErrorCode) => (error: unknown) => error instanceof GatehouseError && error.code === code
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))

interface Scene {
  readonly path: string
  readonly writer: Writer
  readonly workers: Worker[]
  readonly log: ReturnType<typeof recordedLog>
}

function scene(t: TestContext, over: Partial<WriterDeps> = {}): Scene {
  const path = scratchPath(t)
  const workers: Worker[] = []
  const log = recordedLog()
  const spawn = () => {
    const worker = spawnWriter(path)
    workers.push(worker)
    return worker
  }
  const writer = createWriter({ spawn, maxOutstanding: 1_000, onCommit: () => undefined, log, ...over })
  t.after(() => writer.stop())
  return { path, writer, workers, log }
}

const putDocument = (writer: Writer, id: string) =>
  writer.write('putDocument', { collection: 'c', id, value: 'v' }, now)

async function ids(path: string): Promise<unknown[]> {
  const db = new DatabaseSync(path, { readOnly: true })
  const rows = db.prepare("SELECT id FROM documents WHERE collection = 'c' ORDER BY id").all()
  db.close()
  await nextTurn()
  return rows.map((row) => row['id'])
}

test('one operation that fails takes none of its batch with it', async (t) => {
  const { writer } = scene(t)
  const create = (sid: string, hash: string) =>
    writer.write(
      'createSession',
      { session: freshSession(sid, now), token: loginToken(sid, hash, now), quota: undefined },
      now,
    )
  const results = await Promise.allSettled([create('s1', 'h1'), create('s2', 'h1'), create('s3', 'h3')])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.equal((await writer.write('endSession', { sid: 's3', cause: 'logout' }, now))?.sid, 's3')
  assert.equal(await writer.write('endSession', { sid: 's2', cause: 'logout' }, now), undefined)
})

test('writes of one turn share one commit, and onCommit runs before any of them settles', async (t) => {
  const order: string[] = []
  const { writer } = scene(t, { onCommit: () => order.push('commit') })
  await Promise.all(times(50, (i) => putDocument(writer, `d${i}`).then(() => order.push('settled'))))
  assert.deepEqual(order, ['commit', ...times(50, () => 'settled')])
})

test('what comes of answers of one turn shares a commit, too: a login writes several counts side by side', async (t) => {
  let commits = 0
  const { writer } = scene(t, { onCommit: () => commits++ })
  const afterReads = async (i: number): Promise<unknown> => {
    for (let reads = 0; reads < i; reads++) await Promise.resolve()
    return putDocument(writer, `d${i}`)
  }
  await Promise.all(times(5, afterReads))
  assert.equal(commits, 1)
})

test('a write waits for another process that holds the lock', async (t) => {
  const { path, writer } = scene(t)
  await putDocument(writer, 'first')
  // The thread may be tidying up.
  const other = new DatabaseSync(path, { timeout: 20_000 })
  other.exec("BEGIN IMMEDIATE; INSERT INTO documents VALUES ('c', 'theirs', 1, 'v')")
  let settled = false
  const ours = putDocument(writer, 'ours').then(() => (settled = true))
  for (let i = 0; i < 20; i++) await nextTurn()
  assert.equal(settled, false)
  other.exec('COMMIT')
  other.close()
  await ours
  assert.deepEqual(await ids(path), ['first', 'ours', 'theirs'])
})

test('a write over the limit is refused with GH_BUSY; room comes back when others are done', async (t) => {
  const { writer } = scene(t, { maxOutstanding: 3 })
  const accepted = times(3, (i) => putDocument(writer, `d${i}`))
  await assert.rejects(putDocument(writer, 'd3'), failsWith('GH_BUSY'))
  await Promise.all(accepted)
  assert.equal(await putDocument(writer, 'd3'), true)
})

test('when the thread dies everything outstanding is rejected, and the next write has a new thread', async (t) => {
  const { path, writer, workers, log } = scene(t)
  await putDocument(writer, 'before')
  const lost = Promise.allSettled(times(700, (i) => putDocument(writer, `lost${i}`)))
  await nextTurn()
  await workers[0]?.terminate()
  const results = await lost
  assert.ok(results.some(({ status }) => status === 'rejected'))
  for (const result of results) {
    assert.ok(result.status === 'fulfilled' || failsWith('GH_STORE_UNAVAILABLE')(result.reason))
  }
  assert.equal(await putDocument(writer, 'after'), true)
  assert.equal(workers.length, 2)
  assert.match(log.lines.join(), /the writer thread of the store ended/)
  const stored = await ids(path)
  assert.ok(stored.includes('before') && stored.includes('after'))
})

test('what was answered before the thread died is in the file', async (t) => {
  const { path, writer, workers } = scene(t)
  const answered: string[] = []
  const writes = times(900, (i) =>
    putDocument(writer, `d${i}`).then(
      () => void answered.push(`d${i}`),
      () => undefined,
    ),
  )
  await Promise.race(writes)
  await workers[0]?.terminate()
  await Promise.all(writes)
  const stored = new Set(await ids(path))
  assert.ok(answered.length >= 1)
  assert.deepEqual(
    answered.filter((id) => !stored.has(id)),
    [],
  )
})

test('a thread that cannot start is tried three times in two seconds and no more', async (t) => {
  let started = 0
  const spawn = () => {
    started++
    return new Worker('throw new Error("no disk")', { eval: true })
  }
  const { writer } = scene(t, { spawn })
  for (let i = 0; i < 6; i++) {
    await assert.rejects(putDocument(writer, 'd'), failsWith('GH_STORE_UNAVAILABLE'))
  }
  assert.equal(started, 3)
})

test('drain settles after what was accepted and refuses what comes later', async (t) => {
  const { path, writer } = scene(t)
  const accepted = Promise.all(times(600, (i) => putDocument(writer, `d${i}`)))
  const drained = writer.drain()
  await assert.rejects(putDocument(writer, 'late'), failsWith('GH_STORE_UNAVAILABLE'))
  await drained
  assert.equal((await ids(path)).length, 600)
  await accepted
})
