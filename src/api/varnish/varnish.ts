import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Authn } from '../../authn/authn.ts'
import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import { asFault } from '../../errors.ts'
import { OWN_HEADERS, sendJson } from '../../http/respond.ts'
import type { BearerResolver } from '../../session/bearer.ts'
import type { RequestOrigin, Session, SessionService } from '../../session/session.ts'
import type { TokenPairs } from '../../session/token-pairs.ts'
import type { TokenRules } from '../../session/tokens.schema.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import type { Log } from '../../telemetry/log.ts'
import { administers, sameUser } from '../administration.ts'
import type { Api, ApiFacts, People } from '../ports.ts'
import { basicCredentials } from '../../http/basic-credentials.ts'
import { logIn } from './log-in.ts'
import { problem, type Reply } from './reply.ts'

export interface VarnishDeps {
  /** The realm whose people sign in here: these addresses name none. */
  readonly realm: RealmName
  /** Its `tokens`. */
  readonly rules: TokenRules
  readonly authn: Authn
  readonly pairs: TokenPairs
  /** Live sessions of people and realms that the configuration knows. */
  readonly bearer: Pick<BearerResolver, 'resolve'>
  readonly sessions: Pick<SessionService, 'find' | 'end'>
  readonly people: People
  readonly audit: AuditSink
  readonly clock: Clock
  readonly log: Pick<Log, 'error'>
}

/** One request; nothing but these headers is read, cookies least of all, so no other site's page can speak for a person here. */
interface Call {
  readonly authorization: string | undefined
  readonly origin: RequestOrigin
}

interface Operation {
  readonly method: 'POST' | 'DELETE'
  readonly run: (deps: VarnishDeps, call: Call) => Promise<Reply>
}

const SESSION = /^\/api\/v1\/sessions\/([A-Za-z0-9_.-]{1,64})$/

/** Access and refresh tokens as clients of Varnish Controller get them: log in, refresh, end a session. */
export function createVarnish(deps: VarnishDeps): Api {
  return (request, response, facts) => {
    const operation = operationAt((request.url ?? '').split('?', 1)[0] ?? '')
    if (operation === undefined) return false
    void answer(deps, operation, { request, response, facts })
    return true
  }
}

function operationAt(path: string): Operation | undefined {
  if (path === '/api/v1/auth/login') return { method: 'POST', run: login }
  if (path === '/api/v1/auth/refresh') return { method: 'POST', run: refresh }
  const sid = SESSION.exec(path)?.[1]
  return sid === undefined ? undefined : { method: 'DELETE', run: (deps, call) => endSession(deps, call, sid) }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly facts: ApiFacts
}

/** Never rejects. */
async function answer(deps: VarnishDeps, operation: Operation, exchange: Exchange): Promise<void> {
  const { request } = exchange
  try {
    const isMeant = request.method === operation.method
    send(exchange, isMeant ? await operation.run(deps, callOf(exchange)) : wrongMethod(operation.method))
  } catch (caught) {
    send(exchange, faultReply(deps, exchange, caught))
  }
}

function wrongMethod(allow: string): Reply {
  return problem('method_not_allowed', { allow })
}

function callOf({ request, facts }: Exchange): Call {
  const { authorization, 'user-agent': userAgent } = request.headers
  return { authorization, origin: { requestId: facts.requestId, clientIp: facts.client.ip, userAgent } }
}

async function login({ realm, rules, authn, pairs }: VarnishDeps, { authorization, origin }: Call): Promise<Reply> {
  const challenge = { 'www-authenticate': `Basic realm="${realm}", charset="UTF-8"` }
  const credentials = basicCredentials(authorization)
  if (credentials === undefined) return problem('credentials_missing', challenge)
  const outcome = await logIn(authn, realm, { credentials, origin })
  switch (outcome.kind) {
    case 'logged-in':
      return { status: 200, body: pairs.issue(outcome.session, rules) }
    case 'wrong':
      return problem('credentials_invalid', challenge)
    case 'throttled':
      return problem('throttled', { 'retry-after': String(outcome.retryAfterSeconds) })
    case 'asks-for-more':
      return problem('more_than_a_password')
    case 'quota-reached':
      return problem('quota_reached')
  }
}

