import type { EpochMs } from '../../base/brand.ts'
import type { Counters, Document, Documents, Leases, OneTimeRecords, VersionedRecords } from '../store.ts'
import type { Executor } from './executor.ts'
import { asList, asNumber, asText, rowsOf } from './faults.ts'
import { groupOfKey } from './groups.ts'
import {
  GET_DOCUMENT,
  LIST_DOCUMENTS,
  PAGE_DOCUMENTS,
  PUT_DOCUMENT,
  REMOVE_DOCUMENT,
  REPLACE_DOCUMENT,
} from './scripts/documents.ts'
import {
  ACQUIRE_LEASE,
  ADD_COUNT,
  LOAD_RECORD,
  PUT_RECORD,
  RELEASE_LEASE,
  REMOVE_RECORD,
  REPLACE_RECORD,
  TAKE_RECORD,
} from './scripts/records.ts'

interface Place {
  readonly group: number
  readonly key: string
}

/** The length keeps namespaces apart whatever they hold. */
function placeOf(kind: string, namespace: string, key: string): Place {
  const whole = `:${kind}:${namespace.length}:${namespace}:${key}`
  return { group: groupOfKey(whole), key: whole }
}

async function isDone(reply: Promise<unknown>): Promise<boolean> {
  return asNumber(await reply) === 1
}

export function oneTimeRecords(executor: Executor): OneTimeRecords {
  return {
    put(namespace, name, value, ttlMs) {
      const { group, key } = placeOf('o', namespace, name)
      return isDone(executor.write(PUT_RECORD, group, key, value, ttlMs))
    },
    async take(namespace, name) {
      const { group, key } = placeOf('o', namespace, name)
      const reply = await executor.write(TAKE_RECORD, group, key)
      return reply === null ? undefined : asText(reply)
    },
  }
}

/** Safe when answered, too: a step of a journey that was won must not be won again after a fail-over. */
export function versionedRecords(executor: Executor): VersionedRecords {
  return {
    create(namespace, name, value, ttlMs) {
      const { group, key } = placeOf('v', namespace, name)
      return isDone(executor.write(PUT_RECORD, group, key, value, ttlMs))
    },
    async load(namespace, name) {
      const { group, key } = placeOf('v', namespace, name)
      const reply = await executor.find(LOAD_RECORD, group, key)
      if (reply === null) return undefined
      const [[, version = '', value = ''] = []] = rowsOf(reply, 3)
      return { value, version: asNumber(version) }
    },
    replace(namespace, name, expectedVersion, value, ttlMs) {
      const { group, key } = placeOf('v', namespace, name)
      return isDone(executor.write(REPLACE_RECORD, group, key, value, ttlMs, expectedVersion))
    },
    async remove(namespace, name) {
      const { group, key } = placeOf('v', namespace, name)
      await executor.write(REMOVE_RECORD, group, key)
    },
  }
}

function toCount(reply: unknown): { readonly count: number; readonly resetsAt: EpochMs } {
  const [[ends = '', count = ''] = []] = rowsOf(reply, 2)
  return { count: asNumber(count), resetsAt: asNumber(ends) as EpochMs }
}

export function counters(executor: Executor): Counters {
  const placeFor = (name: string) => placeOf('c', '', name)
  return {
    async add(name, amount, windowMs) {
      const { group, key } = placeFor(name)
      return toCount(await executor.run(ADD_COUNT, group, key, amount, windowMs))
    },
    async read(name) {
      const { group, key } = placeFor(name)
      const reply = await executor.run(LOAD_RECORD, group, key)
      return reply === null ? undefined : toCount(reply)
    },
    async clear(name) {
      const { group, key } = placeFor(name)
      await executor.run(REMOVE_RECORD, group, key)
    },
  }
}

export function leases(executor: Executor): Leases {
  const placeFor = (name: string) => placeOf('l', '', name)
  return {
    acquire(name, owner, ttlMs) {
      const { group, key } = placeFor(name)
      return isDone(executor.run(ACQUIRE_LEASE, group, key, owner, ttlMs))
    },
    async release(name, owner) {
      const { group, key } = placeFor(name)
      await executor.run(RELEASE_LEASE, group, key, owner)
    },
  }
}

/** Of HSCAN, and its end. */
const START = '0'

function toDocument(id: string, stored: string): Document {
  const end = stored.indexOf('\n')
  return { id, version: asNumber(stored.slice(0, end)), value: stored.slice(end + 1) }
}

export function documents(executor: Executor): Documents {
  const placeFor = (collection: string) => placeOf('d', '', collection)
  return {
    async get(collection, id) {
      const { group, key } = placeFor(collection)
      const reply = await executor.find(GET_DOCUMENT, group, key, id)
      return reply === null ? undefined : toDocument(id, asText(reply))
    },
    async list(collection) {
      const { group, key } = placeFor(collection)
      const rows = rowsOf(await executor.run(LIST_DOCUMENTS, group, key), 2)
      return rows.map(([id = '', stored = '']) => toDocument(id, stored)).sort((a, b) => (a.id < b.id ? -1 : 1))
    },
    async page(collection, size, from = START) {
      const { group, key } = placeFor(collection)
      const reply = await executor.run(PAGE_DOCUMENTS, group, key, from, size)
      const next = asText(asList(reply)[0])
      const documents = rowsOf(reply, 2, 1).map(([id = '', stored = '']) => toDocument(id, stored))
      return { documents, next: next === START ? undefined : next }
    },
    putIfAbsent(collection, id, value) {
      const { group, key } = placeFor(collection)
      return isDone(executor.write(PUT_DOCUMENT, group, key, id, value))
    },
    replace(collection, id, expectedVersion, value) {
      const { group, key } = placeFor(collection)
      return isDone(executor.write(REPLACE_DOCUMENT, group, key, id, value, expectedVersion))
    },
    async remove(collection, id) {
      const { group, key } = placeFor(collection)
      await executor.write(REMOVE_DOCUMENT, group, key, id)
    },
  }
}
