import { createSecretKey, randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { RingKey } from '../crypto/key-document.ts'
import { createSealer } from '../crypto/seal.ts'
import { fault } from '../errors.ts'
import type { Counters, OneTimeRecords, VersionedRecords } from '../store/store.ts'
import { createKeptForms, type KeptForms } from './kept-forms.ts'
import { createKnownUsers, type KnownUsers } from './known-user.ts'
import { createLoginStates, type LoginStates } from './login-state.ts'
import { createParkedPosts, type ParkedPosts } from './parked-posts.ts'

/** Forms kept in a map, sealed with a key of the test's own. */
export interface FormKeeping {
  readonly keptForms: KeptForms
  readonly knownUsers: KnownUsers
  readonly loginStates: LoginStates
  readonly parkedPosts: ParkedPosts
  readonly records: Map<string, { value: string; version: number; ttlMs: number }>
  /** While set, the store cannot be asked. */
  outage: boolean
  /** What every counter begins at. */
  countedBefore: number
}

export function formKeeping(clock: Clock): FormKeeping {
  const ringKey = { kid: 'k'.repeat(16), key: createSecretKey(randomBytes(32)) } as RingKey
  const keyRing = { current: () => ringKey, known: () => ringKey }
  const sealer = createSealer(keyRing, clock)
  const records: FormKeeping['records'] = new Map()
  const inOrder = <T>(answer: () => T): Promise<T> =>
    keeping.outage ? Promise.reject(fault('GH_STORE_UNAVAILABLE')) : Promise.resolve().then(answer)
  const loginStates = createLoginStates({ sealer, clock })
  const counters = countersIn(inOrder, () => keeping.countedBefore)
  const keeping: FormKeeping = {
    keptForms: createKeptForms({
      keyRing,
      store: { versioned: versionedIn(records, inOrder), counters },
    }),
    knownUsers: createKnownUsers({ sealer, clock }),
    loginStates,
    parkedPosts: createParkedPosts({ store: { oneTime: oneTimeIn(records, inOrder), counters }, loginStates }),
    records,
    outage: false,
    countedBefore: 0,
  }
  return keeping
}

type InOrder = <T>(answer: () => T) => Promise<T>

function versionedIn(records: FormKeeping['records'], inOrder: InOrder): VersionedRecords {
  return {
    create: (_, key, value, ttlMs) =>
      inOrder(() => !records.has(key) && records.set(key, { value, version: 1, ttlMs }).size > 0),
    load: (_, key) => inOrder(() => records.get(key)),
    replace: (_, key, version, value, ttlMs) =>
      inOrder(
        () =>
          records.get(key)?.version === version && records.set(key, { value, version: version + 1, ttlMs }).size > 0,
      ),
    remove: (_, key) => inOrder(() => void records.delete(key)),
  }
}

function oneTimeIn(records: FormKeeping['records'], inOrder: InOrder): OneTimeRecords {
  return {
    put: (_, key, value, ttlMs) =>
      inOrder(() => !records.has(key) && records.set(key, { value, version: 1, ttlMs }).size > 0),
    take: (_, key) =>
      inOrder(() => {
        const found = records.get(key)
        records.delete(key)
        return found?.value
      }),
  }
}

function countersIn(inOrder: InOrder, before: () => number): Counters {
  const counts = new Map<string, number>()
  const resetsAt = 0 as never
  return {
    add: (key, amount) =>
      inOrder(() => {
        const count = (counts.get(key) ?? before()) + amount
        counts.set(key, count)
        return { count, resetsAt }
      }),
    read: (key) => inOrder(() => ({ count: counts.get(key) ?? 0, resetsAt })),
    clear: (key) => inOrder(() => void counts.delete(key)),
  }
}
