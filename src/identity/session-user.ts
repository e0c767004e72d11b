import type { RealmName } from '../base/brand.ts'
import { groupsChanged } from '../session/groups-at-login.ts'
import type { Session } from '../session/session.ts'
import type { EndCause } from '../telemetry/audit.ts'
import type { NamedDirectory, User } from './directory.ts'

/** A session as far as it names a user, and what it remembers of them. */
export type Named = Pick<Session, 'realm' | 'userId' | 'username' | 'properties'>

/** The users that sessions stand for. */
export interface SessionUsers {
  /** The session's user, as long as they are who they were: a name that was given away must not be passed on by its old owner. */
  readonly factsOf: (session: Named) => User | undefined | Promise<User | undefined>
  /** Why the session has to end; `undefined` while it may go on. */
  readonly causeToEnd: (session: Named) => Promise<EndCause | undefined>
}

export interface SessionUsersDeps {
  readonly directories: ReadonlyMap<RealmName, Pick<NamedDirectory, 'find' | 'absence'>>
  /** Whether other groups than at the login end the realm's sessions. */
  readonly endsOnGroupChange: (realm: RealmName) => boolean
}

export function createSessionUsers({ directories, endsOnGroupChange }: SessionUsersDeps): SessionUsers {
  const changeOf = (user: User, session: Named): EndCause | undefined => {
    if (user.username !== session.username) return 'user-changed'
    return groupsChanged(session, user.groups) && endsOnGroupChange(session.realm) ? 'groups-changed' : undefined
  }
  const unchanged = (user: User | undefined, session: Named): User | undefined =>
    user !== undefined && changeOf(user, session) === undefined ? user : undefined
  return {
    factsOf: (session) => {
      const found = directories.get(session.realm)?.find(session.userId)
      return found instanceof Promise ? found.then((user) => unchanged(user, session)) : unchanged(found, session)
    },
    causeToEnd: async (session) => {
      const { realm, userId } = session
      const directory = directories.get(realm)
      if (directory === undefined) return 'realm-removed'
      const user = await directory.find(userId)
      if (user !== undefined) return changeOf(user, session)
      return directory.absence(userId) === 'disabled' ? 'user-disabled' : 'user-removed'
    },
  }
}
