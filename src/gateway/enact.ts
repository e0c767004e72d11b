import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { requestKind } from '../http/request-kind.ts'
import { sendRedirect } from '../http/respond.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { Session, SessionResolver } from '../session/session.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import type { AccessRequest } from './access-request.ts'
import { answerRefusal, type AnswerContext } from './answers.ts'
import type { RefusalKind } from '../http/refusal-page.ts'
import type { PolicyTrace } from '../policy/decision.ts'
import { formUrl, isKeepable, keepForm, type FormKeepingDeps, type Return } from './form-keeping.ts'
import type { KeptForm } from './kept-forms.ts'
import { handOver, sendContinue } from './hand-over.ts'
import type { Handshake } from './handshake.ts'
import { otherUserUrl, returnUrl } from './login-address.ts'
import { answerLogin, answerTokenNeeded } from './login-answer.ts'
import { createOpenTunnels, type OpenTunnels } from './open-tunnels.ts'
import { deniedUrl } from './own-answers.ts'
import type { RecentHeads } from './recent-heads.ts'
import { renewedCookie } from './renewed-cookie.ts'
import type { OpenExchange, Streams } from './streams.ts'
import { tearDown } from './upstream/client-answer.ts'
import type { ExchangeResult } from './upstream/upstream.ts'
import type { Forward, Refuse, RefusalReason, Verdict } from './verdict.ts'
import { TOO_MANY } from './websocket.ts'

export interface EnactDeps extends FormKeepingDeps {
  readonly handshake: Handshake
  readonly streams: Streams
  readonly sessions: Pick<SessionResolver, 'touch' | 'renew'>
  readonly audit: AuditSink
  readonly clock: Clock
  readonly heads: RecentHeads
}

/** A WebSocket's connection, after its handshake request was read. */
export interface Tunnel {
  readonly socket: Socket
  readonly head: Buffer
  /** The connection is the upstream's business from here on. */
  release(): void
}

/** Told once when the answer is given, with the upstream's part where there was one. */
export interface AnswerEnding {
  ended(exchange: ExchangeResult | undefined): void
  /** The fault, for which nothing was written yet. */
  failed(caught: unknown): void
}

/** What a verdict is written to. */
export interface Delivery {
  readonly request: AccessRequest
  readonly context: AnswerContext
  readonly tunnel: Tunnel | undefined
  readonly ending: AnswerEnding
  /** The `Set-Cookie` value of a token that the answer brings along: asked for when it begins. */
  readonly renewed?: (() => string | undefined) | undefined
  /** The request's body, where it has been read already. */
  readonly body?: Buffer | undefined
  /** The kept form that the request stands for. */
  readonly form?: { readonly ticket: string; readonly content: KeptForm | undefined } | undefined
}

/** Writes a verdict to the client: the only place that does. Throws what goes wrong before `ending` could be told. */
export type Enact = (verdict: Verdict, delivery: Delivery) => void

export function createEnact(deps: EnactDeps): Enact {
  const forwarding: ForwardDeps = { ...deps, tunnels: createOpenTunnels() }
  return (verdict, delivery) => {
    if (verdict.kind === 'forward') {
      forward(forwarding, verdict, delivery)
      return
    }
    const interrupted = interruptedForm(verdict, delivery)
    if (interrupted !== undefined) {
      void keepThenAnswer(deps, verdict, { delivery, session: interrupted.session })
      return
    }
    answerVerdict(deps, verdict, delivery)
    delivery.ending.ended(undefined)
  }
}

type Answered = Exclude<Verdict, Forward>

/** A form that has to wait for a login, and whose session there is. */
function interruptedForm(
  verdict: Answered,
  { request }: Delivery,
): { readonly session: Session | undefined } | undefined {
  if (verdict.kind !== 'step-up' && verdict.kind !== 'login') return undefined
  if (!isKeepable(request) || request.site.answers.isJson(request.raw)) return undefined
  // Who has proved nothing writes nothing into the store.
  if (verdict.kind === 'step-up') return { session: isAnonymous(verdict.session) ? undefined : verdict.session }
  // Of two tokens nobody knows whose the form is.
  return verdict.missing === 'no-cookie' || verdict.missing === 'dead-token' ? { session: undefined } : undefined
}

