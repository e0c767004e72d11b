import type { Quota, QuotaAction, SessionRecord } from '../store.ts'

/** When the session is over if nobody uses it any more: the earlier of its idle and its maximum end. */
export function expiryOf({ maxExpiresAt, lastSeenAt, maxIdleMs }: SessionRecord): number {
  return Math.min(maxExpiresAt, lastSeenAt + maxIdleMs)
}

type Victims = (running: readonly SessionRecord[], excess: number) => readonly SessionRecord[] | 'none'

/** `running` comes oldest first. */
const VICTIMS: Readonly<Record<QuotaAction, Victims>> = {
  DENY_ACCESS: () => 'none',
  DESTROY_OLDEST_SESSION: (running, excess) => running.slice(0, excess),
  DESTROY_NEXT_EXPIRING: (running, excess) => running.toSorted((a, b) => expiryOf(a) - expiryOf(b)).slice(0, excess),
  DESTROY_OLD_SESSIONS: (running) => running,
}

/** Which of the user's live sessions, oldest first, end so that one more is within the quota; `none` when the login is refused. */
export function makeRoom(
  running: readonly SessionRecord[],
  quota: Quota | undefined,
): readonly SessionRecord[] | 'none' {
  if (quota === undefined || running.length < quota.limit) return []
  return VICTIMS[quota.action](running, running.length - quota.limit + 1)
}
