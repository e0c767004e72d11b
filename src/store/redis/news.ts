import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { Denylist, Epochs, Outbox, OutboxEntry } from '../store.ts'
import type { Executor } from './executor.ts'
import { asNumber, asText, rowsOf } from './faults.ts'
import { ALL_GROUPS, bucketOfSid, groupOfBucket, groupOfKey, type Group } from './groups.ts'
import { ALL_EPOCHS, CLAIM_OUTBOX, DONE_OUTBOX, LOAD_DENYLIST, RAISE_EPOCH, READ_EPOCHS } from './scripts/news.ts'

export function denylist(executor: Executor): Denylist {
  return {
    async load() {
      const replies = await Promise.all(ALL_GROUPS.map((group) => executor.run(LOAD_DENYLIST, group)))
      return replies.flatMap((reply) =>
        rowsOf(reply, 3).map(([sid = '', below = '', until = '']) => ({
          sid,
          belowGen: asNumber(below),
          until: asNumber(until) as EpochMs,
        })),
      )
    },
  }
}

function byGroup(items: readonly string[], groupOf: (item: string) => Group | undefined): Map<Group, string[]> {
  const groups = new Map<Group, string[]>()
  for (const item of items) {
    const group = groupOf(item)
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), item])
  }
  return groups
}

export function epochs(executor: Executor): Epochs {
  return {
    async read(keys) {
      const found = new Map<string, number>()
      const readGroup = async ([group, some]: [Group, string[]]): Promise<void> => {
        const values = rowsOf(await executor.run(READ_EPOCHS, group, ...some), 1)
        some.forEach((key, i) => found.set(key, asNumber(values[i]?.[0] ?? '0')))
      }
      await Promise.all([...byGroup(keys, groupOfKey)].map(readGroup))
      return keys.map((key) => found.get(key) ?? 0)
    },
    raise: async (key) => asNumber(await executor.write(RAISE_EPOCH, groupOfKey(key), key)),
    async all() {
      const replies = await Promise.all(ALL_GROUPS.map((group) => executor.run(ALL_EPOCHS, group)))
      return new Map(
        replies.flatMap((reply) => rowsOf(reply, 2).map(([key = '', value = '']) => [key, asNumber(value)])),
      )
    },
  }
}

/** What session-end.ts writes. */
type EntryTuple = readonly [realm: RealmName, userId: string, cause: OutboxEntry['cause'], at: EpochMs]

function toEntry(id: string, value: string): OutboxEntry {
  const [realm, userId, cause, at] = JSON.parse(value) as EntryTuple
  return { id, sid: id, realm, userId, cause, at }
}

/** A session ends once, so its sid names the entry. Claims go round the groups, so that a busy one does not hide the others. */
export function outbox(executor: Executor): Outbox {
  let turn = 0
  return {
    async claim(limit, leaseMs) {
      const claimed: OutboxEntry[] = []
      for (let i = 0; i < ALL_GROUPS.length && claimed.length < limit; i++) {
        const group = turn++ % ALL_GROUPS.length
        const reply = await executor.run(CLAIM_OUTBOX, group, limit - claimed.length, leaseMs)
        claimed.push(...rowsOf(reply, 2).map(([id = '', value = '']) => toEntry(id, asText(value))))
      }
      return claimed.sort((a, b) => a.at - b.at)
    },
    async done(ids) {
      const groups = byGroup(ids, (id) => {
        const bucket = bucketOfSid(id)
        return bucket === undefined ? undefined : groupOfBucket(bucket)
      })
      await Promise.all([...groups].map(([group, some]) => executor.write(DONE_OUTBOX, group, ...some)))
    },
  }
}
