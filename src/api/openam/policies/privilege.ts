import type { RealmName } from '../../../base/brand.ts'
import type { Clock } from '../../../base/clock.ts'
import type { AgentSession } from '../../../session/agent-sessions.ts'
import type { RequestOrigin, Session } from '../../../session/session.ts'
import type { AuditEvent, AuditSink } from '../../../telemetry/audit.ts'
import { administers } from '../../administration.ts'
import type { People } from '../../ports.ts'
import { FORBIDDEN, type Reply } from '../reply.ts'

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

/** Answers who asks about policies without the privilege, and notes it: questions tell what other people may do. */
export function refuseQuestion(
  { audit, clock }: { readonly audit: AuditSink; readonly clock: Clock },
  {
    asking,
    origin: { requestId, clientIp },
    ...what
  }: {
    readonly asking: Session | AgentSession
    readonly of: RealmName
    readonly question: Extract<AuditEvent, { readonly event: 'PolicyQuestionRefused' }>['question']
    readonly origin: RequestOrigin
  },
): Reply {
  const { realm, sid } = asking
  const who = 'agent' in asking ? { agent: asking.agent } : { username: asking.username }
  audit.record({ event: 'PolicyQuestionRefused', at: clock(), requestId, clientIp, realm, sid, ...who, ...what })
  return FORBIDDEN
}
