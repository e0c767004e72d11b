import type { Clock } from '../base/clock.ts'
import type { VersionedRecords } from '../store/store.ts'

const NAMESPACE = 'throttle'
const FIRST_DELAY_MS = 1_000
/** Parallel tries that lose the race this often are told to wait: somebody is hammering. */
const MAX_ROUNDS = 64

export interface DelayRules {
  readonly freeFailures: number
  readonly maxDelay: number
  readonly window: number
}

export type Taken =
  | {
      readonly kind: 'taken'
      /** Forgets all failures of the key. */
      clear(): Promise<void>
      /** Takes this one try back, unless something else has happened to the key since. */
      undo(): Promise<void>
    }
  | { readonly kind: 'wait'; readonly forMs: number }

export interface Delays {
  /** Counts one try as a failure ahead of its outcome, or says how long to wait. */
  take(key: string): Promise<Taken>
}

interface State {
  readonly failures: number
  /** Milliseconds since the epoch; no try is taken before. */
  readonly notBefore: number
}

const NONE: State = { failures: 0, notBefore: 0 }

/**
 * Failures of one key and the delay they cost. One versioned record a key, not a counter: the delay follows from the count and the
 * count must outlive each delay, and both have to change in one step, or parallel tries slip in between. One winner a version:
 * of 200 tries at once, `freeFailures` + 1 are taken and the rest wait. Failures are forgotten a window after the last one.
 */
export function createDelays(records: VersionedRecords, rules: DelayRules, clock: Clock): Delays {
  const write = (key: string, version: number, state: State): Promise<boolean> => {
    const value = JSON.stringify(state)
    const ttlMs = rules.window + Math.max(0, state.notBefore - clock())
    return version === 0
      ? records.create(NAMESPACE, key, value, ttlMs)
      : records.replace(NAMESPACE, key, version, value, ttlMs)
  }

  return {
    async take(key) {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const found = await records.load(NAMESPACE, key)
        const before = found === undefined ? NONE : (JSON.parse(found.value) as State)
        const now = clock()
        if (before.notBefore > now) return { kind: 'wait', forMs: before.notBefore - now }
        const failures = before.failures + 1
        const version = found?.version ?? 0
        if (!(await write(key, version, { failures, notBefore: now + delayAfter(failures, rules) }))) continue
        return {
          kind: 'taken',
          clear: () => records.remove(NAMESPACE, key),
          async undo() {
            await write(key, version + 1, before)
          },
        }
      }
      return { kind: 'wait', forMs: FIRST_DELAY_MS }
    },
  }
}

/** Milliseconds to wait after the n-th failure in a row: none for the free ones, then 1 s, 2 s, 4 s … up to the longest delay. */
export function delayAfter(failures: number, { freeFailures, maxDelay }: Omit<DelayRules, 'window'>): number {
  const costly = failures - freeFailures
  if (costly <= 0) return 0
  return Math.min(maxDelay, FIRST_DELAY_MS * 2 ** Math.min(costly - 1, 40))
}
