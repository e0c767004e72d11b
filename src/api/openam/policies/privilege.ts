import type { RealmName } from '../../../base/brand.ts'
import type { AgentSession } from '../../../session/agent-sessions.ts'
import type { Session } from '../../../session/session.ts'
import { administers } from '../../administration.ts'
import type { People } from '../../ports.ts'

/**
 * Whether the caller may have policies of the realm evaluated, for whatever subject: administrators of the realm and of those above it, and agents of the realm.
 * The answers say what other people may do, so this is the one place that gives the privilege.
 */
export async function mayEvaluate(people: People, caller: Session | AgentSession, realm: RealmName): Promise<boolean> {
  return 'agent' in caller ? caller.realm === realm : administers(people, caller, realm)
}

/** Whether the caller may read how policies are written. */
export function mayRead(people: People, caller: Session, realm: RealmName): Promise<boolean> {
  return administers(people, caller, realm)
}

/** Whether the caller may change them. */
export function mayWrite(people: People, caller: Session, realm: RealmName): Promise<boolean> {
  return administers(people, caller, realm)
}
