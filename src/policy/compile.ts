import { fault } from '../errors.ts'
import { createCandidateIndex, type Candidate, type CandidateIndex, type Rule } from './candidates.ts'
import { compileCondition } from './conditions.ts'
import type { AccessQuery, PolicyDecisionPoint } from './decision.ts'
import { combine, findingsOn, type Finding } from './evaluate.ts'
import { traceOf } from './explain.ts'
import { parsePattern, targetOf, type ResourcePattern } from './pattern.ts'
import type { PolicyConfig } from './policies.schema.ts'
import { compileSubject, namesAnonymous } from './subjects.ts'

/**
 * Compiles the policies of one realm; nothing is left to interpret at evaluation. Inactive policies take no part, and a policy
 * set that no policy belongs to denies everything. A pattern that `checkPattern` objects to is GH_CONFIG_INVALID.
 */
export function compilePolicies(policies: readonly PolicyConfig[]): PolicyDecisionPoint {
  const sets = new Map<string, CandidateIndex>()
  for (const [order, policy] of policies.entries()) {
    if (policy.active) addPolicy(indexOf(sets, policy.policySet), policy, order)
  }
  const find = (query: AccessQuery) => findings(sets, query)
  return {
    evaluate: (query) => combine(find(query)),
    explain(query) {
      const found = find(query)
      return { decision: combine(found), trace: traceOf(found, query) }
    },
  }
}

const NONE: readonly Finding[] = []

function findings(sets: ReadonlyMap<string, CandidateIndex>, query: AccessQuery): readonly Finding[] {
  const index = sets.get(query.policySet)
  if (index === undefined) return NONE
  const target = targetOf(query.resource)
  const candidates: readonly Candidate[] = index.find(target)
  return findingsOn(candidates, target, query)
}

function indexOf(sets: Map<string, CandidateIndex>, policySet: string): CandidateIndex {
  const known = sets.get(policySet)
  if (known !== undefined) return known
  const index = createCandidateIndex()
  sets.set(policySet, index)
  return index
}

function addPolicy(index: CandidateIndex, policy: PolicyConfig, order: number): void {
  const rule: Rule = {
    name: policy.name,
    order,
    effects: new Map(Object.entries(policy.actions)),
    subject: compileSubject(policy.subject),
    admitsAnonymous: namesAnonymous(policy.subject),
    condition: policy.condition === undefined ? undefined : compileCondition(policy.condition),
  }
  for (const text of policy.resources) index.add({ rule, pattern: compilePattern(policy.name, text) })
}

function compilePattern(policy: string, text: string): ResourcePattern {
  const parsed = parsePattern(text)
  if (parsed.kind === 'pattern') return parsed.pattern
  throw fault('GH_CONFIG_INVALID', { detail: `policy ${policy}, resource ${text}: ${parsed.message}` })
}
