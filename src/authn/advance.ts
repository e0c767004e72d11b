import { fault } from '../errors.ts'
import type { Presented } from '../http/presented.ts'
import type { User } from '../identity/directory.ts'
import type { Factor } from '../identity/factors.ts'
import type { RequestOrigin } from '../session/session.ts'
import { policyFor } from './auth-policies.ts'
import { isDemanded, nextStep, tellsNothingNew, type Chain, type ChainEntry } from './chain.ts'
import { setUp } from './enrolment.ts'
import type { Journey, Proof } from './journey.ts'
import type { AuthModule, AuthModuleInput, FailureReason, ModuleOutcome } from './modules/module.ts'
import { runPage } from './page.ts'
import { provenAt } from './proven-at.ts'
import type { RealmAuthn } from './realm-authn.ts'
import { endOldTrust, offeredStandIn, standInFor, standInOf, standsIn, withBox } from './stand-ins.ts'
import { LATER, type Callback, type StepFailure } from './step.ts'
import { isAnotherFactor, ownFactorsOf, turnFor, type Turn } from './turn.ts'

export interface AdvanceInput {
  readonly origin: RequestOrigin
  readonly presented: Presented
  /** Milliseconds since the epoch. */
  readonly now: number
  /** For the module that asked; `undefined` to be asked (again). */
  readonly answers: readonly string[] | undefined
}

/** Something that happened on the way and that the audit trail keeps. */
export type Incident =
  | Extract<ModuleOutcome, { readonly kind: 'failed' | 'again' | 'throttled' }>
  | { readonly kind: 'enrolled'; readonly username: string; readonly factor: Factor }
  | { readonly kind: 'password-changed'; readonly username: string }

export interface Asked {
  readonly kind: 'ask'
  readonly journey: Journey
  readonly turn: Turn
  readonly callbacks: readonly Callback[]
  readonly failure: StepFailure | undefined
  /** Set when the answers were not looked at because it is too early for another try. */
  readonly retryAfterMs: number | undefined
  readonly incidents: readonly Incident[]
}

export type Advanced =
  | Asked
  | {
      readonly kind: 'passed'
      readonly journey: Journey
      readonly proof: Proof
      readonly incidents: readonly Incident[]
    }
  | { readonly kind: 'failed'; readonly journey: Journey; readonly incidents: readonly Incident[] }

/**
 * The dispatcher: asks the chain what is next, runs that module, and goes on until a person is asked or the chain is through. The only
 * code that knows both chains and modules; modules come back here and never go to each other.
 */
export async function advance(realm: RealmAuthn, start: Journey, input: AdvanceInput): Promise<Advanced> {
  const dispatcher = new Dispatcher(realm, start, input)
  for (;;) {
    const end = await dispatcher.go()
    if (end !== undefined) return end
  }
}

class Dispatcher {
  readonly #realm: RealmAuthn
  readonly #input: AdvanceInput
  readonly #chain: Chain
  readonly #incidents: Incident[] = []
  #journey: Journey
  #answers: readonly string[] | undefined
  /** Whether the page that was answered is to have this browser remembered. */
  #isTicked = false

  constructor(realm: RealmAuthn, journey: Journey, input: AdvanceInput) {
    this.#realm = realm
    this.#input = input
    this.#chain = realm.chains.get(journey.chain)?.entries ?? []
    this.#journey = journey
    this.#answers = input.answers
  }

