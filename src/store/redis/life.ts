import { randomName } from '../../base/random-id.ts'
import type { Log } from '../../telemetry/log.ts'
import { EPOCH } from '../epoch.ts'
import type { Documents } from '../store.ts'
import type { Executor } from './executor.ts'
import { asText } from './faults.ts'
import { ALL_GROUPS } from './groups.ts'
import { PROBE, SET_LIFE } from './scripts/news.ts'

export interface Life {
  /** Writes to and reads from every group, and notices when one has lost its data. Rejects when that cannot be done. */
  check(): Promise<void>
}

/**
 * Each group carries a mark of the store's life. One that lacks the mark, or whose mark is another, has lost its data (FLUSHALL, a
 * shard without its disk), though the document of the epoch may live elsewhere: the whole store begins a new life then.
 */
export function createLife(executor: Executor, documents: Documents, log: Log): Life {
  async function epoch(): Promise<{ readonly value: string; readonly version: number; readonly isNew: boolean }> {
    const isNew = await documents.putIfAbsent(EPOCH.collection, EPOCH.id, randomName())
    const document = await documents.get(EPOCH.collection, EPOCH.id)
    if (document === undefined) return epoch()
    return { ...document, isNew }
  }

  async function marks(): Promise<readonly string[]> {
    return Promise.all(ALL_GROUPS.map(async (group) => asText(await executor.write(PROBE, group))))
  }

  async function begin(value: string): Promise<void> {
    await Promise.all(ALL_GROUPS.map((group) => executor.write(SET_LIFE, group, value)))
  }

  return {
    async check() {
      const [known, found] = [await epoch(), await marks()]
      if (found.every((mark) => mark === known.value)) return
      const isEmpty = known.isNew && found.every((mark) => mark === '')
      if (!isEmpty)
        log.error({}, 'the store has lost data: it begins a new life, and what was issued before is refused')
      if (known.isNew) return begin(known.value)
      // Of several processes that notice, one replaces it; the others find the new one.
      const next = randomName()
      if (await documents.replace(EPOCH.collection, EPOCH.id, known.version, next)) return begin(next)
    },
  }
}
