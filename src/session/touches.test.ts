import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import type { Session } from './session.ts'
import { createTouches } from './touches.ts'

const START = 1_800_000_000_000 as EpochMs

function createBench() {
  const time = { now: START }
  const written: { sid: string; at: number }[] = []
  const store = { failing: false, calls: 0 }
  const logged: string[] = []
  const write = (_: object, message: string): void => void logged.push(message)
  const touches = createTouches({
    sessions: {
      touch(seen) {
        store.calls++
        if (store.failing) return Promise.reject(new Error('gone'))
        written.push(...seen.map(({ sid, at }) => ({ sid, at: at - START })))
        return Promise.resolve()
      },
    },
    maxCached: 100,
    clock: () => time.now,
    log: { error: write, warn: write, info: write, debug: write },
  })
  const session = (sid: string, maxIdleMs = 1_800_000): Session => ({
    sid,
    bucket: 5,
    realm: '/employees' as RealmName,
    userId: 'u-1',
    username: 'alice',
    gen: 1,
    authLevel: 1,
    authModules: [],
    authInstant: START,
    createdAt: START,
    lastSeenAt: START,
    idleExpiresAt: (START + maxIdleMs) as EpochMs,
    maxExpiresAt: (START + 7_200_000) as EpochMs,
    origin: { address: '', device: '' },
    properties: {},
  })
  const at = (ms: number): void => {
    time.now = (START + ms) as EpochMs
  }
  return { touches, written, store, logged, session, at }
}

test('a session in constant use is written once a minute, with its last use', async () => {
  const { at, session, touches, written } = createBench()
  for (let second = 1; second <= 200; second++) {
    at(second * 1_000)
    touches.note(session('s1'))
    await touches.flush()
  }
  assert.deepEqual(written, [
    { sid: 's1', at: 60_000 },
    { sid: 's1', at: 120_000 },
    { sid: 's1', at: 180_000 },
  ])
})

test('the last use before a pause is written, so that idle time counts from it', async () => {
  const { at, session, touches, written } = createBench()
  at(59_000)
  touches.note(session('s1'))
  await touches.flush()
  assert.deepEqual(written, [])
  at(60_000)
  await touches.flush()
  assert.deepEqual(written, [{ sid: 's1', at: 59_000 }])
})

test('use keeps a session alive whose idle time is shorter than a minute', async () => {
  const { at, session, touches, written } = createBench()
  let last = 0
  for (let ms = 1_000; ms <= 60_000; ms += 1_000) {
    at(ms)
    touches.note(session('s1', 10_000))
    await touches.flush()
    for (const use of written.splice(0)) last = use.at
    assert.ok(ms - last < 10_000, `at ${ms} the store believes in a last use at ${last}`)
  }
})

test('many sessions go in batches, and closing writes what is left', async () => {
  const { at, session, store, touches, written } = createBench()
  at(1_000)
  for (let i = 0; i < 1_200; i++) touches.note(session(`s${i}`))
  await touches.flush()
  assert.equal(store.calls, 0)
  await touches.close()
  assert.equal(store.calls, 3)
  assert.equal(new Set(written.map(({ sid }) => sid)).size, 1_200)
})

test('what could not be written is tried again, with one line in the log', async () => {
  const { at, logged, session, store, touches, written } = createBench()
  at(61_000)
  touches.note(session('s1'))
  store.failing = true
  await touches.flush()
  await touches.flush()
  assert.equal(logged.length, 1)
  at(65_000)
  touches.note(session('s1'))
  store.failing = false
  await touches.flush()
  assert.deepEqual(written, [{ sid: 's1', at: 65_000 }])
})

test('the timer writes by itself', async () => {
  const { at, session, touches, written } = createBench()
  at(61_000)
  touches.note(session('s1'))
  while (written.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(written.length, 1)
})
