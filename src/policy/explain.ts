import type { AccessQuery, PolicyTrace } from './decision.ts'
import type { Finding } from './evaluate.ts'
import { failureOf } from './step.ts'

/** The findings that a decision was combined from, in words. They were traced. */
export function traceOf(findings: readonly Finding[], query: AccessQuery): readonly PolicyTrace[] {
  return findings.map((finding) => ({
    policy: finding.rule.name,
    outcome: finding.outcome,
    because: because(finding, query),
    effect: finding.rule.effects.get(query.action),
    resource: finding.resource,
    subject: finding.steps?.subject[0],
    condition: finding.steps?.condition[0],
  }))
}

function because({ rule, outcome, resource, steps }: Finding, query: AccessQuery): string | undefined {
  switch (outcome) {
    case 'allow':
    case 'deny':
      return undefined
    case 'action-not-named':
      return `${query.action} is none of ${[...rule.effects.keys()].join(', ')}`
    case 'resource-differs':
      return query.resource.query !== undefined && !resource.includes('?')
        ? `${resource} covers no address with a query; ${resource}?* would`
        : `${resource} covers the path as it is written there, and no other spelling of it`
    case 'subject-failed': {
      const step = steps?.subject[0]
      return step === undefined || step.outcome === 'holds'
        ? 'the user is anonymous, and the subject does not name AnonymousUsers'
        : failureOf(step)
    }
    case 'condition-failed': {
      const step = steps?.condition[0]
      return step === undefined ? undefined : failureOf(step)
    }
  }
}
