import type { RealmName } from '../base/brand.ts'
import type { Session } from '../session/session.ts'
import type { People } from './ports.ts'

/** Whether whoever has this session may see and end the sessions of the realm. Asked anew at each call: a group is lost at once. */
export async function administers(
  people: Pick<People, 'administratorsOf' | 'groupsOf'>,
  session: Session,
  realm: RealmName,
): Promise<boolean> {
  if (!isWithin(realm, session.realm)) return false
  const administrators = people.administratorsOf(session.realm)
  if (administrators.length === 0) return false
  const groups = await people.groupsOf(session)
  return administrators.some((group) => groups.has(group))
}

/** The realm itself, or one below it. */
function isWithin(realm: RealmName, outer: RealmName): boolean {
  return realm === outer || realm.startsWith(outer === '/' ? '/' : `${outer}/`)
}

/** Whether both sessions are one person's. */
export function sameUser(one: Pick<Session, 'realm' | 'userId'>, other: Pick<Session, 'realm' | 'userId'>): boolean {
  return one.realm === other.realm && one.userId === other.userId
}
