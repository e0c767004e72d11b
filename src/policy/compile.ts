import { fault } from '../errors.ts'
import { createCandidateIndex, type CandidateIndex, type Effect, type Rule } from './candidates.ts'
import { compileCondition } from './conditions.ts'
import type { AccessQuery, Explanation, PolicyDecisionPoint } from './decision.ts'
import { combine, findingsOn, nearMisses, type Finding } from './evaluate.ts'
import { traceOf } from './explain.ts'
import { parsePattern, targetOf, type Matching, type ResourcePattern } from './pattern.ts'
import type { PolicyConfig, PolicySetConfig } from './policies.schema.ts'
import { compileResponseAttributes } from './response-attributes.ts'
import { compileSubject, namesAnonymous } from './subjects.ts'

/**
 * Compiles the policies of one realm; nothing is left to interpret at evaluation. Inactive policies take no part, and a policy
 * set that no policy belongs to denies everything. A pattern that `checkPattern` objects to is GH_CONFIG_INVALID.
 */
export function compilePolicies(
  policies: readonly PolicyConfig[],
  policySets: readonly PolicySetConfig[] = [],
): PolicyDecisionPoint {
  const sets = new Map<string, PolicySet>()
  const matchings = new Map(policySets.map(({ name, matching }) => [name, matching]))
  for (const [order, policy] of policies.entries()) {
    if (policy.active) addPolicy(setOf(sets, policy.policySet, matchings), policy, order)
  }
  return {
    evaluate: (query) => combine(findings(sets, query), query),
    explain: (query) => explain(sets, query),
  }
}

interface PolicySet {
  readonly index: CandidateIndex
  readonly matching: Matching
}

const NONE: readonly Finding[] = []

function findings(sets: ReadonlyMap<string, PolicySet>, query: AccessQuery): readonly Finding[] {
  const set = sets.get(query.policySet)
  if (set === undefined) return NONE
  const target = targetOf(query.resource, set.matching)
  return findingsOn(set.index.find(target), { target, query, traced: false })
}

/** The same evaluation, with every step of it written down, and what came near. */
function explain(sets: ReadonlyMap<string, PolicySet>, query: AccessQuery): Explanation {
  const set = sets.get(query.policySet)
  if (set === undefined) return { decision: combine(NONE, query), trace: [] }
  const target = targetOf(query.resource, set.matching)
  const candidates = set.index.find(target)
  const question = { target, query, traced: true }
  const found = findingsOn(candidates, question)
  const told = found.filter(({ outcome }) => outcome !== 'resource-differs')
  const misses = nearMisses(candidates, question, told)
  return { decision: combine(found, query), trace: traceOf([...told, ...misses], query) }
}

function setOf(sets: Map<string, PolicySet>, name: string, matchings: ReadonlyMap<string, Matching>): PolicySet {
  const known = sets.get(name)
  if (known !== undefined) return known
  const set = { index: createCandidateIndex(), matching: matchings.get(name) ?? 'component' }
  sets.set(name, set)
  return set
}

function addPolicy({ index, matching }: PolicySet, policy: PolicyConfig, order: number): void {
  const rule: Rule = {
    name: policy.name,
    order,
    effects: effectsOf(policy.actions),
    subject: compileSubject(policy.subject),
    admitsAnonymous: namesAnonymous(policy.subject),
    condition: policy.condition === undefined ? undefined : compileCondition(policy.condition),
    attributes: compileResponseAttributes(policy.responseAttributes),
  }
  for (const text of policy.resources) index.add({ rule, pattern: compilePattern(policy.name, text, matching) })
}

function effectsOf(actions: PolicyConfig['actions']): ReadonlyMap<string, Effect> {
  return new Map(Object.entries(actions).map(([name, effect]) => [name.toUpperCase(), effect]))
}

function compilePattern(policy: string, text: string, matching: Matching): ResourcePattern {
  const parsed = parsePattern(text, matching)
  if (parsed.kind === 'pattern') return parsed.pattern
  throw fault('GH_CONFIG_INVALID', { detail: `policy ${policy}, resource ${text}: ${parsed.message}` })
}
