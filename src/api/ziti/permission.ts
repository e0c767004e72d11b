import type { Session } from '../../session/session.ts'
import { administers } from '../administration.ts'
import type { Call, ZitiDeps } from './call.ts'

/** Whether whoever has this session administers the realm. Asked anew at each call. */
export function isAdministrator({ people, administered }: Pick<ZitiDeps, 'people' | 'administered'>, session: Session) {
  return administers(people, session, administered.realm)
}

/** Notes what an administrator did with other people's sessions, and what somebody was not allowed to. */
export function auditAdministration(
  { audit, clock, administered: { realm } }: Pick<ZitiDeps, 'audit' | 'clock' | 'administered'>,
  { origin: { requestId, clientIp } }: Pick<Call, 'origin'>,
  what: {
    readonly caller: Session
    readonly action: 'list' | 'read' | 'end'
    readonly outcome: 'done' | 'refused'
    readonly target?: Pick<Session, 'sid' | 'username'> | undefined
    readonly count?: number
  },
): void {
  const { caller, action, outcome, target, count } = what
  audit.record({
    event: 'SessionsAdministered',
    ...{ at: clock(), requestId, clientIp },
    ...{ realm: caller.realm, username: caller.username, sid: caller.sid, action, outcome },
    target: { realm, ...(target === undefined ? {} : { username: target.username, sid: target.sid }) },
    ...(count === undefined ? {} : { count }),
  })
}
