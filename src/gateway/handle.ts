import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import type { Held } from '../base/generation.ts'
import { asFault } from '../errors.ts'
import { hangUp } from '../http/client-errors.ts'
import { createHostParser } from '../http/host.ts'
import { ServerResponse } from '../http/node-http.ts'
import { expectation } from '../http/request-limits.ts'
import type { BearerResolver } from '../session/bearer.ts'
import type { HandshakeService, SessionService } from '../session/session.ts'
import type { Transactions } from '../session/transactions.ts'
import type { AccessLog } from '../telemetry/access-log.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import type { Log } from '../telemetry/log.ts'
import { maskLoginPath } from '../telemetry/mask.ts'
import { entryOf, newAccessLine, noteVerdict, type AccessLine } from './access-line.ts'
import type { AccessRequest } from './access-request.ts'
import { answerFault, type AnswerContext } from './answers.ts'
import { createApprovals, needsApproval, type Approvals } from './approvals.ts'
import { arrive, type Arrival } from './arrival.ts'
import { createDecide, type Decide } from './decide.ts'
import { answerRefuse, createEnact, type AnswerEnding, type Enact, type Tunnel } from './enact.ts'
import { isAgentCallback, isEndpointPath } from './endpoint-path.ts'
import { ownEndpoints, serveEndpoint, type HostEndpoints } from './endpoints.ts'
import { mayCarryTicket } from './form-keeping.ts'
import type { GatewayGeneration, LoginHostFacts, LoginHostUpgrade } from './generation.ts'
import { createHandshake } from './handshake.ts'
import type { KeptForms } from './kept-forms.ts'
import type { KnownUsers } from './known-user.ts'
import type { LoginStates } from './login-state.ts'
import type { ParkedPosts } from './parked-posts.ts'
import { RecentHeads } from './recent-heads.ts'
import { replay } from './replay.ts'
import { createStreams, type OpenExchange, type Streams } from './streams.ts'
import type { ExchangeResult } from './upstream/upstream.ts'
import type { Verdict } from './verdict.ts'

export interface GatewayDeps {
  /** The configuration in force; taken once for each request. */
  readonly generations: { acquire(): Held<GatewayGeneration>; peek(): GatewayGeneration }
  readonly sessions: Pick<SessionService, 'resolve' | 'touch' | 'renew' | 'end'>
  readonly bearer: Pick<BearerResolver, 'resolve'>
  readonly handshakes: Pick<HandshakeService, 'redeem'>
  readonly keptForms: KeptForms
  readonly knownUsers: KnownUsers
  readonly loginStates: LoginStates
  readonly parkedPosts: ParkedPosts
  /** Approvals of single requests. */
  readonly transactions: Pick<Transactions, 'ask' | 'redeem'>
  readonly audit: AuditSink
  readonly log: Log
  readonly accessLog: Pick<AccessLog, 'record'>
  readonly clock: Clock
  readonly requestId: () => string
  /** Host headers that are remembered. */
  readonly maxNames: number
  /** What others serve under `/.gatehouse/`, by name; ours win. */
  readonly endpoints?: HostEndpoints
  /** Milliseconds between two signs of life of a session with an open stream. */
  readonly touchEveryMs?: number
}

export interface Gateway {
  handle(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Cuts the session's open WebSockets and streams. */
  sessionEnded(sid: string): void
  /** After a new generation is in force: cuts what is open and would be refused now. */
  recheck(): Promise<void>
  /** Cuts WebSockets and event streams, which would not end by themselves; other exchanges finish. */
  drain(): void
  /** Stops the timer; open exchanges are the listener's to drain. */
  close(): void
}

/** The data plane: every request of every listener comes through here. */
export function createGateway(deps: GatewayDeps): Gateway {
  const handshake = createHandshake(deps)
  const streams = createStreams(deps)
  const heads = new RecentHeads()
  const decide = createDecide(deps)
  const judge: Judge = { deps, decide, streams }
  const parts: Parts = {
    deps,
    decide,
    approvals: createApprovals({ ...deps, decide }),
    enact: createEnact({
      ...deps,
      handshake,
      heads,
      streams: { ...streams, opened: (open) => openInForce(judge, open) },
    }),
    endpoints: new Map([...(deps.endpoints ?? []), ...ownEndpoints({ ...deps, handshake })]),
    parseHost: createHostParser(deps.maxNames),
  }
  return {
    handle: (request, response) => serve(parts, new Visit(parts.deps, request, response, undefined)),
    upgrade: (request, socket, head) => {
      if (!(socket instanceof Socket)) {
        socket.destroy()
        return
      }
      const response = responseOn(request, socket)
      const tunnel = { socket, head, release: () => response.detachSocket(socket) }
      serve(parts, new Visit(parts.deps, request, response, tunnel))
    },
    sessionEnded: (sid) => streams.sessionEnded(sid),
    recheck: () => {
      heads.forget()
      return recheck(judge, streams.all())
    },
    drain: () => streams.endless().forEach((open) => streams.cut(open)),
    close: () => streams.close(),
  }
}

interface Parts {
  readonly deps: GatewayDeps
  readonly decide: Decide
  readonly approvals: Approvals
  readonly enact: Enact
  readonly endpoints: HostEndpoints
  readonly parseHost: ReturnType<typeof createHostParser>
}

/** For answers other than 101: an ordinary response on the connection, which ends with it. */
export function responseOn(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => hangUp(socket))
  return response
}

