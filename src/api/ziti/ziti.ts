import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RealmName } from '../../base/brand.ts'
import { asFault } from '../../errors.ts'
import { OWN_HEADERS, sendJson } from '../../http/respond.ts'
import { readApiToken } from '../../session/api-token.ts'
import type { SessionToken } from '../../session/session.ts'
import type { Api, ApiFacts } from '../ports.ts'
import { readJson } from '../read-json.ts'
import { inRealm, type ApiName, type Call, type Caller, type ZitiDeps } from './call.ts'
import { createPartialLogins } from './partial-logins.ts'
import { errorReply, problem, type Problem, type Reply } from './reply.ts'
import { operationAt, type Operation } from './operations.ts'

const BASES = { '/edge/client/v1': 'client', '/edge/management/v1': 'management' } as const satisfies Record<
  string,
  ApiName
>

/** API sessions as the clients of OpenZiti know them, for the people of one realm. */
export function createZiti(deps: ZitiDeps): Api {
  return (request, response, facts) => {
    const target = targetOf(request.url ?? '')
    if (target === undefined) return false
    void answer(deps, { request, response, facts, ...target })
    return true
  }
}

interface Target {
  readonly api: ApiName
  /** What follows the base, without a slash in front. */
  readonly path: string
  readonly query: URLSearchParams
}

/** `undefined` for addresses of others. */
function targetOf(url: string): Target | undefined {
  const [path = '', query = ''] = url.split('?', 2)
  if (path === '/version') return { api: 'client', path: 'version', query: new URLSearchParams(query) }
  const base = Object.keys(BASES).find((each) => path === each || path.startsWith(`${each}/`))
  if (base === undefined) return undefined
  const api = BASES[base as keyof typeof BASES]
  return { api, path: path.slice(base.length + 1), query: new URLSearchParams(query) }
}

interface Exchange extends Target {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly facts: ApiFacts
}

/** Never rejects. */
async function answer(deps: ZitiDeps, exchange: Exchange): Promise<void> {
  const { requestId } = exchange.facts
  try {
    const reply = await replyTo(deps, exchange)
    send(exchange, 'problem' in reply ? errorReply(reply, requestId) : reply)
  } catch (caught) {
    if (exchange.request.destroyed && !exchange.response.writable) return
    send(exchange, errorReply(faultProblem(deps, exchange, caught), requestId))
  }
}

async function replyTo(deps: ZitiDeps, exchange: Exchange): Promise<Reply | Problem> {
  const { request, api, path } = exchange
  const found = operationAt(api, path, request.method ?? '')
  if (found === undefined) return problem('NOT_FOUND')
  if (found.kind === 'wrong-method') return problem('METHOD_NOT_ALLOWED', undefined, { allow: found.allow })
  const { operation, parameters } = found
  // Before anything of the body is read: strangers do not get to send any but where they sign in.
  const caller = operation.for === 'everybody' ? undefined : await callerOf(deps, request)
  const own = caller === undefined ? deps : inRealm(deps, api, realmOf(caller))
  if (own === undefined) return problem('UNAUTHORIZED')
  const refused = refusalFor(operation, caller) ?? (await withoutToken(own, request, caller))
  if (refused !== undefined) return refused
  const read = await readJson(request)
  if (read.kind === 'refused') return problem(BODY_PROBLEMS[read.status])
  return run(own, callOf(own, exchange, read.value), { operation, caller, parameters })
}

const BODY_PROBLEMS = {
  400: 'COULD_NOT_PARSE_BODY',
  408: 'COULD_NOT_PARSE_BODY',
  413: 'BODY_TOO_LARGE',
  415: 'INVALID_CONTENT_TYPE',
} as const

/** A login that is not through is good for answering, setting up and leaving, and for nothing else. */
function refusalFor(operation: Operation, caller: Caller | undefined): Problem | undefined {
  if (operation.for === 'everybody') return undefined
  if (caller === undefined) return problem('UNAUTHORIZED')
  if (operation.for === 'full' && caller.kind === 'partial') {
    return problem('UNAUTHORIZED', 'authentication queries are outstanding: answer them at authenticate/mfa')
  }
  return undefined
}

