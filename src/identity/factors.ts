import type { EpochMs, RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { randomName } from '../base/random-id.ts'
import { sha256 } from '../crypto/sha256.ts'
import { PURPOSES } from '../crypto/purposes.ts'
import type { JsonValue, Sealer } from '../crypto/seal.ts'
import { fault } from '../errors.ts'
import { documentPages } from '../store/document-pages.ts'
import type { Documents } from '../store/store.ts'
import { createFactorKeys } from './factor-keys.ts'

/** One thing of a user that proves who they are: an authenticator, a key, a set of recovery codes. */
export interface Factor {
  /** Unguessable, unique among the user's; may be shown. */
  readonly id: string
  /** Type of the module that it is for: `totp`. */
  readonly type: string
  /** Given by the person, to tell several apart. */
  readonly name: string
  readonly createdAt: EpochMs
  readonly lastUsedAt?: EpochMs
  /** The module's own, secrets included. */
  readonly data: JsonValue
  /** By which it is found (`ownerOf`): of all users of the realm one alone may have it. */
  readonly key?: string
  /** From the configuration: it cannot be removed here. */
  readonly declared?: true
}

export interface OwnedFactors {
  readonly userId: string
  readonly factors: readonly Factor[]
}

export type NewFactor = Pick<Factor, 'type' | 'name' | 'data' | 'key'>

/** What changing a factor comes to: the factor as it shall be, `'remove'`, or `undefined` to leave it and refuse. */
export type FactorChange = Pick<Factor, 'name' | 'lastUsedAt' | 'data'> | 'remove' | undefined

/** The factors of the users of one realm. Durable, sealed with the key ring. Rejects with a fault when the store cannot say. */
export interface FactorStore {
  /** In order of enrolment. */
  list(userId: string): Promise<readonly Factor[]>
  /** Of everybody of the realm who has any, whether or not there still is such a user. */
  ofAll(): AsyncIterable<OwnedFactors>
  /**
   * Adds one, if `mayAdd` says so of those that are there at that very moment (two tabs that enrol the first one at once).
   * `undefined` when it says no, when the user has as many as anybody may, or when the key is somebody's already.
   */
  add(userId: string, factor: NewFactor, mayAdd?: (present: readonly Factor[]) => boolean): Promise<Factor | undefined>
  /** Puts these in place of all of the type that are there: a new set of recovery codes. Declared ones stay. */
  replaceAll(userId: string, type: string, factors: readonly NewFactor[]): Promise<void>
  /**
   * Judges one factor as it is now and writes what comes of it, in one step over all processes: what makes a code single use.
   * `judge` may be called several times and must be pure. True for the one call whose change was written.
   */
  change(userId: string, factorId: string, judge: (factor: Factor) => FactorChange): Promise<boolean>
  /** False when it was not there, or is declared. */
  remove(userId: string, factorId: string): Promise<boolean>
  /** Id of the user who has the factor with this key. */
  ownerOf(key: string): Promise<string | undefined>
  /** All that the user ever enrolled: an administrator's reset, or the end of the user. */
  removeAll(userId: string): Promise<void>
}

export interface FactorStoreDeps {
  readonly realm: RealmName
  readonly documents: Documents
  readonly sealer: Sealer
  readonly clock: Clock
  /** Factors that the configuration gives users, by their ids. */
  readonly declared?: ReadonlyMap<string, readonly DeclaredFactor[]>
}

export interface DeclaredFactor {
  readonly type: string
  readonly name: string
  readonly data: JsonValue
}

export const FACTOR_COLLECTION = 'factors'
const MOST_FACTORS = 100
/** Writers of one user's record at once; whoever loses this often is part of an attack. */
const MAX_ROUNDS = 250

/** One sealed document a user: whatever is proved or enrolled at once, one write wins a version of it. */
export function createFactorStore({
  realm,
  documents,
  sealer,
  clock,
  declared = new Map(),
}: FactorStoreDeps): FactorStore {
  const declaredFor = (userId: string): readonly DeclaredFactor[] => declared.get(userId) ?? []
  /** Repeats `edit` on what is there until its answer could be written; `undefined` writes nothing. */
  const update = async (userId: string, edit: (present: readonly Factor[]) => readonly Factor[] | undefined) => {
    const id = documentId(realm, userId)
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const document = await documents.get(FACTOR_COLLECTION, id)
      const stored = document === undefined ? [] : openFactors(sealer, { id, value: document.value }).factors
      const next = edit(merged(stored, declaredFor(userId)))
      if (next === undefined) return false
      const value = sealFactors(sealer, id, { realm, userId, factors: next })
      const written =
        document === undefined
          ? await documents.putIfAbsent(FACTOR_COLLECTION, id, value)
          : await documents.replace(FACTOR_COLLECTION, id, document.version, value)
      if (written) return true
    }
    throw fault('GH_STORE_UNAVAILABLE', { detail: `the factors of a user of ${realm} change too fast` })
  }
  const keys = createFactorKeys({ realm, documents, sealer, clock })
  const release = async (factors: readonly Factor[], userId: string): Promise<void> => {
    for (const { key } of factors) if (key !== undefined) await keys.release(key, userId)
  }
  const list = async (userId: string): Promise<readonly Factor[]> => {
    const id = documentId(realm, userId)
    const document = await documents.get(FACTOR_COLLECTION, id)
    const stored = document === undefined ? [] : openFactors(sealer, { id, value: document.value }).factors
    return merged(stored, declaredFor(userId))
  }
  /** Takes the key before the factor is written: of two users who bring the same one, one gets it. */
  const claim = (key: string, userId: string): Promise<boolean> =>
    keys.claim(key, userId, async (owner) => (await list(owner)).some((factor) => factor.key === key))
  const fresh = (factor: NewFactor): Factor => ({ ...factor, id: randomName(), createdAt: clock() })

  return {
    list,
    async *ofAll() {
      const left = new Set(declared.keys())
      for await (const { userId, factors } of factorsOfRealm({ realm, documents, sealer })) {
        left.delete(userId)
        yield { userId, factors: merged(factors, declaredFor(userId)) }
      }
      for (const userId of left) yield { userId, factors: merged([], declaredFor(userId)) }
    },
    async add(userId, factor, mayAdd = () => true) {
      const added = fresh(factor)
      const { key } = added
      if (key !== undefined && !(await claim(key, userId))) return undefined
      const written = await update(userId, (present) => {
        const isTaken = key !== undefined && present.some((each) => each.key === key)
        return present.length < MOST_FACTORS && !isTaken && mayAdd(present) ? [...present, added] : undefined
      })
      if (written) return added
      if (key !== undefined && !(await list(userId)).some((each) => each.key === key)) await keys.release(key, userId)
      return undefined
    },
    async replaceAll(userId, type, factors) {
      const added = factors.slice(0, MOST_FACTORS).map(fresh)
      await update(userId, (present) => [
        ...present.filter((factor) => factor.type !== type || factor.declared === true),
        ...added,
      ])
    },
    change: (userId, factorId, judge) => update(userId, (present) => changed(present, factorId, judge)),
    async remove(userId, factorId) {
      const found = (await list(userId)).filter(({ id }) => id === factorId)
      const removed = await update(userId, (present) =>
        changed(present, factorId, ({ declared }) => (declared === true ? undefined : 'remove')),
      )
      if (removed) await release(found, userId)
      return removed
    },
    ownerOf: (key) => keys.ownerOf(key),
    async removeAll(userId) {
      const found = await list(userId)
      await documents.remove(FACTOR_COLLECTION, documentId(realm, userId))
      await release(found, userId)
    },
  }
}