/** Answers one request. A fault becomes its status, never a pass. */
function serve(parts: Parts, visit: Visit): void {
  try {
    route(parts, visit)
  } catch (caught) {
    visit.failed(caught)
  }
}

/** One request from arrival to access line. However it ends, one of `ended` and `failed` is told, and the first one counts. */
export class Visit implements AnswerEnding {
  readonly raw: IncomingMessage
  readonly response: ServerResponse
  readonly tunnel: Tunnel | undefined
  readonly line: AccessLine
  readonly generation: GatewayGeneration
  arrival: Arrival | undefined
  readonly #deps: GatewayDeps
  readonly #held: Held<GatewayGeneration>
  #over = false

  constructor(deps: GatewayDeps, raw: IncomingMessage, response: ServerResponse, tunnel: Tunnel | undefined) {
    this.#deps = deps
    this.raw = raw
    this.response = response
    this.tunnel = tunnel
    this.line = newAccessLine(deps.requestId(), raw.method ?? '')
    this.#held = deps.generations.acquire()
    this.generation = this.#held.current
  }

  ended(exchange: ExchangeResult | undefined): void {
    if (this.#over) return
    this.#over = true
    this.line.exchange = exchange
    this.#held.release()
    this.#deps.accessLog.record(entryOf(this.line, this.response))
  }

  failed(caught: unknown): void {
    if (this.#over) {
      this.raw.socket.destroy()
      return
    }
    try {
      answerCaught(this.#deps, this, caught)
    } catch {
      // Not even the fault could be told: all that is left is the connection.
      this.raw.socket.destroy()
    } finally {
      this.ended(undefined)
    }
  }
}

function route(parts: Parts, visit: Visit): void {
  const { raw, line, generation } = visit
  const client = generation.clientOf(raw)
  line.clientIp = client.ip
  const arrival = arrive(generation, raw, { host: parts.parseHost(raw.headers.host), client })
  visit.arrival = arrival
  switch (arrival.kind) {
    case 'refused':
      line.verdict = 'refuse'
      line.reason = arrival.detail
      line.site = arrival.site?.agent
      answerRefuse(contextOf(parts.deps, visit), arrival.refuse, undefined)
      visit.ended(undefined)
      break
    case 'login-host':
      line.site = 'login'
      line.path = maskLoginPath(arrival.target.path)
      line.verdict = 'login-host'
      raw.url = arrival.target.target
      atLoginHost(visit, { requestId: line.requestId, client })
      break
    case 'site': {
      const { site, target, transaction } = arrival
      line.site = site.agent
      line.path = target.path
      const { requestId: id, stages, method } = line
      const upgrade = visit.tunnel !== undefined
      atSite(parts, visit, { id, raw, method, target, client, site, upgrade, approved: false, transaction, stages })
      break
    }
  }
}

/** Its answer counts as given when the connection is done with it. Where it speaks no WebSocket, a handshake is an ordinary request. */
function atLoginHost(visit: Visit, facts: LoginHostFacts): void {
  const { raw, response, tunnel, generation } = visit
  response.once('close', () => visit.ended(undefined))
  if (tunnel !== undefined && generation.loginHostSockets?.(upgradeOf(visit, tunnel, facts)) === true) return
  if (tunnel === undefined && expectation(raw) === 'continue') response.writeContinue()
  generation.loginHost(raw, response, facts)
}

/** The generation is held, and the access line open, until the connection is over. */
function upgradeOf(visit: Visit, tunnel: Tunnel, facts: LoginHostFacts): LoginHostUpgrade {
  const { raw: request, response } = visit
  const takeOver = (): Tunnel => {
    tunnel.release()
    response.statusCode = 101
    tunnel.socket.once('close', () => visit.ended(undefined))
    return tunnel
  }
  return { request, response, facts, takeOver }
}

function atSite(parts: Parts, visit: Visit, request: AccessRequest): void {
  const { line, arrival, tunnel } = visit
  const context = contextOf(parts.deps, visit)
  const elsewhere = arrival?.kind === 'site' && !arrival.canonical ? redirectToSite(request) : undefined
  const { site, target } = request
  const isOurs = isEndpointPath(target) || (site.sso !== undefined && isAgentCallback(target))
  if (elsewhere === undefined && isOurs) {
    void endpoint(parts, visit, { request, context })
    return
  }
  const delivery = { request, context, tunnel, ending: visit }
  const note = (verdict: Verdict): void => noteVerdict(line, verdict)
  if (elsewhere === undefined && mayCarryTicket(request)) {
    void replay({ ...parts, forms: parts.deps, note }, delivery)
    return
  }
  const carryOut = (verdict: Verdict): void | Promise<void> => {
    if (needsApproval(verdict)) {
      return parts.approvals.settle(verdict, delivery).then((settled) => {
        note(settled.verdict)
        parts.enact(settled.verdict, settled.delivery)
      })
    }
    note(verdict)
    parts.enact(verdict, delivery)
  }
  const verdict = elsewhere ?? parts.decide.decide(request)
  // What is known already is carried out in the same turn: a promise for it would cost more than the decision.
  const carried = verdict instanceof Promise ? verdict.then(carryOut) : carryOut(verdict)
  if (carried instanceof Promise) carried.catch((caught: unknown) => visit.failed(caught))
}

/** Never rejects. */
async function endpoint(
  { endpoints }: Parts,
  visit: Visit,
  { request, context }: { readonly request: AccessRequest; readonly context: AnswerContext },
): Promise<void> {
  try {
    visit.line.verdict = await serveEndpoint(endpoints, request, context)
    visit.ended(undefined)
  } catch (caught) {
    visit.failed(caught)
  }
}

/** 308 where the method and body have to survive; 302, which is not remembered for ever, for the rest. */
export function redirectToSite({ site, method, target }: AccessRequest): Verdict {
  const status = method === 'GET' || method === 'HEAD' ? 302 : 308
  return { kind: 'redirect', status, location: site.url + target.target }
}

export function contextOf({ log }: GatewayDeps, visit: Visit, response = visit.response): AnswerContext {
  const { raw, line, generation, arrival } = visit
  const site = arrival?.kind === 'site' || arrival?.kind === 'refused' ? arrival.site : undefined
  return { requestId: line.requestId, request: raw, response, pages: generation.pages, log, site }
}

function answerCaught(deps: GatewayDeps, visit: Visit, caught: unknown): void {
  const { line, tunnel, raw } = visit
  const fault = asFault(caught)
  const { code, detail, cause } = fault
  line.verdict = 'fault'
  line.reason = code
  const level = code === 'GH_INTERNAL' ? 'error' : 'warn'
  deps.log[level]({ requestId: line.requestId, code, detail, err: cause, site: line.site }, fault.message)
  // A tunnel gave its connection away; nothing was written to it yet.
  const given = tunnel !== undefined && visit.response.socket === null
  const response = given ? responseOn(raw, tunnel.socket) : visit.response
  line.exchange = undefined
  answerFault(contextOf(deps, visit, response), fault)
  if (given) visit.response.statusCode = response.statusCode
}

interface Judge {
  readonly deps: GatewayDeps
  readonly decide: Decide
  readonly streams: Streams
}

/**
 * A request may open its exchange when the configuration it was judged by has been replaced since, and what is open was judged
 * again already: so this one is judged again by itself.
 */
function openInForce(judge: Judge, open: OpenExchange): void {
  judge.streams.opened(open)
  const { site } = open.request
  if (judge.deps.generations.peek().hosts.site(site.agent) !== site) void recheck(judge, [open])
}

/** Cuts those that the configuration in force would refuse. Never rejects. */
async function recheck({ deps, decide, streams }: Judge, exchanges: readonly OpenExchange[]): Promise<void> {
  const held = deps.generations.acquire()
  try {
    await Promise.all(
      exchanges.map(async (open) => {
        if (!(await stillAllowed(held.current, decide, open))) streams.cut(open)
      }),
    )
  } finally {
    held.release()
  }
}

/** Who cannot say so is not allowed. */
async function stillAllowed(
  generation: GatewayGeneration,
  decide: Decide,
  { request, session }: OpenExchange,
): Promise<boolean> {
  const site = generation.hosts.site(request.site.agent)
  if (site?.realm !== session.realm) return false
  try {
    return (await decide.decideKnown({ ...request, site }, session)).kind === 'forward'
  } catch {
    return false
  }
}
