import type { Clock } from '../../base/clock.ts'
import { fault } from '../../errors.ts'
import type { Store } from '../../store/store.ts'

/** A record that is kept for some time, and of which each version has one successor. */
export interface Shelf {
  load(key: string): Promise<{ readonly value: string; readonly version: number } | undefined>
  /** False when the key is taken. */
  create(key: string, value: string, ttlMs: number): Promise<boolean>
  /** False when the record is gone or has moved on. */
  replace(key: string, version: number, value: string, ttlMs: number): Promise<boolean>
  remove(key: string): Promise<void>
}

const NAMESPACE = 'oidc'
export const COLLECTION = 'oidc'

/** What goes with the session, at the latest. */
export function shortLived({ versioned }: Pick<Store, 'versioned'>): Shelf {
  return {
    load: (key) => versioned.load(NAMESPACE, key),
    create: (key, value, ttlMs) => versioned.create(NAMESPACE, key, value, ttlMs),
    replace: (key, version, value, ttlMs) => versioned.replace(NAMESPACE, key, version, value, ttlMs),
    remove: (key) => versioned.remove(NAMESPACE, key),
  }
}

/** A durable record as it is stored: nothing in the store ends it, so it says itself until when it counts. */
export interface Durable {
  readonly until: number
  readonly value: string
}

/** What outlives sessions: it is backed up, and `sweep.ts` removes what is over. */
export function durable({ documents }: Pick<Store, 'documents'>, clock: Clock): Shelf {
  const text = (value: string, ttlMs: number): string =>
    JSON.stringify({ until: clock() + ttlMs, value } satisfies Durable)
  return {
    async load(key) {
      const document = await documents.get(COLLECTION, key)
      if (document === undefined) return undefined
      const { until, value } = readDurable(document.value)
      return until <= clock() ? undefined : { value, version: document.version }
    },
    create: (key, value, ttlMs) => documents.putIfAbsent(COLLECTION, key, text(value, ttlMs)),
    replace: (key, version, value, ttlMs) => documents.replace(COLLECTION, key, version, text(value, ttlMs)),
    remove: (key) => documents.remove(COLLECTION, key),
  }
}

export function readDurable(text: string): Durable {
  return JSON.parse(text) as Durable
}

/** Tries of a change that others get in before. */
const TRIES = 20

/** Writes what `change` makes of what is there; nothing where it makes nothing of it. */
export async function update(
  shelf: Shelf,
  key: string,
  { ttlMs, change }: { readonly ttlMs: number; readonly change: (value: string | undefined) => string | undefined },
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await shelf.load(key)
    const next = change(found?.value)
    if (next === undefined || next === found?.value) return
    const done =
      found === undefined ? await shelf.create(key, next, ttlMs) : await shelf.replace(key, found.version, next, ttlMs)
    if (done) return
  }
  throw fault('GH_STORE_UNAVAILABLE', { detail: 'a record of the OpenID provider changes too often to be written' })
}
