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

/** A list for a sentence. */
export function listed(values: readonly string[]): string {
  return values.length === 0 ? 'nothing' : values.join(', ')
}
