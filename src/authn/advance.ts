import { fault } from '../errors.ts'
import type { User } from '../identity/directory.ts'
import type { RequestOrigin } from '../session/session.ts'
import { nextStep } from './chain.ts'
import type { Journey, Proof } from './journey.ts'
import type { AuthModule, AuthModuleInput, FailureReason, ModuleOutcome } from './modules/module.ts'
import type { RealmAuthn } from './realm-authn.ts'
import type { Callback } from './step.ts'

export interface AdvanceInput {
  readonly origin: RequestOrigin
  /** For the module that asked; `undefined` to be asked (again). */
  readonly answers: readonly string[] | undefined
}

/** Something that a module said on the way and that the audit trail keeps. */
export type Incident = Extract<ModuleOutcome, { readonly kind: 'failed' | 'throttled' }>

export interface Asked {
  readonly kind: 'ask'
  readonly journey: Journey
  readonly stage: string
  readonly callbacks: readonly Callback[]
  /** Set when the answers were not looked at because it is too early for another try. */
  readonly retryAfterMs: number | undefined
  readonly incidents: readonly Incident[]
}

export type Advanced =
  | Asked
  | { readonly kind: 'passed'; readonly proof: Proof; readonly incidents: readonly Incident[] }
  | { readonly kind: 'failed'; readonly journey: Journey; readonly incidents: readonly Incident[] }

/**
 * The dispatcher: asks the chain what is next, runs that module, and goes on until a person is asked or the chain is through. The only
 * code that knows both chains and modules; modules come back here and never go to each other.
 */
export async function advance(realm: RealmAuthn, start: Journey, input: AdvanceInput): Promise<Advanced> {
  const chain = realm.chains.get(start.chain)?.entries ?? []
  const incidents: Incident[] = []
  let journey = start
  let answers = input.answers
  for (;;) {
    const step = nextStep(chain, journey.results)
    if (step.kind === 'failed') return { kind: 'failed', journey, incidents }
    if (step.kind === 'passed') return { kind: 'passed', proof: provenBy(journey), incidents }
    const module = moduleOf(realm, step.module)
    const outcome = await module.process(moduleInput(journey, input, answers))
    // Answers are for the module that asked, and for it alone.
    answers = undefined
    switch (outcome.kind) {
      case 'ask':
        return { ...asked(module, { ...journey, state: outcome.state }, outcome.callbacks), incidents }
      case 'throttled': {
        incidents.push(outcome)
        journey = withTypedName(journey, outcome)
        const callbacks = await askAgain(module, journey, input)
        return { ...asked(module, journey, callbacks), retryAfterMs: outcome.retryAfterMs, incidents }
      }
      case 'passed': {
        const result = settle(journey, module, outcome)
        if (result.kind === 'failed') incidents.push(result)
        journey = result.kind === 'failed' ? withResult(journey, module, false) : result.journey
        break
      }
      case 'failed':
        incidents.push(outcome)
        journey = withResult(withTypedName(journey, outcome), module, false)
        break
    }
  }
}

function moduleOf(realm: RealmAuthn, name: string): AuthModule {
  const module = realm.modules.get(name)
  if (module === undefined) throw fault('GH_INTERNAL', { detail: `realm ${realm.realm} has no module ${name}` })
  return module
}

function moduleInput(journey: Journey, { origin }: AdvanceInput, answers: AuthModuleInput['answers']): AuthModuleInput {
  return { origin, username: journey.proof?.username, suggestion: journey.typedName, state: journey.state, answers }
}

function asked(module: AuthModule, journey: Journey, callbacks: readonly Callback[]): Omit<Asked, 'incidents'> {
  return { kind: 'ask', journey, stage: module.name, callbacks, retryAfterMs: undefined }
}

async function askAgain(module: AuthModule, journey: Journey, input: AdvanceInput): Promise<readonly Callback[]> {
  const outcome = await module.process(moduleInput(journey, input, undefined))
  if (outcome.kind === 'ask') return outcome.callbacks
  throw fault('GH_INTERNAL', { detail: `module ${module.name} did not ask when it got no answers` })
}

function withResult(journey: Journey, module: AuthModule, passed: boolean): Journey {
  return { ...journey, results: [...journey.results, { module: module.name, passed }], state: undefined }
}

function withTypedName(journey: Journey, { typedName }: { readonly typedName?: string }): Journey {
  return typedName === undefined ? journey : { ...journey, typedName }
}

type Settled =
  | { readonly kind: 'settled'; readonly journey: Journey }
  | { readonly kind: 'failed'; readonly reason: FailureReason; readonly username: string }

/** One login is one person: a second factor of somebody else does not count for the first. */
function settle(
  journey: Journey,
  module: AuthModule,
  { user, properties }: { readonly user: User; readonly properties?: Readonly<Record<string, string>> },
): Settled {
  const before = journey.proof
  if (before !== undefined && before.userId !== user.id) {
    return { kind: 'failed', reason: 'user-mismatch', username: user.username }
  }
  const proof: Proof = {
    userId: user.id,
    username: user.username,
    authLevel: Math.max(before?.authLevel ?? 0, module.authLevel),
    modules: [...new Set([...(before?.modules ?? []), module.name])],
    properties: { ...before?.properties, ...properties },
  }
  return { kind: 'settled', journey: { ...withResult(journey, module, true), proof } }
}

/** A chain passes only when an entry has, so a proof is there. */
function provenBy({ chain, proof }: Journey): Proof {
  if (proof === undefined) throw fault('GH_INTERNAL', { detail: `chain ${chain} passed and proved nobody` })
  return proof
}
