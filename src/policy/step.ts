import type { AccessQuery, Step } from './decision.ts'

/** Collects the steps of one evaluation. Whoever decides passes none, and nothing is written down. */
export type Trace = Step[] | undefined

/** The words of what a part failed on. Of several it names all that failed. */
export function failureOf(step: Step): string {
  if (step.parts === undefined) return `${step.type}: ${step.because ?? step.outcome}`
  if (step.type === 'NOT') return `NOT: ${step.parts.map(({ type, outcome }) => `${type} ${outcome}`).join('')}`
  return step.parts
    .filter(({ outcome }) => outcome !== 'holds')
    .map(failureOf)
    .join('; ')
}

export type Words = (query: AccessQuery) => string

/** Of a list, and characters of each text: somebody may be in thousands of groups, and every refusal is written down. */
const MOST = 20
const LONGEST = 100

/** A list for a sentence. */
export function listed(values: readonly string[]): string {
  if (values.length === 0) return 'nothing'
  const named = values.slice(0, MOST).map(shortened).join(', ')
  return values.length > MOST ? `${named} and ${values.length - MOST} more` : named
}

/** What somebody else wrote, for a sentence. */
export function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}
