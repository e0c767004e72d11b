import { setTimeout as pause } from 'node:timers/promises'
import { randomName } from '../../base/random-id.ts'
import type { Log } from '../../telemetry/log.ts'
import { EPOCH } from '../epoch.ts'
import type { Document, Documents, Leases } from '../store.ts'
import type { Executor } from './executor.ts'
import { asText } from './faults.ts'
import { ALL_GROUPS } from './groups.ts'
import { PROBE, SET_LIFE } from './scripts/news.ts'

const LEASE = 'store-life'
/** Longer than it takes to begin a life; a process that dies at it is replaced after this long. */
const LEASE_MS = 5_000
const PAUSE_MS = 20

export interface Life {
  /** Writes to and reads from every group, and notices when one has lost its data. Rejects when that cannot be done. */
  check(): Promise<void>
}

export interface LifeDeps {
  readonly executor: Executor
  readonly documents: Documents
  readonly leases: Leases
  readonly log: Log
}

interface Found {
  readonly epoch: Document | undefined
  /** Of each group; empty where it has none. */
  readonly marks: readonly string[]
}

/**
 * Each group carries a mark of the store's life. One that lacks the mark, or whose mark is another, has lost its data (FLUSHALL, a
 * shard without its disk), though the document of the epoch may live elsewhere: the whole store begins a new life then.
 *
 * One at a time, by a lease: the marks are not written in one step, and who saw half of another's would begin yet another life, and
 * refuse what was issued since.
 */
export function createLife({ executor, documents, leases, log }: LifeDeps): Life {
  const look = async (): Promise<Found> => ({
    epoch: await documents.get(EPOCH.collection, EPOCH.id),
    marks: await Promise.all(ALL_GROUPS.map(async (group) => asText(await executor.write(PROBE, group)))),
  })

  async function begin({ epoch, marks }: Found): Promise<void> {
    const isEmpty = epoch === undefined && marks.every((mark) => mark === '')
    if (!isEmpty) log.error({}, 'the store has lost data: it begins a new life, and what was issued before is refused')
    const next = randomName()
    const isBegun = await (epoch === undefined
      ? documents.putIfAbsent(EPOCH.collection, EPOCH.id, next)
      : documents.replace(EPOCH.collection, EPOCH.id, epoch.version, next))
    // Somebody else began one whose lease ran out meanwhile: it is looked at again.
    if (isBegun) await Promise.all(ALL_GROUPS.map((group) => executor.write(SET_LIFE, group, next)))
  }

  return {
    async check() {
      // A name for each call: two calls of one process must not both hold it.
      const owner = randomName()
      while (!isWhole(await look())) {
        if (!(await leases.acquire(LEASE, owner, LEASE_MS))) {
          await pause(PAUSE_MS)
          continue
        }
        try {
          const found = await look()
          if (!isWhole(found)) await begin(found)
        } finally {
          await leases.release(LEASE, owner)
        }
      }
    },
  }
}

function isWhole({ epoch, marks }: Found): boolean {
  return epoch !== undefined && marks.every((mark) => mark === epoch.value)
}
