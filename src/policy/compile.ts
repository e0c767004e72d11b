import { fault } from '../errors.ts'
import {
  createCandidateIndex,
  type CandidateIndex,
  type Effect,
  type PlacedCandidate,
  type Rule,
} from './candidates.ts'
import { compileCondition } from './conditions.ts'
import type { AccessQuery, Explanation, PolicyDecisionPoint } from './decision.ts'
import { combine, findingsOn, nearMisses, type Finding } from './evaluate.ts'
import { traceOf } from './explain.ts'
import { parsePattern, targetOf, type Matching, type SharedParts } from './pattern.ts'
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
  const matchings = new Map(policySets.map(({ name, matching }) => [name, matching]))
  const compile = createCompiler(matchings)
  const placed = new Map<string, PlacedCandidate[]>()
  for (const [order, policy] of policies.entries()) {
    if (!policy.active) continue
    const ofSet = placed.get(policy.policySet) ?? []
    placed.set(policy.policySet, ofSet)
    ofSet.push(...compile(policy, order))
  }
  const sets = new Map<string, PolicySet>()
  for (const [name, ofSet] of placed)
    sets.set(name, { index: createCandidateIndex(ofSet), matching: matchings.get(name) ?? 'component' })
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

/**
 * Policies say much in the same words: of what is compiled of the same words there is one. Ten thousands of policies are then a few places
 * in memory which a processor has at hand, in place of many for which every decision would wait.
 */
function createCompiler(
  matchings: ReadonlyMap<string, Matching>,
): (policy: PolicyConfig, order: number) => readonly PlacedCandidate[] {
  const parts: SharedParts = new Map()
  const effects = eachOnce(effectsOf)
  const subject = eachOnce((config: PolicyConfig['subject']) => ({
    subject: compileSubject(config),
    admitsAnonymous: namesAnonymous(config),
  }))
  const condition = eachOnce(compileCondition)
  return (policy, order) => {
    const rule: Rule = {
      name: policy.name,
      order,
      effects: effects(policy.actions),
      ...subject(policy.subject),
      condition: policy.condition === undefined ? undefined : condition(policy.condition),
      attributes: compileResponseAttributes(policy.responseAttributes),
    }
    const matching = matchings.get(policy.policySet) ?? 'component'
    return policy.resources.map((text) => {
      const parsed = parsePattern(text, matching, parts)
      if (parsed.kind === 'pattern') return { rule, pattern: parsed.pattern, place: parsed.place }
      throw fault('GH_CONFIG_INVALID', { detail: `policy ${policy.name}, resource ${text}: ${parsed.message}` })
    })
  }
}

/** The same for configurations that say the same. */
function eachOnce<C extends object, T>(compile: (config: C) => T): (config: C) => T {
  const known = new Map<string, T>()
  return (config) => {
    const words = JSON.stringify(config)
    const compiled = known.get(words) ?? compile(config)
    known.set(words, compiled)
    return compiled
  }
}

function effectsOf(actions: PolicyConfig['actions']): ReadonlyMap<string, Effect> {
  return new Map(Object.entries(actions).map(([name, effect]) => [name.toUpperCase(), effect]))
}