const REFRESH = /^Refresh ([\w.-]+)$/i

async function refresh({ realm, rules, pairs }: VarnishDeps, { authorization, origin }: Call): Promise<Reply> {
  const challenge = { 'www-authenticate': `Refresh realm="${realm}"` }
  const token = REFRESH.exec(authorization ?? '')?.[1]
  if (token === undefined) return problem('token_missing', challenge)
  const outcome = await pairs.refresh(token, rules, origin)
  // Nobody is told whether a token was stolen: the thief would know as well.
  return outcome.kind === 'refreshed' ? { status: 200, body: outcome.pair } : problem('token_invalid', challenge)
}

/** One's own, or one that the caller administers. Of all others nobody learns whether they are there. */
async function endSession(deps: VarnishDeps, { authorization, origin }: Call, sid: string): Promise<Reply> {
  const caller = authorization === undefined ? undefined : await deps.bearer.resolve(authorization)
  if (caller === undefined) {
    const error = authorization === undefined ? '' : ', error="invalid_token"'
    const challenge = { 'www-authenticate': `Bearer realm="${deps.realm}"${error}` }
    return problem(authorization === undefined ? 'token_missing' : 'token_invalid', challenge)
  }
  const session = await deps.sessions.find(sid)
  const cause = session === undefined ? undefined : await causeFor(deps, caller, session)
  const ended = cause !== undefined && (await deps.sessions.end(sid, cause, origin))
  if (session !== undefined && (cause === undefined || cause === 'admin'))
    auditForeign(deps, origin, { caller, session, ended, outcome: cause === undefined ? 'refused' : 'done' })
  return ended ? { status: 204 } : problem('not_found')
}

/** What an administrator did with another person's session, or somebody was not allowed to. */
function auditForeign(
  { audit, clock }: VarnishDeps,
  { requestId, clientIp }: RequestOrigin,
  what: {
    readonly caller: Session
    readonly session: Session
    readonly ended: boolean
    readonly outcome: 'done' | 'refused'
  },
): void {
  const { caller, session, ended, outcome } = what
  const { realm, username, sid } = caller
  const target = { realm: session.realm, username: session.username, sid: session.sid }
  const about = { at: clock(), requestId, clientIp }
  const count = ended ? 1 : 0
  audit.record({ event: 'SessionsAdministered', ...about, realm, username, sid, action: 'end', outcome, target, count })
}

async function causeFor(
  { people }: VarnishDeps,
  caller: Session,
  session: Session,
): Promise<'logout' | 'account' | 'admin' | undefined> {
  if (caller.sid === session.sid) return 'logout'
  if (sameUser(caller, session)) return 'account'
  return (await administers(people, caller, session.realm)) ? 'admin' : undefined
}

function faultReply({ log }: VarnishDeps, { facts }: Exchange, caught: unknown): Reply {
  const { code, status, message, detail, cause } = asFault(caught)
  log.error({ requestId: facts.requestId, code, detail, err: cause }, message)
  const headers = status === 503 ? { 'retry-after': '5' } : {}
  return { status, body: { error: code, message, requestId: facts.requestId }, headers }
}

function send({ request, response }: Exchange, { status, body, headers = {} }: Reply): void {
  // Nothing here has a body: whoever sends one is not read to its end.
  if (!request.complete) response.shouldKeepAlive = false
  if (body !== undefined) {
    sendJson(response, { status, body, headers: { ...headers, vary: 'Authorization' } })
    return
  }
  for (const [name, value] of Object.entries({ ...OWN_HEADERS, ...headers })) response.setHeader(name, value)
  response.writeHead(status).end()
}
