import type { EpochMs } from '../base/brand.ts'
import type { SessionRecord, TokenRecord } from '../store/store.ts'
import { authQueriesOf } from './partial.ts'
import type { Session } from './session.ts'

/** The session as one token sees it: a restricted token keeps the level it was issued with. */
export function viewOf(record: SessionRecord, token: Pick<TokenRecord, 'gen' | 'authLevel' | 'authInstant'>): Session {
  return {
    sid: record.sid,
    bucket: record.bucket,
    realm: record.realm,
    userId: record.userId,
    username: record.username,
    gen: token.gen,
    authLevel: token.authLevel,
    authModules: record.authModules,
    authInstant: token.authInstant,
    createdAt: record.createdAt,
    lastSeenAt: record.lastSeenAt,
    idleExpiresAt: (record.lastSeenAt + record.maxIdleMs) as EpochMs,
    maxExpiresAt: record.maxExpiresAt,
    origin: record.origin,
    properties: record.properties,
    ...(record.kind === 'partial' ? { authQueries: authQueriesOf(record) ?? [] } : {}),
    ...(record.kind === 'stateless'
      ? { stateless: { renewAt: renewalTime(record.lastSeenAt, record.maxIdleMs) } }
      : {}),
  }
}

/** When a token that was issued at `seenAt` is old enough for another one: a quarter of the idle time is left out of account. */
export function renewalTime(seenAt: EpochMs, maxIdleMs: number): EpochMs {
  return (seenAt + maxIdleMs / 4) as EpochMs
}
