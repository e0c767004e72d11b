import type { EpochMs, RealmName } from '../base/brand.ts'
import type { SessionRecord, TokenRecord } from './store.ts'

/** The record of a session that begins at `now`, for half an hour of silence and two hours in all. */
export function sessionRecord(now: number, over: Partial<SessionRecord> & Pick<SessionRecord, 'sid'>): SessionRecord {
  const began = now as EpochMs
  return {
    bucket: 17,
    kind: 'cts',
    realm: '/employees' as RealmName,
    userId: 'u-alice',
    username: 'alice',
    gen: 1,
    authLevel: 1,
    authModules: ['password'],
    authInstant: began,
    createdAt: began,
    lastSeenAt: began,
    maxIdleMs: 30 * 60_000,
    maxExpiresAt: (now + 120 * 60_000) as EpochMs,
    origin: { address: '192.0.2.7', device: 'Mozilla/5.0' },
    properties: {},
    ...over,
  }
}

/** A token of a session that begins at `now`; its login token unless `over` says more. */
export function tokenRecord(now: number, over: Partial<TokenRecord> & Pick<TokenRecord, 'sid' | 'hash'>): TokenRecord {
  const at = now as EpochMs
  return { audience: 'login', gen: 1, authLevel: 1, authInstant: at, issuedAt: at, ...over }
}