/** Who has to send a token of another issuer with every request, and has not (authentication policies, `everyRequest`). */
async function withoutToken(
  { requestTokens, factsOf }: ZitiDeps,
  { headers }: IncomingMessage,
  caller: Caller | undefined,
): Promise<Problem | undefined> {
  if (requestTokens === undefined || caller?.kind !== 'full') return undefined
  const facts = await factsOf(caller.session)
  if (facts === undefined) return problem('UNAUTHORIZED')
  const fault = await requestTokens.demandOn(caller.session, facts)?.faultOf(headers.authorization, caller.session)
  return fault && problem('UNAUTHORIZED', 'send the token of your issuer in Authorization with every request')
}

interface Found {
  readonly operation: Operation
  readonly caller: Caller | undefined
  readonly parameters: readonly string[]
}

function run(
  deps: ZitiDeps,
  call: Call,
  { operation, caller, parameters }: Found,
): Promise<Reply | Problem> | Reply | Problem {
  if (operation.for === 'everybody') return operation.run(deps, call)
  if (caller === undefined) return problem('UNAUTHORIZED')
  if (caller.kind === 'full') deps.sessions.touch(caller.session)
  if (operation.for === 'partial') return operation.run(deps, call, caller)
  return caller.kind === 'full' ? operation.run(deps, call, caller, ...parameters) : problem('UNAUTHORIZED')
}

function realmOf(caller: Caller): RealmName {
  return caller.kind === 'full' ? caller.session.realm : caller.login.realm
}

/** Whose token it is. Only the header counts: no page of another site can send it without asking first (CORS), which nobody is granted. */
async function callerOf(deps: ZitiDeps, request: IncomingMessage): Promise<Caller | undefined> {
  const token = readApiToken(headerOf(request, 'zt-session') ?? '')
  if (token === undefined) return undefined
  const session = await deps.sessions.resolve(token as string as SessionToken, 'login')
  if (session !== undefined) return { kind: 'full', token, session }
  const login = await createPartialLogins(deps).find(token)
  return login && { kind: 'partial', token, login }
}

function callOf({ presentedBy }: ZitiDeps, { request, facts, api, query }: Exchange, body: unknown): Call {
  const { 'user-agent': userAgent } = request.headers
  const presented = presentedBy(request)
  return {
    api,
    origin: { requestId: facts.requestId, clientIp: facts.client.ip, userAgent },
    presented: { ...presented, basic: undefined, assertedUser: undefined, cookie: () => undefined },
    body,
    query: (name) => {
      const values = query.getAll(name)
      return values.length === 1 ? values[0] : undefined
    },
    header: (name) => headerOf(request, name),
  }
}

/** Node joins what was sent twice with a comma, and that is nothing that anybody issued. */
function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

function faultProblem({ log }: ZitiDeps, { facts }: Exchange, caught: unknown): Problem {
  const { code, status, message, detail, cause } = asFault(caught)
  log[code === 'GH_INTERNAL' ? 'error' : 'warn']({ requestId: facts.requestId, code, detail, err: cause }, message)
  return status === 503 ? problem('UNAVAILABLE', message, { 'retry-after': '5' }) : problem('UNHANDLED')
}

function send({ request, response }: Exchange, reply: Reply): void {
  if (response.headersSent || response.destroyed) return
  // A body that nobody reads any more must not be taken for the next request.
  if (!request.complete) response.shouldKeepAlive = false
  if (!('text' in reply)) {
    const { status, body, headers = {} } = reply
    sendJson(response, { status, body, headers: { ...headers, vary: 'zt-session' } })
    return
  }
  const headers = {
    ...OWN_HEADERS,
    vary: 'zt-session',
    'content-type': reply.type,
    'content-security-policy': 'sandbox',
  }
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.setHeader('content-length', Buffer.byteLength(reply.text))
  response.writeHead(reply.status).end(reply.text)
}
