import type { RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import type { Sealer } from '../crypto/seal.ts'
import { NOTHING_PRESENTED } from '../http/presented.ts'
import { isAnonymous } from '../session/anonymous.ts'
import { createPartialSessions } from '../session/partial.ts'
import type { Session, SessionService } from '../session/session.ts'
import type { Transactions } from '../session/transactions.ts'
import type { Store } from '../store/store.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import { advance, type Advanced, type Asked } from './advance.ts'
import { askedApproval } from './approval.ts'
import { chooseChain } from './choose-chain.ts'
import { endLogin } from './ending.ts'
import { strengthens } from './demand.ts'
import { causeOf, failureOf, incidentEvent, isSilent, recordEvent } from './incidents.ts'
import { openHandle, sessionChanged, type Handle, type Journey, type Proof, type StoredHandle } from './journey.ts'
import type { BeginRequest, LoginContext, SubmitRequest } from './login-call.ts'
import { page, roomPage } from './login-pages.ts'
import { newJourney, type Start } from './new-journey.ts'
import { createJourneyStore, type JourneyStore } from './journey-store.ts'
import { outstanding } from './outstanding.ts'
import type { RealmAuthn } from './realm-authn.ts'
import { settleStandIns } from './stand-ins.ts'
import type { ProgramStep, Step, StepFailure } from './step.ts'

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

/** One journey at one moment: where it is kept tells how it goes on. */
interface Underway {
  readonly realm: RealmAuthn
  readonly journey: Journey
  readonly context: LoginContext
  /** `undefined` while it is sealed; else its key and the version that only this call holds. */
  readonly record: { readonly key: string; readonly version: number } | undefined
}

/** Logins of the realms of one configuration. Rejects with faults only. */
export class Logins {
  readonly #deps: AuthnDeps
  readonly #journeys: JourneyStore
  readonly #endsRefused: boolean

  /** `endsRefused`: what is not accepted ends the login, where a person would be asked again. */
  constructor(deps: AuthnDeps, { endsRefused }: { readonly endsRefused: boolean }) {
    this.#deps = deps
    this.#endsRefused = endsRefused
    this.#journeys = createJourneyStore(deps.store, createPartialSessions(deps))
  }

  async begin(
    { realm: name, demand, destination, withoutSession }: BeginRequest,
    context: LoginContext,
    retry?: Retry,
  ): Promise<ProgramStep> {
    const realm = this.#deps.realms.get(name)
    if (realm === undefined) return { kind: 'unreachable', destination }
    // Same user only, except from anonymous: there is nothing in such a session to strengthen, and the new one takes its place.
    const isOwn = context.session?.realm === name && !isAnonymous(context.session)
    const current = isOwn && strengthens(demand) ? context.session : undefined
    if (demand.transaction === undefined) {
      return this.#start(realm, { demand, destination, counted: current, current, withoutSession }, context, retry)
    }
    const asked = await askedApproval(this.#deps.transactions, realm, { id: demand.transaction, session: current })
    if (asked === undefined) return { kind: 'approval-over', destination }
    const { demand: taken, standing: counted, approval } = asked
    const start = { demand: taken, destination, counted, current, approval, withoutSession }
    return this.#start(realm, start, context, retry)
  }

  async #start(realm: RealmAuthn, start: Start, context: LoginContext, retry: Retry | undefined): Promise<ProgramStep> {
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

  async submit({ realm: name, authId, ...answer }: SubmitRequest, context: LoginContext): Promise<ProgramStep> {
    const handle = openHandle(this.#deps.sealer, authId, context.binding)
    if (handle === undefined) return { kind: 'expired', destination: undefined }
    const sealedFor = handle.kind === 'sealed' ? handle.journey.realm : handle.realm
    const realm = this.#deps.realms.get(name)
    if (realm === undefined || sealedFor !== name) return { kind: 'expired', destination: undefined }
    return handle.kind === 'sealed'
      ? this.#submitSealed(realm, handle.journey, { ...answer, context })
      : this.#submitStored(realm, handle, { ...answer, context })
  }

  async #submitSealed(realm: RealmAuthn, journey: Journey, { context, ...answer }: Answered): Promise<ProgramStep> {
    if (this.#remaining(realm, journey) <= 0 || !realm.chains.has(journey.chain)) {
      return { kind: 'expired', destination: journey.destination }
    }
    if (sessionChanged(journey, context.session)) return this.#again(journey, context, 'session-changed')
    const current: Journey = { ...journey, sid: context.session?.sid }
    return this.#answer({ realm, journey: current, context, record: undefined }, answer)
  }

  async #submitStored(realm: RealmAuthn, handle: StoredHandle, { context, ...answer }: Answered): Promise<ProgramStep> {
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
    if (journey.waitsForRoom === true) return this.#makeRoom(underway, answer.answers[0])
    return this.#answer(underway, answer)
  }

  #answer(underway: Underway, { answers, choose, typedName }: Answer): Promise<ProgramStep> {
    if (choose === undefined) return this.#run(underway, answers)
    const named = typedName === undefined ? {} : { typedName }
    const journey = { ...underway.journey, ...named, chosen: choose, turn: undefined, state: undefined }
    return this.#run({ ...underway, journey }, undefined)
  }

  /** Ends the session that the person chose, if it is theirs, and tries once more with what was proven before. */
  async #makeRoom(underway: Underway, sid: string | undefined): Promise<ProgramStep> {
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
  async #askForRoom(
    { realm, journey, context }: Underway,
    proof: Proof,
    running: readonly Session[],
  ): Promise<ProgramStep> {
    const { binding } = context
    const { destination } = journey
    const ttl = this.#remaining(realm, journey)
    if (ttl <= 0) return { kind: 'expired', destination }
    const room = { ...journey, proof, waitsForRoom: true, partial: undefined } as const
    const { key: id } = await this.#journeys.create(room, ttl)
    const handle = { kind: 'stored', binding, realm: journey.realm, destination, id, version: 1 } as const
    return roomPage(this.#deps.sealer, handle, { ttl, username: proof.username, running })
  }

  async #run(underway: Underway, answers: readonly string[] | undefined, failure?: StepFailure): Promise<ProgramStep> {
    const { realm, journey, context } = underway
    const { origin, presented = NOTHING_PRESENTED } = context
    const advanced = await advance(realm, journey, { origin, presented, answers, now: this.#deps.clock() })
    for (const incident of advanced.incidents) {
      // Whoever has nothing to show, and is asked for something else, has tried nothing.
      if (advanced.kind === 'failed' || !isSilent(incident))
        recordEvent(this.#deps, incidentEvent(realm.realm, incident), origin)
    }
    switch (advanced.kind) {
      case 'ask':
        return this.#ends(advanced)
          ? this.#refuse(underway, advanced.failure ?? 'bad-credentials')
          : this.#ask(underway, advanced, failure)
      case 'passed':
        // Begun again beside a session that is over, and nothing is asked: it would go round for ever.
        if (failure === 'session-changed') return { kind: 'expired', destination: journey.destination }
        return this.#pass({ ...underway, journey: advanced.journey }, advanced.proof)
      case 'failed':
        if (this.#endsRefused && answers !== undefined) return this.#refuse(underway, failureOf(advanced.incidents))
        if (underway.record !== undefined) await this.#journeys.remove(underway.record.key, journey)
        // A chain that fails before it has asked anything would fail again and again.
        if (answers === undefined) {
          return { kind: 'unreachable', destination: journey.destination, cause: causeOf(advanced.incidents) }
        }
        return this.#again(advanced.journey, context, failureOf(advanced.incidents))
    }
  }

  /** A wrong code, where the same page would come again. What was typed wrong while something is set up is no try to get in. */
  #ends({ failure, turn, retryAfterMs }: Asked): boolean {
    return this.#endsRefused && failure === 'wrong-code' && !turn.enrols && retryAfterMs === undefined
  }

  async #refuse({ journey, record }: Underway, failure: Refused['failure']): Promise<ProgramStep> {
    if (record !== undefined) await this.#journeys.remove(record.key, journey)
    return { kind: 'refused', failure, destination: journey.destination }
  }

  async #ask(underway: Underway, asked: Asked, failure: StepFailure | undefined): Promise<ProgramStep> {
    const { realm } = underway
    const kept = await this.#keep(underway, asked)
    if (kept === undefined) return { kind: 'expired', destination: asked.journey.destination }
    const ttlMs = this.#remaining(realm, asked.journey)
    return page(this.#deps.sealer, { realm, asked, failure: asked.failure ?? failure, ttlMs, ...kept })
  }

  /** Seals the journey, or writes it to the store from the first correct credential on. `undefined`: somebody else was first. */
  async #keep({ realm, context, record }: Underway, { journey, turn }: Asked): Promise<Kept | undefined> {
    const { binding, origin } = context
    const ttl = this.#remaining(realm, journey)
    if (ttl <= 0) return undefined
    if (journey.proof === undefined) return { handle: { kind: 'sealed', binding, journey }, partial: undefined }
    const stored = { kind: 'stored', binding, realm: journey.realm, destination: journey.destination } as const
    if (record !== undefined) {
      const { key, version } = record
      const kept = await this.#journeys.replace(key, version, journey, ttl)
      const handle = { ...stored, id: key, version: version + 1 }
      return kept ? { handle, partial: journey.partial } : undefined
    }
    if (!(await this.#journeys.spend(journey, ttl))) return undefined
    const asked = { authQueries: outstanding(realm, journey, turn), origin }
    const { key, partial } = await this.#journeys.create(journey, ttl, asked)
    return { handle: { ...stored, id: key, version: 1 }, partial }
  }

  /** The page of the version that is current now, written by nobody: whoever holds the claim must not lose it to this. */
  async #samePage(realm: RealmAuthn, handle: StoredHandle, context: LoginContext): Promise<ProgramStep> {
    const found = await this.#journeys.load(handle.id)
    const proof = found?.journey.waitsForRoom === true ? found.journey.proof : undefined
    if (found !== undefined && proof !== undefined) {
      const running = await this.#deps.sessions.ofUser({ realm: realm.realm, userId: proof.userId })
      const ttl = this.#remaining(realm, found.journey)
      return roomPage(
        this.#deps.sealer,
        { ...handle, version: found.version },
        { ttl, username: proof.username, running },
      )
    }
    const asked = found && (await this.#show(realm, found.journey, context))
    if (found === undefined || asked?.kind !== 'ask') return { kind: 'expired', destination: handle.destination }
    const kept = { handle: { ...handle, version: found.version }, partial: found.journey.partial }
    const ttlMs = this.#remaining(realm, asked.journey)
    return page(this.#deps.sealer, { realm, asked, failure: undefined, ttlMs, ...kept })
  }

  #show(
    realm: RealmAuthn,
    journey: Journey,
    { origin, presented = NOTHING_PRESENTED }: LoginContext,
  ): Promise<Advanced> {
    return advance(realm, journey, { origin, presented, answers: undefined, now: this.#deps.clock() })
  }

  async #pass(underway: Underway, proof: Proof): Promise<ProgramStep> {
    const { realm, journey, context } = underway
    const isOurs = (await this.#finish(underway)) && (await this.#journeys.settle(journey))
    if (!isOurs) return { kind: 'expired', destination: journey.destination }
    const { presented = NOTHING_PRESENTED, origin } = context
    const settled = await settleStandIns(realm, { ...journey, proof }, { presented, userAgent: origin.userAgent })
    if (settled.kind === 'lost') return this.#lost(underway, proof)
    const step = await this.#conclude({ ...underway, journey: settled.journey }, proof, settled.remembered)
    return settled.keeps.length === 0 ? step : { ...step, keeps: settled.keeps }
  }

  async #lost({ realm, journey, context, record }: Underway, { username }: Proof): Promise<ProgramStep> {
    if (record !== undefined) await this.#journeys.remove(record.key)
    recordEvent(
      this.#deps,
      { event: 'AuthnFailed', realm: realm.realm, username, reason: 'copied-device' },
      context.origin,
    )
    return this.#again(journey, context, 'session-changed')
  }

  async #conclude(
    underway: Underway,
    proof: Proof,
    remembered: Parameters<typeof endLogin>[1]['remembered'],
  ): Promise<ProgramStep> {
    const { journey, context, record } = underway
    const ending = await endLogin(this.#deps, { ...underway, proof, remembered })
    if (record !== undefined && ending.kind !== 'unreachable') await this.#journeys.remove(record.key)
    switch (ending.kind) {
      case 'again':
        return this.#again(journey, context, ending.failure)
      case 'no-room':
        return this.#askForRoom(underway, proof, ending.running)
      default:
        return ending
    }
  }

  /** True for exactly one of any number of calls that finish the same login (double submit, replay). */
  #finish({ realm, journey, record }: Underway): Promise<boolean> {
    const ttl = Math.max(1, this.#remaining(realm, journey))
    if (record === undefined) return this.#journeys.spend(journey, ttl)
    return this.#journeys.replace(record.key, record.version, journey, ttl)
  }

  async #again(
    { realm, demand, destination, typedName }: Journey,
    context: LoginContext,
    failure: StepFailure,
  ): Promise<ProgramStep> {
    if (this.#endsRefused) return { kind: 'refused', failure, destination }
    return this.begin({ realm, demand, destination }, context, { failure, typedName })
  }

  #remaining(realm: RealmAuthn, journey: Journey): number {
    return journey.startedAt + realm.journeyTimeoutMs - this.#deps.clock()
  }
}

/** Where a login goes on, and its partial session. */
interface Kept {
  readonly handle: Handle
  readonly partial: string | undefined
}

type Refused = Extract<ProgramStep, { readonly kind: 'refused' }>

type Answer = Omit<SubmitRequest, 'realm' | 'authId'>

interface Answered extends Answer {
  readonly context: LoginContext
}

/** A login that starts once more, and what its first page says and keeps. */
interface Retry {
  readonly failure: StepFailure
  readonly typedName: string | undefined
}
