import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import { GatehouseError } from '../errors.ts'
import { sessionRecord, tokenRecord } from '../store/session.fixture.ts'
import type { Audience, ResolvedRecord, Revocation, SecretHash, SessionReader } from '../store/store.ts'
import { UnprovedAbsence } from '../store/unproved-absence.ts'
import { ResolveCache } from './resolve-cache.ts'

const APP: Audience = 'agent:app'

interface Dead {
  readonly kind?: 'session-ended' | 'token-replaced'
  readonly sid?: string
  readonly hashes?: readonly SecretHash[]
}

/** A store whose answers the test gives, one by one, when it wants to. */
function createBench(options: { graceMs?: number; maxEntries?: number; confirms?: SessionReader['confirms'] } = {}) {
  const time = { now: 1_800_000_000_000 as EpochMs, tailedAt: 1_800_000_000_000 as EpochMs }
  const asked: { hash: SecretHash; give: (record: ResolvedRecord | undefined) => void; fail: (e: Error) => void }[] = []
  const gaps = new Set<() => void>()
  const listeners = new Set<(entries: readonly Revocation[]) => void>()
  const cache = new ResolveCache({
    sessions: {
      resolve: (hash) => new Promise((give, fail) => asked.push({ hash, give, fail })),
      ...(options.confirms === undefined ? {} : { confirms: options.confirms }),
    },
    revocations: {
      subscribe(listener, onGap) {
        listeners.add(listener)
        if (onGap !== undefined) gaps.add(onGap)
        return { close: () => void listeners.delete(listener) }
      },
      tailedAt: () => time.tailedAt,
    },
    clock: () => time.now,
    graceMs: options.graceMs ?? 15_000,
    maxEntries: options.maxEntries ?? 100,
  })
  const record = (hash: string, sid = 'sid-1', audience = APP): ResolvedRecord => ({
    session: sessionRecord(time.now, { sid, bucket: 5, maxIdleMs: 60_000 }),
    token: tokenRecord(time.now, { hash, sid, audience }),
  })
  const resolve = async (hash: string, more: { audience?: Audience; bucket?: number; grace?: boolean } = {}) =>
    cache.resolve({ hash, bucket: 5, audience: APP, grace: false, ...more })
  const revoke = ({ kind = 'session-ended', sid = 'sid-1', hashes = [] }: Dead): void => {
    const about = { cursor: 1, at: time.now, sid, hashes }
    const whole: Revocation =
      kind === 'session-ended' ? { ...about, kind, cause: 'logout' } : { ...about, kind, cause: 'handshake' }
    for (const listener of listeners) listener([whole])
  }
  const pass = (ms: number, tailToo = true): void => {
    time.now = (time.now + ms) as EpochMs
    if (tailToo) time.tailedAt = time.now
  }
  const confirm = async (hash: string, sid?: string): Promise<void> => {
    const answer = resolve(hash)
    asked.at(-1)?.give(record(hash, sid))
    assert.ok(await answer)
  }
  const miss = (): void => {
    for (const tell of gaps) tell()
  }
  return { cache, time, asked, listeners, miss, record, resolve, revoke, pass, confirm }
}

const unavailable = (caught: unknown) => caught instanceof GatehouseError && caught.code === 'GH_STORE_UNAVAILABLE'

test('a confirmed session is answered from memory for one second and then asked for again', async () => {
  const { asked, confirm, pass, record, resolve } = createBench()
  await confirm('h1')
  pass(1_000)
  assert.equal((await resolve('h1'))?.sid, 'sid-1')
  assert.equal(asked.length, 1)
  pass(1)
  const again = resolve('h1')
  assert.equal(asked.length, 2)
  asked[1]?.give(record('h1'))
  assert.ok(await again)
})

test('a store that confirms what is held is not asked for the rest, and the session stays the same object', async () => {
  const confirmed: unknown[] = []
  const { asked, confirm, pass, resolve, revoke } = createBench({
    confirms: (...query) => {
      confirmed.push(query)
      return true
    },
  })
  await confirm('h1')
  const first = await resolve('h1')
  pass(1_001)
  assert.equal(await resolve('h1'), first)
  assert.deepEqual(confirmed, [['h1', 5, { gen: 1, lastSeenAt: first?.lastSeenAt }]])
  pass(1_000)
  assert.equal(await resolve('h1'), first)
  assert.equal(confirmed.length, 1, 'good for another second')
  assert.equal(asked.length, 1)
  revoke({ hashes: ['h1'] })
  void resolve('h1')
  assert.equal(asked.length, 2)
})

test('a store that does not confirm what is held is asked for all of it', async () => {
  const { asked, confirm, pass, resolve } = createBench({ confirms: () => false })
  await confirm('h1')
  pass(1_001)
  const again = resolve('h1')
  asked[1]?.give(undefined)
  assert.equal(await again, undefined)
})

