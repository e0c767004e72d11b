import type { RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { sha256 } from '../crypto/sha256.ts'
import type { Store } from '../store/store.ts'
import { createDelays } from './delays.ts'
import { createHeldList } from './held-list.ts'
import { createNetworkLimit } from './network-limit.ts'
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
  /** Name of the module when it is a second factor: its tries are counted apart from those at the password, and everywhere alike. */
  readonly factor?: string
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
 * good login resets nothing of the victim's. While it is open whether the tries before it were right, a try waits a moment
 * instead of being refused: however many right passwords come at once, none is a guess.
 *
 * A second factor has counts of its own for the account, from all networks together but those that it was proved from before:
 * only who knows the password comes this far, and a code of six digits must not get more guesses from more networks.
 */
export function createThrottle({ realm, rules, store, clock }: ThrottleDeps): Throttle {
  const { counters } = store
  const ofFactors = factorRules(rules)
  const passwordDelays = createDelays(store.versioned, rules, clock)
  const factorDelays = createDelays(store.versioned, ofFactors, clock)
  const networks = createNetworkLimit(counters, rules)
  const held = createHeldList(store.versioned, { ttlMs: ofFactors.window + ofFactors.maxDelay })

  const ceiling = async (keys: ThrottleKeys, count: number): Promise<Wait | undefined> => {
    if (count <= rules.freeFailures * CEILING_FACTOR) return undefined
    if (await isKnown(keys)) return undefined
    const turn = await counters.add(keys.turn, 1, Math.min(CEILING_SPACING_MS, rules.maxDelay))
    return turn.count <= 1 ? undefined : waitUntil('account', turn.resetsAt, clock())
  }

  const isKnown = async ({ known }: ThrottleKeys): Promise<boolean> => (await counters.read(known)) !== undefined

  const narrowKey = async ({ narrow, anywhere, known }: ThrottleKeys): Promise<string> =>
    anywhere === undefined || (await counters.read(known)) !== undefined ? narrow : anywhere

  return {
    async reserve(attempt) {
      const keys = keysOf(realm, attempt)
      const closedUntil = await networks.closedUntil(keys.network)
      if (closedUntil !== undefined && !(await isKnown(keys))) return waitUntil('network', closedUntil, clock())
      // Before the wide counts, since it bounds how many tries of one account can wait for the wide counts.
      const key = await narrowKey(keys)
      const delays = attempt.factor === undefined ? passwordDelays : factorDelays
      const place = await delays.take(key)
      if (place.kind === 'wait') return { kind: 'throttled', scope: 'account', retryAfterMs: place.forMs }
      // One guesser behind a shared address must not keep out those who have signed in from it before.
      const [entry, { count }] = await Promise.all([
        networks.enter(keys.network, () => isKnown(keys)),
        counters.add(keys.account, 1, rules.window),
      ])
      const blocked = entry.kind === 'full' ? waitUntil('network', entry.resetsAt, clock()) : await ceiling(keys, count)
      const giveBack = (): Promise<unknown> => counters.add(keys.account, GIVEN_BACK, rules.window)
      const leave = async (hasFailed: boolean): Promise<void> => {
        if (entry.kind === 'entered') await networks.leave(keys.network, hasFailed)
      }
      if (blocked !== undefined) {
        await Promise.all([place.settle('not-judged'), leave(false), giveBack()])
        return blocked
      }
      return {
        kind: 'granted',
        async settle(outcome) {
          const isNew = outcome === 'passed' && !(await isKnown(keys))
          // Side by side: what waits for the store in one turn is one write to it.
          await Promise.all([
            place.settle(outcome),
            leave(outcome === 'failed'),
            outcome === 'failed' ? undefined : giveBack(),
            isNew ? counters.add(keys.known, 1, KNOWN_FOR_MS) : undefined,
          ])
          if (outcome !== 'failed') return
          const { factor } = attempt
          const network = key === keys.anywhere ? undefined : networkOf(attempt.clientIp)
          if ((await delays.look(key)).notBefore > clock()) await held.note(keys.held, { key, network, factor })
        },
      }
    },
  }
}

/** Failures at a second factor are remembered for a day at least, or a guesser would wait for the window instead of the delays. */
const FACTOR_WINDOW_MS = 86_400_000
const FACTOR_DELAYS = 12

/**
 * Whoever guesses at a second factor knows the password and may guess for months: with the delays of passwords a code of six digits
 * would be found within a year by one in three. With these it is one in forty.
 */
export function factorRules(rules: ThrottleRules): ThrottleRules {
  const { window, maxDelay } = rules
  return { ...rules, window: Math.max(window, FACTOR_WINDOW_MS), maxDelay: maxDelay * FACTOR_DELAYS }
}

type Wait = Extract<Reservation, { readonly kind: 'throttled' }>

function waitUntil(scope: Wait['scope'], until: number, now: number): Wait {
  return { kind: 'throttled', scope, retryAfterMs: Math.max(1, until - now) }
}

export interface ThrottleKeys {
  readonly network: string
  readonly account: string
  readonly narrow: string
  /** Of a second factor, for networks that it was never proved from. */
  readonly anywhere: string | undefined
  readonly known: string
  readonly turn: string
  /** Of the list of what is held back, over all factors. */
  readonly held: string
}

/** Keys are hashes of structured values: bounded in length, and no name can be spelled so that it is another one's key. */
export function keysOf(realm: RealmName, { username, clientIp, factor }: Attempt): ThrottleKeys {
  const account = usernameKey(username)
  const network = networkOf(clientIp)
  const of = factor === undefined ? [] : [factor]
  const key = (what: string, ...parts: readonly string[]): string =>
    `throttle:${sha256(JSON.stringify([what, realm, ...parts]))}`
  return {
    network: key('network', network),
    account: key('account', account, ...of),
    narrow: key('account and network', account, network, ...of),
    anywhere: factor === undefined ? undefined : key('account, anywhere', account, factor),
    known: key('known', account, network, ...of),
    turn: key('turn', account, ...of),
    held: key('held', account),
  }
}
