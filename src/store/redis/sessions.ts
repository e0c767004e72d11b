import type { CreateOutcome, Quota, SessionReader, SessionRecord, SessionWriter, TokenRecord } from '../store.ts'
import type { Executor } from './executor.ts'
import { asNumber, asText, rowsOf, unavailable } from './faults.ts'
import { bucketDigits, bucketOfSid, groupOfBucket, type Group } from './groups.ts'
import { ADD_TOKEN, REMOVE_TOKENS, TOUCH_SESSIONS, UPGRADE_SESSION } from './scripts/session-change.ts'
import { CREATE_SESSION } from './scripts/session-create.ts'
import { END_SESSION } from './scripts/session-end.ts'
import { FIND_SESSION, RESOLVE_TOKEN, SESSIONS_OF_USER } from './scripts/session-read.ts'
import { decodeSession, decodeWithTokens, encodePatch, encodeSession, encodeToken } from './session-codec.ts'

function groupOfSid(sid: string): Group | undefined {
  const bucket = bucketOfSid(sid)
  return bucket === undefined ? undefined : groupOfBucket(bucket)
}

function toSessions(reply: unknown, from = 0): readonly SessionRecord[] {
  return rowsOf(reply, 2, from).map(([sid = '', value = '']) => decodeSession(sid, value))
}

function toSession(sid: string, reply: unknown): SessionRecord | undefined {
  return reply === null ? undefined : decodeSession(sid, asText(reply))
}

export function sessionReads(executor: Executor): Pick<SessionReader, 'resolve' | 'find' | 'ofUser'> {
  return {
    async resolve(hash, bucket) {
      const reply = await executor.find(RESOLVE_TOKEN, groupOfBucket(bucket), hash, bucketDigits(bucket))
      if (reply === null) return undefined
      const [[sid = '', value = ''] = []] = rowsOf(reply, 2)
      const { session, tokens } = decodeWithTokens(sid, value)
      const token = tokens.find((one) => one.hash === hash)
      if (token === undefined) throw unavailable(new Error('a session does not know its token'))
      return { session, token }
    },
    async find(sid) {
      const group = groupOfSid(sid)
      return group === undefined ? undefined : toSession(sid, await executor.find(FIND_SESSION, group, sid))
    },
    async ofUser({ bucket, realm, userId }) {
      return toSessions(
        await executor.all(SESSIONS_OF_USER, groupOfBucket(bucket), bucketDigits(bucket), realm, userId),
      )
    },
  }
}

async function create(
  executor: Executor,
  session: SessionRecord,
  token: TokenRecord | undefined,
  quota: Quota | undefined,
): Promise<CreateOutcome> {
  const { sid, bucket, realm, userId } = session
  if (bucketOfSid(sid) !== bucket) throw unavailable(new Error('a sid starts with its bucket'))
  const reply = await executor.write(
    CREATE_SESSION,
    groupOfBucket(bucket),
    sid,
    encodeSession(session, token),
    token?.hash ?? '',
    realm,
    userId,
    quota?.limit ?? 0,
    quota?.action ?? '',
  )
  const [[kind] = []] = rowsOf(reply, 1)
  const sessions = toSessions(reply, 1)
  return kind === 'quota-reached' ? { kind, running: sessions } : { kind: 'created', ended: sessions }
}

/** Touches may be lost in a fail-over: a minute of idle time. */
async function touch(executor: Executor, seen: Parameters<SessionWriter['touch']>[0]): Promise<void> {
  const byGroup = new Map<Group, (string | number)[]>()
  for (const { sid, at } of seen) {
    const group = groupOfSid(sid)
    if (group === undefined) continue
    const args = byGroup.get(group) ?? []
    args.push(sid, at)
    byGroup.set(group, args)
  }
  await Promise.all(
    [...byGroup].flatMap(([group, args]) => slices(args).map((some) => executor.run(TOUCH_SESSIONS, group, ...some))),
  )
}

/** A script holds up everybody else: a hundred sessions at a time. */
function slices<T>(args: readonly T[], width = 200): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(args.length / width) }, (_, i) => args.slice(i * width, (i + 1) * width))
}

export function sessionWrites(executor: Executor): Omit<SessionWriter, 'expired'> {
  return {
    create: (session, token, quota) => create(executor, session, token, quota),
    async upgrade(sid, expectedGen, patch, token) {
      const group = groupOfSid(sid)
      if (group === undefined) return undefined
      const next = token === undefined ? '' : encodeToken({ ...token, gen: expectedGen + 1 })
      return toSession(sid, await executor.write(UPGRADE_SESSION, group, sid, expectedGen, encodePatch(patch), next))
    },
    async addToken(token) {
      const group = groupOfSid(token.sid)
      if (group === undefined) return false
      return asNumber(await executor.write(ADD_TOKEN, group, token.sid, encodeToken(token))) === 1
    },
    async removeTokens(sid, audience) {
      const group = groupOfSid(sid)
      if (group === undefined) return false
      return asNumber(await executor.write(REMOVE_TOKENS, group, sid, audience)) === 1
    },
    touch: (seen) => touch(executor, seen),
    async end(sid, cause) {
      const group = groupOfSid(sid)
      return group === undefined ? undefined : toSession(sid, await executor.write(END_SESSION, group, sid, cause))
    },
  }
}
