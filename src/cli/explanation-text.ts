import type { Decision, Explanation, PolicyTrace, Step } from '../policy/decision.ts'
import type { Asker, AskedRequest } from '../gateway/policy-query.ts'
import { FOREVER } from '../policy/evaluate.ts'
import { plain } from './text-table.ts'

/** What a decision comes to, in a few words. */
export function verdictOf({ allowed, reason, policies, advices, endsSession }: Decision): string {
  const by = policies.length === 0 ? '' : ` (${policies.join(', ')})`
  if (allowed) return `allowed${by}`
  if (endsSession) return `denied, and the session ends${by}`
  if (advices === undefined) return `denied: ${reason}${by}`
  const asked = Object.entries(advices).map(([name, values]) => `${name} ${values.join(', ')}`)
  return `denied until more is proved: ${asked.join('; ')}${by}`
}

/** For a terminal: the question, the verdict, and what every policy said. */
export function explanationAsText(request: AskedRequest, asker: Asker, { decision, trace }: Explanation): string {
  const { scheme, host, port } = request.site.resourceBase
  const { session, facts, now } = asker
  const good = decision.validUntil === FOREVER ? '' : `, good until ${new Date(decision.validUntil).toISOString()}`
  const lines = [
    `${request.method} ${scheme}://${host}:${port}${plain(request.target.target)}`,
    `${plain(session.username)} of ${session.realm}, groups ${[...facts.groups].map(plain).join(', ') || 'none'}, level ${session.authLevel} by ${session.authModules.join(', ') || 'nothing'}, from ${request.client.ip}, at ${new Date(now).toISOString()}`,
    `${verdictOf(decision)}${good}`,
    ...(trace.length === 0
      ? [`no policy of ${request.site.policySet} covers this address`]
      : trace.flatMap(policyLines)),
  ]
  return `${lines.join('\n')}\n`
}

const OUTCOMES: Readonly<Record<PolicyTrace['outcome'], string>> = {
  allow: 'allows it',
  deny: 'denies it',
  'action-not-named': 'does not name the action',
  'subject-failed': 'is about others',
  'condition-failed': 'would say so if its condition held',
  'resource-differs': 'covers almost this address',
}

function policyLines({ policy, outcome, because, resource, subject, condition }: PolicyTrace): readonly string[] {
  const steps = [subject, condition].flatMap((step) => (step === undefined ? [] : stepLines(step, '    ')))
  const why = steps.length > 0 || because === undefined ? [] : [`    ${plain(because)}`]
  return [`  ${plain(policy)} ${OUTCOMES[outcome]}, by ${resource}`, ...why, ...steps]
}

function stepLines({ type, outcome, because, advices, parts = [] }: Step, indent: string): readonly string[] {
  const words = because === undefined ? '' : `: ${plain(because)}`
  const asks =
    advices === undefined || parts.length > 0
      ? ''
      : ` → ${Object.entries(advices)
          .map(([name, values]) => `${name} ${values.join(', ')}`)
          .join('; ')}`
  return [`${indent}${type} ${outcome}${words}${asks}`, ...parts.flatMap((part) => stepLines(part, `${indent}  `))]
}

/** For programs: nothing is put into words that a field says. */
export function explanationAsJson(request: AskedRequest, asker: Asker, { decision, trace }: Explanation): string {
  const { site, method, target, client } = request
  const { session, facts, now } = asker
  const { validUntil, ...decided } = decision
  return `${JSON.stringify(
    {
      question: {
        ...{
          method,
          resource: site.resourceBase,
          target: target.target,
          ip: client.ip,
          at: new Date(now).toISOString(),
        },
        session,
        groups: [...facts.groups],
        attributes: facts.attributes,
      },
      decision: { ...decided, ...(validUntil === FOREVER ? {} : { validUntil: new Date(validUntil).toISOString() }) },
      policies: trace,
    },
    undefined,
    2,
  )}\n`
}
