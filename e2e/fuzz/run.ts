import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { COLLECTS, MIB, settledBytes } from '../endurance/memory.ts'
import { calm, leadsNowhereElse, noServerError, upstreamSilent } from '../attacks/oracles.ts'
import { startRig, type Rig, type SignedIn } from '../attacks/rig.ts'
import { headersOf, type WireAnswer } from '../attacks/wire.ts'
import { Choices, FUZZ_MS, SEED } from './seed.ts'

/** More than this after a run, above what the process took after as much of the same, is something that was kept. */
const MOST_GROWTH = 32 * MIB
const WARM_UP_MS = Math.min(Math.max(FUZZ_MS / 2, 2_000), 10_000)
/** Between two looks at the process and two good requests. */
const LOOK_EVERY = 50
const MOST_BLOCKED_MS = 200

export interface Fuzz {
  readonly rig: Rig
  /** Whose cookies the good requests bear. */
  readonly bob: SignedIn
}

/** One try. `choices` is all it may depend on; what it returns, and what it threw, is shown with the seed. */
export type Attempt = (fuzz: Fuzz, choices: Choices) => Promise<void>

/** `vectors/NAME.json` of the attacks, to start from. */
export function vectors(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, `../attacks/vectors/${name}.json`), 'utf8'))
}

function pidOf(rig: Rig): number {
  return Number(/"pid":(\d+)/.exec(rig.log())?.[1])
}

/** Tries until the time is over, each with a seed of its own, so that the one that failed can be done again alone. */
async function tryFor(ms: number, fuzz: Fuzz, attempt: Attempt, seeds: Choices): Promise<number> {
  const started = performance.now()
  let lately: number[] = []
  let count = 0
  for (; performance.now() - started < ms || count < LOOK_EVERY; count++) {
    const seed = count === 0 && process.env['FUZZ_SEED'] !== undefined ? SEED : seeds.below(2 ** 31)
    lately.push(seed)
    await attemptOne(fuzz, attempt, seed)
    if (lately.length < LOOK_EVERY) continue
    await lookAt(fuzz, attempt, lately)
    lately = []
  }
  return count
}

async function attemptOne(fuzz: Fuzz, attempt: Attempt, seed: number): Promise<void> {
  try {
    await attempt(fuzz, new Choices(seed))
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error)
    throw new Error(`FUZZ_SEED=${seed} starts with this one: ${told}`, { cause: error })
  }
}

/** A busy machine stops any process now and then; an input that blocks does so again. */
async function lookAt(fuzz: Fuzz, attempt: Attempt, lately: readonly number[]): Promise<void> {
  await stillGood(fuzz)
  const { longestBlockMs } = await fuzz.rig.vitals()
  if (longestBlockMs < MOST_BLOCKED_MS) return
  for (const seed of lately) await attemptOne(fuzz, attempt, seed)
  await calm(fuzz.rig, `again, after ${longestBlockMs.toFixed()} ms with the seeds ${lately.join()}`, MOST_BLOCKED_MS)
}

/** A request as it should be is answered as it should be, by the same process. */
async function stillGood({ rig, bob }: Fuzz): Promise<void> {
  const answer = await rig.ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}\r\n`)
  assert.deepEqual([answer?.status, answer?.body], [200, 'GET /me'], 'a good request still works')
}

/** What holds for every answer to whatever input. */
export function wellAnswered(rig: Rig, answer: WireAnswer | undefined, about: string): void {
  noServerError(rig, answer, about)
  if (answer === undefined) return
  assert.ok(answer.status >= 200 || answer.status === 101, `${about}: status ${answer.status}`)
  for (const [name, value] of answer.headers) {
    assert.match(name, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, about)
    assert.doesNotMatch(value, /[\0-\x08\x0a-\x1f\x7f]/, about)
  }
  assert.ok(headersOf(answer, 'content-length').length <= 1, `${about}: two lengths`)
  leadsNowhereElse(rig, answer, 'https://app.example.com/', about)
}

/** Runs `act`; nothing of it may reach the application. */
export async function unseen<T>(rig: Rig, about: string, act: () => Promise<T>): Promise<T> {
  const mark = rig.mark()
  const result = await act()
  upstreamSilent(rig, mark, about)
  return result
}

/**
 * One input, fuzzed for as long as FUZZ_SECONDS says: the process lives, stays responsive and small, and answers good requests between
 * the others.
 */
export function fuzzInput(name: string, attempt: Attempt): void {
  let fuzz: Fuzz | undefined
  before(async () => {
    process.env['NODE_OPTIONS'] = COLLECTS
    const rig = await startRig()
    fuzz = { rig, bob: await rig.signIn('bob') }
  })
  after(() => fuzz?.rig.stop())

  test(`${name}: no input ends, blocks, swells or opens the gateway`, { timeout: 2 * FUZZ_MS + 60_000 }, async (t) => {
    assert.ok(fuzz)
    const { rig } = fuzz
    const seeds = new Choices(SEED)
    t.diagnostic(`FUZZ_SEED=${SEED}`)
    await tryFor(WARM_UP_MS, fuzz, attempt, seeds)
    const before = await settledBytes(pidOf(rig))
    // Collecting everything took its time: that was us.
    await rig.vitals()
    const count = await tryFor(FUZZ_MS, fuzz, attempt, seeds)
    await stillGood(fuzz)
    await calm(rig, 'at the end', 1_000)
    const grown = ((await settledBytes(pidOf(rig))) - before) / MIB
    t.diagnostic(`${count} tries in ${FUZZ_MS / 1_000} s; memory ${grown.toFixed(1)} MiB more than after warming up`)
    assert.ok(grown * MIB < MOST_GROWTH, `memory grew by ${grown.toFixed(1)} MiB`)
    assert.deepEqual(rig.upstream.strays, [], 'nothing reached the application that is no request')
    assert.doesNotMatch(rig.log(), /GH_INTERNAL/, 'no input is a fault of ours')
  })
}
