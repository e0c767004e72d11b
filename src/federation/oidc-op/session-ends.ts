import type Provider from 'oidc-provider'
import type { Client } from 'oidc-provider'
import type { RealmName } from '../../base/brand.ts'
import type { EndCause } from '../../telemetry/audit.ts'
import type { Log } from '../../telemetry/log.ts'
import { removeGrant } from './adapter.ts'
import type { Shelf } from './records.ts'
import type { ClientOfSession, SsoSessions } from './sso-sessions.ts'

/** Tries half a minute apart, as long as the outbox holds an entry: five minutes. */
const MOST_TRIES = 10
const KEPT_MS = 60 * 60_000

export interface SessionEndsDeps {
  readonly realm: RealmName
  readonly provider: Provider
  readonly sessions: Pick<SsoSessions, 'load' | 'replace' | 'remove'>
  readonly shortLived: Shelf
  readonly durable: Shelf
  readonly log: Log
  /** Ends all that a user has let clients have. */
  readonly endEverything: (userId: string) => Promise<void>
}

/** Causes that lie in the person: nothing of theirs goes on. */
export const FOR_GOOD: ReadonlySet<EndCause> = new Set(['user-disabled', 'user-removed'])

/**
 * A session has ended, wherever and why ever: what clients got by it ends (but `offline_access`), and those that want to know are told
 * (OIDC Back-Channel Logout 1.0). Rejects when some could not be told: then it is called again, for those alone.
 */
export async function tellClients(
  { sid, userId, cause }: { readonly sid: string; readonly userId: string; readonly cause: EndCause },
  deps: SessionEndsDeps,
): Promise<void> {
  const { provider, sessions, log } = deps
  const record = await sessions.load(sid)
  if (FOR_GOOD.has(cause) && record?.tries === undefined) await deps.endEverything(userId)
  if (record === undefined) return
  const entries = Object.entries(record.authorizations)
  const ending = entries.flatMap(([, { grantId, persistsLogout }]) =>
    grantId === undefined || persistsLogout === true ? [] : [removeGrant(grantId, deps)],
  )
  await Promise.all(ending)
  const told = await Promise.all(entries.map((entry) => tell(provider, record.userId, entry)))
  const failed = told.filter((each) => each !== undefined)
  const tries = (record.tries ?? 0) + 1
  if (failed.length === 0 || tries >= MOST_TRIES) {
    for (const { client, error } of failed)
      log.error({ err: error, client, sid }, 'a client could not be told that a session has ended; given up')
    await sessions.remove(sid)
    return
  }
  const authorizations = Object.fromEntries(entries.filter(([id]) => failed.some(({ client }) => client === id)))
  await sessions.replace(sid, { ...record, authorizations, tries }, KEPT_MS)
  throw new Error(`${failed.map(({ client }) => client).join(', ')} could not be told`, { cause: failed[0]?.error })
}

/** The library's own, which its types leave out. */
interface LogoutClient {
  backchannelLogout(userId: string, sid: string): Promise<void>
}

async function tell(
  provider: Provider,
  userId: string,
  [client, { sid }]: readonly [string, ClientOfSession],
): Promise<{ readonly client: string; readonly error: unknown } | undefined> {
  try {
    const found: (Client & Partial<LogoutClient>) | undefined = await provider.Client.find(client)
    if (found?.backchannelLogoutUri !== undefined && sid !== undefined) await found.backchannelLogout?.(userId, sid)
    return undefined
  } catch (error) {
    return { client, error }
  }
}
