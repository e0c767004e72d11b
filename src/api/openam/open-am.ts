import type { IncomingMessage, ServerResponse } from 'node:http'
import { asFault } from '../../errors.ts'
import { clearCookie, cookieName } from '../../http/cookies.ts'
import { sendJson } from '../../http/respond.ts'
import type { RealmName } from '../../base/brand.ts'
import type { Log } from '../../telemetry/log.ts'
import { mayBeForged, showsProof } from '../forgery.ts'
import type { Api, ApiFacts } from '../ports.ts'
import { readJson } from '../read-json.ts'
import { pathBelowJson, readAddress, type Address } from './address.ts'
import type { Authenticate } from './authenticate/authenticate.ts'
import type { ZeroPageRules } from './authenticate/zero-page.schema.ts'
import { sessionOf, type Call, type SessionsDeps } from './call.ts'
import { pageOf, readableBy, settledFor, type Page, type PageOrigins } from './cross-origin.ts'
import { answerPolicies, type PoliciesDeps } from './policies/policies.ts'
import { isKind } from './policies/read.ts'
import type { WriteDeps } from './policies/write.ts'
import { FORBIDDEN, problem, replyToFault, type Reply } from './reply.ts'
import { serverInfo } from './server-info.ts'
import { actOnSession } from './session-actions.ts'
import { querySessions } from './session-query.ts'
import { presentedTokens, tokenNames, type PresentedTokens, type TokenNames } from './tokens.ts'
import { actOnUsers, type UsersDeps } from './users.ts'
import { chooseVersion, type ApiVersion } from './version.ts'

export interface OpenAmDeps
  extends
    SessionsDeps,
    Pick<PoliciesDeps, 'policiesOf' | 'bearer' | 'transactions'>,
    Pick<WriteDeps, 'policyAdmin'>,
    Pick<UsersDeps, 'checkGoto'> {
  /** Where people reach the login host: scheme, host and port. */
  readonly loginUrl: string
  /** Name of the SSO cookie without a prefix. */
  readonly cookieName: string
  /** The product's version. */
  readonly version: string
  /** Logins. */
  readonly authenticate: Authenticate
  /** Whether name and password may come in headers. */
  readonly zeroPageRules: (realm: RealmName) => ZeroPageRules
  /** Sites whose pages may call. */
  readonly pages: PageOrigins
  readonly log: Log
}

interface Parts {
  readonly deps: OpenAmDeps
  readonly origin: string
  readonly secure: boolean
  readonly names: TokenNames
  /** Headers that show that no foreign page made the request: browsers ask before they send them elsewhere. */
  readonly proofs: readonly string[]
}

/** `/json/…` on the login host as OpenAM's clients know it: logins, sessions, policies, serverinfo, and whose session it is. */
export function createOpenAm(deps: OpenAmDeps): Api {
  const { origin, protocol } = new URL(deps.loginUrl)
  const secure = protocol === 'https:'
  const names = tokenNames(cookieName(deps.cookieName, { secure }), [deps.cookieName, deps.agents.cookie?.name])
  const proofs = [...names.headers, 'accept-api-version', 'x-requested-with']
  const parts = { deps, origin, secure, names, proofs }
  return (request, response, facts) => {
    const { path, query } = splitTarget(request.url ?? '')
    const below = pathBelowJson(path)
    if (below === undefined) return false
    void serve(parts, { request, response, facts, below, query, page: pageOf(request, deps.pages) })
    return true
  }
}

function splitTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const at = target.indexOf('?')
  if (at === -1) return { path: target, query: new URLSearchParams() }
  return { path: target.slice(0, at), query: new URLSearchParams(target.slice(at + 1)) }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly facts: ApiFacts
  readonly below: string
  readonly query: URLSearchParams
  readonly page: Page | undefined
}

/** Never rejects; a fault is its status. */
async function serve(parts: Parts, exchange: Exchange): Promise<void> {
  const { request, response } = exchange
  try {
    send(parts, exchange, await replyTo(parts, exchange))
  } catch (caught) {
    if (request.destroyed && !response.writable) return
    send(parts, exchange, replyToFault(parts.deps.log, exchange.facts, asFault(caught)))
  }
}

function send({ names, secure }: Parts, { request, response, page }: Exchange, reply: Reply): void {
  if (response.headersSent || response.destroyed) return
  const { status, body, headers = {}, forgetCookie = false } = reply
  // A body that nobody reads any more must not be taken for the next request.
  if (!request.complete) response.shouldKeepAlive = false
  const cleared = forgetCookie ? { 'set-cookie': clearCookie(names.cookie, { secure }) } : {}
  // Of two origins that ask the same, one may be told and the other not (caches).
  const all = { vary: 'Cookie, Origin', ...(page === undefined ? {} : readableBy(page)), ...headers }
  sendJson(response, { status, body, headers: { ...all, ...cleared } })
}

