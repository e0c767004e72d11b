import { createPartialSessions } from '../../session/partial.ts'
import { apiSessionDetail, ofSession } from './api-session.ts'
import type { Call, Caller, FullCaller, ZitiDeps } from './call.ts'
import { createPartialLogins } from './partial-logins.ts'
import { ok, problem, type Problem, type Reply } from './reply.ts'

/** `GET current-api-session` */
export function currentSession(deps: ZitiDeps, _call: Call, { session, token }: FullCaller): Reply {
  return ok(apiSessionDetail(deps.realmAuthn, ofSession(session, deps.clock()), token))
}

/** `DELETE current-api-session`: log out. A login that is not through ends, too. */
export async function endCurrentSession(deps: ZitiDeps, call: Call, caller: Caller): Promise<Reply | Problem> {
  if (caller.kind === 'full') {
    const ended = await deps.sessions.end(caller.session.sid, 'logout', call.origin)
    return ended ? ok({}) : problem('UNAUTHORIZED')
  }
  const { token, login } = caller
  if (login.sid !== undefined) await createPartialSessions(deps).over(login.sid)
  await createPartialLogins(deps).remove(token)
  return ok({})
}
