import type { RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import type { Sealer } from '../crypto/seal.ts'
import { NOTHING_PRESENTED, type Presented } from '../http/presented.ts'
import { isAnonymous } from '../session/anonymous.ts'
import { createPartialSessions } from '../session/partial.ts'
import type { RequestOrigin, Session, SessionService } from '../session/session.ts'
import type { Transactions } from '../session/transactions.ts'
import type { Store } from '../store/store.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import { advance, type Advanced, type Asked } from './advance.ts'
import { askedApproval, giveApproval } from './approval.ts'
import { chooseChain } from './choose-chain.ts'
import { strengthens, type LoginDemand } from './demand.ts'
import { heedingEndsOfAll, heedingWhereNothingIsAsked } from './ends-of-all.ts'
import { causeOf, failureOf, incidentEvent, isSilent, successEvent, type AuthnEvent, type Bare } from './incidents.ts'
import { openHandle, sealHandle, sessionChanged, type Handle, type Journey, type Proof } from './journey.ts'
import { newJourney, type Start } from './new-journey.ts'
import { createJourneyStore, type JourneyStore } from './journey-store.ts'
import { outstanding } from './outstanding.ts'
import type { RealmAuthn } from './realm-authn.ts'
import { signIn } from './sign-in.ts'
import { provenName } from './turn.ts'
import { settleStandIns, type Settled } from './stand-ins.ts'
import type { Destination, Step, StepFailure } from './step.ts'

/** What every call about one login carries: where it comes from. */
export interface LoginContext {
  /** Base64url SHA-256 of the login host's cookie that tells browsers apart. */
  readonly binding: string
  /** The live session that this browser has at the login host, of whatever realm. */
  readonly session: Session | undefined
  readonly origin: RequestOrigin
  /** Nothing where absent. */
  readonly presented?: Presented
}

export interface BeginRequest {
  readonly realm: RealmName
  readonly demand: LoginDemand
  /** Checked (`createGotoCheck`): it is carried, not looked at. */
  readonly destination: Destination
}

export interface SubmitRequest {
  /** The realm of the page that sent the answers; an authId of another realm has expired. */
  readonly realm: RealmName
  readonly authId: string
  /** One for each callback of the step, in its order. */
  readonly answers: readonly string[]
  /** Instead of answers: the module of `others` that the person wants to use. */
  readonly choose?: string | undefined
}

/** Logins. HTML forms and the JSON protocol are two renderings of these two calls. Rejects with faults only. */
export interface Authn {
  begin(request: BeginRequest, context: LoginContext): Promise<Step>
  submit(request: SubmitRequest, context: LoginContext): Promise<Step>
}

export interface AuthnDeps {
  /** The realms of one configuration generation. */
  readonly realms: ReadonlyMap<RealmName, RealmAuthn>
  readonly sessions: Pick<SessionService, 'establish' | 'upgrade' | 'ofUser' | 'end'>
  readonly store: Pick<Store, 'versioned' | 'oneTime' | 'epochs' | 'sessions'>
  readonly sealer: Sealer
  readonly clock: Clock
  readonly audit: AuditSink
  /** Requests that wait for an approval. */
  readonly transactions: Pick<Transactions, 'find' | 'approve'>
}

export function createAuthn(deps: AuthnDeps): Authn {
  const logins = new Logins(deps)
  return {
    begin: heedingWhereNothingIsAsked(deps, (...call) => logins.begin(...call, undefined)),
    submit: heedingEndsOfAll(deps, (...call) => logins.submit(...call)),
  }
}

type StoredHandle = Extract<Handle, { readonly kind: 'stored' }>

/** One journey at one moment: where it is kept tells how it goes on. */
interface Underway {
  readonly realm: RealmAuthn
  readonly journey: Journey
  readonly context: LoginContext
  /** `undefined` while it is sealed; else its key and the version that only this call holds. */
  readonly record: { readonly key: string; readonly version: number } | undefined
}

class Logins {
  readonly #deps: AuthnDeps
  readonly #journeys: JourneyStore

  constructor(deps: AuthnDeps) {
    this.#deps = deps
    this.#journeys = createJourneyStore(deps.store, createPartialSessions(deps))
  }

  async begin(
    { realm: name, demand, destination }: BeginRequest,
    context: LoginContext,
    retry: Retry | undefined,
  ): Promise<Step> {
    const realm = this.#deps.realms.get(name)
    if (realm === undefined) return { kind: 'unreachable', destination }
    // Same user only, except from anonymous: there is nothing in such a session to strengthen, and the new one takes its place.
    const isOwn = context.session?.realm === name && !isAnonymous(context.session)
    const current = isOwn && strengthens(demand) ? context.session : undefined
    if (demand.transaction === undefined) {
      return this.#start(realm, { demand, destination, counted: current, current }, context, retry)
    }
    const asked = await askedApproval(this.#deps.transactions, realm, { id: demand.transaction, session: current })
    if (asked === undefined) return { kind: 'approval-over', destination }
    const { demand: taken, standing: counted, approval } = asked
    return this.#start(realm, { demand: taken, destination, counted, current, approval }, context, retry)
  }

  async #start(realm: RealmAuthn, start: Start, context: LoginContext, retry: Retry | undefined): Promise<Step> {
    const now = this.#deps.clock()
    const { counted: standing } = start
    const user = standing && (await realm.directory.find(standing.userId))
    const choice = chooseChain(realm, start.demand, { standing, user, now })
    if (choice === undefined) return { kind: 'unreachable', destination: start.destination }
    const journey = newJourney({
      realm: realm.realm,
      ...start,
      choice,
      now,
      session: context.session,
      typedName: retry?.typedName,
    })
    return this.#run({ realm, journey, context, record: undefined }, undefined, retry?.failure)
  }

  async submit({ realm: name, authId, answers, choose }: SubmitRequest, context: LoginContext): Promise<Step> {
    const handle = openHandle(this.#deps.sealer, authId, context.binding)
    if (handle === undefined) return { kind: 'expired', destination: undefined }
    const sealedFor = handle.kind === 'sealed' ? handle.journey.realm : handle.realm
    const realm = this.#deps.realms.get(name)
    if (realm === undefined || sealedFor !== name) return { kind: 'expired', destination: undefined }
    return handle.kind === 'sealed'
      ? this.#submitSealed(realm, handle.journey, { answers, choose, context })
      : this.#submitStored(realm, handle, { answers, choose, context })
  }

  async #submitSealed(realm: RealmAuthn, journey: Journey, { answers, choose, context }: Answered): Promise<Step> {
    if (this.#remaining(realm, journey) <= 0 || !realm.chains.has(journey.chain)) {
      return { kind: 'expired', destination: journey.destination }
    }
    if (sessionChanged(journey, context.session)) return this.#again(journey, context, 'session-changed')
    const current: Journey = { ...journey, sid: context.session?.sid }
    return this.#answer({ realm, journey: current, context, record: undefined }, answers, choose)
  }

  async #submitStored(realm: RealmAuthn, handle: StoredHandle, { answers, choose, context }: Answered): Promise<Step> {
    const expired: Step = { kind: 'expired', destination: handle.destination }
    const found = await this.#journeys.load(handle.id)
    if (found === undefined || !realm.chains.has(found.journey.chain)) return expired
    const { journey, version } = found
    const ttl = this.#remaining(realm, journey)
    if (ttl <= 0) return expired
    // Somebody has proved something in it: a logout takes that back, so that half a login is no use to who comes next.
    if (context.session?.sid !== journey.sid) {
      await this.#journeys.remove(handle.id, journey)
      return this.#again(journey, context, 'session-changed')
    }
    // Claimed before the module looks: of two hundred answers to one page, one is judged and the others get the page again.
    const claimed = version === handle.version && (await this.#journeys.replace(handle.id, version, journey, ttl))
    if (!claimed) return this.#samePage(realm, handle, context)
    const underway = { realm, journey, context, record: { key: handle.id, version: version + 1 } }
    if (journey.waitsForRoom === true) return this.#makeRoom(underway, answers[0])
    return this.#answer(underway, answers, choose)
  }

  #answer(underway: Underway, answers: readonly string[], choose: string | undefined): Promise<Step> {
    if (choose === undefined) return this.#run(underway, answers)
    const journey = { ...underway.journey, chosen: choose, turn: undefined, state: undefined }
    return this.#run({ ...underway, journey }, undefined)
  }

  /** Ends the session that the person chose, if it is theirs, and tries once more with what was proven before. */
  async #makeRoom(underway: Underway, sid: string | undefined): Promise<Step> {
    const { realm, journey, context } = underway
    const { proof, destination } = journey
    if (proof === undefined) return { kind: 'expired', destination }
    const running = await this.#deps.sessions.ofUser({ realm: realm.realm, userId: proof.userId })
    // Whatever else was sent ends nothing: a sid is not proof of anything.
    const chosen = running.find((session) => session.sid === sid)
    if (chosen !== undefined) await this.#deps.sessions.end(chosen.sid, 'quota', context.origin)
    return this.#pass(underway, proof)
  }

  /** Keeps what was proven, so that nobody is asked for it twice: in the store, for this browser, for one answer. */
  async #askForRoom({ realm, journey, context }: Underway, proof: Proof, running: readonly Session[]): Promise<Step> {
    const { binding } = context
    const { destination } = journey
    const ttl = this.#remaining(realm, journey)
    if (ttl <= 0) return { kind: 'expired', destination }
    const id = await this.#journeys.create({ ...journey, proof, waitsForRoom: true, partial: undefined }, ttl)
    const handle = { kind: 'stored', binding, realm: journey.realm, destination, id, version: 1 } as const
    return this.#roomPage(handle, { ttl, username: proof.username, running })
  }

  #roomPage(
    handle: StoredHandle,
    { ttl, username, running }: { ttl: number; username: string; running: readonly Session[] },
  ): Step {
    const { realm, destination } = handle
    const authId = sealHandle(this.#deps.sealer, handle, { ttlMs: Math.max(1, ttl) })
    return { kind: 'quota-reached', authId, realm, username, running, destination }
  }

  async #run(underway: Underway, answers: readonly string[] | undefined, failure?: StepFailure): Promise<Step> {
    const { realm, journey, context } = underway
    const { origin, presented = NOTHING_PRESENTED } = context
    const advanced = await advance(realm, journey, { origin, presented, answers, now: this.#deps.clock() })
    for (const incident of advanced.incidents) {
      // Whoever has nothing to show, and is asked for something else, has tried nothing.
      if (advanced.kind === 'failed' || !isSilent(incident)) this.#record(incidentEvent(realm.realm, incident), origin)
    }
    switch (advanced.kind) {
      case 'ask':
        return this.#ask(underway, advanced, failure)
      case 'passed':
        // Begun again beside a session that is over, and nothing is asked: it would go round for ever.
        if (failure === 'session-changed') return { kind: 'expired', destination: journey.destination }
        return this.#pass({ ...underway, journey: advanced.journey }, advanced.proof)
      case 'failed':
        if (underway.record !== undefined) await this.#journeys.remove(underway.record.key, journey)
        // A chain that fails before it has asked anything would fail again and again.
        if (answers === undefined) {
          return { kind: 'unreachable', destination: journey.destination, cause: causeOf(advanced.incidents) }
        }
        return this.#again(advanced.journey, context, failureOf(advanced.incidents))
    }
  }

  async #ask(underway: Underway, asked: Asked, failure: StepFailure | undefined): Promise<Step> {
    const { realm } = underway
    const handle = await this.#keep(underway, asked)
    if (handle === undefined) return { kind: 'expired', destination: asked.journey.destination }
    return this.#page({ realm, asked, failure: asked.failure ?? failure }, handle)
  }

  /** Seals the journey, or writes it to the store from the first correct credential on. `undefined`: somebody else was first. */
  async #keep({ realm, context, record }: Underway, { journey, turn }: Asked): Promise<Handle | undefined> {
    const { binding, origin } = context
    const ttl = this.#remaining(realm, journey)
    if (ttl <= 0) return undefined
    if (journey.proof === undefined) return { kind: 'sealed', binding, journey }
    const stored = { kind: 'stored', binding, realm: journey.realm, destination: journey.destination } as const
    if (record !== undefined) {
      const { key, version } = record
      const kept = await this.#journeys.replace(key, version, journey, ttl)
      return kept ? { ...stored, id: key, version: version + 1 } : undefined
    }
    if (!(await this.#journeys.spend(journey, ttl))) return undefined
    const asked = { authQueries: outstanding(realm, journey, turn), origin }
    return { ...stored, id: await this.#journeys.create(journey, ttl, asked), version: 1 }
  }

  #page(
    { realm, asked, failure }: { realm: RealmAuthn; asked: Asked; failure: StepFailure | undefined },
    handle: Handle,
  ): Step {
    const { journey, turn, callbacks, retryAfterMs } = asked
    const ttlMs = Math.max(1, this.#remaining(realm, journey))
    return {
      kind: 'ask',
      authId: sealHandle(this.#deps.sealer, handle, { ttlMs, asked: journey }),
      realm: realm.realm,
      stage: turn.module.name,
      callbacks,
      enrols: turn.enrols,
      ...(turn.optional === true ? { optional: true } : {}),
      others: turn.others,
      username: journey.subject?.username ?? provenName(realm, journey),
      ...(journey.proof === undefined && journey.results.length === 0 ? {} : { begun: true }),
      ...(journey.approval === undefined ? {} : { approves: journey.approval }),
      failure: retryAfterMs === undefined ? failure : 'throttled',
      retryAfterSeconds: retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000),
      destination: journey.destination,
    }
  }

  /** The page of the version that is current now, written by nobody: whoever holds the claim must not lose it to this. */
  async #samePage(realm: RealmAuthn, handle: StoredHandle, context: LoginContext): Promise<Step> {
    const found = await this.#journeys.load(handle.id)
    const proof = found?.journey.waitsForRoom === true ? found.journey.proof : undefined
    if (found !== undefined && proof !== undefined) {
      const running = await this.#deps.sessions.ofUser({ realm: realm.realm, userId: proof.userId })
      const ttl = this.#remaining(realm, found.journey)
      return this.#roomPage({ ...handle, version: found.version }, { ttl, username: proof.username, running })
    }
    const asked = found && (await this.#show(realm, found.journey, context))
    if (found === undefined || asked?.kind !== 'ask') return { kind: 'expired', destination: handle.destination }
    return this.#page({ realm, asked, failure: undefined }, { ...handle, version: found.version })
  }

  #show(
    realm: RealmAuthn,
    journey: Journey,
    { origin, presented = NOTHING_PRESENTED }: LoginContext,
  ): Promise<Advanced> {
    return advance(realm, journey, { origin, presented, answers: undefined, now: this.#deps.clock() })
  }

  async #pass(underway: Underway, proof: Proof): Promise<Step> {
    const { realm, journey, context } = underway
    const isOurs = (await this.#finish(underway)) && (await this.#journeys.settle(journey))
    if (!isOurs) return { kind: 'expired', destination: journey.destination }
    const { presented = NOTHING_PRESENTED, origin } = context
    const settled = await settleStandIns(realm, { ...journey, proof }, { presented, userAgent: origin.userAgent })
    if (settled.kind === 'lost') return this.#lost(underway, proof)
    const step = await this.#conclude({ ...underway, journey: settled.journey }, proof, settled.remembered)
    return settled.keeps.length === 0 ? step : { ...step, keeps: settled.keeps }
  }

  async #lost({ realm, journey, context, record }: Underway, { username }: Proof): Promise<Step> {
    if (record !== undefined) await this.#journeys.remove(record.key)
    this.#record({ event: 'AuthnFailed', realm: realm.realm, username, reason: 'copied-device' }, context.origin)
    return this.#again(journey, context, 'session-changed')
  }

  async #conclude(underway: Underway, proof: Proof, remembered: Remembered): Promise<Step> {
    const { realm, journey, context, record } = underway
    const { destination } = journey
    const { session: current, origin } = context
    // An address alone makes somebody anonymous: it must not end what they have proved (logout forgery).
    if (isAnonymous(proof) && current !== undefined && !isAnonymous(current))
      return { kind: 'unreachable', destination }
    if (remembered !== undefined) {
      const { id: factor, type } = remembered
      this.#record({ event: 'FactorEnrolled', realm: realm.realm, username: proof.username, type, factor }, origin)
    }
    const given = await giveApproval(this.#deps.transactions, { approval: journey.approval, proof, session: current })
    if (given !== undefined) this.#record({ event: 'TransactionApproved', realm: realm.realm, ...given }, origin)
    const { chain, standIn } = journey
    const result = await signIn(this.#deps, { realm, proof, chain, current, origin, since: standIn?.since })
    if (record !== undefined) await this.#journeys.remove(record.key)
    switch (result.kind) {
      case 'signed-in': {
        this.#record(successEvent(result.issued.session, proof), origin)
        return { kind: 'done', issued: result.issued, destination }
      }
      case 'no-such-user':
      case 'password-changed': {
        const { username } = proof
        const reason = result.kind === 'no-such-user' ? 'disabled' : 'wrong-password'
        this.#record({ event: 'AuthnFailed', realm: realm.realm, username, reason }, origin)
        return this.#again(journey, context, 'bad-credentials')
      }
      case 'session-changed':
        return this.#again(journey, context, 'session-changed')
      case 'quota-reached':
        return this.#askForRoom(underway, proof, result.running)
    }
  }

  /** True for exactly one of any number of calls that finish the same login (double submit, replay). */
  #finish({ realm, journey, record }: Underway): Promise<boolean> {
    const ttl = Math.max(1, this.#remaining(realm, journey))
    if (record === undefined) return this.#journeys.spend(journey, ttl)
    return this.#journeys.replace(record.key, record.version, journey, ttl)
  }

  #again(
    { realm, demand, destination, typedName }: Journey,
    context: LoginContext,
    failure: StepFailure,
  ): Promise<Step> {
    return this.begin({ realm, demand, destination }, context, { failure, typedName })
  }

  #remaining(realm: RealmAuthn, journey: Journey): number {
    return journey.startedAt + realm.journeyTimeoutMs - this.#deps.clock()
  }

  #record(event: Bare<AuthnEvent>, origin: RequestOrigin): void {
    const { requestId, clientIp } = origin
    this.#deps.audit.record({ ...event, at: this.#deps.clock(), requestId, clientIp }, origin)
  }
}

type Remembered = Extract<Settled, { readonly kind: 'settled' }>['remembered']

interface Answered {
  readonly answers: readonly string[]
  readonly choose: string | undefined
  readonly context: LoginContext
}

/** A login that starts once more, and what its first page says and keeps. */
interface Retry {
  readonly failure: StepFailure
  readonly typedName: string | undefined
}
