import { z } from 'zod'
import { randomSecret } from '../../base/random-id.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { AgentId } from '../../base/brand.ts'
import type { Session } from '../../session/session.ts'
import { sessionFor } from './api-sessions.ts'
import type { Call, FullCaller, Service, ZitiDeps } from './call.ts'
import { identityRef } from './identity.ts'
import { createServiceSessions, type ServiceSession } from './service-sessions.ts'
import { iso, ok, okAll, problem, type Problem, type Reply } from './reply.ts'

const newSession = z.object({ serviceId: z.string().min(1).max(256), type: z.enum(['Dial', 'Bind']) })

/** `GET services`: the sites of the realm that the policies let the caller in at. */
export async function listServices(deps: ZitiDeps, call: Call, { session }: FullCaller): Promise<Reply> {
  const allowed = await Promise.all(deps.services.map((each) => each.mayDial(session, call.origin.clientIp)))
  return okAll(deps.services.filter((_, i) => allowed[i]).map(serviceDetail))
}

/** `GET services/ID` */
export async function service(
  deps: ZitiDeps,
  call: Call,
  { session }: FullCaller,
  id: string,
): Promise<Reply | Problem> {
  const found = await dialable(deps, call, session, id)
  return found === undefined ? problem('NOT_FOUND') : ok(serviceDetail(found))
}

/** One that may not be dialled is as one that is not there. */
async function dialable(
  { services }: ZitiDeps,
  { origin }: Call,
  session: Session,
  id: string,
): Promise<Service | undefined> {
  const found = services.find((each) => each.id === id)
  return (await found?.mayDial(session, origin.clientIp)) === true ? found : undefined
}

function serviceDetail({ id, name }: Service): object {
  const self = `./services/${id}`
  const never = iso(0)
  return {
    _links: { self: { href: self }, sessions: { href: './sessions' } },
    ...{ id, name, createdAt: never, updatedAt: never, tags: {} },
    ...{ permissions: ['Dial'], encryptionRequired: false, configs: [], config: {}, roleAttributes: [] },
    ...{ postureQueries: [], terminatorStrategy: 'smartrouting' },
  }
}

/** `POST sessions`: a restricted token for one site, in place of the one of before. */
export async function openSession(deps: ZitiDeps, call: Call, { session }: FullCaller): Promise<Reply | Problem> {
  const parsed = newSession.safeParse(call.body)
  if (!parsed.success)
    return problem('COULD_NOT_VALIDATE', 'send serviceId, the id of an agent, and type, which is Dial')
  const { serviceId, type } = parsed.data
  if (type === 'Bind') return problem('COULD_NOT_VALIDATE', 'nothing is hosted through Gatehouse: type is Dial')
  // As its login token would see it: a step-up elsewhere may have gone before.
  const current = await deps.sessions.find(session.sid)
  if (current === undefined) return problem('UNAUTHORIZED')
  const found = await dialable(deps, call, current, serviceId)
  if (found === undefined) return problem('NOT_FOUND', `there is no service ${JSON.stringify(serviceId)}`)
  const token = await restrictedToken(deps, call, current, found)
  if (token === undefined) return problem('UNAUTHORIZED')
  const opened = await createServiceSessions(deps).open(current, serviceId)
  return ok({ ...sessionDetail(current, found, opened), token, cookie: found.cookie }, 201)
}

/** As a browser would get it from a handshake, which is audited. */
async function restrictedToken(
  { handshakes }: ZitiDeps,
  { origin }: Call,
  session: Session,
  { id, audience, url }: Service,
): Promise<string | undefined> {
  const agent = id as AgentId
  const binding = sha256(randomSecret())
  const code = await handshakes.issue(session, { agent, audience, goto: `${url}/`, binding, interactive: false })
  const redemption = await handshakes.redeem(code, agent, binding, origin)
  return redemption.kind === 'issued' ? redemption.token : undefined
}

