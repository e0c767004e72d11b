import type { Quota } from '../store/store.ts'
import type { SessionRules } from './session-rules.schema.ts'

/**
 * Where no quota is set. Each list of a person's sessions, and each login that counts them, is one step of the store that nobody else
 * works beside: whoever can sign in could hold it up with sessions of their own.
 */
export const CEILING: Quota = { limit: 1_000, action: 'DESTROY_OLDEST_SESSION' }

/** How many sessions this person may have: their own value counts before those of their groups (the largest), then the realm's. */
export function quotaFor(
  { quota, quotas }: Pick<SessionRules, 'quota' | 'quotas'>,
  { username, groups }: { readonly username: string; readonly groups: ReadonlySet<string> },
): Quota | undefined {
  if (quota === undefined) return undefined
  const own = quotas.find((entry) => 'user' in entry && entry.user === username)
  const ofGroups = quotas.flatMap((entry) => ('group' in entry && groups.has(entry.group) ? [entry.limit] : []))
  const limit = own?.limit ?? (ofGroups.length > 0 ? Math.max(...ofGroups) : quota.limit)
  return { limit, action: quota.action }
}
