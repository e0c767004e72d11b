import type { EpochMs } from '../base/brand.ts'
import { isAnonymous } from '../session/anonymous.ts'
import { uniteAdvices } from './advices.ts'
import type { Candidate, Effect, Rule } from './candidates.ts'
import type { ConditionResult } from './condition.ts'
import type { AccessQuery, Advices, Decision, DecisionReason, PolicyTrace, Step } from './decision.ts'
import type { Target } from './pattern.ts'

/** What one policy whose resource matched says about a query. */
export interface Finding {
  readonly rule: Rule
  readonly outcome: PolicyTrace['outcome']
  readonly standing: Standing
  readonly condition: ConditionResult | undefined
  /** The pattern that matched. */
  readonly resource: string
  /** What subject and condition found, where somebody wants to know. */
  readonly steps: Steps | undefined
}

/** Each has one step once it was asked. */
interface Steps {
  readonly subject: Step[]
  readonly condition: Step[]
}

/**
 * How findings combine: the first standing in this list that any finding has makes the decision. Deny overrides. Then, as in
 * OpenAM's combiner, an advice holds back what other policies allow: more has to be proved before anything may be done, which
 * is how a path inside an allowed site asks for more than the site does. What is left are the reasons for the default deny.
 */
const STANDINGS = ['deny', 'advised', 'allow', 'condition-unmet', 'subject-unmet', 'silent'] as const

type Standing = (typeof STANDINGS)[number]

/** Places in the list. */
const RANKS = Object.fromEntries(STANDINGS.map((standing, rank) => [standing, rank])) as Record<Standing, number>

const REASONS: Readonly<Record<Standing, DecisionReason>> = {
  deny: 'denied-by-policy',
  advised: 'condition-failed',
  allow: 'allowed',
  'condition-unmet': 'condition-failed',
  'subject-unmet': 'subject-failed',
  silent: 'no-policy-matched',
}

/** `validUntil` of a decision that no clock changes. */
export const FOREVER = Number.MAX_SAFE_INTEGER as EpochMs

/** One evaluation: what is asked, and whether anybody wants to know why. Being asked why changes no answer. */
export interface Question {
  readonly target: Target
  readonly query: AccessQuery
  readonly traced: boolean
}

/** Asks every candidate whose pattern matches, in the order of the configuration. */
export function findingsOn(candidates: readonly Candidate[], question: Question): readonly Finding[] {
  const findings: Finding[] = []
  let previous: Rule | undefined
  for (const candidate of candidates) {
    const { rule } = candidate
    if (rule === previous) continue
    const finding = findingOn(candidate, question)
    if (finding === undefined) continue
    // Another pattern of the rule may cover the resource as it is written.
    if (finding.outcome !== 'resource-differs') previous = rule
    findings.push(finding)
  }
  return findings
}

/**
 * A deny takes the resource loosely. An allow takes it exactly; but where it would only hold back, because a condition of it
 * has an advice, it takes it loosely too: else `/Transfer` would get by on what a wider policy allows.
 */
function findingOn(candidate: Candidate, question: Question): Finding | undefined {
  const { rule, pattern } = candidate
  const { target, query } = question
  const effect = rule.effects.get(query.action)
  if (effect === 'deny') return pattern.matches(target, 'loose') ? judge(candidate, effect, question) : undefined
  if (pattern.matches(target, 'exact')) {
    if (effect === undefined) return silent(candidate, 'action-not-named', undefined)
    return judge(candidate, effect, question)
  }
  if (effect === undefined || rule.condition === undefined || !pattern.matches(target, 'loose')) return undefined
  const finding = judge(candidate, effect, question)
  if (finding.standing === 'advised') return finding
  // It holds nothing back yet, and may as soon as its time is over: so long the decision is good.
  if (finding.condition?.validUntil === undefined) return undefined
  return { ...finding, outcome: 'resource-differs', standing: 'silent' }
}

/**
 * Policies that would allow the resource in another spelling, or without its query, and that had no part in the decision: mostly the
 * policy that its author believed to allow it. Each comes once.
 */
export function nearMisses(
  candidates: readonly Candidate[],
  { target, query }: Question,
  found: readonly Finding[],
): readonly Finding[] {
  const known = new Set(found.map(({ rule }) => rule))
  const misses: Finding[] = []
  for (const candidate of candidates) {
    const { rule, pattern } = candidate
    if (known.has(rule) || rule.effects.get(query.action) !== 'allow' || !pattern.matches(target, 'loose')) continue
    known.add(rule)
    misses.push(silent(candidate, 'resource-differs', undefined))
  }
  return misses
}

/**
 * A deny whose subject or condition does not hold is silent: it neither refuses nor explains a refusal nor asks for anything. Where
 * nobody can say whether its condition holds, it refuses.
 */
function judge(candidate: Candidate, effect: Effect, { query, traced }: Question): Finding {
  const { rule, pattern } = candidate
  const steps = traced ? { subject: [], condition: [] } : undefined
  const resource = pattern.text
  const isAdmitted = effect === 'deny' || rule.admitsAnonymous || !isAnonymous(query.session)
  if (!rule.subject.matches(query, steps?.subject) || !isAdmitted) {
    if (effect === 'deny') return silent(candidate, 'subject-failed', steps)
    return { rule, outcome: 'subject-failed', standing: 'subject-unmet', condition: undefined, resource, steps }
  }
  const condition = rule.condition?.check(query, steps?.condition)
  if (condition === undefined || condition.satisfied || (effect === 'deny' && condition.unknown === true))
    return { rule, outcome: effect, standing: effect, condition, resource, steps }
  const holdsBack = condition.advices !== undefined || condition.holdsBack === true
  const standing = effect === 'deny' ? 'silent' : holdsBack ? 'advised' : 'condition-unmet'
  return { rule, outcome: 'condition-failed', standing, condition, resource, steps }
}

function silent({ rule, pattern }: Candidate, outcome: PolicyTrace['outcome'], steps: Finding['steps']): Finding {
  return { rule, outcome, standing: 'silent', condition: undefined, resource: pattern.text, steps }
}

const NO_POLICY_MATCHED: Decision = Object.freeze({
  allowed: false,
  reason: 'no-policy-matched',
  policies: Object.freeze([]),
  advices: undefined,
  validUntil: FOREVER,
  attributes: undefined,
  endsSession: false,
})

function strongest(findings: readonly Finding[]): Standing {
  let found: Standing = 'silent'
  for (const { standing } of findings) if (RANKS[standing] < RANKS[found]) found = standing
  return found
}

/** Deny overrides, default deny. */
export function combine(findings: readonly Finding[], query: AccessQuery): Decision {
  if (findings.length === 0) return NO_POLICY_MATCHED
  const standing = strongest(findings)
  const policies: string[] = []
  let advices: Advices | undefined
  let validUntil = FOREVER
  let attributes: Record<string, readonly string[]> | undefined
  let endsSession = false
  for (const finding of findings) {
    const { condition } = finding
    if (condition?.validUntil !== undefined && condition.validUntil < validUntil) validUntil = condition.validUntil
    if (finding.standing !== standing || standing === 'silent') continue
    policies.push(finding.rule.name)
    if (standing === 'allow') finding.rule.attributes?.(query, (attributes ??= {}))
    if (standing === 'deny' || condition?.satisfied !== false) continue
    advices = uniteAdvices(advices, condition.advices, 'all')
    if (condition.endsSession === true) endsSession = true
  }
  return {
    allowed: standing === 'allow',
    reason: REASONS[standing],
    policies,
    advices,
    validUntil,
    attributes,
    endsSession,
  }
}
