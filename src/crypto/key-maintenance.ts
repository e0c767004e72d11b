import type { EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { fault } from '../errors.ts'
import { keyDocumentId, newKeyDocument, resealedKeyDocument, type Wrapping } from './key-document.ts'
import type { KeySet } from './key-set.ts'
import type { KeysConfig } from './keys.schema.ts'
import { ALL_PURPOSES, type Purpose } from './purposes.ts'

export const KEY_COLLECTION = 'keys'

interface KeyDocument {
  readonly id: string
  readonly version: number
  readonly value: string
}

/** Where keys are kept. The store's `Documents` has this shape. */
export interface KeyDocuments {
  list(collection: string): Promise<readonly KeyDocument[]>
  /** False when the id is taken. */
  putIfAbsent(collection: string, id: string, value: string): Promise<boolean>
  /** False when the document has another version by now. */
  replace(collection: string, id: string, expectedVersion: number, value: string): Promise<boolean>
  remove(collection: string, id: string): Promise<void>
}

/** The two methods of the log that the ring uses. */
export interface KeyLog {
  readonly error: (fields: Readonly<Record<string, unknown>>, message: string) => void
  readonly info: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

export interface MaintenanceDeps {
  readonly documents: KeyDocuments
  readonly wrapping: Wrapping
  readonly rules: KeysConfig
  readonly clock: Clock
  readonly log: KeyLog
  /** Whether this process is the one that replaces and removes keys now; asked only when there is something to do. */
  readonly mayMaintain: () => Promise<boolean>
  /** Purposes that have to have a key: those from the start, and those that somebody here has asked for. */
  readonly wanted: ReadonlySet<Purpose>
}

/** What the store held at one moment. */
export interface KeyReading {
  readonly documents: readonly KeyDocument[]
  readonly set: KeySet
}

/**
 * Makes first keys, publishes successors of keys that are due, removes those nothing needs and seals with the master key of now
 * what an earlier one sealed. Every step is one write that leaves a working ring, and does nothing when it was done already, so a
 * crash between two of them, or a second process at the same work, changes nothing.
 * @returns whether something was written
 */
export async function maintain(reading: KeyReading, deps: MaintenanceDeps): Promise<boolean> {
  const { set } = reading
  const now = deps.clock()
  const missing = lacking(set, deps.wanted)
  await Promise.all(missing.map((purpose) => publish(purpose, set, deps)))
  const due = ALL_PURPOSES.filter((purpose) => now - (set.newest(purpose)?.notBefore ?? now) >= deps.rules.rotateAfter)
  const retired = set.retired(now)
  const stale = reading.documents.flatMap(({ id, version, value }) => {
    const sealed = resealedKeyDocument({ id, value }, deps.wrapping)
    return sealed === undefined ? [] : [{ id, version, value: sealed }]
  })
  const isIdle = due.length + retired.length + stale.length === 0
  if (isIdle || !(await orUnavailable(deps.mayMaintain()))) return missing.length > 0

  const { documents, log } = deps
  for (const purpose of due) await publish(purpose, set, deps)
  for (const { id, version, value } of stale) {
    const done = await orUnavailable(documents.replace(KEY_COLLECTION, id, version, value))
    if (done) log.info({ key: id }, 'key sealed with the present master key')
  }
  for (const { purpose, sequence, kid } of retired) {
    await orUnavailable(documents.remove(KEY_COLLECTION, keyDocumentId(purpose, sequence)))
    log.info({ purpose, kid }, 'key removed: nothing it made is valid any more')
  }
  return true
}

/** Purposes that should have a key and have none. */
export function lacking(set: KeySet, wanted: ReadonlySet<Purpose>): readonly Purpose[] {
  return [...wanted].filter((purpose) => set.newest(purpose) === undefined)
}

/**
 * Publishes the successor of a purpose's newest key, if nobody else has. The first key of a purpose signs at once: there is no
 * other, and nobody remembers a set without it.
 */
export async function publish(purpose: Purpose, set: KeySet, deps: MaintenanceDeps): Promise<void> {
  const { documents, clock, log, rules, wrapping } = deps
  const newest = set.newest(purpose)
  const createdAt = clock()
  const notBefore = (createdAt + (newest === undefined ? 0 : rules.publishAhead)) as EpochMs
  const id = { purpose, sequence: (newest?.sequence ?? 0) + 1 }
  const value = await newKeyDocument(id, { createdAt, notBefore }, wrapping)
  const added = await orUnavailable(documents.putIfAbsent(KEY_COLLECTION, keyDocumentId(purpose, id.sequence), value))
  if (added) log.info({ purpose, notBefore }, newest === undefined ? 'first key made' : 'successor of a key published')
}

/** What the store refuses, as the fault that denies. */
export async function orUnavailable<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    throw fault('GH_KEYS_UNAVAILABLE', { cause })
  }
}
