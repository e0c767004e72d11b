import type { EpochMs } from '../base/brand.ts'
import { isAnonymous } from '../session/anonymous.ts'
import { uniteAdvices } from './advices.ts'
import type { Candidate, Effect, Rule } from './candidates.ts'
import type { ConditionResult } from './conditions.ts'
import type { AccessQuery, Advices, Decision, DecisionReason, PolicyTrace } from './decision.ts'
import type { ResourcePattern, Target } from './pattern.ts'

/** What one policy whose resource matched says about a query. */
export interface Finding {
  readonly rule: Rule
  readonly outcome: PolicyTrace['outcome']
  readonly standing: Standing
  readonly condition: ConditionResult | undefined
}

/**
 * How findings combine: the first standing in this list that any finding has makes the decision. Deny overrides. Then, as in
 * OpenAM's combiner, an advice holds back what other policies allow: more has to be proved before anything may be done, which
 * is how a path inside an allowed site asks for more than the site does. What is left are the reasons for the default deny.
 */
const STANDINGS = ['deny', 'advised', 'allow', 'condition-unmet', 'subject-unmet', 'silent'] as const

type Standing = (typeof STANDINGS)[number]

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

/** Asks every candidate whose pattern matches, in the order of the configuration. */
export function findingsOn(candidates: readonly Candidate[], target: Target, query: AccessQuery): readonly Finding[] {
  const findings: Finding[] = []
  let previous: Rule | undefined
  for (const { rule, pattern } of candidates) {
    if (rule === previous) continue
    const finding = findingOn(rule, { pattern, target, query })
    if (finding === undefined) continue
    previous = rule
    findings.push(finding)
  }
  return findings
}

interface Question {
  readonly pattern: ResourcePattern
  readonly target: Target
  readonly query: AccessQuery
}

/**
 * A deny takes the resource loosely. An allow takes it exactly; but where it would only hold back, because a condition of it
 * has an advice, it takes it loosely too: else `/Transfer` would get by on what a wider policy allows.
 */
function findingOn(rule: Rule, { pattern, target, query }: Question): Finding | undefined {
  const effect = rule.effects.get(query.action)
  if (effect === 'deny') return pattern.matches(target, 'loose') ? judge(rule, effect, query) : undefined
  if (pattern.matches(target, 'exact'))
    return effect === undefined ? silent(rule, 'action-not-named') : judge(rule, effect, query)
  if (effect === undefined || rule.condition === undefined || !pattern.matches(target, 'loose')) return undefined
  const finding = judge(rule, effect, query)
  return finding.standing === 'advised' ? finding : undefined
}

/** A deny whose subject or condition does not hold is silent: it neither refuses nor explains a refusal nor asks for anything. */
function judge(rule: Rule, effect: Effect, query: AccessQuery): Finding {
  const isAdmitted = effect === 'deny' || rule.admitsAnonymous || !isAnonymous(query.session)
  if (!isAdmitted || !rule.subject.matches(query)) {
    if (effect === 'deny') return silent(rule, 'subject-failed')
    return { rule, outcome: 'subject-failed', standing: 'subject-unmet', condition: undefined }
  }
  const condition = rule.condition?.check(query)
  if (condition === undefined || condition.satisfied) return { rule, outcome: effect, standing: effect, condition }
  const holdsBack = condition.advices !== undefined || condition.holdsBack === true
  const standing = effect === 'deny' ? 'silent' : holdsBack ? 'advised' : 'condition-unmet'
  return { rule, outcome: 'condition-failed', standing, condition }
}

function silent(rule: Rule, outcome: PolicyTrace['outcome']): Finding {
  return { rule, outcome, standing: 'silent', condition: undefined }
}

const NO_POLICY_MATCHED: Decision = Object.freeze({
  allowed: false,
  reason: 'no-policy-matched',
  policies: Object.freeze([]),
  advices: undefined,
  validUntil: FOREVER,
})

/** Deny overrides, default deny. */
export function combine(findings: readonly Finding[]): Decision {
  if (findings.length === 0) return NO_POLICY_MATCHED
  const standing = STANDINGS.find((candidate) => findings.some((finding) => finding.standing === candidate)) ?? 'silent'
  const policies: string[] = []
  let advices: Advices | undefined
  let validUntil = FOREVER
  for (const finding of findings) {
    const { condition } = finding
    if (condition?.validUntil !== undefined && condition.validUntil < validUntil) validUntil = condition.validUntil
    if (finding.standing !== standing || standing === 'silent') continue
    policies.push(finding.rule.name)
    if (condition?.satisfied === false) advices = uniteAdvices(advices, condition.advices, 'all')
  }
  return {
    allowed: standing === 'allow',
    reason: REASONS[standing],
    policies,
    advices,
    validUntil,
  }
}
