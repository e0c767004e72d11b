import { setTimeout as pause } from 'node:timers/promises'
import type { EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { randomName } from '../base/random-id.ts'
import type { VersionedRecords } from '../store/store.ts'
import { createTurns } from './turns.ts'

const NAMESPACE = 'throttle'
const FIRST_DELAY_MS = 1_000
/** A try that nobody has settled after this long was one of a process that died: it counts as a failure. */
const HOLD_MS = 30_000
/** How long a try waits for what comes of those before it. */
export const PATIENCE_MS = 5_000
export const LOOK_AGAIN_MS = 10
/** In each round that is lost another process has settled or taken a try. */
const MAX_ROUNDS = 64

export interface DelayRules {
  readonly freeFailures: number
  readonly maxDelay: number
  readonly window: number
}

type Outcome = 'passed' | 'failed' | 'not-judged'

export type Taken =
  | {
      readonly kind: 'taken'
      /** What came of it: a success forgets all failures of the key, `not-judged` is as if it had not been. */
      settle(outcome: Outcome): Promise<void>
    }
  | { readonly kind: 'wait'; readonly forMs: number }

export interface Delays {
  /**
   * Takes a place for one try, or says how long to wait. While there is none and the tries that have one may still turn out to be
   * right, it waits for them, up to five seconds: many right logins at once are no reason to refuse one.
   */
  take(key: string): Promise<Taken>
  /** Changes nothing. */
  look(key: string): Promise<{ readonly failures: number; readonly notBefore: EpochMs }>
  /** Forgets all failures of the key. */
  forget(key: string): Promise<void>
}

interface Try {
  readonly id: string
  /** Milliseconds since the epoch; a failure from then on. */
  readonly until: number
}

interface State {
  readonly failures: number
  /** Milliseconds since the epoch; no try is taken before. */
  readonly notBefore: number
  /** Tries that are being judged. */
  readonly pending: readonly Try[]
}

interface Found {
  readonly state: State
  /** 0 where there is no record. */
  readonly version: number
}

const NONE: State = { failures: 0, notBefore: 0, pending: [] }

/**
 * Failures of one key and the delay they cost. One versioned record a key, not a counter: the delay follows from the count and the
 * count must outlive each delay, and both have to change in one step, or parallel tries slip in between (CVE-2024-4629). A try that
 * is being judged has a place there, and there are as many places as failures are free, and one: of 200 wrong guesses at once
 * `freeFailures` + 1 are judged. Failures are forgotten a window after the last one.
 */
export function createDelays(records: VersionedRecords, rules: DelayRules, clock: Clock): Delays {
  const inTurn = createTurns()

  const load = async (key: string): Promise<Found> => {
    const found = await records.load(NAMESPACE, key)
    if (found === undefined) return { state: NONE, version: 0 }
    const state = { ...NONE, ...(JSON.parse(found.value) as Partial<State>) }
    return { state: withoutLapsed(state, rules, clock()), version: found.version }
  }

  const write = (key: string, version: number, state: State): Promise<boolean> => {
    const value = JSON.stringify(state)
    const judged = state.pending.length > 0 ? HOLD_MS : 0
    const ttlMs = isNothing(state) ? 1 : rules.window + Math.max(judged, state.notBefore - clock())
    return version === 0
      ? records.create(NAMESPACE, key, value, ttlMs)
      : records.replace(NAMESPACE, key, version, value, ttlMs)
  }

  const settle = async (key: string, id: string, outcome: Outcome): Promise<void> => {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { state, version } = await load(key)
      const pending = state.pending.filter((one) => one.id !== id)
      // It took so long that it was counted as a failure already.
      if (outcome !== 'passed' && pending.length === state.pending.length) return
      if (version === 0 || (await write(key, version, after(outcome, { ...state, pending }, rules, clock())))) return
    }
  }

  const take = async (key: string, deadline: number): Promise<Taken> => {
    for (;;) {
      const { state, version } = await load(key)
      const now = clock()
      if (state.notBefore > now) return { kind: 'wait', forMs: state.notBefore - now }
      const places = Math.max(1, rules.freeFailures + 1 - state.failures)
      const mine = { id: randomName(), until: now + HOLD_MS }
      const hasPlace = state.pending.length < places
      if (hasPlace && (await write(key, version, { ...state, pending: [...state.pending, mine] })))
        return { kind: 'taken', settle: (outcome) => inTurn(`settle ${key}`, () => settle(key, mine.id, outcome)) }
      if (performance.now() > deadline) return { kind: 'wait', forMs: FIRST_DELAY_MS }
      if (!hasPlace) await pause(LOOK_AGAIN_MS)
    }
  }

  return {
    take(key) {
      const deadline = performance.now() + PATIENCE_MS
      return inTurn(key, () => take(key, deadline))
    },
    look: async (key) => {
      const { failures, notBefore } = (await load(key)).state
      return { failures, notBefore: notBefore as EpochMs }
    },
    forget: (key) => records.remove(NAMESPACE, key),
  }
}

function isNothing({ failures, notBefore, pending }: State): boolean {
  return failures === 0 && notBefore === 0 && pending.length === 0
}

function after(outcome: Outcome, state: State, rules: DelayRules, now: EpochMs): State {
  if (outcome === 'passed') return { ...state, failures: 0, notBefore: 0 }
  return outcome === 'failed' ? failed(state, 1, now, rules) : state
}

function failed(state: State, count: number, at: number, rules: DelayRules): State {
  const failures = state.failures + count
  const delay = delayAfter(failures, rules)
  return { ...state, failures, notBefore: delay === 0 ? state.notBefore : Math.max(state.notBefore, at + delay) }
}

function withoutLapsed(state: State, rules: DelayRules, now: EpochMs): State {
  const lapsed = state.pending.filter(({ until }) => until <= now)
  if (lapsed.length === 0) return state
  const pending = state.pending.filter(({ until }) => until > now)
  return failed({ ...state, pending }, lapsed.length, Math.max(...lapsed.map(({ until }) => until)), rules)
}

/** Milliseconds to wait after the n-th failure in a row: none for the free ones, then 1 s, 2 s, 4 s … up to the longest delay. */
export function delayAfter(failures: number, { freeFailures, maxDelay }: Omit<DelayRules, 'window'>): number {
  const costly = failures - freeFailures
  if (costly <= 0) return 0
  return Math.min(maxDelay, FIRST_DELAY_MS * 2 ** Math.min(costly - 1, 40))
}
