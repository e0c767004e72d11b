import type { EpochMs } from '../base/brand.ts'
import { uniteAdvices } from './advices.ts'
import type { AccessQuery, Advices } from './decision.ts'
import type { Trace, Words } from './step.ts'

/** What a condition says. `validUntil` is when it may say something else without anything about the query having changed. */
export type ConditionResult =
  | { readonly satisfied: true; readonly validUntil?: EpochMs }
  | {
      readonly satisfied: false
      readonly advices?: Advices
      /**
       * There is something to prove first, although proving it alone would not be enough, so that no advice is given. It holds
       * back what other policies allow as an advice does: failing more must never open what failing less would not.
       */
      readonly holdsBack?: true
      /** Nobody can say whether it holds. Its negation does not hold either, and a deny counts it as held: no answer opens nothing. */
      readonly unknown?: true
      /** The session is to be ended for it. */
      readonly endsSession?: true
      readonly validUntil?: EpochMs
    }

export type Refusal = Extract<ConditionResult, { satisfied: false }>

/** What must hold besides the subject. Pure and synchronous: what needs I/O is a fact in the query. */
export interface Condition {
  /** Adds to the trace, where there is one, what it found. */
  check(query: AccessQuery, trace?: Trace): ConditionResult
}

export const SATISFIED: ConditionResult = { satisfied: true }

/** A condition without parts. */
export function leaf(type: string, test: (query: AccessQuery) => ConditionResult, because: Words): Condition {
  return {
    check(query, trace) {
      const result = test(query)
      if (trace !== undefined) trace.push({ ...told(type, result), because: because(query) })
      return result
    },
  }
}

/** A condition of others. */
function group(type: string, test: (query: AccessQuery, parts: Trace) => ConditionResult): Condition {
  return {
    check(query, trace) {
      if (trace === undefined) return test(query, undefined)
      const parts: NonNullable<Trace> = []
      const result = test(query, parts)
      trace.push({ ...told(type, result), parts })
      return result
    },
  }
}

function told(type: string, result: ConditionResult) {
  if (result.satisfied) return { type, outcome: 'holds' } as const
  const { advices, unknown } = result
  return {
    type,
    outcome: unknown === true ? 'unknown' : 'fails',
    ...(advices === undefined ? {} : { advices }),
  } as const
}

/**
 * All must hold. The advices of those that fail are united; if one of them has none to give, following the others would
 * change nothing, so there is none at all (OpenAM would send the person to a login that cannot help).
 */
export function allOf(members: readonly Condition[]): Condition {
  return group('AND', (query, parts) => {
    const results = members.map((member) => member.check(query, parts))
    const failed = results.filter((result) => !result.satisfied)
    if (failed.length === 0) return withValidity({ satisfied: true }, results)
    const hopeless = failed.some((result) => result.advices === undefined)
    const refused = hopeless ? heldBackBy(failed) : refusal(unite(failed, 'all'))
    const isUnknown = failed.every(({ unknown }) => unknown === true)
    const ends = failed.some(({ endsSession }) => endsSession === true)
    // What holds now may fail later, and then ask for more: so long the answer is good.
    return withValidity(marked(refused, isUnknown, ends), results)
  })
}

/** One is enough. Where none holds, the advices of all that have some are united: following one of them is enough. */
export function anyOf(members: readonly Condition[]): Condition {
  return group('OR', (query, parts) => {
    const failed: Refusal[] = []
    for (const member of members) {
      const result = member.check(query, parts)
      if (result.satisfied) return result
      failed.push(result)
    }
    const advices = unite(failed, 'one')
    const refused = advices === undefined ? heldBackBy(failed) : refusal(advices)
    const isUnknown = failed.some(({ unknown }) => unknown === true)
    const ends = failed.every(({ endsSession }) => endsSession === true)
    return withValidity(marked(refused, isUnknown, ends), failed)
  })
}

/** As in OpenAM, what is negated gives no advice: nobody can be asked to prove less. What nobody knows stays unknown. */
export function not(member: Condition): Condition {
  return group('NOT', (query, parts) => {
    const result = member.check(query, parts)
    if (!result.satisfied && result.unknown === true) return withValidity({ satisfied: false, unknown: true }, [result])
    return withValidity(result.satisfied ? refusal(undefined) : { satisfied: true }, [result])
  })
}

function marked(refused: Refusal, isUnknown: boolean, ends: boolean): Refusal {
  if (!isUnknown && !ends) return refused
  return { ...refused, ...(isUnknown ? { unknown: true } : {}), ...(ends ? { endsSession: true } : {}) }
}

/** Without an advice, but no weaker than the strongest part. */
function heldBackBy(failed: readonly Refusal[]): Refusal {
  return failed.some(({ advices, holdsBack }) => advices !== undefined || holdsBack === true)
    ? { satisfied: false, holdsBack: true }
    : { satisfied: false }
}

function refusal(advices: Advices | undefined): Refusal {
  return advices === undefined ? { satisfied: false } : { satisfied: false, advices }
}

function unite(failed: readonly Refusal[], need: 'all' | 'one'): Advices | undefined {
  return failed.reduce<Advices | undefined>((advices, result) => uniteAdvices(advices, result.advices, need), undefined)
}

/** The earliest moment at which one of the results that this one rests on may change. */
function withValidity(result: ConditionResult, restsOn: readonly ConditionResult[]): ConditionResult {
  let validUntil: EpochMs | undefined
  for (const part of restsOn) {
    if (part.validUntil !== undefined && (validUntil === undefined || part.validUntil < validUntil))
      validUntil = part.validUntil
  }
  return validUntil === undefined ? result : { ...result, validUntil }
}
