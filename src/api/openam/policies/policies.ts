import type { RealmName } from '../../../base/brand.ts'
import type { People } from '../../ports.ts'
import { sessionOf, type Call } from '../call.ts'
import { UNAUTHORIZED, type Reply } from '../reply.ts'
import { callingAgent, type AgentDeps } from '../agents.ts'
import { copyPolicies } from './copy.ts'
import { evaluate, evaluateTree, type EvaluateDeps } from './evaluate.ts'
import { explain, type ExplainDeps } from './explain.ts'
import { mayEvaluate, mayRead, refuseQuestion } from './privilege.ts'
import { isKind, readPolicies, refuseWrite } from './read.ts'
import type { RealmPolicies } from './realm-policies.ts'
import { writePolicy, type WriteDeps } from './write.ts'

export interface PoliciesDeps extends EvaluateDeps, ExplainDeps, Pick<AgentDeps, 'agents'> {
  readonly sessions: EvaluateDeps['sessions'] & ExplainDeps['sessions']
  readonly people: People
  policiesOf(realm: RealmName): RealmPolicies | undefined
}

type AllDeps = PoliciesDeps & WriteDeps

const EVALUATIONS = { evaluate, evaluateTree } as const

/** Everything at `policies`, `applications` and `resourcetypes`. */
export function answerPolicies(deps: AllDeps, method: string, call: Call): Promise<Reply> {
  const { resource: kind, id } = call.address
  if (!isKind(kind)) throw new TypeError(`${kind} is none of what policies are made of`)
  if (method === 'GET' || method === 'HEAD') return readPolicies(deps, call, kind)
  if (method === 'POST' && kind === 'policies') return actOnPolicies(deps, call)
  if (method === 'PUT' && kind === 'policies' && id !== undefined) return writePolicy(deps, call, 'put')
  if (method === 'DELETE' && kind === 'policies' && id !== undefined) return writePolicy(deps, call, 'delete')
  return refuseWrite(deps, call)
}

/** `POST …/policies?_action=NAME`, and `POST …/policies/NAME?_action=copy` or `move`. */
async function actOnPolicies(deps: AllDeps, call: Call): Promise<Reply> {
  const name = call.query('_action') ?? ''
  if (name === 'copy' || name === 'move') return copyPolicies(deps, call, name)
  const { address, origin } = call
  const { realm, id } = address
  if (id !== undefined) return refuseWrite(deps, call)
  if (name === 'create') return writePolicy(deps, call, 'create')
  const caller = await sessionOf(deps, call.tokens.caller)
  const agent = caller === undefined ? await callingAgent(deps, call.tokens.caller) : undefined
  const asking = caller ?? agent
  if (asking === undefined) return UNAUTHORIZED
  if (name === 'explain') {
    // It tells of the groups and attributes that policies ask for: more than agents need.
    const policies = caller !== undefined && (await mayRead(deps.people, caller, realm)) && deps.policiesOf(realm)
    return policies
      ? explain(deps, call, { policies, caller })
      : refuseQuestion(deps, { asking, of: realm, question: name, origin })
  }
  if (name !== 'evaluate' && name !== 'evaluateTree') return refuseWrite(deps, call)
  const policies = (await mayEvaluate(deps.people, asking, realm)) ? deps.policiesOf(realm) : undefined
  if (policies === undefined) return refuseQuestion(deps, { asking, of: realm, question: name, origin })
  const site = agent && deps.agents.siteOf(agent.agent)?.url
  return EVALUATIONS[name](deps, call, { policies, caller, site })
}