/** `GET sessions`: one's own. What the policies deny by now has ended. */
export async function listSessions(deps: ZitiDeps, call: Call, { session }: FullCaller): Promise<Reply> {
  return okAll(await openOnes(deps, call, session))
}

/** `GET api-sessions/ID/sessions` */
export async function sessionsOfApiSession(
  deps: ZitiDeps,
  call: Call,
  caller: FullCaller,
  id: string,
): Promise<Reply | Problem> {
  const found = await sessionFor(deps, call, { caller, id, action: 'read' })
  if (found === undefined) return problem('NOT_FOUND')
  if (found.sid === caller.session.sid) return okAll(await openOnes(deps, call, found))
  // From where the caller is the policies may deny what they allow to whose session it is: looking ends nothing of it.
  return okAll((await openedOf(deps, found)).map(({ site, opened }) => sessionDetail(found, site, opened)))
}

/** `GET sessions/ID` */
export async function sessionNamed(
  deps: ZitiDeps,
  call: Call,
  { session }: FullCaller,
  id: string,
): Promise<Reply | Problem> {
  const found = (await openOnes(deps, call, session)).find((each) => each.id === id)
  return found === undefined ? problem('NOT_FOUND') : ok(found)
}

/** `DELETE sessions/ID`: its token opens nothing any more. */
export async function closeSession(
  deps: ZitiDeps,
  _call: Call,
  { session }: FullCaller,
  id: string,
): Promise<Reply | Problem> {
  const found = deps.services.find((each) => idOf(session, each.id) === id)
  const closed = found !== undefined && (await close(deps, session, found))
  return closed ? ok({}) : problem('NOT_FOUND')
}

async function close(deps: ZitiDeps, session: Session, { id, audience }: Service): Promise<boolean> {
  if (!(await createServiceSessions(deps).close(session, id))) return false
  await deps.store.sessions.removeTokens(session.sid, audience)
  return true
}

type Detail = ReturnType<typeof sessionDetail>

async function openOnes(deps: ZitiDeps, call: Call, session: Session): Promise<readonly Detail[]> {
  const details: Detail[] = []
  for (const { site, opened } of await openedOf(deps, session)) {
    if (await site.mayDial(session, call.origin.clientIp)) details.push(sessionDetail(session, site, opened))
    else await close(deps, session, site)
  }
  return details
}

interface Opened {
  readonly site: Service
  readonly opened: ServiceSession
}

/** What a session has opened, whatever the policies say by now. */
async function openedOf(deps: ZitiDeps, { sid }: Session): Promise<readonly Opened[]> {
  const all = await createServiceSessions(deps).list(sid)
  return all.flatMap((opened) => {
    const site = deps.services.find(({ id }) => id === opened.service)
    return site === undefined ? [] : [{ site, opened }]
  })
}

function idOf({ sid }: Pick<Session, 'sid'>, service: string): string {
  return `${sid}.${service}`
}

function sessionDetail(session: Session, { id: service, name, url }: Service, opened: ServiceSession) {
  const id = idOf(session, service)
  const scheme = new URL(url).protocol.slice(0, -1)
  const urls = { [scheme]: url }
  const apiSession = { _links: { self: { href: `./api-sessions/${session.sid}` } }, entity: 'api-sessions' }
  return {
    _links: { self: { href: `./sessions/${id}` } },
    ...{ id, createdAt: iso(opened.createdAt), updatedAt: iso(opened.updatedAt), tags: {}, type: 'Dial' },
    ...{ apiSession: { ...apiSession, id: session.sid }, apiSessionId: session.sid },
    ...{ identity: identityRef(session), identityId: session.userId },
    service: { _links: { self: { href: `./services/${service}` } }, entity: 'services', id: service, name },
    serviceId: service,
    edgeRouters: [{ name, hostname: new URL(url).hostname, isOnline: true, supportedProtocols: urls, urls }],
  }
}
