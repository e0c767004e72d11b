import type { ConfigSnapshot } from '../config/snapshot.ts'
import { ofKnownUsers } from '../session/known-users.ts'
import type { SessionService } from '../session/session.ts'
import type { RuntimeDeps } from './deps.ts'
import { type RealmDirectories, usersOf } from './users.ts'

/** Sessions as the login host sees them: those of people and realms that the configuration knows. */
export type LoginHostSessions = Omit<SessionService, 'establish' | 'upgrade'>

export function loginHostSessions(
  snapshot: ConfigSnapshot,
  directories: RealmDirectories,
  { sessions }: RuntimeDeps,
): LoginHostSessions {
  return {
    resolve: ofKnownUsers({ sessions, causeToEnd: usersOf(snapshot, directories).causeToEnd }),
    touch: (session) => sessions.touch(session),
    renew: (token, session) => sessions.renew(token, session),
    end: (sid, cause, origin) => sessions.end(sid, cause, origin),
    endAllOfUser: (user, cause, origin) => sessions.endAllOfUser(user, cause, origin),
    endOthers: (session, cause, origin) => sessions.endOthers(session, cause, origin),
    ofUser: (user) => sessions.ofUser(user),
    find: (sid) => sessions.find(sid),
  }
}
