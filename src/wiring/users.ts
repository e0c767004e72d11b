import type { People } from '../api/ports.ts'
import type { RealmName } from '../base/brand.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { userOfSession } from '../federation/cdsso/claims-user.ts'
import type { OpenDirectories } from '../identity/directories.ts'
import { createSessionUsers, type SessionUsers } from '../identity/session-user.ts'

export type RealmDirectories = OpenDirectories['all']

export function usersOf(snapshot: ConfigSnapshot, directories: RealmDirectories): SessionUsers {
  const own = createSessionUsers({
    directories,
    endsOnGroupChange: (realm) => snapshot.realms.get(realm)?.session.endOnGroupChange === true,
  })
  // Of those that a provider elsewhere has, the session itself says who they are.
  const isElsewhere = (realm: RealmName): boolean => snapshot.realms.get(realm)?.ssoProvider !== undefined
  return {
    factsOf: (session) => (isElsewhere(session.realm) ? userOfSession(session) : own.factsOf(session)),
    causeToEnd: async (session) => (isElsewhere(session.realm) ? undefined : own.causeToEnd(session)),
  }
}

export function peopleOf(snapshot: ConfigSnapshot, directories: RealmDirectories): People {
  const users = usersOf(snapshot, directories)
  return {
    hasRealm: (realm) => snapshot.realms.has(realm),
    administratorsOf: (realm) => snapshot.realms.get(realm)?.administrators ?? [],
    groupsOf: async (session) => (await users.factsOf(session))?.groups ?? new Set(),
    userIdOf: (realm, username) => directories.get(realm)?.idOf(username),
  }
}