/** Never rejects. */
async function keepThenAnswer(
  deps: EnactDeps,
  verdict: Answered,
  { delivery, session }: { readonly delivery: Delivery; readonly session: Session | undefined },
): Promise<void> {
  const { request, context, ending, body } = delivery
  try {
    if (body === undefined) sendContinue(request, context.response)
    const back = await keepForm(deps, { request, body }, session)
    answerVerdict(deps, verdict, delivery, back)
    ending.ended(undefined)
  } catch (caught) {
    ending.failed(caught)
  }
}

export type AnswerDeps = Pick<EnactDeps, 'handshake' | 'audit' | 'clock'>

/** Everything that needs no upstream. */
export function answerVerdict(
  deps: AnswerDeps,
  verdict: Answered,
  { request, context, form }: Delivery,
  back: Return | undefined = form && { goto: formUrl(request.site, form.ticket), cookies: [] },
): void {
  switch (verdict.kind) {
    case 'login':
      answerLogin(context, request, {
        handshake: deps.handshake,
        needed: { advices: undefined, missing: verdict.missing, back },
      })
      break
    case 'step-up':
      answerLogin(context, request, {
        handshake: deps.handshake,
        needed: { advices: verdict.advices, missing: undefined, back },
      })
      break
    case 'deny':
      deny(deps, verdict, request, context)
      break
    case 'token-needed':
      recordDenial(deps, verdict, request)
      answerTokenNeeded(context, verdict)
      break
    case 'redirect':
      sendRedirect(context.response, {
        ...verdict,
        headers: verdict.forgets === undefined ? {} : { 'set-cookie': verdict.forgets },
      })
      break
    case 'refuse':
      answerRefuse(context, verdict, [...request.site.allowedMethods].join(', '))
      break
  }
}

interface ForwardDeps extends EnactDeps {
  readonly tunnels: OpenTunnels
}

function forward(deps: ForwardDeps, verdict: Forward, delivery: Delivery): void {
  const { site, session } = verdict
  const { request, context, tunnel, ending } = delivery
  if (session === undefined || verdict.forgets !== undefined) {
    if (tunnel === undefined) handOver(deps.heads, verdict, { delivery, signal: undefined })
    else openTunnel(deps, verdict, delivery)
    return
  }
  if (tunnel !== undefined && deps.streams.webSockets(request, session) >= site.webSocket.maxPerSession) {
    answerRefuse(context, TOO_MANY, undefined)
    ending.ended(undefined)
    return
  }
  deps.sessions.touch(session)
  new SessionExchange(deps, delivery, session).start(verdict)
}

/** A WebSocket without a session is counted for its client: nothing else would bound them (exhaustion of the application). */
function openTunnel(deps: ForwardDeps, verdict: Forward, delivery: Delivery): void {
  const { site } = verdict
  const { ending } = delivery
  const leave = deps.tunnels.enter(site.agent, delivery.request.client.ip, site.webSocket.maxPerAddress)
  if (leave === undefined) {
    answerRefuse(delivery.context, TOO_MANY, undefined)
    ending.ended(undefined)
    return
  }
  const leaving: AnswerEnding = {
    ended: (result) => {
      leave()
      ending.ended(result)
    },
    failed: (caught) => {
      leave()
      ending.failed(caught)
    },
  }
  try {
    handOver(deps.heads, verdict, { delivery: { ...delivery, ending: leaving }, signal: undefined })
  } catch (error) {
    leave()
    throw error
  }
}

/** An exchange that ends with its session. */
class SessionExchange implements OpenExchange, AnswerEnding {
  readonly request: AccessRequest
  readonly context: AnswerContext
  readonly tunnel: Tunnel | undefined
  readonly session: Session
  readonly renewed: Delivery['renewed']
  readonly body: Buffer | undefined
  readonly form: Delivery['form']
  openAt = -1
  readonly #deps: ForwardDeps
  readonly #ending: AnswerEnding
  // An ordinary answer is torn down through its response, which costs nothing while all is well; a tunnel needs a signal.
  readonly #controller: AbortController | undefined
  #aborted = false

  constructor(deps: ForwardDeps, { request, context, tunnel, ending, body, form }: Delivery, session: Session) {
    this.request = request
    this.context = context
    this.tunnel = tunnel
    this.session = session
    this.body = body
    this.form = form
    const isCarried = session.stateless !== undefined && tunnel === undefined
    // An answer may take a minute to begin, and the session may have moved on: a step-up in another tab.
    this.renewed = isCarried ? () => renewedCookie(deps, request, session) : undefined
    this.#deps = deps
    this.#ending = ending
    this.#controller = tunnel === undefined ? undefined : new AbortController()
  }

  get ending(): AnswerEnding {
    return this
  }

