import { z } from 'zod'
import type { RealmName } from '../../base/brand.ts'
import type { Session } from '../../session/session.ts'
import { auditCall, permission, sessionOf, type Call, type SessionsDeps } from './call.ts'
import { FORBIDDEN, ok, problem, UNAUTHORIZED, type Reply } from './reply.ts'
import { sidOfHandle } from './session-facts.ts'

const MOST_HANDLES = 100

const byHandle = z.strictObject({ sessionHandles: z.array(z.string().max(100)).min(1).max(MOST_HANDLES) })
const byUser = z.strictObject({ username: z.string().min(1).max(512) })

/** `logoutByHandle`: each handle by itself. One that is another person's answers like one that names nothing. */
export async function endByHandle(deps: SessionsDeps, call: Call): Promise<Reply> {
  const parsed = byHandle.safeParse(call.body)
  if (!parsed.success) return problem(400)
  const caller = await sessionOf(deps, call.tokens.caller)
  if (caller === undefined) return UNAUTHORIZED
  const result: Record<string, boolean> = Object.create(null) as Record<string, boolean>
  for (const handle of new Set(parsed.data.sessionHandles))
    result[handle] = await endOne(deps, call, { caller, handle })
  return ok({ result })
}

async function endOne(
  deps: SessionsDeps,
  call: Call,
  { caller, handle }: { readonly caller: Session; readonly handle: string },
): Promise<boolean> {
  const sid = sidOfHandle(handle)
  // One that is partial has an owner and an end, too.
  const session = sid === undefined ? undefined : await deps.records.find(sid)
  if (session === undefined) return false
  const { realm, username } = session
  const allowed = await permission(deps, caller, session)
  const ended =
    allowed !== 'none' && (await deps.sessions.end(session.sid, allowed === 'own' ? 'logout' : 'admin', call.origin))
  if (allowed !== 'own') {
    const outcome = allowed === 'none' ? 'refused' : 'done'
    const target = { realm, username, sid: session.sid }
    auditCall(deps, call, { caller, action: 'end', outcome, target, count: ended ? 1 : 0 })
  }
  return ended
}

/** `logoutByUser`: all sessions of one person of the addressed realm. */
export async function endOfUser(deps: SessionsDeps, call: Call): Promise<Reply> {
  const parsed = byUser.safeParse(call.body)
  if (!parsed.success) return problem(400)
  const caller = await sessionOf(deps, call.tokens.caller)
  if (caller === undefined) return UNAUTHORIZED
  const { realm } = call.address
  const { username } = parsed.data
  const userId = await deps.people.userIdOf(realm, username)
  const allowed = await permission(deps, caller, { realm, userId })
  const cause = allowed === 'own' ? 'logout' : 'admin'
  const count = allowed === 'none' ? 0 : await endAll(deps, call, { realm, userId, cause })
  if (allowed !== 'own') {
    const outcome = allowed === 'none' ? 'refused' : 'done'
    auditCall(deps, call, { caller, action: 'end', outcome, target: { realm, username }, count })
  }
  return allowed === 'none' ? FORBIDDEN : ok({ result: userId !== undefined })
}

function endAll(
  { sessions }: SessionsDeps,
  { origin }: Call,
  { realm, userId, cause }: { realm: RealmName; userId: string | undefined; cause: 'logout' | 'admin' },
): Promise<number> {
  return userId === undefined ? Promise.resolve(0) : sessions.endAllOfUser({ realm, userId }, cause, origin)
}