test('what is confirmed is no answer to another audience or bucket', async () => {
  const { confirm, pass, resolve } = createBench({ confirms: () => true })
  await confirm('h1')
  pass(1_001)
  assert.equal(await resolve('h1', { audience: 'login' }), undefined)
  pass(1_001)
  assert.equal(await resolve('h1', { bucket: 6 }), undefined)
})

test('where revocations may have been missed nothing held or being read counts any more, not even for grace', async () => {
  const { asked, confirm, miss, record, resolve } = createBench()
  await confirm('h1')
  const reading = resolve('h2')
  miss()
  asked[1]?.give(record('h2', 'sid-2'))
  const again = resolve('h1', { grace: true })
  assert.equal(asked.length, 3)
  asked[2]?.fail(new Error('away'))
  await assert.rejects(again, unavailable)
  assert.equal(asked.length, 4, 'what was read before the gap is read once more')
  asked[3]?.give(undefined)
  assert.equal(await reading, undefined)
})

test('the second counts from the start of the reading, not from its end', async () => {
  const { asked, pass, record, resolve } = createBench()
  const slow = resolve('h1')
  pass(900)
  asked[0]?.give(record('h1'))
  await slow
  pass(200)
  void resolve('h1')
  assert.equal(asked.length, 2)
})

test('a hundred requests at once share one reading', async () => {
  const { asked, record, resolve } = createBench()
  const answers = Array.from({ length: 100 }, () => resolve('h1'))
  assert.equal(asked.length, 1)
  asked[0]?.give(record('h1'))
  assert.equal((await Promise.all(answers)).filter((session) => session?.sid === 'sid-1').length, 100)
})

test('a reading that hangs is not shared with requests that come more than a second later', async () => {
  const { asked, pass, resolve } = createBench()
  const hanging = resolve('h1')
  pass(1_001)
  const fresh = resolve('h1')
  assert.equal(asked.length, 2)
  asked[1]?.give(undefined)
  assert.equal(await fresh, undefined)
  asked[0]?.give(undefined)
  await hanging
})

test('an old reading that arrives after a newer one found nothing does not bring the session back, on grace neither', async () => {
  const { asked, pass, record, resolve } = createBench()
  const old = resolve('h1')
  const stale = record('h1')
  pass(1_001)
  const fresh = resolve('h1')
  asked[1]?.give(undefined)
  await fresh
  asked[0]?.give(stale)
  assert.equal(await old, undefined)
  const outage = resolve('h1', { grace: true })
  asked[2]?.fail(new Error('gone'))
  await assert.rejects(outage, unavailable)
})

test('a token that a revocation names is refused at once', async () => {
  const { asked, confirm, resolve, revoke } = createBench()
  await confirm('h1')
  await confirm('h2')
  revoke({ kind: 'token-replaced', hashes: ['h1'] })
  void resolve('h1')
  assert.equal(asked.length, 3)
  assert.ok(await resolve('h2'), 'other tokens of the session stay')
  assert.equal(asked.length, 3)
})

test('all tokens of a session that ended are dropped, also those the revocation does not name', async () => {
  const { asked, cache, confirm, resolve, revoke } = createBench()
  await confirm('h1')
  await confirm('h2')
  await confirm('h3', 'sid-2')
  revoke({ hashes: ['h1'] })
  assert.equal(cache.size, 1)
  void resolve('h2')
  assert.equal(asked.length, 4)
})

test('a reading that a revocation overtook is neither returned nor kept', async () => {
  for (const entry of [{ hashes: ['h1'], kind: 'token-replaced' } as const, { hashes: [] }]) {
    const { asked, cache, record, resolve, revoke } = createBench()
    const answer = resolve('h1')
    revoke(entry)
    asked[0]?.give(record('h1'))
    assert.equal(await answer, undefined)
    assert.equal(cache.size, 0)
  }
})

test('a revocation of another session does not disturb a reading', async () => {
  const { asked, record, resolve, revoke } = createBench()
  const answer = resolve('h1')
  revoke({ sid: 'sid-9', hashes: ['h9'] })
  asked[0]?.give(record('h1'))
  assert.ok(await answer)
  assert.equal(asked.length, 1)
})

test('a reading during an upgrade in this process is done again', async () => {
  const { asked, cache, record, resolve } = createBench()
  const answer = resolve('h1')
  cache.changed('sid-1')
  asked[0]?.give(record('h1'))
  await new Promise(setImmediate)
  assert.equal(asked.length, 2)
  asked[1]?.give(undefined)
  assert.equal(await answer, undefined)
})

test('a session that changes under each reading is a fault, not a logout', async () => {
  const { asked, miss, record, resolve } = createBench()
  const refused = assert.rejects(resolve('h1'), unavailable)
  for (let i = 0; i < 3; i++) {
    miss()
    asked[i]?.give(record('h1'))
    await new Promise(setImmediate)
  }
  await refused
})

