import type { ServerResponse } from 'node:http'
import { isSameOrigin } from '../http/csrf.ts'
import { requestKind } from '../http/request-kind.ts'
import { parseTarget } from '../http/request-url.ts'
import { sendJson, sendRedirect } from '../http/respond.ts'
import type { BearerResolver } from '../session/bearer.ts'
import type { Session, SessionService } from '../session/session.ts'
import type { AccessRequest } from './access-request.ts'
import { answerHandshake, answerRefusal, type AnswerContext } from './answers.ts'
import { findForm, FORM_ENDPOINT, formTicket, type FormKeepingDeps } from './form-keeping.ts'
import { AGENT_CALLBACK, ENDPOINT_PREFIX } from './endpoint-path.ts'
import type { Handshake } from './handshake.ts'
import { answerLogin } from './login-answer.ts'
import type { ParkedPosts } from './parked-posts.ts'
import { takenUp } from './parking.ts'
import { signedOutCookies } from './signed-out.ts'
import type { Site } from './site.ts'
import { sessionOfCookie } from './token-cookie.ts'

/** Port: something that answers under `/.gatehouse/` on every protected host. Answers every request it is given. */
export interface HostEndpoint {
  methods(site: Site): readonly string[]
  handle(request: AccessRequest, response: ServerResponse, context: AnswerContext): void | Promise<void>
}

/** By the name after the prefix. */
export type HostEndpoints = ReadonlyMap<string, HostEndpoint>

export interface EndpointDeps extends FormKeepingDeps {
  readonly handshake: Handshake
  readonly sessions: Pick<SessionService, 'resolve' | 'end'>
  readonly bearer: Pick<BearerResolver, 'resolve'>
  readonly parkedPosts: ParkedPosts
}

const PAGES = ['GET', 'HEAD'] as const
const FORMS = ['GET', 'HEAD', 'POST'] as const

/** Providers answer by a form as well; our own login host never does. */
function comesBackBy({ sso }: Site): readonly string[] {
  return sso === undefined ? PAGES : FORMS
}

/** What every gateway serves: `callback`, `form`, `logout`, `whoami`. */
export function ownEndpoints(deps: EndpointDeps): HostEndpoints {
  return new Map<string, HostEndpoint>([
    ['callback', { methods: comesBackBy, handle: (request, _, context) => callback(deps, request, context) }],
    ['logout', { methods: () => FORMS, handle: (request, _, context) => logout(deps, request, context) }],
    [FORM_ENDPOINT, { methods: () => PAGES, handle: (request, _, context) => offerForm(deps, request, context) }],
    ['whoami', { methods: () => PAGES, handle: (request, _, context) => whoAmI(deps, request, context) }],
  ])
}

/** Answers a request below the prefix; the endpoint's name, for the access line. */
export async function serveEndpoint(
  endpoints: HostEndpoints,
  request: AccessRequest,
  context: AnswerContext,
): Promise<string> {
  const { path } = request.target
  const ofAgent = path === AGENT_CALLBACK ? 'callback' : ''
  const name = path.startsWith(ENDPOINT_PREFIX) ? path.slice(ENDPOINT_PREFIX.length) : ofAgent
  const endpoint = request.upgrade ? undefined : endpoints.get(name)
  if (endpoint === undefined) {
    answerRefusal(context, { kind: 'not-found', status: 404 })
    return 'not-found'
  }
  const methods = endpoint.methods(request.site)
  if (methods.includes(request.method)) await endpoint.handle(request, context.response, context)
  else answerRefusal(context, { kind: 'method-not-allowed', status: 405, headers: { allow: methods.join(', ') } })
  return name
}

const CALLBACK = { endpoint: 'callback', state: 'state' } as const

async function callback(
  { handshake, parkedPosts }: EndpointDeps,
  request: AccessRequest,
  context: AnswerContext,
): Promise<void> {
  const { headers } = request.raw
  // Only whole tabs come back from the login host; a code in a frame or a script is somebody's trick.
  if (headers['sec-fetch-mode'] !== undefined && requestKind(request.method, headers) !== 'navigation') {
    answerRefusal(context, {
      kind: 'open-at-top-level',
      status: 401,
      loginUrl: `${request.site.url}/`,
      error: 'login_required',
    })
    return
  }
  const isParking = request.site.sso !== undefined
  const arrived = isParking ? await takenUp(parkedPosts, CALLBACK, { request, context }) : request
  if (arrived !== undefined) answerHandshake(context, await handshake.finish(arrived))
}