function changed(
  present: readonly Factor[],
  factorId: string,
  judge: (factor: Factor) => FactorChange,
): readonly Factor[] | undefined {
  const found = present.find(({ id }) => id === factorId)
  const change = found && judge(found)
  if (found === undefined || change === undefined) return undefined
  if (change === 'remove') return present.filter((factor) => factor !== found)
  return present.map((factor) => (factor === found ? { ...found, ...change } : factor))
}

/** A declared factor is known by what it is, so that its uses outlive a reload, and those of another secret do not count for it. */
function merged(stored: readonly Factor[], declared: readonly DeclaredFactor[]): readonly Factor[] {
  const present = declared.map((factor): Factor => {
    const id = `declared-${hashOf([factor.type, factor.data])}`
    return stored.find((each) => each.id === id) ?? { ...factor, id, createdAt: 0 as EpochMs, declared: true }
  })
  return [...present, ...stored.filter((factor) => factor.declared !== true)]
}

/** What the store keeps of one user. */
export interface FactorRecord {
  readonly realm: RealmName
  readonly userId: string
  readonly factors: readonly Factor[]
  /** Since when their directory, which others keep, has no such entry. Whatever they change themselves takes it back. */
  readonly missingSince?: EpochMs
}

/** The records of all users of one realm, in no order. Rejects as `FactorStore` does, with one that cannot be read, too. */
async function* factorsOfRealm({
  realm,
  documents,
  sealer,
}: Pick<FactorStoreDeps, 'realm' | 'documents' | 'sealer'>): AsyncGenerator<FactorRecord, void> {
  for await (const part of documentPages(documents, FACTOR_COLLECTION)) {
    for (const document of part) {
      const record = openFactors(sealer, document)
      if (record.realm === realm) yield record
    }
  }
}

/** Names of users, and how they prove who they are, are nothing for who reads a dump. */
function documentId(realm: RealmName, userId: string): string {
  return hashOf(['factors', realm, userId])
}

function hashOf(value: JsonValue): string {
  return sha256(JSON.stringify(value))
}

/** The document's id is sealed with it: one user's record put in another's place opens nothing. */
export function sealFactors(sealer: Sealer, id: string, record: FactorRecord): string {
  return sealer.seal('factors', [id, JSON.stringify(record)], PURPOSES.factors.longestLifeMs)
}

/** What cannot be read is no empty record: that would let anybody enrol who knows a password. */
export function openFactors(
  sealer: Sealer,
  { id, value }: { readonly id: string; readonly value: string },
): FactorRecord {
  const opened = sealer.open('factors', value)
  const [sealedFor, text] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
  if (sealedFor !== id || typeof text !== 'string') {
    throw fault('GH_KEYS_UNAVAILABLE', {
      detail: 'the factors of a user cannot be read; is the master key another one?',
    })
  }
  return JSON.parse(text) as FactorRecord
}