test('while the tail of the log is older than a second every request asks the store', async () => {
  const { asked, confirm, pass, record, resolve } = createBench()
  await confirm('h1')
  pass(600, false)
  assert.ok(await resolve('h1'))
  pass(401, false)
  for (let i = 1; i <= 3; i++) {
    const answer = resolve('h1')
    assert.equal(asked.length, 1 + i)
    asked.at(-1)?.give(record('h1'))
    assert.ok(await answer)
  }
})

test('a clock that was set back does not prolong trust', async () => {
  const { asked, confirm, pass, resolve } = createBench()
  await confirm('h1')
  pass(-3_600_000)
  void resolve('h1')
  assert.equal(asked.length, 2)
})

test('invented tokens are asked for each time and leave nothing in memory', async () => {
  const { asked, cache, resolve } = createBench()
  for (let i = 0; i < 500; i++) {
    const answer = resolve(`invented-${i % 2}`)
    asked.at(-1)?.give(undefined)
    assert.equal(await answer, undefined)
  }
  assert.equal(asked.length, 500)
  assert.equal(cache.size, 0)
})

test('memory is bounded, and what was pushed out is asked for again', async () => {
  const { asked, cache, confirm, resolve, revoke } = createBench({ maxEntries: 10 })
  for (let i = 0; i < 50; i++) await confirm(`h${i}`, `sid-${i}`)
  assert.equal(cache.size, 10)
  revoke({ sid: 'sid-49' })
  assert.equal(cache.size, 9)
  void resolve('h0')
  assert.equal(asked.length, 51)
})

test('a token is good for its own audience and bucket only, from memory and from the store', async () => {
  const { asked, confirm, record, resolve } = createBench()
  await confirm('h1')
  for (const more of [{ audience: 'login' }, { audience: 'agent:other' }, { bucket: 6 }] as const) {
    assert.equal(await resolve('h1', more), undefined)
    const answer = resolve('h2', more)
    asked.at(-1)?.give(record('h2', 'sid-2'))
    assert.equal(await answer, undefined)
  }
  assert.ok(await resolve('h1'))
})

test('a session is over when its time is, within the second of trust too', async () => {
  const { asked, pass, record, resolve } = createBench()
  const answer = resolve('h1')
  const dying = record('h1')
  asked[0]?.give({ ...dying, session: { ...dying.session, maxIdleMs: 500 } })
  await answer
  pass(500)
  void resolve('h1')
  assert.equal(asked.length, 2)
})

test('store outage: without grace GH_STORE_UNAVAILABLE, with it the session for 15 s from its confirmation, never renewed', async () => {
  const { asked, confirm, pass, resolve } = createBench()
  await confirm('h1')
  const outage = (grace: boolean) => {
    const answer = resolve('h1', { grace })
    asked.at(-1)?.fail(new Error('gone'))
    return answer
  }
  pass(2_000)
  await assert.rejects(outage(false), unavailable)
  for (let i = 0; i < 13; i++) {
    const session = await outage(true)
    assert.equal(session?.sid, 'sid-1')
    assert.equal(session.unconfirmed, true)
    pass(1_000)
  }
  assert.ok(await outage(true))
  pass(1)
  await assert.rejects(outage(true), unavailable)
})

test('store outage: known revocations win, and unknown tokens are a fault, not a logout', async () => {
  const { asked, confirm, pass, resolve, revoke } = createBench()
  await confirm('h1')
  revoke({ hashes: ['h1'] })
  pass(2_000)
  for (const hash of ['h1', 'never-seen']) {
    const answer = resolve(hash, { grace: true })
    asked.at(-1)?.fail(new Error('gone'))
    await assert.rejects(answer, unavailable)
  }
})

test('a store that is there and no longer knows a token, perhaps because it is none of the primary, gives no grace, then or later', async () => {
  const { asked, confirm, pass, resolve } = createBench()
  await confirm('h1')
  pass(2_000)
  for (const error of [new UnprovedAbsence(new Error('no replica')), new Error('gone')]) {
    const answer = resolve('h1', { grace: true })
    asked.at(-1)?.fail(error)
    await assert.rejects(answer, unavailable)
  }
})

test('store outage: a session whose own time is over gets no grace', async () => {
  const { asked, pass, record, resolve } = createBench({ graceMs: 3_600_000 })
  const answer = resolve('h1')
  asked[0]?.give(record('h1'))
  await answer
  pass(60_000)
  const outage = resolve('h1', { grace: true })
  asked[1]?.fail(new Error('gone'))
  await assert.rejects(outage, unavailable)
})

test('closing lets go of the log', () => {
  const { cache, listeners } = createBench()
  assert.equal(listeners.size, 1)
  cache.close()
  assert.equal(listeners.size, 0)
})
