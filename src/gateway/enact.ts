import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { expectation } from '../http/request-limits.ts'
import { sendRedirect } from '../http/respond.ts'
import type { Session, SessionResolver } from '../session/session.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import type { AccessRequest } from './access-request.ts'
import { answerRefusal, type AnswerContext } from './answers.ts'
import type { RefusalKind } from '../http/refusal-page.ts'
import { otherUserUrl, returnUrl, type Handshake } from './handshake.ts'
import { answerLogin } from './login-answer.ts'
import { createOpenTunnels, type OpenTunnels } from './open-tunnels.ts'
import { requestHeaders } from './request-headers.ts'
import type { Streams } from './streams.ts'
import type { Exchange, ExchangeResult } from './upstream/upstream.ts'
import type { Forward, Refuse, RefusalReason, Verdict } from './verdict.ts'
import { TOO_MANY } from './websocket.ts'

export interface EnactDeps {
  readonly handshake: Handshake
  readonly streams: Streams
  readonly sessions: Pick<SessionResolver, 'touch'>
  readonly audit: AuditSink
  readonly clock: Clock
}

/** A WebSocket's connection, after its handshake request was read. */
export interface Tunnel {
  readonly socket: Socket
  readonly head: Buffer
  /** The connection is the upstream's business from here on. */
  release(): void
}

/** Writes a verdict to the client: the only place that does. */
export type Enact = (
  verdict: Verdict,
  request: AccessRequest,
  context: AnswerContext,
  tunnel: Tunnel | undefined,
) => ExchangeResult | undefined | Promise<ExchangeResult | undefined>

/**
 * Answers with the verdict. Settles with the upstream's part when there was one; throws or rejects with its fault while nothing
 * is written.
 */
export function createEnact(deps: EnactDeps): Enact {
  const forwarding: ForwardDeps = { ...deps, tunnels: createOpenTunnels() }
  return (verdict, request, context, tunnel) => {
    switch (verdict.kind) {
      case 'forward':
        return forward(forwarding, verdict, { request, context, tunnel })
      case 'login': {
        const needed = { level: undefined, missing: verdict.missing }
        answerLogin(context, request, { handshake: deps.handshake, needed })
        return undefined
      }
      case 'step-up': {
        const needed = { level: verdict.level, missing: undefined }
        answerLogin(context, request, { handshake: deps.handshake, needed })
        return undefined
      }
      case 'deny':
        deny(deps, verdict, request, context)
        return undefined
      case 'redirect':
        sendRedirect(context.response, verdict)
        return undefined
      case 'refuse':
        answerRefuse(context, verdict, [...request.site.allowedMethods].join(', '))
        return undefined
    }
  }
}

interface Delivery {
  readonly request: AccessRequest
  readonly context: AnswerContext
  readonly tunnel: Tunnel | undefined
}

interface ForwardDeps extends EnactDeps {
  readonly tunnels: OpenTunnels
}

function forward(
  deps: ForwardDeps,
  verdict: Forward,
  delivery: Delivery,
): undefined | Promise<ExchangeResult | undefined> {
  const { session } = verdict
  const { request, context, tunnel } = delivery
  if (session === undefined) {
    return tunnel === undefined ? exchange(verdict, delivery, undefined) : openTunnel(deps, verdict, delivery)
  }
  if (tunnel !== undefined && deps.streams.webSockets(request, session) >= verdict.site.webSocket.maxPerSession) {
    answerRefuse(context, TOO_MANY, undefined)
    return undefined
  }
  deps.sessions.touch(session)
  return exchangeWhileSession(deps, verdict, { request, context, tunnel, session })
}

