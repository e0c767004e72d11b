import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { Denylist, DenyEntry, Epochs, Outbox, OutboxEntry } from '../store.ts'
import type { Executor } from './executor.ts'
import { asList, asNumber, asText, rowsOf } from './faults.ts'
import { ALL_GROUPS, bucketOfSid, groupOfBucket, groupOfKey, type Group } from './groups.ts'
import { PAGE, pagesOf } from './pages.ts'
import { PAGE_EPOCHS, CLAIM_OUTBOX, DONE_OUTBOX, LOAD_DENYLIST, RAISE_EPOCH, READ_EPOCHS } from './scripts/news.ts'

async function deniedIn(executor: Executor, group: Group): Promise<readonly DenyEntry[]> {
  const entries = new Map<string, DenyEntry>()
  const read = async (from: string, limit: number) => rowsOf(await executor.all(LOAD_DENYLIST, group, from, limit), 3)
  for await (const page of pagesOf(read, ([, , until = '']) => until)) {
    for (const [sid = '', below = '', until = ''] of page) {
      entries.set(sid, { sid, belowGen: asNumber(below), until: asNumber(until) as EpochMs })
    }
  }
  return [...entries.values()]
}

export function denylist(executor: Executor): Denylist {
  return { load: async () => (await Promise.all(ALL_GROUPS.map((group) => deniedIn(executor, group)))).flat() }
}

function byGroup(items: readonly string[], groupOf: (item: string) => Group | undefined): Map<Group, string[]> {
  const groups = new Map<Group, string[]>()
  for (const item of items) {
    const group = groupOf(item)
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), item])
  }
  return groups
}

/** Of HSCAN, and its end. */
const START = '0'

/** They only rise: of a key that comes twice the later value is the last. */
async function epochsIn(executor: Executor, group: Group): Promise<readonly (readonly [string, number])[]> {
  const found: [string, number][] = []
  for (let cursor = ''; cursor !== START;) {
    const reply = await executor.all(PAGE_EPOCHS, group, cursor === '' ? START : cursor, PAGE)
    cursor = asText(asList(reply)[0])
    for (const [key = '', value = ''] of rowsOf(reply, 2, 1)) found.push([key, asNumber(value)])
  }
  return found
}

export function epochs(executor: Executor): Epochs {
  return {
    async read(keys) {
      const found = new Map<string, number>()
      const readGroup = async ([group, some]: [Group, string[]]): Promise<void> => {
        const values = rowsOf(await executor.all(READ_EPOCHS, group, ...some), 1)
        some.forEach((key, i) => found.set(key, asNumber(values[i]?.[0] ?? '0')))
      }
      await Promise.all([...byGroup(keys, groupOfKey)].map(readGroup))
      return keys.map((key) => found.get(key) ?? 0)
    },
    raise: async (key) => asNumber(await executor.write(RAISE_EPOCH, groupOfKey(key), key)),
    all: async () => new Map((await Promise.all(ALL_GROUPS.map((group) => epochsIn(executor, group)))).flat()),
  }
}

/** What session-end.ts writes. */
type EntryTuple = readonly [realm: RealmName, userId: string, cause: OutboxEntry['cause'], at: EpochMs]

function toEntry(id: string, value: string): OutboxEntry {
  const [realm, userId, cause, at] = JSON.parse(value) as EntryTuple
  return { id, sid: id, realm, userId, cause, at }
}

/** What may be claimed in this group, a bounded part at a time: a part of which all was too old is followed by another one. */
async function claimIn(
  executor: Executor,
  group: Group,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<readonly OutboxEntry[]> {
  const claimed: OutboxEntry[] = []
  while (claimed.length < limit) {
    const asked = Math.min(PAGE, limit - claimed.length)
    const reply = await executor.run(CLAIM_OUTBOX, group, asked, leaseMs)
    claimed.push(...rowsOf(reply, 2, 1).map(([id = '', value = '']) => toEntry(id, value)))
    const [[looked = '0'] = []] = rowsOf(reply, 1)
    if (asNumber(looked) < asked) break
  }
  return claimed
}

/** A session ends once, so its sid names the entry. Claims go round the groups, so that a busy one does not hide the others. */
export function outbox(executor: Executor): Outbox {
  let turn = 0
  return {
    async claim(limit, leaseMs) {
      const claimed: OutboxEntry[] = []
      for (let i = 0; i < ALL_GROUPS.length && claimed.length < limit; i++) {
        const group = turn++ % ALL_GROUPS.length
        claimed.push(...(await claimIn(executor, group, { limit: limit - claimed.length, leaseMs })))
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
