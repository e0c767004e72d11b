import type { Destination, Step } from '../../authn/step.ts'
import { isAnonymous } from '../../session/anonymous.ts'
import type { Session } from '../../session/session.ts'
import { rememberDeparture } from '../../authn/departures.ts'
import { nextLocation } from '../finish.ts'
import { offerOf, providerOf, providerOfAddress, redirectOf, type Away } from '../providers.ts'
import { formTargets, readLoginRequest, suffices, withDestination, type LoginRequest } from '../login-request.ts'
import { answerName, loginView, type Ask, type LoginNotice } from '../login-view.ts'
import { quotaView, type QuotaReached } from '../quota-view.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { LoginContext } from '../../authn/login-call.ts'
import { loginPath, realmOfPath, type CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'
import { showLeaving, showRelay } from './leaving.ts'
import { answerApprovalOver, answerError, answerMisunderstood, answerUnreachable } from './errors.ts'

/** More callbacks on one page than any module asks. */
const MOST_ANSWERS = 10

/** Characters of a refused goto that the audit log keeps. */
const LONGEST_AUDITED = 500

/** `GET /login/<realm>`: on to where the browser was going if its session will do, else the form. */
export async function showLogin(parts: PortalParts, visit: Visit): Promise<void> {
  const realm = realmFor(parts, visit)
  if (realm === undefined) {
    answerError(parts, visit, { kind: 'not-found', status: 404 })
    return
  }
  await parts.issuers.of(realm.name)?.freshen()
  const asked = readLoginRequest(parts, visit, realm)
  auditRefusal(parts, visit, asked)
  const session = await visit.session()
  if (asked.misunderstood) {
    answerMisunderstood(parts, visit, asked, session)
    return
  }
  if (session !== undefined && suffices(session, realm, asked.demand, parts.clock())) {
    visit.used(session)
    visit.redirect(
      302,
      await nextLocation(parts, visit, { realm, session, destination: asked.destination, interactive: false }),
    )
    return
  }
  await start(parts, visit, { asked, session, notice: visit.twoSessionCookies ? 'two-cookies' : undefined, typed: [] })
}

/** `POST /login/<realm>`: the answers of one page, from our own page in the browser that got it. */
export async function submitLogin(parts: PortalParts, visit: Visit): Promise<void> {
  const realm = realmFor(parts, visit)
  if (realm === undefined) {
    answerError(parts, visit, { kind: 'not-found', status: 404 })
    return
  }
  if (!visit.sameOrigin()) {
    answerError(parts, visit, { kind: 'cross-site', status: 403, loginUrl: loginPath(realm.name) })
    return
  }
  await parts.issuers.of(realm.name)?.freshen()
  const asked = readLoginRequest(parts, visit, realm)
  const session = await visit.session()
  if (asked.misunderstood) {
    answerMisunderstood(parts, visit, asked, session)
    return
  }
  const answers = readAnswers(visit)
  const context = contextOf(visit, session)
  const choice = choiceOf(visit, realm)
  if (choice === 'no-such-organisation') {
    await start(parts, visit, { asked, session, notice: choice, typed: [] })
    return
  }
  const authId = visit.field('authId') ?? ''
  const answered = await parts.authn.submit({ realm: realm.name, authId, answers, ...choice }, context)
  const step = await onToProvider(parts, { realm, step: answered, isWanted: isOffered(visit, choice) }, context)
  visit.keep(step.keeps ?? [])
  // What was typed on one page is not for the fields of another.
  const isSamePage = step.kind !== 'ask' || visit.field('stage') === step.stage
  await answerStep(parts, visit, { asked, session, step, typed: isSamePage ? answers : [] })
}

interface Progress {
  readonly asked: LoginRequest
  readonly session: Session | undefined
  readonly typed: readonly string[]
}

async function start(parts: PortalParts, visit: Visit, progress: Progress & { notice: LoginNotice }): Promise<void> {
  const { asked, session, notice, typed } = progress
  const { demand, destination, realm } = asked
  const context = contextOf(visit, session)
  const begun = await parts.authn.begin({ realm: realm.name, demand, destination }, context)
  const isWanted = notice === undefined && begun.kind === 'ask' && isOnlyWay(realm, begun)
  const step = await onToProvider(parts, { realm, step: begun, isWanted }, context)
  visit.keep(step.keeps ?? [])
  if (step.kind === 'ask') {
    showForm(parts, visit, { asked, session, step, notice, typed })
    return
  }
  // A certificate asks nothing: the login may be through, or wait for room, before there was a page.
  if (step.kind === 'done') return finish(parts, visit, asked, step)
  if (step.kind === 'approval-over') {
    answerApprovalOver(parts, visit, asked, session)
    return
  }
  if (step.kind === 'quota-reached') {
    showQuota(parts, visit, asked, step)
    return
  }
  answerUnreachable(parts, visit, asked, { session, cause: step.kind === 'unreachable' ? step.cause : undefined })
}

export async function answerStep(parts: PortalParts, visit: Visit, progress: Progress & { step: Step }): Promise<void> {
  const { asked, session, step, typed } = progress
  switch (step.kind) {
    case 'ask': {
      showForm(parts, visit, {
        asked: withDestination(parts, asked, step.destination),
        session,
        step,
        notice: undefined,
        typed: step.failure === undefined ? [] : typed,
      })
      return
    }
    case 'quota-reached': {
      showQuota(parts, visit, withDestination(parts, asked, step.destination), step)
      return
    }
    case 'done':
      return finish(parts, visit, asked, step)
    case 'expired':
      return startAgain(parts, visit, { ...progress, destination: step.destination })
    case 'approval-over': {
      answerApprovalOver(parts, visit, withDestination(parts, asked, step.destination), session)
      return
    }
    case 'unreachable': {
      answerUnreachable(parts, visit, asked, { session, cause: step.cause })
      return
    }
  }
}

/**
 * A forged, foreign or old authId: nothing was checked. The same person, signed in by another tab meanwhile, goes on; anybody
 * else gets a fresh form that says so and keeps the name that was typed.
 */
async function startAgain(
  parts: PortalParts,
  visit: Visit,
  { asked, session, typed, destination }: Progress & { readonly destination: Destination | undefined },
): Promise<void> {
  const again = destination === undefined ? asked : withDestination(parts, asked, destination)
  const isSame = session !== undefined && session.username === (typed[0] ?? '')
  if (isSame && suffices(session, asked.realm, asked.demand, parts.clock())) {
    visit.redirect(
      303,
      await nextLocation(parts, visit, {
        realm: asked.realm,
        session,
        destination: again.destination,
        interactive: false,
      }),
    )
    return
  }
  const notice = visit.knownBrowser ? 'expired' : 'cookie'
  await start(parts, visit, { asked: again, session, notice, typed })
}

async function finish(
  parts: PortalParts,
  visit: Visit,
  asked: LoginRequest,
  { issued, destination }: Extract<Step, { kind: 'done' }>,
): Promise<void> {
  visit.signIn(issued)
  const realm = parts.realms.get(issued.session.realm) ?? asked.realm
  visit.redirect(
    303,
    await nextLocation(parts, visit, { realm, session: issued.session, destination, interactive: true }),
  )
}

function showForm(
  parts: PortalParts,
  visit: Visit,
  form: Progress & { readonly step: Ask; readonly notice: LoginNotice },
): void {
  const { asked, step, notice, typed } = form
  const away = redirectOf(step)
  if (away !== undefined) {
    leave(parts, visit, { asked, step, ...away })
    return
  }
  // Who has proved nothing is signed in as nobody, as far as a page is concerned.
  const session = form.session === undefined || isAnonymous(form.session) ? undefined : form.session
  if (step.failure === 'throttled') visit.setHeader('Retry-After', String(step.retryAfterSeconds ?? 1))
  // RFC 9110 §15.5.2 wants a challenge with 401; ours says that a form on a page is the way.
  const status = statusOf(step, notice)
  if (status === 401) visit.setHeader('WWW-Authenticate', 'Form')
  visit.page({
    status,
    template: 'login',
    realm: asked.realm,
    language: { action: loginPath(asked.realm.name), keep: asked.pairs },
    formTargets: formTargets(asked),
    view: (frame) =>
      loginView(frame, {
        asked,
        step,
        session,
        approvedAt: step.approves && parts.realms.site(asked.realm, step.approves.agent)?.title,
        sessionRealm: titleOf(parts, session),
        notice,
        typed,
        lastProvider: visit.lastProvider,
        requestId: visit.facts.requestId,
        host: new URL(parts.origin).host,
      }),
  })
}

interface Choice {
  readonly choose: string | undefined
  readonly typedName?: string
}

/** `choose=@`: the provider of an address that was typed. */
function choiceOf(visit: Visit, realm: CompiledRealm): Choice | 'no-such-organisation' {
  const choose = visit.field('choose')
  if (choose !== BY_ADDRESS) return { choose }
  const address = (visit.field('email') ?? '').trim()
  const provider = address.length > LONGEST_ADDRESS ? undefined : providerOfAddress(realm, address)
  return provider === undefined ? 'no-such-organisation' : { choose: provider.module, typedName: address }
}

/** No module has such a name. */
const BY_ADDRESS = '@'
const LONGEST_ADDRESS = 256

/** Whoever chose a provider has answered its page with it, unless this is that page. */
function isOffered(visit: Visit, { choose }: Choice): boolean {
  return choose !== undefined && visit.field('stage') !== choose
}

function isOnlyWay(realm: CompiledRealm, step: Ask): boolean {
  const { failure, others, username, stage } = step
  return (
    failure === undefined && others.length === 0 && username === undefined && providerOf(realm, stage)?.atOnce === true
  )
}

/** Answers the page with one provider's button for somebody who has pressed it already, or would find nothing else there. */
async function onToProvider(
  { authn }: PortalParts,
  { realm, step, isWanted }: { readonly realm: CompiledRealm; readonly step: Step; readonly isWanted: boolean },
  context: LoginContext,
): Promise<Step> {
  if (!isWanted || step.kind !== 'ask' || step.failure !== undefined || offerOf(step) === undefined) return step
  return authn.submit({ realm: realm.name, authId: step.authId, answers: [''] }, context)
}

function leave(
  parts: PortalParts,
  visit: Visit,
  { asked, step, url, state, fields }: Away & { readonly asked: LoginRequest; readonly step: Ask },
): void {
  const { realm } = asked
  if (!rememberDeparture(visit, parts.cookies, { state, authId: step.authId, now: parts.clock() })) {
    answerError(parts, visit, { kind: 'login-address', status: 400, realm, loginUrl: loginPath(realm.name) })
    return
  }
  const provider = providerOf(realm, step.stage)?.title ?? step.stage
  if (fields === undefined) showLeaving(visit, { realm, url, provider, text: 'leaving.text' })
  else showRelay(visit, { realm, url, provider, fields })
}

/** Not an error and no redirect: the person is told, and decides which of their sessions ends for this one. */
function showQuota(parts: PortalParts, visit: Visit, asked: LoginRequest, step: QuotaReached): void {
  visit.page({
    status: 409,
    template: 'quota',
    realm: asked.realm,
    language: { action: loginPath(asked.realm.name), keep: asked.pairs },
    formTargets: formTargets(asked),
    view: (frame) => quotaView(frame, { asked, step, now: parts.clock() }),
  })
}

/** Statuses that tell browsers' password managers not to keep what was typed. */
function statusOf(step: Ask, notice: LoginNotice): number {
  switch (step.failure) {
    case 'bad-credentials':
    case 'wrong-code':
    case 'password-expired':
      return 401
    case 'throttled':
      return 429
    case 'session-changed':
      return 409
    case 'not-sent':
    case 'sent-too-often':
    case 'provider-denied':
    case 'provider-unavailable':
    case 'provider-refused':
    case 'provider-too-weak':
    case 'provider-nobody':
      return 200
    case undefined:
      return notice === 'expired' || notice === 'cookie' ? 403 : 200
  }
}

function realmFor(parts: PortalParts, visit: Visit): CompiledRealm | undefined {
  const name = realmOfPath(visit.path)
  return name === undefined ? undefined : parts.realms.get(name)
}

function titleOf(parts: PortalParts, session: Session | undefined): string {
  if (session === undefined) return ''
  return parts.realms.get(session.realm)?.compiledLook.title ?? session.realm
}

export function contextOf(visit: Visit, session: Session | undefined): LoginContext {
  return { binding: visit.bindBrowser(), session, origin: visit.origin, presented: visit.presented }
}

function readAnswers(visit: Visit): readonly string[] {
  const answers: string[] = []
  for (let index = 0; index < MOST_ANSWERS; index++) {
    const answer = visit.field(answerName(index))
    if (answer === undefined) break
    answers.push(answer)
  }
  return answers
}

function auditRefusal(parts: PortalParts, visit: Visit, { realm, refused }: LoginRequest): void {
  if (refused === undefined) return
  const goto = refused.goto.slice(0, LONGEST_AUDITED)
  const { requestId, clientIp } = visit.origin
  parts.audit.record({
    event: 'GotoRefused',
    at: parts.clock(),
    requestId,
    clientIp,
    realm: realm.name,
    goto,
    reason: refused.reason,
  })
}
