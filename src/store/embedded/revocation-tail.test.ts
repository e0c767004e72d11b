import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import type { Revocation } from '../store.ts'
import { createRevocationTail, type RevocationSource } from './revocation-tail.ts'
import { recordedLog } from './scratch.fixture.ts'

const entry = (cursor: number): Revocation => ({
  cursor,
  at: 0 as EpochMs,
  kind: 'session-ended',
  sid: `s${cursor}`,
  cause: 'logout',
  hashes: [],
})

/** A log in memory that can be made unreadable. */
function sourceOf(entries: Revocation[]) {
  const state = { broken: false, version: 1 }
  const readable = <T>(value: T): T => {
    if (state.broken) throw new Error('disk I/O error')
    return value
  }
  const source: RevocationSource = {
    version: () => readable(state.version),
    last: () => entries.at(-1)?.cursor ?? 0,
    after: (cursor, limit) => readable(entries.filter((known) => known.cursor > cursor).slice(0, limit)),
  }
  const append = (...more: Revocation[]) => {
    entries.push(...more)
    state.version++
  }
  return { source, state, append }
}

function tailOf(t: TestContext, before: Revocation[] = []) {
  const made = sourceOf(before)
  const time = { now: 1_000 }
  const log = recordedLog()
  const tail = createRevocationTail({ source: made.source, clock: () => time.now as EpochMs, log })
  t.after(() => tail.stop())
  const heard: number[] = []
  tail.subscribe((entries) => heard.push(...entries.map(({ cursor }) => cursor)))
  return { ...made, time, log, tail, heard }
}

test('while the log cannot be read tailedAt stands still and one line is logged; nothing is missed after', (t) => {
  const { tail, state, append, time, log, heard } = tailOf(t, [entry(1)])
  state.broken = true
  append(entry(2))
  for (const now of [2_000, 3_000, 4_000]) {
    time.now = now
    tail.pull()
  }
  assert.equal(tail.tailedAt(), 1_000)
  assert.deepEqual(log.lines, ['error: the revocation log cannot be read'])
  state.broken = false
  tail.pull()
  assert.equal(tail.tailedAt(), 4_000)
  assert.deepEqual(heard, [2])
})

test('a pull takes all there is, however many slices, before tailedAt moves', (t) => {
  const { tail, append, time, heard } = tailOf(t)
  const tailedAt = new Set<number>()
  tail.subscribe(() => tailedAt.add(tail.tailedAt()))
  append(...Array.from({ length: 3_500 }, (_, i) => entry(i + 1)))
  time.now = 2_000
  tail.pull()
  assert.deepEqual(
    heard,
    Array.from({ length: 3_500 }, (_, i) => i + 1),
  )
  assert.deepEqual([...tailedAt], [1_000])
  assert.equal(tail.tailedAt(), 2_000)
})

test('a listener that pulls or subscribes while it is told breaks neither order nor once-only', (t) => {
  const { tail, append, heard } = tailOf(t)
  const late: number[] = []
  const behind: number[] = []
  const meddling = tail.subscribe(() => {
    meddling.close()
    append(entry(3))
    tail.pull()
    tail.subscribe((entries) => late.push(...entries.map(({ cursor }) => cursor)))
  })
  tail.subscribe((entries) => behind.push(...entries.map(({ cursor }) => cursor)))
  append(entry(1), entry(2))
  tail.pull()
  tail.pull()
  assert.deepEqual({ heard, behind, late }, { heard: [1, 2, 3], behind: [1, 2, 3], late: [3] })
})

test('entries that were trimmed unseen are a warning', (t) => {
  const { tail, append, log, heard } = tailOf(t, [entry(1)])
  append(entry(9))
  tail.pull()
  assert.deepEqual(heard, [9])
  assert.deepEqual(log.lines, ['warn: revocations were trimmed before this process saw them'])
})

test('what was trimmed unseen is told to those who rely on the log, before what is left', (t) => {
  const { tail, append } = tailOf(t, [entry(1)])
  const told: string[] = []
  tail.subscribe(
    (entries) => told.push(...entries.map(({ cursor }) => String(cursor))),
    () => void told.push('gap'),
  )
  append(entry(2))
  tail.pull()
  append(entry(9), entry(10))
  tail.pull()
  assert.deepEqual(told, ['2', 'gap', '9', '10'])
})

test('only a change of the database makes a poll read the log', (t) => {
  const { tail, source } = tailOf(t)
  const read = t.mock.method(source, 'after')
  for (let i = 0; i < 10; i++) tail.pull()
  assert.equal(read.mock.callCount(), 0)
})

test('a change without a revocation, which most are, reads no entries', (t) => {
  const { tail, source, state, append, heard } = tailOf(t, [entry(1)])
  const read = t.mock.method(source, 'after')
  for (let i = 0; i < 10; i++) {
    state.version++
    tail.pull()
  }
  assert.equal(read.mock.callCount(), 0)
  append(entry(2))
  tail.pull()
  assert.deepEqual(heard, [2])
})
