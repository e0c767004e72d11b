import type { RealmName } from '../../../base/brand.ts'
import type { People } from '../../ports.ts'
import { sessionOf, type Call } from '../call.ts'
import { FORBIDDEN, problem, UNAUTHORIZED, type Reply } from '../reply.ts'
import { evaluate, evaluateTree, type EvaluateDeps, type Evaluation } from './evaluate.ts'
import { mayEvaluate } from './privilege.ts'
import type { RealmPolicies } from './realm-policies.ts'

export interface PoliciesDeps extends EvaluateDeps {
  readonly people: People
  policiesOf(realm: RealmName): RealmPolicies | undefined
}

type Action = (deps: EvaluateDeps, call: Call, evaluation: Evaluation) => Promise<Reply>

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['evaluate', evaluate],
  ['evaluateTree', evaluateTree],
])

/** `POST …/policies?_action=NAME`. */
export async function actOnPolicies(deps: PoliciesDeps, call: Call): Promise<Reply> {
  const action = ACTIONS.get(call.query('_action') ?? '')
  const { realm } = call.address
  const caller = await sessionOf(deps, call.tokens.caller)
  if (caller === undefined) return UNAUTHORIZED
  if (action === undefined) return problem(501, '_action: evaluate and evaluateTree are what can be asked of policies')
  const policies = (await mayEvaluate(deps.people, caller, realm)) ? deps.policiesOf(realm) : undefined
  return policies === undefined ? FORBIDDEN : action(deps, call, { policies, caller })
}
