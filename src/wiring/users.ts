import type { People } from '../api/ports.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import type { OpenDirectories } from '../identity/directories.ts'
import { createSessionUsers, type SessionUsers } from '../identity/session-user.ts'

export type RealmDirectories = OpenDirectories['all']

export function usersOf(snapshot: ConfigSnapshot, directories: RealmDirectories): SessionUsers {
  return createSessionUsers({
    directories,
    endsOnGroupChange: (realm) => snapshot.realms.get(realm)?.session.endOnGroupChange === true,
  })
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
