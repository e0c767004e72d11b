import { createHash } from 'node:crypto'
import type { RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import type { Store } from '../store/store.ts'
import { createDelays } from './delays.ts'
import { networkOf } from '../http/network.ts'
import { usernameKey } from '../base/username-key.ts'

/** `authentication.throttle` of a realm, in milliseconds. */
export interface ThrottleRules {
  readonly freeFailures: number
  readonly maxDelay: number
  readonly networkFailures: number
  readonly window: number
}

export interface Attempt {
  /** The account as the person typed it. */
  readonly username: string
  readonly clientIp: string | undefined
}

export type AttemptOutcome =
  | 'passed'
  | 'failed'
  /** The secret could not be looked at (a fault): the try is given back. */
  | 'not-judged'

export type Reservation =
  | {
      readonly kind: 'granted'
      /** To be called once, with what came of it. Without it the try stays counted as a failure. */
      settle(outcome: AttemptOutcome): Promise<void>
    }
  | { readonly kind: 'throttled'; readonly scope: 'account' | 'network'; readonly retryAfterMs: number }

/** Slows guessing in one realm. A try is counted before the secret is looked at, so parallel tries cannot outrun the count. */
export interface Throttle {
  reserve(attempt: Attempt): Promise<Reservation>
}

export interface ThrottleDeps {
  readonly realm: RealmName
  readonly rules: ThrottleRules
  readonly store: Pick<Store, 'counters' | 'versioned'>
  readonly clock: Clock
}

/** Failures of one account from everywhere, in units of `freeFailures`, after which networks it never signed in from must queue. */
const CEILING_FACTOR = 20
/** Above the ceiling all unknown networks together get one try of the account in this long. */
const CEILING_SPACING_MS = 10_000
/** A network stays known to an account for this long after the first sign-in from it. */
const KNOWN_FOR_MS = 30 * 86_400_000

const GIVEN_BACK = -1

/**
 * Three counts, from narrow to wide:
 * - account and network: the first failures are free, then each costs a delay that doubles from 1 s. A stranger elsewhere has
 *   counts of their own, so nobody can lock somebody else out;
 * - network: many failures over any number of accounts (password spraying) make it wait until the window is over;
 * - account: very many failures from everywhere (a botnet) space out tries from networks it never signed in from; known ones
 *   are not touched.
 *
 * A success gives its own try back to the wide counts and clears only the narrow one: alternating guesses with one's own
 * good login resets nothing of the victim's.
 */
export function createThrottle({ realm, rules, store, clock }: ThrottleDeps): Throttle {
  const { counters } = store
  const delays = createDelays(store.versioned, rules, clock)

  const networkLimit = async (network: string): Promise<Wait | undefined> => {
    const { count, resetsAt } = await counters.add(network, 1, rules.window)
    return count > rules.networkFailures ? waitUntil('network', resetsAt, clock()) : undefined
  }

  const ceiling = async (keys: Keys): Promise<Wait | undefined> => {
    const { count } = await counters.add(keys.account, 1, rules.window)
    if (count <= rules.freeFailures * CEILING_FACTOR) return undefined
    if ((await counters.read(keys.known)) !== undefined) return undefined
    const turn = await counters.add(keys.turn, 1, Math.min(CEILING_SPACING_MS, rules.maxDelay))
    return turn.count > 1 ? waitUntil('account', turn.resetsAt, clock()) : undefined
  }

  const giveBack = async (...keys: readonly string[]): Promise<void> => {
    await Promise.all(keys.map((key) => counters.add(key, GIVEN_BACK, rules.window)))
  }

  return {
    async reserve({ username, clientIp }) {
      const keys = keysOf(realm, username, clientIp)
      const blocked = await networkLimit(keys.network)
      // One guesser behind a shared address must not keep out those who have signed in from it before.
      if (blocked !== undefined && (await counters.read(keys.known)) === undefined) return blocked
      const queued = await ceiling(keys)
      if (queued !== undefined) {
        await giveBack(keys.network, keys.account)
        return queued
      }
      const delay = await delays.take(keys.narrow)
      if (delay.kind === 'wait') {
        await giveBack(keys.network, keys.account)
        return { kind: 'throttled', scope: 'account', retryAfterMs: delay.forMs }
      }
      return {
        kind: 'granted',
        async settle(outcome) {
          if (outcome === 'failed') return
          await giveBack(keys.network, keys.account)
          if (outcome === 'not-judged') return delay.undo()
          await delay.clear()
          if ((await counters.read(keys.known)) === undefined) await counters.add(keys.known, 1, KNOWN_FOR_MS)
        },
      }
    },
  }
}

type Wait = Extract<Reservation, { readonly kind: 'throttled' }>

function waitUntil(scope: Wait['scope'], until: number, now: number): Wait {
  return { kind: 'throttled', scope, retryAfterMs: Math.max(1, until - now) }
}

interface Keys {
  readonly network: string
  readonly account: string
  readonly narrow: string
  readonly known: string
  readonly turn: string
}

/** Keys are hashes of structured values: bounded in length, and no name can be spelled so that it is another one's key. */
function keysOf(realm: RealmName, username: string, clientIp: string | undefined): Keys {
  const account = usernameKey(username)
  const network = networkOf(clientIp)
  const key = (what: string, ...parts: readonly string[]): string =>
    `throttle:${createHash('sha256')
      .update(JSON.stringify([what, realm, ...parts]))
      .digest('base64url')}`
  return {
    network: key('network', network),
    account: key('account', account),
    narrow: key('account and network', account, network),
    known: key('known', account, network),
    turn: key('turn', account),
  }
}
