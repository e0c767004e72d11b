import { authQueriesOf } from '../session/partial.ts'
import type { SessionRecord } from '../store/store.ts'
import { oneLine } from '../telemetry/one-line.ts'
import { plain, textTable } from './text-table.ts'

/** One JSON document, times in ISO 8601. */
export function sessionsAsJson(sessions: readonly SessionRecord[], { more = false } = {}): string {
  const shown = sessions.map((session) => {
    const { sid, realm, username, userId, kind, authLevel, authModules, origin, ...times } = session
    const authQueries = authQueriesOf(session)
    return {
      sid,
      handle: `shandle:${sid}`,
      ...{ realm, username, userId, kind, authLevel, authModules },
      ...(authQueries === undefined ? {} : { authQueries }),
      authenticatedAt: iso(times.authInstant),
      createdAt: iso(times.createdAt),
      lastSeenAt: iso(times.lastSeenAt),
      idleExpiresAt: iso(times.lastSeenAt + times.maxIdleMs),
      maxExpiresAt: iso(times.maxExpiresAt),
      ...origin,
    }
  })
  return `${oneLine(JSON.stringify({ sessions: shown, more }, undefined, 2))}\n`
}

const HEADINGS = ['session', 'realm', 'user', 'level', 'since', 'last used', 'address', 'device']

/** A table. What a browser said of itself cannot drive the terminal. */
export function sessionsAsText(sessions: readonly SessionRecord[]): string {
  const rows = sessions.map(({ sid, realm, username, kind, authLevel, createdAt, lastSeenAt, origin }) => [
    sid,
    realm,
    plain(username),
    kind === 'partial' ? 'partial' : String(authLevel),
    iso(createdAt),
    iso(lastSeenAt),
    plain(origin.address),
    plain(origin.device).slice(0, 60),
  ])
  return textTable(HEADINGS, rows)
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
