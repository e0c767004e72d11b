import type { Bucket, SessionReader, SessionRecord, SessionWriter } from '../store.ts'
import type { Executor } from './executor.ts'
import { asNumber, rowsOf } from './faults.ts'
import { ALL_GROUPS, bucketOfSid, firstBucketOf, groupOfBucket, type Group } from './groups.ts'
import { pagesOf } from './pages.ts'
import { EXPIRED_SESSIONS, LOAD_SESSIONS, NAME_SESSIONS } from './scripts/session-read.ts'
import { decodeSession } from './session-codec.ts'

function lastBucketOf(group: Group): number {
  return firstBucketOf(group + 1) - 1
}

type ListQuery = Parameters<SessionReader['list']>[0]

/** Sids of one script that loads sessions. */
const SLICE = 200

/** Sids of a group from this bucket on, in their order. A bucket is sorted here, when it is known whole: Redis has it in another order. */
async function* sidsOf(executor: Executor, group: Group, first: Bucket): AsyncGenerator<readonly string[]> {
  const read = async (from: string, limit: number) => {
    const [bucket = first, end = '-inf'] = from === '' ? [] : from.split(' ')
    return rowsOf(await executor.all(NAME_SESSIONS, group, bucket, lastBucketOf(group), end, limit), 2)
  }
  let [digits, sids] = ['', new Set<string>()]
  for await (const page of pagesOf(read, ([sid = '', end = '']) => `${sid.slice(0, 4)} ${end}`)) {
    for (const [sid = ''] of page) {
      if (!sid.startsWith(digits)) {
        yield [...sids].sort()
        sids = new Set()
      }
      digits = sid.slice(0, 4)
      sids.add(sid)
    }
  }
  yield [...sids].sort()
}

/** The same in slices that one script loads. */
async function* slicesOf(executor: Executor, group: Group, first: Bucket, after: string) {
  let waiting: string[] = []
  for await (const sids of sidsOf(executor, group, first)) {
    waiting.push(...sids.filter((sid) => sid > after))
    for (; waiting.length >= SLICE; waiting = waiting.slice(SLICE)) yield waiting.slice(0, SLICE)
  }
  if (waiting.length > 0) yield waiting
}

/** Sids start with their bucket, so the order of sids is the order of groups, of buckets, and of members within. */
async function list(executor: Executor, { realm, after = '', limit }: ListQuery): Promise<readonly SessionRecord[]> {
  const found: SessionRecord[] = []
  const start = bucketOfSid(after) ?? 0
  for (let group = groupOfBucket(start); group < ALL_GROUPS.length && found.length < limit; group++) {
    for await (const sids of slicesOf(executor, group, Math.max(start, firstBucketOf(group)), after)) {
      const rows = rowsOf(await executor.run(LOAD_SESSIONS, group, realm ?? '', ...sids), 2)
      const loaded = new Map(rows.map(([sid = '', value = '']) => [sid, value]))
      for (const sid of sids) {
        const value = loaded.get(sid)
        if (value !== undefined) found.push(decodeSession(sid, value))
        if (found.length >= limit) return found
      }
    }
  }
  return found
}

type Due = Awaited<ReturnType<SessionWriter['expired']>>[number]

interface DueRow extends Due {
  readonly ended: number
}

async function dueInGroup(executor: Executor, group: Group, limit: number): Promise<readonly DueRow[]> {
  const reply = await executor.run(EXPIRED_SESSIONS, group, firstBucketOf(group), lastBucketOf(group), limit)
  return rowsOf(reply, 3).map(([sid = '', ended = '', cause]) => ({
    sid,
    ended: asNumber(ended),
    cause: cause === 'idle' ? 'idle' : 'max-life',
  }))
}

export function sessionLists(executor: Executor): Pick<SessionReader, 'list'> & Pick<SessionWriter, 'expired'> {
  return {
    list: (query) => list(executor, query),
    async expired(limit) {
      const due = (await Promise.all(ALL_GROUPS.map((group) => dueInGroup(executor, group, limit)))).flat()
      due.sort((a, b) => a.ended - b.ended || (a.sid < b.sid ? -1 : 1))
      return due.slice(0, limit).map(({ sid, cause }) => ({ sid, cause }))
    },
  }
}
