import assert from 'node:assert/strict'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../base/clock.ts'
import type { Store } from '../store.ts'
import { openEmbeddedStore } from './open.ts'
import { freshSession, loginToken, recordedLog, scratchPath } from './scratch.fixture.ts'

const ENDING = fileURLToPath(new URL('./ending-process.fixture.ts', import.meta.url))
const CHURNING = fileURLToPath(new URL('./churning-process.fixture.ts', import.meta.url))

const KILLS = 5
const ROUNDS = 50

type Child = ChildProcessByStdio<Writable, Readable, null>

function startProcess(t: TestContext, program: string, path: string): Child {
  const child = spawn(process.execPath, [program, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  return child
}

async function openStore(t: TestContext, path: string): Promise<Store> {
  const store = await openEmbeddedStore({ path, clock: systemClock, log: recordedLog() })
  t.after(() => store.close())
  return store
}

const wallClock = () => performance.timeOrigin + performance.now()

/** Round by round: the other process ends a session, this one hears of it. Milliseconds from the call and from its answer. */
async function measureRounds(store: Store, child: Child, rounds: number) {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  const fromCall: number[] = []
  const fromAnswer: number[] = []
  for (let i = 0; i < rounds; i++) {
    const sid = `s${i}`
    const now = systemClock()
    await store.sessions.create(freshSession(sid, now), loginToken(sid, `${sid}-login`, now))
    const { promise: heard, resolve } = Promise.withResolvers<number>()
    const subscription = store.revocations.subscribe((entries) => {
      if (entries.some((entry) => entry.kind === 'session-ended' && entry.sid === sid)) resolve(wallClock())
    })
    await pause(randomInt(25)) // so that the ends fall anywhere between two polls
    child.stdin.write(`${sid}\n`)
    const [heardAt, line] = await Promise.all([heard, lines.next()])
    const [asked = '', answered = ''] = line.done === true ? [] : line.value.split(' ')
    fromCall.push(heardAt - Number(asked))
    fromAnswer.push(heardAt - Number(answered))
    subscription.close()
  }
  return { fromCall: fromCall.sort((a, b) => a - b), fromAnswer: fromAnswer.sort((a, b) => a - b) }
}

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
const figures = (sorted: readonly number[]) =>
  `median ${quantile(sorted, 0.5).toFixed(1)} ms, p99 ${quantile(sorted, 0.99).toFixed(1)} ms, max ${quantile(sorted, 1).toFixed(1)} ms`

test('a session ended in one process is reported in another, each time', { timeout: 110_000 }, async (t) => {
  const path = scratchPath(t)
  const store = await openStore(t, path)
  const child = startProcess(t, ENDING, path)
  const { fromCall, fromAnswer } = await measureRounds(store, child, ROUNDS)
  t.diagnostic(`from the call to the report in the other process: ${figures(fromCall)}`)
  t.diagnostic(`from the answer to the report in the other process: ${figures(fromAnswer)}`)
  // A quiet machine takes 25 ms; that the promise of a second is kept is for the bench to show, where nothing else runs.
  assert.equal(fromCall.length, ROUNDS)
  child.stdin.end()
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

/** Kills the process without warning after a while of full work; what it had said by then, by sign. */
async function killInTheMiddle(child: Child): Promise<Record<'+' | '?' | '-', Set<string>>> {
  const said = { '+': new Set<string>(), '?': new Set<string>(), '-': new Set<string>() }
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const killAfter = randomInt(1, 3_000)
  let heard = 0
  for await (const line of lines) {
    said[line[0] as '+' | '?' | '-'].add(line.slice(1))
    if (++heard === killAfter) setTimeout(() => child.kill('SIGKILL'), randomInt(20))
  }
  assert.deepEqual(await exited, [null, 'SIGKILL'])
  return said
}

const hashOf = (sid: string) => createHash('sha256').update(sid).digest('base64url')

async function resolving(store: Store, sids: Iterable<string>): Promise<string[]> {
  const found: string[] = []
  for (const sid of sids) if ((await store.sessions.resolve(hashOf(sid), 5)) !== undefined) found.push(sid)
  return found
}

test(
  'after kill -9 every answered create resolves, no answered end does, and each was reported',
  { timeout: 120_000 },
  async (t) => {
    const path = scratchPath(t)
    const witness = await openStore(t, path)
    const reported: string[] = []
    witness.revocations.subscribe((entries) =>
      reported.push(...entries.flatMap((entry) => (entry.kind === 'session-ended' ? [entry.sid] : []))),
    )
    let answered = 0
    for (let round = 0; round < KILLS; round++) {
      const child = startProcess(t, CHURNING, path)
      const said = await killInTheMiddle(child)
      assert.equal(child.signalCode, 'SIGKILL')
      const alone = await openEmbeddedStore({ path, clock: systemClock, log: recordedLog() })
      const kept = [...said['+']].filter((sid) => !said['?'].has(sid))
      assert.deepEqual(await resolving(alone, kept), kept)
      assert.deepEqual(await resolving(alone, said['-']), [])
      await alone.close()
      await witness.ping()
      const known = new Set(reported)
      assert.deepEqual(
        [...said['-']].filter((sid) => !known.has(sid)),
        [],
      )
      answered += said['+'].size + said['-'].size
    }
    assert.equal(new Set(reported).size, reported.length)
    t.diagnostic(`${answered} answered creates and ends over ${KILLS} kills, none lost`)
  },
)

test(
  'after kill -9 of the only process the file opens again with all that was answered',
  { timeout: 120_000 },
  async (t) => {
    const path = scratchPath(t)
    for (let round = 0; round < KILLS; round++) {
      const said = await killInTheMiddle(startProcess(t, CHURNING, path))
      const store = await openEmbeddedStore({ path, clock: systemClock, log: recordedLog() })
      const kept = [...said['+']].filter((sid) => !said['?'].has(sid))
      assert.ok(said['+'].size > 0)
      assert.deepEqual(await resolving(store, kept), kept)
      assert.deepEqual(await resolving(store, said['-']), [])
      await store.close()
    }
  },
)
