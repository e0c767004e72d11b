import type { EpochMs } from '../../../base/brand.ts'
import { uniteAdvices } from '../../../policy/advices.ts'
import type { AccessQuery, Advices, Decision } from '../../../policy/decision.ts'
import { FOREVER } from '../../../policy/evaluate.ts'
import type { RealmPolicies } from './realm-policies.ts'

/** What the policies say of one resource, for all actions at once. */
export interface Judged {
  /** `false` where a policy denies it. What no policy allows or denies is not named, and not allowed. */
  readonly actions: Readonly<Record<string, boolean>>
  /** What the policies that allow something say about the user. */
  readonly attributes: Readonly<Record<string, readonly string[]>>
  readonly advices: Advices
  /** Actions that an advice is for. */
  readonly advised: readonly string[]
  readonly validUntil: EpochMs
  /** A condition that failed asks for the end of the session. */
  readonly endsSession: boolean
  /** What was decided of each action that was asked about, in upper case. */
  readonly decisions: ReadonlyMap<string, Decision>
}

export const NOTHING: Judged = {
  actions: {},
  attributes: {},
  advices: {},
  advised: [],
  validUntil: FOREVER,
  endsSession: false,
  decisions: new Map(),
}

/** Asks about every action that policies of the set name. */
export function judge({ pdp, sets }: Pick<RealmPolicies, 'pdp' | 'sets'>, query: Omit<AccessQuery, 'action'>): Judged {
  const actions: Record<string, boolean> = {}
  // A name of the configuration may be one of those that every object has.
  const attributes = new Map<string, readonly string[]>()
  const advised: string[] = []
  const decisions = new Map<string, Decision>()
  let advices: Advices | undefined
  let validUntil = FOREVER
  let endsSession = false
  for (const action of sets.get(query.policySet) ?? []) {
    const name = action.toUpperCase()
    const decision = pdp.evaluate({ ...query, action: name })
    decisions.set(name, decision)
    validUntil = Math.min(validUntil, decision.validUntil) as EpochMs
    endsSession ||= decision.endsSession
    const value = valueOf(decision)
    if (value !== undefined) actions[action] = value
    for (const [name, values] of Object.entries(decision.attributes ?? {}))
      attributes.set(name, [...new Set([...(attributes.get(name) ?? []), ...values])])
    if (decision.advices === undefined) continue
    advised.push(action)
    advices = uniteAdvices(advices, decision.advices, 'all')
  }
  // HEAD is decided as GET (RFC 9110 §9.3.2); agents look for the method that they were sent.
  if (actions['GET'] !== undefined) actions['HEAD'] = actions['GET']
  return {
    actions,
    attributes: Object.fromEntries(attributes),
    advices: advices ?? {},
    advised,
    validUntil,
    endsSession,
    decisions,
  }
}

function valueOf({ allowed, reason }: Decision): boolean | undefined {
  if (allowed) return true
  return reason === 'denied-by-policy' ? false : undefined
}
