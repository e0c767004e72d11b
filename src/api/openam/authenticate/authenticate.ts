import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { ProgramAuthn } from '../../../authn/authn.ts'
import { suffices, strengthens, type LoginDemand } from '../../../authn/demand.ts'
import type { GotoCheck } from '../../../authn/goto.ts'
import type { LoginContext } from '../../../authn/login-call.ts'
import { rememberDeparture } from '../../../authn/departures.ts'
import { keptCookie, ssoCookie, type LoginCookies } from '../../../authn/login-cookies.ts'
import { readDemand } from '../../../authn/read-demand.ts'
import type { ProgramStep } from '../../../authn/step.ts'
import type { RealmName } from '../../../base/brand.ts'
import type { Clock } from '../../../base/clock.ts'
import type { Sealer } from '../../../crypto/seal.ts'
import type { Presented } from '../../../http/presented.ts'
import type { Session, SessionService, SessionToken } from '../../../session/session.ts'
import type { AuditSink } from '../../../telemetry/audit.ts'
import { sessionOf, type Call } from '../call.ts'
import type { RealmPolicies } from '../policies/realm-policies.ts'
import { ok, problem, type Reply } from '../reply.ts'
import { readAnswers } from './answers.ts'
import { renderQuota, renderStep, type Rendered } from './callbacks.ts'
import { bindClient, isBrowser } from './client-binding.ts'
import { openEnvelope, sealEnvelope, type Envelope } from './envelope.ts'
import * as outcomes from './outcomes.ts'
import { resourceDemand } from './resource-demand.ts'
import type { Speak, Speech } from './speech.ts'
import { allowedZeroPage, answersOf, type ZeroPage } from './zero-page.ts'
import type { ZeroPageRules } from './zero-page.schema.ts'

export interface AuthenticateDeps {
  readonly authn: ProgramAuthn
  readonly sessions: Pick<SessionService, 'resolve' | 'touch'>
  readonly sealer: Sealer
  readonly cookies: LoginCookies
  readonly checkGoto: GotoCheck
  readonly presentedBy: (request: IncomingMessage) => Presented
  readonly speak: Speak
  /** Whether name and password may come in headers. */
  readonly zeroPageRules: (realm: RealmName) => ZeroPageRules
  readonly policiesOf: (realm: RealmName) => RealmPolicies | undefined
  /** Name of a realm as people read it. */
  readonly titleOf: (realm: RealmName) => string
  /** Whether a token may stand in an address. */
  readonly tokensInAddresses: boolean
  /** Whether programs get their token in the body of an answer, too. Pages never do: what script reads, whoever plants script reads. */
  readonly tokenInBody: boolean
  readonly audit: AuditSink
  readonly clock: Clock
}

/** `POST …/authenticate`. */
export type Authenticate = (request: IncomingMessage, call: Call) => Promise<Reply>

/** One call, read once. */
interface Visit {
  readonly deps: AuthenticateDeps
  readonly call: Call
  readonly context: LoginContext
  readonly speech: Speech
  /** The token of the session that the login is beside, or strengthens. */
  readonly token: SessionToken | undefined
  /** Name and password that came with the call, where they may. */
  readonly sent: ZeroPage | undefined
  /** Whether script of a page reads the answer. */
  readonly isBrowser: boolean
  /** The value of a cookie that came with the call. */
  readonly cookie: (name: string) => string | undefined
}

/** What the answer to every step of a login takes. */
type Carried = Pick<Envelope, 'failureUrl' | 'noSession'>

const bodySchema = z.object({ authId: z.string().optional(), callbacks: z.unknown().optional() }).optional()

/**
 * `POST …/authenticate`: begins a login, or takes the answers to a step of one. The same chains, throttle, audit and cookies as behind the
 * pages; only that a login ends where it is refused.
 */
export function createAuthenticate(deps: AuthenticateDeps): Authenticate {
  return (request, call) => authenticate(deps, request, call)
}

async function authenticate(deps: AuthenticateDeps, request: IncomingMessage, call: Call): Promise<Reply> {
  if (call.address.id !== undefined) return problem(404)
  if (request.method !== 'POST') return { ...problem(405), headers: { allow: 'POST' } }
  const body = bodySchema.safeParse(call.body)
  if (!body.success) return problem(400, 'send nothing or {} to begin, then each step with the values of its inputs')
  const caller = await callerOf(deps, call)
  if ('status' in caller) return caller
  const { binding, cookies } = bindClient(request, deps.cookies)
  const { 'accept-language': acceptLanguage, 'user-agent': userAgent } = request.headers
  const speech = deps.speak({ locale: call.query('locale'), acceptLanguage })
  const origin = { ...call.origin, userAgent, language: speech.tag }
  const presented = deps.presentedBy(request)
  const context = { binding, session: caller.session, origin, presented }
  const sent = allowedZeroPage(request, deps.zeroPageRules(call.address.realm))
  const cookie = (name: string): string | undefined => presented.cookie(name)
  const visit = { deps, call, context, speech, sent, token: caller.token, isBrowser: isBrowser(request), cookie }
  const { authId, callbacks } = body.data ?? {}
  const reply = authId === undefined ? await begin(visit) : await goOn(visit, authId, callbacks)
  return withCookies(reply, cookies)
}

