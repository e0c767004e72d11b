import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { hasToken } from '../../http/hop-by-hop.ts'
import { sendJson } from '../../http/respond.ts'
import type { AccessRequest } from '../access-request.ts'
import { noteVerdict } from '../access-line.ts'
import { answerRefusal } from '../answers.ts'
import { createApprovals, needsApproval } from '../approvals.ts'
import { arrive, type Arrival } from '../arrival.ts'
import { createDecide } from '../decide.ts'
import { answerRefuse, answerVerdict, type AnswerDeps, type Delivery } from '../enact.ts'
import { isEndpointPath } from '../endpoint-path.ts'
import { createHandshake } from '../handshake.ts'
import { isSpelling } from '../header-scrub.ts'
import { contextOf, redirectToSite, responseOn, Visit, type GatewayDeps } from '../handle.ts'
import type { Site } from '../site.ts'
import type { Verdict } from '../verdict.ts'
import { answerAllowed } from './allowed.ts'
import { narrowStatuses } from './narrow-statuses.ts'
import { readOriginal, type OriginalRequest } from './original-request.ts'

/** A listener's handlers: each request asks about another one. */
export interface ForwardAuth {
  readonly request: (request: IncomingMessage, response: ServerResponse) => void
  /** A proxy that passes on its client's wish for a WebSocket means nothing by it. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex) => void
}

interface Parts {
  readonly deps: GatewayDeps
  readonly decide: ReturnType<typeof createDecide>
  readonly approvals: ReturnType<typeof createApprovals>
  readonly answering: AnswerDeps
}

/** The decision point for proxies that forward by themselves: the gateway's own, with other answers. */
export function createForwardAuth(deps: GatewayDeps): ForwardAuth {
  const decide = createDecide(deps)
  const parts: Parts = {
    deps,
    decide,
    approvals: createApprovals({ ...deps, decide }),
    answering: { ...deps, handshake: createHandshake(deps) },
  }
  return {
    request: (request, response) => void serve(parts, new Visit(deps, request, response, undefined)),
    upgrade: (request, socket) => {
      if (socket instanceof Socket) void serve(parts, new Visit(deps, request, responseOn(request, socket), undefined))
      else socket.destroy()
    },
  }
}

/** Never rejects. A fault becomes its status, never an allow. */
async function serve(parts: Parts, visit: Visit): Promise<void> {
  try {
    await answer(parts, visit)
    visit.ended(undefined)
  } catch (caught) {
    visit.failed(caught)
  }
}

async function answer(parts: Parts, visit: Visit): Promise<void> {
  const { raw, response, line, generation } = visit
  const rules = generation.forwardAuth
  // Nothing of a body is read: it is the application's.
  if (hasBody(raw)) response.shouldKeepAlive = false
  if (rules?.trusts(raw) !== true) {
    refuse(visit, 403, 'proxy-not-trusted')
    return
  }
  const original = readOriginal(raw)
  if (typeof original === 'string') {
    refuse(visit, original === 'no-such-path' ? 404 : 400, original)
    return
  }
  if (original.answers === 'narrow') narrowStatuses(response)
  const client = { ...rules.clientOf(raw), scheme: original.scheme }
  standFor(raw, original)
  line.method = original.method
  line.clientIp = client.ip
  const arrival = arrive(generation, raw, { host: original.host, client, relayed: true })
  visit.arrival = arrival
  const request = requestOf(visit, arrival, client)
  const context = contextOf(parts.deps, visit)
  if (typeof request === 'string') {
    line.verdict = 'refuse'
    line.reason = request
    if (arrival.kind === 'refused') answerRefuse(context, arrival.refuse, undefined)
    else answerRefusal(context, { kind: 'forbidden', status: 403, error: request })
    return
  }
  const delivery: Delivery = { request, context, tunnel: undefined, ending: visit }
  const elsewhere = arrival.kind === 'site' && !arrival.canonical ? redirectToSite(request) : undefined
  const verdict = elsewhere ?? (await settled(parts, await parts.decide.decide(request), delivery))
  noteVerdict(line, verdict)
  if (verdict.kind === 'forward') answerAllowed(parts.deps, verdict, delivery)
  else answerVerdict(parts.answering, verdict, delivery)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** Says nothing about any site: who asks may be anybody. */
function refuse({ line, response }: Visit, status: 400 | 403 | 404, reason: string): void {
  line.verdict = 'refuse'
  line.reason = reason
  sendJson(response, { status, body: { error: reason, requestId: line.requestId } })
}

/** From here on the message reads like the request that it is about: all that decides and answers looks at that. */
function standFor(raw: IncomingMessage, { method, host, target }: OriginalRequest): void {
  const { headers } = raw
  raw.method = method
  raw.url = target
  headers.host = host.authority
  if (!wantsWebSocket(raw)) return
  headers.connection = 'Upgrade'
  headers.upgrade = 'websocket'
  // nginx asks in HTTP/1.0.
  raw.httpVersionMinor = 1
}

/**
 * Most proxies have taken off what concerns their client's connection, and the key says what the client wanted. Envoy has not, and there is
 * no key where its client opened the socket by HTTP/2 (RFC 8441 §5): that is none that this gateway can check.
 */
function wantsWebSocket({ headers }: IncomingMessage): boolean {
  return headers['sec-websocket-key'] !== undefined || hasToken(headers.upgrade, 'websocket')
}

/** The request, or why nothing can be decided about it here. */
function requestOf(visit: Visit, arrival: Arrival, client: AccessRequest['client']): AccessRequest | string {
  const { raw, line } = visit
  if (arrival.kind === 'refused') {
    line.site = arrival.site?.agent
    return arrival.detail
  }
  if (arrival.kind === 'login-host') return 'login-host'
  const { site, target, transaction } = arrival
  line.site = site.agent
  line.path = target.path
  // The proxy has to send them to the gateway: an application must never get the codes in them.
  if (isEndpointPath(target)) return 'path-not-routed-to-gateway'
  if (claimsIdentity(raw, site)) return 'identity-claimed'
  const { requestId: id, stages, method } = line
  const upgrade = wantsWebSocket(raw)
  return { id, raw, method, target, client, site, upgrade, approved: false, transaction, stages }
}

/** Where header names become variables, one of these is read for `Cookie`. */
const HTTP_COOKIE = 'http-cookie'

/**
 * We cannot take off what the client says of itself: the proxy passes on all that it was not told to replace. Nor can we keep what we say: a
 * name in its client's `Connection` has the proxy drop that header after it was replaced (Traefik, CVE-2021-32813).
 */
function claimsIdentity({ rawHeaders }: IncomingMessage, { claims, clientAddressHeader: address }: Site): boolean {
  const takesOff = (name: string): boolean =>
    claims(name) || isSpelling(name, 'cookie') || (address !== undefined && isSpelling(name, address))
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (claims(name) || isSpelling(name, HTTP_COOKIE)) return true
    // Proxies say the address by this name as well, and replace it; in another spelling it is the client's.
    if (address !== undefined && name.toLowerCase() !== address && isSpelling(name, address)) return true
    if (
      name.toLowerCase() === 'connection' &&
      (rawHeaders[i + 1] ?? '').split(',').some((each) => takesOff(each.trim()))
    )
      return true
  }
  return false
}

/** An approval is bound to a body, which never comes here: only what has none can have one. */
async function settled({ approvals }: Parts, verdict: Verdict, delivery: Delivery): Promise<Verdict> {
  if (!needsApproval(verdict)) return verdict
  const { method } = delivery.request
  if (method === 'GET' || method === 'HEAD') return (await approvals.settle(verdict, delivery)).verdict
  const { site, session } = verdict
  return {
    kind: 'deny',
    site,
    session,
    reason: 'advice-unknown',
    policies: [],
    why: [],
    isAdministrator: false,
    endsSession: false,
  }
}
