import type { ServerResponse } from 'node:http'
import { AMBIGUOUS } from '../http/cookies.ts'
import { isSameOrigin } from '../http/csrf.ts'
import { requestKind } from '../http/request-kind.ts'
import { parseTarget } from '../http/request-url.ts'
import { sendJson, sendRedirect, sendXml } from '../http/respond.ts'
import type { BearerResolver } from '../session/bearer.ts'
import type { Session, SessionService } from '../session/session.ts'
import type { AccessRequest } from './access-request.ts'
import { answerHandshake, answerRefusal, type AnswerContext } from './answers.ts'
import { findForm, FORM_ENDPOINT, formTicket, type FormKeepingDeps } from './form-keeping.ts'
import { AGENT_CALLBACK, ENDPOINT_PREFIX } from './endpoint-path.ts'
import type { Handshake } from './handshake.ts'
import { ACS_ENDPOINT, BEGIN_ENDPOINT, SLO_ENDPOINT } from './handshake-saml.ts'
import { ownUrl } from './login-address.ts'
import { answerLogin } from './login-answer.ts'
import { onlyParameters } from './only-parameters.ts'
import type { ParkedPosts } from './parked-posts.ts'
import { takenUp, type ParkingPlace } from './parking.ts'
import { announcedLength, readBody } from './read-body.ts'
import { receiveSamlLogout } from './saml-sign-out.ts'
import { signedOutCookies } from './signed-out.ts'
import type { Site } from './site.ts'
import { sentToken, sessionOfCookie } from './token-cookie.ts'

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

/** What every gateway serves: `callback`, `form`, `logout`, `whoami`, and `backchannel-logout` and `slo` where the provider is elsewhere. */
export function ownEndpoints(deps: EndpointDeps): HostEndpoints {
  return new Map<string, HostEndpoint>([
    ['callback', { methods: comesBackBy, handle: (request, _, context) => callback(deps, request, context) }],
    [ACS_ENDPOINT, { methods: () => FORMS, handle: (request, _, context) => consume(deps, request, context) }],
    [BEGIN_ENDPOINT, { methods: () => PAGES, handle: (request, _, context) => begin(deps, request, context) }],
    ['metadata', { methods: () => PAGES, handle: (request, _, context) => showMetadata(request, context) }],
    ['logout', { methods: () => FORMS, handle: (request, _, context) => logout(deps, request, context) }],
    [FORM_ENDPOINT, { methods: () => PAGES, handle: (request, _, context) => offerForm(deps, request, context) }],
    [
      'backchannel-logout',
      { methods: () => ['POST'], handle: (request, _, context) => receiveLogout(request, context) },
    ],
    [
      SLO_ENDPOINT,
      { methods: () => ['GET', 'POST'], handle: (request, _, context) => receiveSamlLogout(request, context) },
    ],
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

const CALLBACK = { endpoint: 'callback', state: 'state', byFormAlone: false } as const
const ACS = { endpoint: ACS_ENDPOINT, state: 'RelayState', byFormAlone: true } as const

async function callback(deps: EndpointDeps, request: AccessRequest, context: AnswerContext): Promise<void> {
  const { sso, samlSso } = request.site
  if (samlSso !== undefined) answerRefusal(context, { kind: 'not-found', status: 404 })
  else await comeBack(deps, { place: sso && CALLBACK, request, context })
}

/** Where the answers of the realm's identity provider come to (SAML Profiles 2.0 §4.1.4.3). */
async function consume(deps: EndpointDeps, request: AccessRequest, context: AnswerContext): Promise<void> {
  if (request.site.samlSso === undefined) answerRefusal(context, { kind: 'not-found', status: 404 })
  else await comeBack(deps, { place: ACS, request, context })
}

/** A login, as for the path that is named: from the login page, which has brought about what SAML has no word for. */
function begin({ handshake }: EndpointDeps, request: AccessRequest, context: AnswerContext): void {
  const { site, target } = request
  const path = onlyParameters(target.query)('goto')
  if (site.samlSso === undefined || path === undefined) {
    answerRefusal(context, { kind: 'not-found', status: 404 })
    return
  }
  if (refusesOthers(request, context)) return
  const purpose = { goto: ownUrl(site, site.url + path), advices: undefined, missing: undefined, restarts: 0 }
  answerHandshake(context, handshake.start(request, purpose))
}

/** Only whole tabs come back from the login host; a code in a frame or a script is somebody's trick. True where it was answered. */
function refusesOthers({ site, raw: { headers }, method }: AccessRequest, context: AnswerContext): boolean {
  if (headers['sec-fetch-mode'] === undefined || requestKind(method, headers) === 'navigation') return false
  answerRefusal(context, {
    kind: 'open-at-top-level',
    status: 401,
    loginUrl: `${site.url}/`,
    error: 'login_required',
  })
  return true
}

interface ComingBack {
  /** Where answers come by a form. */
  readonly place: ParkingPlace | undefined
  readonly request: AccessRequest
  readonly context: AnswerContext
}

async function comeBack(
  { handshake, parkedPosts }: EndpointDeps,
  { place, request, context }: ComingBack,
): Promise<void> {
  if (refusesOthers(request, context)) return
  const arrived = place === undefined ? request : await takenUp(parkedPosts, place, { request, context })
  if (arrived !== undefined) answerHandshake(context, await handshake.finish(arrived))
}

/** The site as a partner of its realm's identity provider. */
function showMetadata({ site: { samlSso } }: AccessRequest, context: AnswerContext): void {
  if (samlSso === undefined) answerRefusal(context, { kind: 'not-found', status: 404 })
  else sendXml(context.response, { type: 'application/samlmetadata+xml', xml: samlSso.metadata })
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
  // Of two tokens nobody knows whose they are: nobody is signed out here, and the login host asks who is to be.
  const isUnclear = bearerOf(request) === undefined && sentToken(request) === AMBIGUOUS
  const elsewhere = isUnclear ? site.logoutUrl : session && (await (site.samlSso ?? site.sso)?.signOutUrl?.(session))
  if (session !== undefined)
    await deps.sessions.end(session.sid, 'logout', { requestId: request.id, clientIp: client.ip })
  const headers = { 'set-cookie': signedOutCookies(site) }
  if (requestKind(request.method, raw.headers) === 'script')
    // A script sends the person there, or they stay signed in at the provider.
    sendJson(context.response, {
      status: 200,
      body: { loggedOut: !isUnclear, ...(elsewhere === undefined ? {} : { logoutUrl: elsewhere }) },
      headers,
    })
  else
    sendRedirect(context.response, {
      status: 303,
      location: elsewhere ?? site.signedOutUrl,
      headers,
    })
}

/** A logout token is a few kilobytes. */
const LONGEST_LOGOUT = 16_384

/** The provider says that somebody has signed out there. Its token proves that; nothing else of the request counts. */
async function receiveLogout({ site, raw }: AccessRequest, context: AnswerContext): Promise<void> {
  const { sso } = site
  if (sso?.signedOut === undefined) {
    answerRefusal(context, { kind: 'not-found', status: 404 })
    return
  }
  const length = announcedLength(raw)
  const isReadable = length !== undefined && length <= LONGEST_LOGOUT
  const form = isReadable ? (await readBody(raw, length)).toString('latin1') : ''
  const token = onlyParameters(form)('logout_token')
  const isGood = token !== undefined && (await sso.signedOut(token))
  if (isGood) sendJson(context.response, { status: 200, body: {} })
  else sendJson(context.response, { status: 400, body: { error: 'invalid_request' } })
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
