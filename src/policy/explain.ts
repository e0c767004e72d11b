import type { AccessQuery, PolicyTrace } from './decision.ts'
import type { Finding } from './evaluate.ts'

/** The findings that a decision was combined from, in words. */
export function traceOf(findings: readonly Finding[], query: AccessQuery): readonly PolicyTrace[] {
  return findings.map((finding) => ({
    policy: finding.rule.name,
    outcome: finding.outcome,
    because: because(finding, query),
  }))
}

function because({ rule, outcome }: Finding, query: AccessQuery): string | undefined {
  switch (outcome) {
    case 'allow':
    case 'deny':
      return undefined
    case 'action-not-named':
      return `${query.action} is none of ${[...rule.effects.keys()].join(', ')}`
    case 'subject-failed':
      return rule.subject.matches(query)
        ? 'the user is anonymous, and the subject does not name AnonymousUsers'
        : rule.subject.failedOn(query)
    case 'condition-failed':
      return rule.condition?.failedOn(query)
  }
}
