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

/** What was asked about. */
export interface Question {
  /** For a terminal. */
  readonly line: string
  /** Said where no policy had a part in it. */
  readonly nothing: string
  /** Empty where nobody knows it. */
  readonly ip: string
  /** For programs. */
  readonly fields: Readonly<Record<string, unknown>>
}

export function questionOf({ site, method, target, client: { ip } }: AskedRequest): Question {
  const { scheme, host, port } = site.resourceBase
  return {
    line: `${method} ${scheme}://${host}:${port}${plain(target.target)}`,
    nothing: `no policy of ${site.policySet} covers this address`,
    ip,
    fields: { method, resource: site.resourceBase, target: target.target },
  }
}

/** For a terminal: the question, the verdict, and what every policy said. */
export function explanationAsText(question: Question, asker: Asker, { decision, trace }: Explanation): string {
  const { session, facts, now } = asker
  const good = decision.validUntil === FOREVER ? '' : `, good until ${new Date(decision.validUntil).toISOString()}`
  const lines = [
    question.line,
    `${plain(session.username)} of ${session.realm}, groups ${[...facts.groups].map(plain).join(', ') || 'none'}, level ${session.authLevel} by ${session.authModules.join(', ') || 'nothing'}, from ${question.ip}, at ${new Date(now).toISOString()}`,
    `${verdictOf(decision)}${good}`,
    ...(trace.length === 0 ? [question.nothing] : trace.flatMap(policyLines)),
  ]
  return `${lines.join('\n')}\n`
}

const OUTCOMES: Readonly<Record<PolicyTrace['outcome'], string>> = {
  allow: 'allows it',
  deny: 'denies it',
  'action-not-named': 'does not name the action',
  'subject-failed': 'is about others',
  'condition-failed': 'has a condition that does not hold',
  'resource-differs': 'covers almost this address',
}

function policyLines({
  policy,
  outcome,
  because,
  effect,
  resource,
  subject,
  condition,
}: PolicyTrace): readonly string[] {
  const steps = [subject, condition].flatMap((step) => (step === undefined ? [] : stepLines(step, '    ')))
  const why = steps.length > 0 || because === undefined ? [] : [`    ${plain(because)}`]
  const would = outcome === 'subject-failed' || outcome === 'condition-failed' ? WOULD[effect ?? 'allow'] : ''
  return [`  ${plain(policy)} ${would}${OUTCOMES[outcome]}, by ${resource}`, ...why, ...steps]
}

const WOULD = { allow: 'would allow it, but ', deny: 'would deny it, but ' } as const

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
export function explanationAsJson(question: Question, asker: Asker, { decision, trace }: Explanation): string {
  const { session, facts, now } = asker
  const { validUntil, ...decided } = decision
  return `${JSON.stringify(
    {
      question: {
        ...question.fields,
        ...{ ip: question.ip, at: new Date(now).toISOString() },
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