/** Shows what was kept, and sends nothing: that takes a click. */
async function offerForm(deps: EndpointDeps, request: AccessRequest, context: AnswerContext): Promise<void> {
  const { site, target } = request
  const session = await sessionOfCookie(deps.sessions, request)
  if (session === undefined || (await site.factsOf(session)) === undefined) {
    answerLogin(context, request, { handshake: deps.handshake, needed: { advices: undefined, missing: 'no-cookie' } })
    return
  }
  const query = new URLSearchParams(target.query ?? '')
  const ticket = query.get('ticket') ?? ''
  const found = await findForm(deps, request, { ticket, session })
  if (found !== undefined) {
    answerRefusal(context, { kind: 'form-kept', status: 200, form: formTicket(found, ticket) })
    return
  }
  const back = parseTarget(query.get('from') ?? '/', site.encodedPaths)
  answerRefusal(context, { kind: 'form-not-kept', status: 410, back: typeof back === 'string' ? '/' : back.target })
}

/** GET leads to the login host, which asks; only a form or script of the site itself may POST (logout CSRF). */
async function logout(deps: EndpointDeps, request: AccessRequest, context: AnswerContext): Promise<void> {
  const { site, raw, client } = request
  if (request.method !== 'POST') {
    sendRedirect(context.response, { status: 302, location: site.logoutUrl })
    return
  }
  if (!isSameOrigin(raw.headers, site.url)) {
    answerRefusal(context, { kind: 'forbidden', status: 403, error: 'cross-site' })
    return
  }
  const session = await sessionOf(deps, request)
  if (session !== undefined)
    await deps.sessions.end(session.sid, 'logout', { requestId: request.id, clientIp: client.ip })
  const headers = { 'set-cookie': signedOutCookies(site) }
  if (requestKind(request.method, raw.headers) === 'script')
    sendJson(context.response, { status: 200, body: { loggedOut: true }, headers })
  else
    sendRedirect(context.response, {
      status: 303,
      location: site.signedOutUrl,
      headers,
    })
}

/** Who is signed in, for single-page applications. Asking does not count as use, or polling would keep a session alive for ever. */
async function whoAmI(deps: EndpointDeps, request: AccessRequest, context: AnswerContext): Promise<void> {
  const { site } = request
  const session = await sessionOf(deps, request)
  const facts = session === undefined ? undefined : await site.factsOf(session)
  if (session === undefined || facts === undefined) {
    const needed = {
      advices: undefined,
      missing: bearerOf(request) === undefined ? 'no-cookie' : 'dead-bearer',
    } as const
    answerLogin(context, request, { handshake: deps.handshake, needed })
    return
  }
  const { username, userId, realm, authLevel, authModules, authInstant, idleExpiresAt, maxExpiresAt } = session
  const times = { authInstant: iso(authInstant), idleExpiresAt: iso(idleExpiresAt), maxExpiresAt: iso(maxExpiresAt) }
  const body = { username, userId, realm, groups: [...facts.groups], authLevel, authModules, ...times }
  sendJson(context.response, { status: 200, body: { ...body, logoutUrl: `${site.url}${ENDPOINT_PREFIX}logout` } })
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

/** An access token of ours counts alone, as for every other path. */
async function sessionOf({ sessions, bearer }: EndpointDeps, request: AccessRequest): Promise<Session | undefined> {
  const { site } = request
  const authorization = bearerOf(request)
  if (authorization !== undefined) {
    const session = await bearer.resolve(authorization)
    return session?.realm === site.realm ? session : undefined
  }
  return sessionOfCookie(sessions, request)
}

function bearerOf({ site, raw }: AccessRequest): string | undefined {
  const { authorization } = raw.headers
  return authorization !== undefined && site.isOurToken(authorization) ? authorization : undefined
}