interface Caller {
  readonly token: SessionToken | undefined
  readonly session: Session | undefined
}

/** Whose session the login is beside, or why the one that the call names cannot be strengthened. */
async function callerOf(deps: AuthenticateDeps, call: Call): Promise<Caller | Reply> {
  const { address, tokens } = call
  const named = call.query('sessionUpgradeSSOTokenId')
  if (named !== undefined && !deps.tokensInAddresses) return outcomes.NOT_IN_ADDRESS
  const token = named === undefined ? tokens.caller : (named as SessionToken)
  const session = await sessionOf(deps, token)
  if (named !== undefined && session?.realm !== address.realm) return outcomes.NO_SUCH_SESSION
  return { token: session === undefined ? undefined : token, session }
}

async function begin(visit: Visit): Promise<Reply> {
  const { deps, call, context } = visit
  const { realm } = call.address
  const demand = await demandOf(visit)
  const failureUrl = checked(visit, 'gotoOnFail')
  if (demand === undefined) return notUnderstood(call, failureUrl)
  const goto = checked(visit, 'goto')
  const noSession = call.query('noSession') === 'true'
  if (!noSession && visit.sent === undefined && isThrough(visit, demand)) return goesOn(visit, goto)
  const withoutSession = noSession || demand.transaction !== undefined
  const destination = { goto, handshake: undefined }
  const asked = { realm, demand, destination, ...(withoutSession ? { withoutSession } : {}) } as const
  const first = await deps.authn.begin(asked, context)
  return answer(visit, await afterHeaders(visit, first), { failureUrl, noSession })
}

/** The first page is answered by headers, where the call has them; what else the login asks for comes as ever. */
async function afterHeaders({ deps, call, context, sent }: Visit, first: ProgramStep): Promise<ProgramStep> {
  const answers = first.kind === 'ask' && sent !== undefined ? answersOf(first, sent) : undefined
  if (first.kind !== 'ask' || answers === undefined) return first
  return deps.authn.submit({ realm: call.address.realm, authId: first.authId, answers }, context)
}

async function goOn(visit: Visit, authId: string, callbacks: unknown): Promise<Reply> {
  const { deps, call, context } = visit
  const envelope = openEnvelope(deps.sealer, authId)
  if (envelope === undefined) return outcomes.NO_SUCH_LOGIN
  const read = readAnswers(callbacks, envelope.expected)
  if (read.kind === 'refused') return problem(400, read.message)
  const { answers, choose } = read
  const { realm } = call.address
  return answer(visit, await deps.authn.submit({ realm, authId: envelope.authId, answers, choose }, context), envelope)
}

/** A session that is named to be strengthened is, even where nothing says how far: nobody else may come out of it. */
async function demandOf({ deps, call, context }: Visit): Promise<LoginDemand | undefined> {
  const demand = call.query('authIndexType') === 'resource' ? await ofResource(deps, call, context) : readDemand(call)
  const isNamed = call.query('sessionUpgradeSSOTokenId') !== undefined
  return demand !== undefined && isNamed && !strengthens(demand) ? { ...demand, level: 0 } : demand
}

async function ofResource(
  { policiesOf, clock }: AuthenticateDeps,
  call: Call,
  { session, origin }: LoginContext,
): Promise<LoginDemand | undefined> {
  const { realm } = call.address
  const own = session?.realm === realm ? session : undefined
  const asker = { session: own, clientIp: origin.clientIp ?? '', now: clock() }
  const demand = await resourceDemand(policiesOf(realm), call.query('authIndexValue') ?? '', asker)
  return demand && { ...demand, force: call.query('ForceAuth') === 'true' }
}

/** Chains of roles, which OpenAM has, and addresses of no site: a login that cannot succeed. All else is a mistake in the call. */
function notUnderstood(call: Call, failureUrl: string | undefined): Reply {
  return ['role', 'resource'].includes(call.query('authIndexType') ?? '')
    ? outcomes.loginFailure({ version: call.version, failureUrl })
    : problem(400, 'authIndexType, authIndexValue: nothing that a login here can come to')
}

/** Whether the session is what is asked for already. */
function isThrough({ deps, call, context }: Visit, demand: LoginDemand): boolean {
  const { session } = context
  if (session === undefined || call.query('arg') === 'newsession') return false
  return session.realm === call.address.realm && suffices(session, demand, deps.clock())
}

function goesOn(visit: Visit, goto: string | undefined): Reply {
  const { deps, token, context, call } = visit
  if (context.session !== undefined) deps.sessions.touch(context.session)
  return outcomes.success({ token: toldTo(visit, token), successUrl: goto, realm: call.address.realm })
}

