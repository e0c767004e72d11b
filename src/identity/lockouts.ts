import type { EpochMs, RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import type { Store } from '../store/store.ts'
import { createDelays } from './delays.ts'
import { createHeldList } from './held-list.ts'
import { factorRules, keysOf, type ThrottleRules } from './throttle.ts'

/** Somebody who has to wait before the next try at one account. */
export interface Lockout {
  /** Where they are: an IPv4 address or an IPv6 /64; `undefined` for a second factor, which is counted from everywhere. */
  readonly network: string | undefined
  /** Name of the module, where it is about a second factor. */
  readonly factor: string | undefined
  readonly failures: number
  readonly until: EpochMs
}

/** What guessing at an account has led to, for administrators. */
export interface Lockouts {
  /** Those who have to wait now, and the failures from everywhere that are remembered. */
  of(username: string): Promise<{ readonly waiting: readonly Lockout[]; readonly failures: number }>
  /** Forgets all failures at the account, wherever they came from. A network that fails at many accounts goes on waiting. */
  clear(username: string): Promise<void>
}

export interface LockoutsDeps {
  readonly realm: RealmName
  readonly rules: ThrottleRules
  readonly store: Pick<Store, 'counters' | 'versioned'>
  readonly clock: Clock
}

export function createLockouts({ realm, rules, store, clock }: LockoutsDeps): Lockouts {
  const ofFactors = factorRules(rules)
  const passwordDelays = createDelays(store.versioned, rules, clock)
  const factorDelays = createDelays(store.versioned, ofFactors, clock)
  const held = createHeldList(store.versioned, { ttlMs: ofFactors.window + ofFactors.maxDelay })
  const keys = (username: string, factor?: string) =>
    keysOf(realm, { username, clientIp: undefined, ...(factor === undefined ? {} : { factor }) })

  return {
    async of(username) {
      const { held: list, account } = keys(username)
      const looked = await Promise.all(
        (await held.of(list)).map(async ({ key, network, factor }): Promise<Lockout> => {
          const delays = factor === undefined ? passwordDelays : factorDelays
          const { failures, notBefore } = await delays.look(key)
          return { network, factor, failures, until: notBefore }
        }),
      )
      const failures = (await store.counters.read(account))?.count ?? 0
      return { waiting: looked.filter(({ until }) => until > clock()), failures }
    },
    async clear(username) {
      const { held: list } = keys(username)
      const all = await held.of(list)
      await Promise.all(all.map(({ key }) => passwordDelays.forget(key)))
      for (const factor of new Set([undefined, ...all.map((each) => each.factor)])) {
        const { account, turn } = keys(username, factor)
        await Promise.all([store.counters.clear(account), store.counters.clear(turn)])
      }
      await held.forget(list)
    },
  }
}