/** A WebSocket without a session is counted for its client: nothing else would bound them (exhaustion of the application). */
function openTunnel(
  { tunnels }: ForwardDeps,
  verdict: Forward,
  delivery: Delivery,
): undefined | Promise<ExchangeResult | undefined> {
  const { site } = verdict
  const leave = tunnels.enter(site.agent, delivery.request.client.ip, site.webSocket.maxPerAddress)
  if (leave === undefined) {
    answerRefuse(delivery.context, TOO_MANY, undefined)
    return undefined
  }
  try {
    return exchange(verdict, delivery, undefined).finally(leave)
  } catch (error) {
    leave()
    throw error
  }
}

/** The exchange ends with the session. */
async function exchangeWhileSession(
  deps: EnactDeps,
  verdict: Forward,
  delivery: Delivery & { readonly session: Session },
): Promise<ExchangeResult | undefined> {
  const { request, context, tunnel, session } = delivery
  // An ordinary answer is torn down through its response, which costs nothing while all is well; a tunnel needs a signal.
  // Where nothing was sent yet the person is told instead: a login is needed.
  const controller = tunnel === undefined ? undefined : new AbortController()
  const { response } = context
  const state = { ended: false }
  const abort = (): void => {
    state.ended = true
    if (controller !== undefined) controller.abort()
    else if (response.headersSent) response.destroy()
    else answerLogin(context, request, { handshake: deps.handshake, needed: { level: undefined, missing: undefined } })
  }
  const open = deps.streams.opened({ request, session, abort })
  try {
    if (response.headersSent) return undefined
    const result = await exchange(verdict, delivery, controller?.signal)
    return state.ended ? { ...result, aborted: 'by-session-end' } : result
  } finally {
    open.done()
  }
}

function exchange(
  { site, session, identity }: Forward,
  { request, context, tunnel }: Delivery,
  signal: AbortSignal | undefined,
): Promise<ExchangeResult> {
  const { method, target, raw } = request
  const outgoing = { method, target: target.target, headers: requestHeaders(request, identity) }
  const rewrite = session === undefined ? site.rewrites.open : site.rewrites.protected
  const parts: Exchange = { request: raw, outgoing, rewrite, signal }
  if (tunnel !== undefined) {
    tunnel.release()
    return site.upstream.upgrade(parts, tunnel.socket, tunnel.head)
  }
  sendContinue(request, context.response)
  return site.upstream.forward(parts, context.response)
}

/** Only now is the body asked for: a request that is refused never has its upload sent. */
function sendContinue({ raw }: AccessRequest, response: ServerResponse): void {
  if (expectation(raw) === 'continue') response.writeContinue()
}

function deny(
  { audit, clock }: EnactDeps,
  { site, session, reason, policies }: Extract<Verdict, { readonly kind: 'deny' }>,
  request: AccessRequest,
  context: AnswerContext,
): void {
  const { realm, username, sid } = session
  audit.record({
    event: 'AccessDenied',
    at: clock(),
    requestId: request.id,
    clientIp: request.client.ip,
    realm,
    username,
    sid,
    agent: site.agent,
    method: request.method,
    path: request.target.path,
    policies,
    reason,
  })
  const loginUrl = otherUserUrl(site, returnUrl(request))
  answerRefusal(context, { kind: 'forbidden', status: 403, error: 'access_denied', username, policies, loginUrl })
}

const KINDS: Readonly<Record<RefusalReason, RefusalKind>> = {
  'bad-request-target': 'bad-request',
  'bad-host': 'bad-request',
  'unknown-host': 'unknown-host',
  'host-differs-from-tls-name': 'unknown-host',
  'method-not-allowed': 'method-not-allowed',
  'websocket-origin': 'forbidden',
  'websocket-malformed': 'bad-request',
  'websocket-limit': 'forbidden',
}

/** Writes a refusal that needs no session to explain. */
export function answerRefuse(context: AnswerContext, { status, reason }: Refuse, allow: string | undefined): void {
  const headers = status === 405 && allow !== undefined ? { allow } : {}
  answerRefusal(context, { kind: KINDS[reason], status, error: reason, headers })
}
