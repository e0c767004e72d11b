import type { VersionedRecords } from '../store/store.ts'

/** One count of an account that makes somebody wait. */
export interface Held {
  /** Of the count. */
  readonly key: string
  /** Whose tries it counts; `undefined` for a second factor's, which are counted from everywhere. */
  readonly network: string | undefined
  /** Name of the module, for a second factor. */
  readonly factor: string | undefined
}

/** Which counts of an account make somebody wait: the counts themselves are found by account and network only. */
export interface HeldList {
  note(account: string, held: Held): Promise<void>
  /** Newest first. */
  of(account: string): Promise<readonly Held[]>
  forget(account: string): Promise<void>
}

const NAMESPACE = 'throttle-held'
/** Of so many networks at once it is the last that an administrator sees, and clears. */
const MOST = 100
/** Guessers of one account who note at once; the next failure notes again. */
const MAX_ROUNDS = 8

/** `ttlMs`: how long an account's list outlives its last note. */
export function createHeldList(records: VersionedRecords, { ttlMs }: { readonly ttlMs: number }): HeldList {
  const load = async (account: string): Promise<{ list: readonly Held[]; version: number }> => {
    const found = await records.load(NAMESPACE, account)
    return found === undefined
      ? { list: [], version: 0 }
      : { list: JSON.parse(found.value) as Held[], version: found.version }
  }
  return {
    async note(account, held) {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const { list, version } = await load(account)
        const value = JSON.stringify([held, ...list.filter(({ key }) => key !== held.key)].slice(0, MOST))
        const written =
          version === 0
            ? await records.create(NAMESPACE, account, value, ttlMs)
            : await records.replace(NAMESPACE, account, version, value, ttlMs)
        if (written) return
      }
    },
    of: async (account) => (await load(account)).list,
    forget: (account) => records.remove(NAMESPACE, account),
  }
}