  /** One step; what the whole comes to, or `undefined` to go on. */
  async go(): Promise<Advanced | undefined> {
    const { results, proof } = this.#journey
    const user = proof && (await this.#realm.directory.find(proof.userId))
    const step = this.#next(user, await this.#demandedOwn(user))
    if (step.kind === 'failed') return this.#failed()
    if (step.kind === 'passed') {
      // What an earlier login proved is no new proof: it must not make the session look fresh.
      const isNew = results.some((result) => result?.passed === true && result.carried !== true)
      // Nobody knows what the policy of somebody who is gone wants besides.
      if (!isNew || proof === undefined || user === undefined) return this.#failed()
      const offer = this.#offer()
      if (offer === undefined) return { kind: 'passed', journey: this.#journey, proof, incidents: this.#incidents }
      const entry: ChainEntry = { module: offer.module.name, criteria: 'OPTIONAL' }
      return this.#take({ entry, index: this.#chain.length + 1 }, offer, user)
    }
    if (user !== undefined && (await this.#standsIn(step, user))) return undefined
    const turn = await turnFor(this.#realm, step.entry, { journey: this.#journey, user, now: this.#input.now })
    if (turn.kind === 'prove-again') {
      this.#journey = {
        ...this.#journey,
        results: [],
        proof: undefined,
        provenAt: undefined,
        turn: undefined,
        state: undefined,
      }
      this.#answers = undefined
      return undefined
    }
    if (turn.kind === 'met' || (turn.kind === 'impossible' && !isDemanded(step.entry))) {
      this.#journey = withResult(this.#journey, step, turn.module, turn.kind === 'met')
      return undefined
    }
    if (turn.kind === 'impossible') {
      return this.#fail(step, { kind: 'failed', reason: 'not-enrolled', username: user?.username }, turn.module)
    }
    return this.#take(step, turn, user)
  }

  /** What the user has set up, by name, where the login demands a proof with one of it. */
  async #demandedOwn(user: User | undefined): Promise<readonly string[]> {
    if (user === undefined || this.#journey.demand.ownFactor !== true) return []
    return (await ownFactorsOf(this.#realm, user)).map(({ name }) => name)
  }

  /** The chain's next entry; when it is through, what the user's authentication policy, or the login, wants besides. */
  #next(user: User | undefined, own: readonly string[]): Step {
    const step = nextStep(this.#chain, this.#journey.results)
    if (step.kind !== 'passed' || user === undefined) return step
    const proved = this.#journey.proof?.modules ?? []
    const { secondFactors: named = [], everyRequest } = policyFor(this.#realm.policies, user) ?? {}
    const secondFactors = named.length > 0 ? named : own
    const [module, ...or] = secondFactors
    if (module !== undefined && !proved.some((name) => secondFactors.includes(name) && this.#counts(name))) {
      return { kind: 'run', entry: { module, or, criteria: 'REQUISITE' }, index: this.#chain.length }
    }
    // Who could begin without the token could use the login host without it.
    if (everyRequest !== undefined && !proved.includes(everyRequest)) {
      return { kind: 'run', entry: { module: everyRequest, criteria: 'REQUISITE' }, index: this.#chain.length + 2 }
    }
    return step
  }

  /** What is to be set up before the login ends, unless the person puts it off. It proves nothing. */
  #offer(): Turn | undefined {
    const { offer = '', chosen } = this.#journey
    const module = chosen === LATER ? undefined : this.#realm.modules.get(offer)
    return module?.enrolment && { kind: 'turn', module, enrols: true, optional: true, others: [] }
  }

  /** The module of this realm that helps out when the factor that was set up is lost, where the user has none yet. */
  async #backupFor(user: User): Promise<string | undefined> {
    const backup = [...this.#realm.modules.values()].find(({ standing, offered }) => standing === 'backup' && offered)
    return (await backup?.isEnrolled?.(user)) === false ? backup?.name : undefined
  }

  /** What a browser stood for in an earlier login is not carried over. */
  #counts(name: string): boolean {
    return this.#isSecond(name) && (!standsIn(this.#realm, name) || this.#journey.standIn?.module === name)
  }

  /** Whether this browser passes the entry in the place of a factor; where it does not, the factor is asked for. */
  async #standsIn(step: Run, user: User): Promise<boolean> {
    const module = await standInFor(this.#realm, step.entry, { journey: this.#journey, user })
    const outcome = await module?.process({ ...this.#moduleInput(user, step), answers: undefined })
    if (module !== undefined && outcome?.kind === 'passed') {
      this.#passed(step, module, outcome)
      return true
    }
    if (outcome?.kind === 'failed' && outcome.reason === 'copied-device') this.#incidents.push(outcome)
    return false
  }

  /** Whether what this module proved counts beside what a login begins with. */
  #isSecond(name: string): boolean {
    const module = this.#realm.modules.get(name)
    if (module === undefined) return false
    return module.isMultiFactor === true || isAnotherFactor(this.#realm, module, this.#journey.proof?.modules ?? [])
  }

  async #take(step: Run, turn: Turn, user: User | undefined): Promise<Advanced | undefined> {
    const { enrols } = turn
    const asked = this.#journey.turn
    if (asked !== undefined && !isSameTurn(asked, turn)) {
      this.#answers = undefined
      this.#journey = { ...this.#journey, state: undefined }
    }
    const box = asked?.box
    this.#isTicked = box !== undefined && this.#answers?.[box] === 'true'
    const input = { ...this.#moduleInput(user, step), answers: this.#answers?.slice(0, box) }
    // Answers are for the module that asked, and for it alone.
    this.#answers = undefined
    const { outcome, module } =
      enrols && user !== undefined
        ? { outcome: await setUp(this.#realm, turn, { ...input, user }), module: turn.module }
        : await runPage(turn, input)
    switch (outcome.kind) {
      case 'ask':
        return this.#ask(turn, outcome, 'failure' in outcome ? outcome.failure : undefined)
      case 'set-up-again':
        return this.#ask(turn, outcome, 'wrong-code')
      case 'enrolled':
        this.#incidents.push({ kind: 'enrolled', username: outcome.user.username, factor: outcome.factor })
        if (turn.optional === true) {
          this.#journey = { ...this.#journey, offer: undefined, state: undefined, turn: undefined }
          return undefined
        }
        this.#journey = { ...this.#journey, offer: await this.#backupFor(outcome.user) }
        return this.#passed(step, module, outcome)
      case 'enrolled-elsewhere':
        this.#journey = { ...this.#journey, state: undefined, turn: undefined }
        return undefined
      case 'throttled':
        this.#incidents.push(outcome)
        this.#journey = withTypedName(this.#journey, outcome)
        return { ...(await this.#askAgain(turn, step, user)), retryAfterMs: outcome.retryAfterMs }
      case 'passed':
        if (outcome.passwordChanged === true) {
          this.#incidents.push({ kind: 'password-changed', username: outcome.user.username })
          await endOldTrust(this.#realm, outcome.user.id)
        }
        if (outcome.renew === true) this.#journey = { ...this.#journey, offer: module.name }
        return this.#passed(step, module, outcome)
      case 'again':
        if (user === undefined || !this.#mayTell(step)) return this.#fail(step, outcome, module)
        this.#incidents.push(outcome)
        if (outcome.isSpent === true) this.#journey = { ...this.#journey, state: undefined }
        return { ...(await this.#askAgain(turn, step, user)), failure: 'wrong-code' }
      case 'failed':
        return this.#fail(step, outcome, module)
    }
  }

  /** What is wanted besides the chain is asked when that is through: the question itself tells. */
  #mayTell({ index }: Run): boolean {
    return index >= this.#chain.length || tellsNothingNew(this.#chain, this.#journey.results, index)
  }

  #passed(step: Run, module: AuthModule, outcome: Passed): Advanced | undefined {
    const refusal = this.#refusal(module, outcome.user)
    if (refusal !== undefined) {
      return this.#fail(step, { kind: 'failed', reason: refusal, username: outcome.user.username }, module)
    }
    const { user, properties, standIn } = outcome
    const authLevel = Math.max(module.authLevel, outcome.authLevel ?? 0)
    const before = this.#journey.proof
    const { now } = this.#input
    // What stands for an earlier proof is none of now.
    const isNew = standIn === undefined
    const proof: Proof = {
      userId: user.id,
      username: user.username,
      authLevel: Math.max(before?.authLevel ?? 0, authLevel),
      modules: [...new Set([...(before?.modules ?? []), module.name])],
      newLevel: Math.max(before?.newLevel ?? 0, isNew ? authLevel : 0),
      ...(before?.acted === true || (isNew && module.isSilent !== true) ? { acted: true } : {}),
      properties: { ...before?.properties, ...properties, ...(isNew ? provenAt(module.name, now) : {}) },
      stamp: outcome.stamp ?? before?.stamp,
      ...earliest('since', before?.since, outcome.provenAt),
      ...earliest('endsAt', before?.endsAt, outcome.endsAt),
    }
    const offered = this.#isTicked ? standInOf(this.#realm) : undefined
    const journey = withResult(withTypedName(this.#journey, outcome), step, module, true)
    this.#journey = {
      ...journey,
      proof,
      provenAt: isNew ? now : journey.provenAt,
      ...(standIn === undefined ? {} : { standIn: { ...standIn, module: module.name } }),
      ...(offered === undefined ? {} : { remember: { module: offered.name, at: now } }),
    }
    return undefined
  }

  /** One login is one person: a second factor of somebody else does not count for the first, nor for another's session. */
  #refusal(module: AuthModule, user: User): FailureReason | undefined {
    const { proof, subject } = this.#journey
    const expected = proof?.userId ?? subject?.userId
    if (expected !== undefined && expected !== user.id) return 'user-mismatch'
    const allowed = policyFor(this.#realm.policies, user)?.firstFactors
    return module.use !== 'second' && proof === undefined && allowed?.includes(module.name) === false
      ? 'not-allowed'
      : undefined
  }

  #fail(step: Run, outcome: Failed, module: AuthModule): Advanced | undefined {
    this.#incidents.push(outcome)
    this.#journey = withResult(withTypedName(this.#journey, outcome), step, module, false)
    if (outcome.endsLogin === true) return this.#failed()
    return step.index >= this.#chain.length ? this.#failed() : undefined
  }

  #failed(): Advanced {
    return { kind: 'failed', journey: this.#journey, incidents: this.#incidents }
  }

  #moduleInput(user: User | undefined, step: Run): Omit<AuthModuleInput, 'answers'> {
    return {
      origin: this.#input.origin,
      presented: this.#input.presented,
      user,
      mayTell: this.#mayTell(step),
      suggestion: this.#journey.subject?.username ?? this.#journey.typedName,
      state: this.#journey.state,
      maxAgeMs: maxAgeOf(this.#journey.demand),
    }
  }

  #ask(turn: Turn, { callbacks, state }: AskedFor, failure: StepFailure | undefined): Asked {
    const offered = offeredStandIn(this.#realm, turn, this.#journey)
    const page = offered === undefined ? { callbacks } : withBox(callbacks, offered)
    const box = 'box' in page ? { box: page.box } : {}
    const journey = { ...this.#journey, state, turn: { ...turnOf(turn), ...box } }
    return {
      kind: 'ask',
      journey,
      turn,
      callbacks: page.callbacks,
      failure,
      retryAfterMs: undefined,
      incidents: this.#incidents,
    }
  }

  async #askAgain(turn: Turn, step: Run, user: User | undefined): Promise<Asked> {
    const { outcome } = await runPage(turn, { ...this.#moduleInput(user, step), answers: undefined })
    if (outcome.kind === 'ask') return this.#ask(turn, outcome, undefined)
    throw fault('GH_INTERNAL', { detail: `module ${turn.module.name} did not ask when it got no answers` })
  }
}

type Run = { readonly entry: ChainEntry; readonly index: number }
type Step = ({ readonly kind: 'run' } & Run) | { readonly kind: 'passed' } | { readonly kind: 'failed' }
type Passed = Pick<
  Extract<ModuleOutcome, { readonly kind: 'passed' }>,
  'user' | 'properties' | 'typedName' | 'stamp' | 'standIn' | 'authLevel' | 'provenAt' | 'endsAt'
>
type Failed = Extract<ModuleOutcome, { readonly kind: 'failed' | 'again' }>
type AskedFor = { readonly callbacks: readonly Callback[]; readonly state?: Journey['state'] }

type AskedTurn = NonNullable<Journey['turn']>

function turnOf({ module, enrols, beside }: Turn): AskedTurn {
  return { module: module.name, enrols, beside: beside?.name }
}

function isSameTurn(asked: AskedTurn, turn: Turn): boolean {
  const { module, enrols, beside } = turnOf(turn)
  return asked.module === module && asked.enrols === enrols && asked.beside === beside
}

/** At its entry's place: what was carried over from a session may stand behind it. */
function withResult(journey: Journey, { index }: Run, { name: module }: AuthModule, passed: boolean): Journey {
  const results = [...journey.results]
  while (results.length < index) results.push(null)
  results[index] = { module, passed }
  return { ...journey, results, state: undefined, turn: undefined, chosen: undefined }
}

function withTypedName(journey: Journey, { typedName }: { readonly typedName?: string }): Journey {
  return typedName === undefined ? journey : { ...journey, typedName }
}

/** How old a proof elsewhere may be: none for who has to prove it again. */
function maxAgeOf({ force, again, maxAgeMs }: Journey['demand']): number | undefined {
  return force || again !== undefined ? 0 : maxAgeMs
}

function earliest<K extends string>(key: K, ...times: readonly (number | undefined)[]): { readonly [P in K]?: number } {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? {} : ({ [key]: Math.min(...known) } as { readonly [P in K]?: number })
}