/** Whoever plants script in a page reads what it reads: the cookie is HttpOnly, and the body must not undo that. */
function toldTo({ deps, isBrowser }: Visit, token: SessionToken | undefined): SessionToken | undefined {
  return deps.tokenInBody && !isBrowser ? token : undefined
}

function answer(visit: Visit, step: ProgramStep, carried: Carried): Reply {
  const { deps } = visit
  const reply = replyTo(visit, step, carried)
  const kept = (step.keeps ?? []).map((each) => keptCookie(deps.cookies, each, deps.clock()))
  return withCookies(reply, kept)
}

function replyTo(visit: Visit, step: ProgramStep, carried: Carried): Reply {
  const { deps, call, speech } = visit
  const refusal = { version: call.version, failureUrl: carried.failureUrl }
  switch (step.kind) {
    case 'ask':
      return step.failure === 'throttled' ? outcomes.throttled(step.retryAfterSeconds ?? 1) : asks(visit, step, carried)
    case 'quota-reached': {
      const header = speech.say('quota.title', { count: String(step.running.length) })
      return stepReply(visit, step, { carried, stage: 'quota', header, rendered: renderQuota(step, speech) })
    }
    case 'done': {
      const { issued, destination } = step
      const body = { token: toldTo(visit, issued.token), successUrl: destination.goto, realm: issued.session.realm }
      return withCookies(outcomes.success(body), [ssoCookie(deps.cookies, issued, deps.clock())])
    }
    case 'proved': {
      const { goto } = step.destination
      if (!carried.noSession) return goesOn(visit, goto)
      return outcomes.proved({ successUrl: goto, realm: call.address.realm })
    }
    case 'refused':
      return outcomes.loginFailure(refusal, step.failure === 'password-expired' ? EXPIRED : undefined)
    case 'expired':
      return outcomes.timedOut(refusal)
    case 'approval-over':
      return outcomes.approvalOver(refusal)
    case 'unreachable':
      return outcomes.loginFailure(refusal)
  }
}

const EXPIRED = 'The password has expired or has to be changed'

type Ask = Extract<ProgramStep, { readonly kind: 'ask' }>

function asks(visit: Visit, step: Ask, carried: Carried): Reply {
  const { deps, call, speech } = visit
  const isFirst = step.username === undefined && step.begun !== true
  const header = speech.say(isFirst ? 'login.title' : 'login.confirm', { realm: deps.titleOf(call.address.realm) })
  const reply = stepReply(visit, step, { carried, stage: step.stage, header, rendered: renderStep(step, speech) })
  return withCookies(reply, departing(visit, step, carried))
}

/**
 * Who is sent to a provider comes back to the login host's own page, and goes on from there with the login that a page of theirs began:
 * the browser keeps it meanwhile, as it does where our own page sent it. A program has no browser of ours, and a mere proof no session to go on with.
 */
function departing({ deps, isBrowser, cookie }: Visit, step: Ask, { noSession }: Carried): readonly string[] {
  const [callback] = step.callbacks
  if (callback?.type !== 'RedirectCallback' || !isBrowser || noSession) return []
  const cookies: string[] = []
  const jar = { cookie, addCookie: (text: string) => void cookies.push(text) }
  const departure = { state: callback.state, authId: step.authId, now: deps.clock() }
  return rememberDeparture(jar, deps.cookies, departure) ? cookies : []
}

interface Shown {
  readonly carried: Carried
  readonly stage: string
  readonly header: string
  readonly rendered: Rendered
}

function stepReply(
  { deps }: Visit,
  { authId: own }: { readonly authId: string },
  { carried: { failureUrl, noSession }, stage, header, rendered: { callbacks, expected } }: Shown,
): Reply {
  const authId = sealEnvelope(deps.sealer, { authId: own, expected, failureUrl, noSession })
  return ok({ authId, template: '', stage, header, callbacks })
}

/** A parameter that says where to go; one that leads elsewhere is dropped and audited. */
function checked({ deps, call, context }: Visit, name: 'goto' | 'gotoOnFail'): string | undefined {
  const { realm } = call.address
  const goto = call.query(name)
  if (goto === undefined) return undefined
  const verdict = deps.checkGoto(realm, goto)
  if (verdict.kind === 'accepted') return verdict.url
  const { requestId, clientIp } = context.origin
  const about = { realm, goto: goto.slice(0, LONGEST_AUDITED), reason: verdict.reason }
  deps.audit.record({ event: 'GotoRefused', at: deps.clock(), requestId, clientIp, ...about })
  return undefined
}

/** Characters of a refused goto that the audit log keeps. */
const LONGEST_AUDITED = 500

function withCookies(reply: Reply, cookies: readonly string[]): Reply {
  if (cookies.length === 0) return reply
  const before = reply.headers?.['set-cookie'] ?? []
  const all = [...(typeof before === 'string' ? [before] : before), ...cookies]
  return { ...reply, headers: { ...reply.headers, 'set-cookie': all } }
}
