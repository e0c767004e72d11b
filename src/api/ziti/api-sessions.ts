import type { Session } from '../../session/session.ts'
import { viewOf } from '../../session/session-view.ts'
import { apiSessionDetail, ofSession } from './api-session.ts'
import { sameUser } from '../administration.ts'
import type { Call, FullCaller, ZitiDeps } from './call.ts'
import { partOf, readListQuery, type Fields } from './list-query.ts'
import { auditAdministration, isAdministrator } from './permission.ts'
import { iso, ok, okList, problem, type Problem, type Reply } from './reply.ts'

const FIELDS = [
  ...['id', 'identity', 'identityId', 'identity.name', 'ipAddress'],
  ...['isMfaComplete', 'isMfaRequired', 'createdAt', 'updatedAt', 'lastActivityAt', 'expiresAt'],
] as const

/** More than that are not looked through for one answer: who wants to know narrows it down on the command line. */
const MOST = 10_000
const READ = 500

/** `GET api-sessions`: all of the realm, partial ones among them. */
export async function listApiSessions(deps: ZitiDeps, call: Call, { session }: FullCaller): Promise<Reply | Problem> {
  const query = readListQuery(call, FIELDS)
  if ('problem' in query) return query
  if (!(await isAdministrator(deps, session))) {
    auditAdministration(deps, call, { caller: session, action: 'list', outcome: 'refused' })
    return problem('UNAUTHORIZED')
  }
  const { part, page } = partOf(await allOf(deps), query, (row) => fieldsOf(deps, row))
  auditAdministration(deps, call, { caller: session, action: 'list', outcome: 'done', count: part.length })
  return okList(
    part.map((row) => apiSessionDetail(deps.administered.realmAuthn, ofSession(row))),
    page,
    FIELDS,
  )
}

async function allOf({ store, administered: { realm } }: ZitiDeps): Promise<readonly Session[]> {
  const all: Session[] = []
  let after: string | undefined
  do {
    const page = await store.sessions.list({ realm, limit: READ, ...(after === undefined ? {} : { after }) })
    all.push(...page.map((record) => viewOf(record, record)))
    after = page.length === READ ? page.at(-1)?.sid : undefined
  } while (after !== undefined && all.length < MOST)
  return all
}

function fieldsOf({ administered: { realmAuthn } }: ZitiDeps, row: Session): Fields {
  const { id, userId, username, address, authQueries, ...times } = ofSession(row)
  const hasSecond = row.authModules.some((name) => realmAuthn.modules.get(name)?.isEnrolled !== undefined)
  const isPartial = authQueries.length > 0
  return {
    ...{ id, identity: userId, identityId: userId, 'identity.name': username, ipAddress: address },
    isMfaComplete: hasSecond && !isPartial,
    isMfaRequired: hasSecond || isPartial,
    createdAt: iso(times.createdAt),
    updatedAt: iso(times.updatedAt),
    lastActivityAt: iso(times.lastActivityAt),
    expiresAt: iso(times.expiresAt),
  }
}

/** `GET api-sessions/ID`: one's own, or one that the caller administers. */
export async function apiSession(deps: ZitiDeps, call: Call, caller: FullCaller, id: string): Promise<Reply | Problem> {
  const found = await sessionFor(deps, call, { caller, id, action: 'read' })
  if (found === undefined) return problem('NOT_FOUND')
  const { realmAuthn } = found.realm === deps.realm ? deps : deps.administered
  return ok(apiSessionDetail(realmAuthn, ofSession(found)))
}

/** `DELETE api-sessions/ID` */
export async function endApiSession(
  deps: ZitiDeps,
  call: Call,
  caller: FullCaller,
  id: string,
): Promise<Reply | Problem> {
  const found = await sessionFor(deps, call, { caller, id, action: 'end' })
  if (found === undefined) return problem('NOT_FOUND')
  const { session } = caller
  const cause = found.sid === session.sid ? 'logout' : sameUser(found, session) ? 'account' : 'admin'
  return (await deps.sessions.end(id, cause, call.origin)) ? ok({}) : problem('NOT_FOUND')
}

interface Wanted {
  readonly caller: FullCaller
  readonly id: string
  readonly action: 'read' | 'end'
}

/** `undefined` for what is not there and what is somebody else's alike: nobody learns of sessions that are none of their business. */
export async function sessionFor(
  deps: ZitiDeps,
  call: Call,
  { caller: { session }, id, action }: Wanted,
): Promise<Session | undefined> {
  const record = await deps.store.sessions.find(id)
  if (record === undefined) return undefined
  const target = viewOf(record, record)
  if (sameUser(target, session)) return target
  if (target.realm !== deps.administered.realm) return undefined
  const isAllowed = await isAdministrator(deps, session)
  const outcome = isAllowed ? 'done' : 'refused'
  auditAdministration(deps, call, { caller: session, action, outcome, target, count: isAllowed ? 1 : 0 })
  return isAllowed ? target : undefined
}
