import type { SessionReader, SessionRecord, SessionWriter } from '../store.ts'
import type { Executor } from './executor.ts'
import { asNumber, rowsOf } from './faults.ts'
import { ALL_GROUPS, bucketOfSid, firstBucketOf, groupOfBucket, type Group } from './groups.ts'
import { EXPIRED_SESSIONS, LIST_SESSIONS } from './scripts/session-read.ts'
import { decodeSession } from './session-codec.ts'

function lastBucketOf(group: Group): number {
  return firstBucketOf(group + 1) - 1
}

type ListQuery = Parameters<SessionReader['list']>[0]

/** Sids start with their bucket, so the order of sids is the order of groups, of buckets, and of members within. */
async function list(executor: Executor, { realm, after = '', limit }: ListQuery): Promise<readonly SessionRecord[]> {
  const found: SessionRecord[] = []
  const start = bucketOfSid(after)
  let bucket = start ?? 0
  let member = start === undefined ? '' : after.slice(5)
  for (let group = groupOfBucket(bucket); group < ALL_GROUPS.length && found.length < limit;) {
    const rest = limit - found.length
    const reply = await executor.run(LIST_SESSIONS, group, bucket, lastBucketOf(group), member, rest, realm ?? '')
    found.push(...rowsOf(reply, 2, 2).map(([sid = '', value = '']) => decodeSession(sid, value)))
    const [[next = '-1', lookedAt = ''] = []] = rowsOf(reply, 2)
    const goesOn = asNumber(next) >= 0
    if (!goesOn) group++
    bucket = goesOn ? asNumber(next) : firstBucketOf(group)
    member = goesOn ? lookedAt : ''
  }
  return found.slice(0, limit)
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
