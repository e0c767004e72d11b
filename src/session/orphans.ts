import type { SessionReader, SessionRecord } from '../store/store.ts'
import type { EndCause } from '../telemetry/audit.ts'
import type { Session, SessionService } from './session.ts'
import type { RealmName } from '../base/brand.ts'

export interface OrphansDeps {
  readonly reader: Pick<SessionReader, 'list'>
  readonly sessions: Pick<SessionService, 'end'>
  /** Why a session may not go on under the configuration in force; `undefined` when it may. */
  readonly causeToEnd: (
    session: Pick<SessionRecord, 'realm' | 'userId' | 'username' | 'properties'>,
  ) => EndCause | undefined | Promise<EndCause | undefined>
}

const PAGE = 500
const NOBODY = { requestId: undefined, clientIp: undefined }

/**
 * Ends every live session whose realm or user is gone, disabled or renamed: at start, for what changed while nobody was running, and
 * after each change of configuration. Returns how many. Rejects when the store cannot be asked; run it again then.
 */
export async function endOrphans({ reader, sessions, causeToEnd }: OrphansDeps): Promise<number> {
  let count = 0
  let after: string | undefined
  for (;;) {
    const page = await reader.list({ ...(after === undefined ? {} : { after }), limit: PAGE })
    for (const session of page) {
      const cause = await causeToEnd(session)
      if (cause !== undefined && (await sessions.end(session.sid, cause, NOBODY))) count++
    }
    after = page.at(-1)?.sid
    if (page.length < PAGE || after === undefined) return count
  }
}

export interface ChangedUserDeps {
  readonly sessions: Pick<SessionService, 'end' | 'ofUser'>
  readonly causeToEnd: (session: Session) => EndCause | undefined | Promise<EndCause | undefined>
}

/** The same for the sessions of one user, whom a directory describes otherwise now. */
export async function endChanged(
  { sessions, causeToEnd }: ChangedUserDeps,
  user: { readonly realm: RealmName; readonly userId: string },
): Promise<void> {
  for (const session of await sessions.ofUser(user)) {
    const cause = await causeToEnd(session)
    if (cause !== undefined) await sessions.end(session.sid, cause, NOBODY)
  }
}
