import type { EpochMs } from '../../base/brand.ts'
import type { Advices, Decision } from '../decision.ts'
import { FOREVER } from '../evaluate.ts'
import { DATA_TYPES } from './data-types.ts'
import { ASSIGNED, ATTRIBUTES, OWN_ADVICE, POLICY_ID } from './identifiers.ts'
import type { IndividualRequest } from './individual.ts'
import type { XacmlCategory, XacmlProblem } from './request.ts'

export type XacmlDecision = 'Permit' | 'Deny' | 'NotApplicable' | 'Indeterminate'

export interface XacmlAdvice {
  readonly id: string
  readonly assignments: readonly { readonly id: string; readonly type: string; readonly text: string }[]
}

/** One result of a response (XACML Core 3.0 §5.48). */
export interface XacmlResult {
  readonly decision: XacmlDecision
  /** `undefined` where all is well. */
  readonly problem: XacmlProblem | undefined
  readonly advice: readonly XacmlAdvice[]
  /** Those of the request that were to come back. */
  readonly categories: readonly XacmlCategory[]
  /** Ids of the policies that decided it, where they were asked for. */
  readonly policies: readonly string[]
}

/** What was found about one question. */
export interface Found {
  readonly decision: Decision
  /** With the ids of approvals in place of what they take. */
  readonly advices: Advices
  /** `undefined` where it is told for a time that is not now. */
  readonly validUntil: EpochMs | undefined
}

export interface ResultOptions {
  readonly request: IndividualRequest
  readonly returnPolicyIdList: boolean
}

/**
 * A decision as XACML tells it. What no policy's resource or action covers is NotApplicable; what a policy covers and nothing allows is
 * Deny, as everything that is not allowed here.
 */
export function resultOf(found: Found, { request, returnPolicyIdList }: ResultOptions): XacmlResult {
  const { allowed, reason, policies } = found.decision
  return {
    decision: allowed ? 'Permit' : reason === 'no-policy-matched' ? 'NotApplicable' : 'Deny',
    problem: undefined,
    advice: adviceOf(found),
    categories: included(request),
    policies: returnPolicyIdList ? policies.map((name) => POLICY_ID + encodeURIComponent(name)) : [],
  }
}

/** No decision could be made. */
export function indeterminate(problem: XacmlProblem, request: IndividualRequest = []): XacmlResult {
  return { decision: 'Indeterminate', problem, advice: [], categories: included(request), policies: [] }
}

function adviceOf({ decision: { allowed, attributes }, advices, validUntil }: Found): readonly XacmlAdvice[] {
  const advice: XacmlAdvice[] = Object.entries(advices).map(([name, values]) => ({
    id: OWN_ADVICE.advice + name,
    assignments: values.map((text) => ({ id: ASSIGNED.value, type: DATA_TYPES.string, text })),
  }))
  const said = allowed ? Object.entries(attributes ?? {}) : []
  if (said.length > 0) {
    const assignments = said.flatMap(([name, values]) => {
      const id = ASSIGNED.attribute + encodeURIComponent(name)
      return values.map((text) => ({ id, type: DATA_TYPES.string, text }))
    })
    advice.push({ id: OWN_ADVICE.attributes, assignments })
  }
  if (validUntil !== undefined && validUntil < FOREVER) {
    const text = new Date(validUntil).toISOString()
    advice.push({ id: OWN_ADVICE.validUntil, assignments: [{ id: ASSIGNED.value, type: DATA_TYPES.dateTime, text }] })
  }
  return advice
}

/** Secrets never come back: answers are logged where requests are not. */
const NEVER_TOLD: readonly string[] = [ATTRIBUTES.ssoToken, ATTRIBUTES.accessToken]

function included(request: IndividualRequest): readonly XacmlCategory[] {
  return request
    .map((each) => ({
      ...each,
      attributes: each.attributes.filter(({ id, includeInResult }) => includeInResult && !NEVER_TOLD.includes(id)),
    }))
    .filter(({ attributes }) => attributes.length > 0)
}

/**
 * One result for several, where a request asks for that (Multiple Decision Profile 1.0 §3): what all of them say. Advice would be lost, so a
 * result that has some is no part of a common answer.
 */
export function combineResults(results: readonly XacmlResult[]): XacmlResult {
  const [first] = results
  const decision = first?.decision
  const isOne = results.every((each) => each.decision === decision && each.advice.length === 0)
  if (decision === undefined || decision === 'Indeterminate' || !isOne) {
    const problem = results.find((each) => each.problem !== undefined)?.problem
    return indeterminate(problem ?? { code: 'processing-error', message: 'the decisions differ, or have advice' })
  }
  const policies = [...new Set(results.flatMap((each) => each.policies))]
  return { decision, problem: undefined, advice: [], categories: [], policies }
}