/** Versions each resource answers to, oldest first. */
const VERSIONS: Readonly<Record<Address['resource'], readonly ApiVersion[]>> = {
  sessions: versions('1.1 1.2 2.0 2.1 3.0 3.1 4.0 5.0 5.1'),
  serverinfo: versions('1.0 1.1 2.0'),
  users: versions('1.2 2.0 2.1 3.0 4.0'),
  authenticate: versions('1.0 1.1 2.0 2.1'),
  policies: versions('1.0 2.0 2.1'),
  applications: versions('1.0 2.0 2.1'),
  resourcetypes: versions('1.0'),
}

function versions(list: string): readonly ApiVersion[] {
  return list.split(' ').map((text) => {
    const [major, minor] = text.split('.')
    return { major: Number(major), minor: Number(minor) }
  })
}

async function replyTo(parts: Parts, { request, facts, below, query, page }: Exchange): Promise<Reply> {
  const once = (name: string): string | undefined => {
    const values = query.getAll(name)
    return values.length === 1 ? values[0] : undefined
  }
  // Of two values another reader may take the other one, and without either a trial would be none.
  const twice = [...query.keys()].find((name) => /^(?:realm$|_)/.test(name) && query.getAll(name).length > 1)
  if (twice !== undefined) return problem(400, `${twice} is there more than once`)
  const address = readAddress(below, once('realm'))
  if (address === undefined || !parts.deps.people.hasRealm(address.realm)) return problem(404)
  const settled = page && settledFor(page, request, { address, action: once('_action') })
  if (settled !== undefined) return settled
  const choice = chooseVersion(headerText(request, 'accept-api-version'), VERSIONS[address.resource])
  if (choice.kind === 'refused') return problem(choice.status, choice.message)
  const isForged =
    page === undefined ? mayBeForged(request, parts.origin, parts.proofs) : !showsProof(request, parts.proofs)
  if (isForged) return FORBIDDEN
  const read = await readJson(request)
  if (read.kind === 'refused') return problem(read.status)
  const call: Call = {
    address,
    version: choice.version,
    tokens: await tokensOf(parts, request, { page, resource: address.resource }),
    origin: { requestId: facts.requestId, clientIp: facts.client.ip },
    body: read.value,
    precondition: { match: headerText(request, 'if-match'), noneMatch: headerText(request, 'if-none-match') },
    query: once,
  }
  const isLogin = address.resource === 'authenticate'
  const reply = await (isLogin ? parts.deps.authenticate(request, call) : route(parts, request.method ?? '', call))
  return { ...reply, headers: { ...choice.headers, ...reply.headers } }
}

/**
 * A page speaks for whoever is signed in, in its own realm alone: what goes on in another one is none of its business. A login takes the
 * place of whatever session there was.
 */
async function tokensOf(
  { deps, names }: Parts,
  request: IncomingMessage,
  { page, resource }: Pick<Exchange, 'page'> & Pick<Address, 'resource'>,
): Promise<PresentedTokens> {
  const tokens = presentedTokens(request, names)
  if (page === undefined) return tokens
  const { cookie } = tokens
  const isOwn = resource === 'authenticate' || (await sessionOf(deps, cookie))?.realm === page.realm
  return isOwn ? { ...tokens, caller: cookie } : { ...tokens, caller: undefined, cookie: undefined }
}

function headerText(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : value?.join(',')
}

function route(parts: Parts, method: string, call: Call): Promise<Reply> | Reply {
  const { deps, origin, names, secure } = parts
  const isRead = method === 'GET' || method === 'HEAD'
  const { resource, id } = call.address
  if (resource === 'serverinfo' && isRead) {
    const { hostname: host } = new URL(origin)
    const { name: cookieName = names.cookie, domains = [] } = deps.agents.cookie ?? {}
    const zeroPage = deps.zeroPageRules(call.address.realm)
    return serverInfo({ host, cookieName, domains, secure, zeroPage, version: deps.version }, call.address)
  }
  if (resource === 'sessions' && method === 'POST') {
    return id === undefined || call.version.major === 1 ? actOnSession(deps, call) : problem(404)
  }
  if (resource === 'sessions' && isRead && id === undefined) return querySessions(deps, call)
  if (isKind(resource)) return answerPolicies(deps, method, call)
  if (resource === 'users' && method === 'POST' && id === undefined) return actOnUsers({ ...deps, origin }, call)
  return problem(call.tokens.caller === undefined ? 401 : 405)
}