  start(verdict: Forward): void {
    this.#deps.streams.opened(this)
    try {
      if (this.#aborted && this.tunnel === undefined) this.ended(undefined)
      else handOver(this.#deps.heads, verdict, { delivery: this, signal: this.#controller?.signal })
    } catch (error) {
      this.#deps.streams.closed(this)
      throw error
    }
  }

  /** Where nothing was sent yet the person is told: a login is needed. */
  abort(): void {
    const { context, request } = this
    const { response } = context
    this.#aborted = true
    if (this.#controller !== undefined) this.#controller.abort()
    else if (response.headersSent || response.socket === null) tearDown(request.raw, response)
    else {
      const needed = { advices: undefined, missing: undefined }
      answerLogin(context, request, { handshake: this.#deps.handshake, needed })
    }
  }

  ended(result: ExchangeResult | undefined): void {
    this.#deps.streams.closed(this)
    this.#ending.ended(this.#aborted && result !== undefined ? this.#cutShort(result) : result)
  }

  failed(caught: unknown): void {
    this.#deps.streams.closed(this)
    this.#ending.failed(caught)
  }

  /** Where the upstream had not answered, what the client got is our own. */
  #cutShort(result: ExchangeResult): ExchangeResult {
    const { response } = this.context
    const status = result.status === 0 && response.headersSent ? response.statusCode : result.status
    return { ...result, status, aborted: 'by-session-end' }
  }
}

function deny(
  deps: AnswerDeps,
  verdict: Extract<Verdict, { readonly kind: 'deny' }>,
  request: AccessRequest,
  context: AnswerContext,
): void {
  const { site, session, policies, isAdministrator, why } = verdict
  recordDenial(deps, verdict, request)
  const elsewhere = deniedElsewhere(request)
  if (elsewhere !== undefined) {
    sendRedirect(context.response, { status: 303, location: elsewhere })
    return
  }
  const loginUrl = otherUserUrl(site, returnUrl(request))
  const { username } = session
  const told = { username, policies, loginUrl, ...(isAdministrator ? { why: why.map(inWords) } : {}) }
  answerRefusal(context, { kind: 'forbidden', status: 403, error: 'access_denied', ...told })
}

/** People alone are sent anywhere: a script would take the page there for its answer, and a frame shows what it is given. */
function deniedElsewhere({ site, id, method, raw, target }: AccessRequest): string | undefined {
  const { answers } = site
  if (answers.accessDenied === undefined || answers.isJson(raw)) return undefined
  if (requestKind(method, raw.headers) !== 'navigation') return undefined
  return deniedUrl(answers, { query: target.query, requestId: id })
}

function inWords({ policy, outcome, because }: PolicyTrace): { readonly policy: string; readonly because: string } {
  return { policy, because: because ?? outcome }
}

/** Policies that one line of the audit log tells of. */
const MOST_TOLD = 20

function recordDenial(
  { audit, clock }: AnswerDeps,
  verdict: Extract<Verdict, { readonly kind: 'deny' | 'token-needed' }>,
  request: AccessRequest,
): void {
  const { site, session, reason } = verdict
  const { realm, username, sid, authLevel, authModules: modules } = session
  const { policies, why } = verdict.kind === 'deny' ? verdict : { policies: [], why: [] }
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
    authLevel,
    modules,
    why: why.slice(0, MOST_TOLD).map(({ policy, outcome, because }) => ({
      policy,
      outcome,
      ...(because === undefined ? {} : { because }),
    })),
  })
}

const KINDS: Readonly<Record<RefusalReason, RefusalKind>> = {
  'bad-request-target': 'bad-request',
  'bad-host': 'bad-request',
  'bad-forwarded-for': 'bad-request',
  'unknown-host': 'unknown-host',
  'host-differs-from-tls-name': 'unknown-host',
  'method-not-allowed': 'method-not-allowed',
  'websocket-origin': 'forbidden',
  'websocket-malformed': 'bad-request',
  'websocket-limit': 'forbidden',
  'cross-site': 'forbidden',
  'length-required': 'bad-request',
  'body-too-large': 'bad-request',
  'too-many-approvals': 'forbidden',
}

/** Writes a refusal that needs no session to explain. */
export function answerRefuse(context: AnswerContext, { status, reason }: Refuse, allow: string | undefined): void {
  const headers = status === 405 && allow !== undefined ? { allow } : {}
  answerRefusal(context, { kind: KINDS[reason], status, error: reason, headers })
}
