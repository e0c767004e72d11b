import type { EpochMs } from '../base/brand.ts'
import { uniteAdvices } from './advices.ts'
import type { AccessQuery, Advices } from './decision.ts'
import { chainsPassed } from './chains-passed.ts'
import type { ConditionConfig } from './policies.schema.ts'
import { formatRequirement } from './transaction-advice.ts'

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
      readonly validUntil?: EpochMs
    }

/** What must hold besides the subject. Pure and synchronous: what needs I/O is a fact in the query. */
export interface Condition {
  check(query: AccessQuery): ConditionResult
  /** The part that failed and the value it failed on, for explain and audit. Meaningful only after `check` was not satisfied. */
  failedOn(query: AccessQuery): string
}

type ConditionType = ConditionConfig['type']

/** Every type of condition: how its configuration becomes a check. A new type is one more entry. */
const CONDITION_TYPES: {
  readonly [T in ConditionType]: (config: ConditionConfig & { readonly type: T }) => Condition
} = {
  AuthLevel: ({ authLevel }) => {
    const refused: ConditionResult = {
      satisfied: false,
      advices: { AuthLevelConditionAdvice: [String(authLevel)] },
    }
    return {
      check: ({ session }) => (session.authLevel >= authLevel ? SATISFIED : refused),
      failedOn: ({ session }) => `AuthLevel: ${session.authLevel} is below ${authLevel}`,
    }
  },
  AuthScheme: ({ authScheme }) => {
    const missing = (modules: readonly string[]): readonly string[] =>
      authScheme.filter((module) => !modules.includes(module))
    return {
      check({ session }) {
        const wanted = missing(session.authModules)
        return wanted.length === 0 ? SATISFIED : { satisfied: false, advices: { AuthSchemeConditionAdvice: wanted } }
      },
      failedOn: ({ session }) => `AuthScheme: ${missing(session.authModules).join(', ')} not passed`,
    }
  },
  AuthAge: ({ maxAge }) => {
    const refused: ConditionResult = {
      satisfied: false,
      advices: { AuthenticationAgeConditionAdvice: [String(Math.floor(maxAge / 1_000))] },
    }
    return {
      check({ session, now }) {
        const validUntil = (session.authInstant + maxAge) as EpochMs
        return now < validUntil ? { satisfied: true, validUntil } : refused
      },
      failedOn: ({ session, now }) => `AuthAge: ${Math.floor((now - session.authInstant) / 1_000)} s old`,
    }
  },
  AuthenticateToService: ({ authenticateToService: chain }) => {
    const refused: ConditionResult = {
      satisfied: false,
      advices: { AuthenticateToServiceConditionAdvice: [chain] },
    }
    return {
      check: ({ session }) => (chainsPassed(session.properties).includes(chain) ? SATISFIED : refused),
      failedOn: () => `AuthenticateToService: ${chain} not passed`,
    }
  },
  AuthenticateToRealm: ({ authenticateToRealm: realm }) => {
    const refused: ConditionResult = { satisfied: false, advices: { AuthenticateToRealmConditionAdvice: [realm] } }
    return {
      check: ({ session }) => (session.realm === realm ? SATISFIED : refused),
      failedOn: ({ session }) => `AuthenticateToRealm: ${session.realm} is not ${realm}`,
    }
  },
  Transaction: ({ authenticationStrategy, strategySpecifier }) => {
    const wanted = formatRequirement(authenticationStrategy, strategySpecifier)
    const refused: ConditionResult = { satisfied: false, advices: { TransactionConditionAdvice: [wanted] } }
    return {
      // Good for this one request: who remembers the decision must not answer another with it.
      check: ({ approved, now }) => (approved === true ? { satisfied: true, validUntil: now } : refused),
      failedOn: () => 'Transaction: not approved',
    }
  },
  AND: (config) => allOf(config.conditions.map(compileCondition)),
  OR: (config) => anyOf(config.conditions.map(compileCondition)),
  NOT: ({ condition }) => not(compileCondition(condition), condition.type),
}

const SATISFIED: ConditionResult = { satisfied: true }

export function compileCondition(config: ConditionConfig): Condition {
  const compile = CONDITION_TYPES[config.type] as (config: ConditionConfig) => Condition
  return compile(config)
}

/**
 * All must hold. The advices of those that fail are united; if one of them has none to give, following the others would
 * change nothing, so there is none at all (OpenAM would send the person to a login that cannot help).
 */
export function allOf(members: readonly Condition[]): Condition {
  return {
    check(query) {
      const results = members.map((member) => member.check(query))
      const failed = results.filter((result) => !result.satisfied)
      if (failed.length === 0) return withValidity({ satisfied: true }, results)
      const hopeless = failed.some((result) => result.advices === undefined)
      return withValidity(hopeless ? heldBackBy(failed) : refusal(unite(failed, 'all')), failed)
    },
    failedOn: (query) => failuresOf(members, query),
  }
}

/** One is enough. Where none holds, the advices of all that have some are united: following one of them is enough. */
export function anyOf(members: readonly Condition[]): Condition {
  return {
    check(query) {
      const failed: Refusal[] = []
      for (const member of members) {
        const result = member.check(query)
        if (result.satisfied) return result
        failed.push(result)
      }
      const advices = unite(failed, 'one')
      return withValidity(advices === undefined ? heldBackBy(failed) : refusal(advices), failed)
    },
    failedOn: (query) => failuresOf(members, query),
  }
}

/** As in OpenAM, what is negated gives no advice: nobody can be asked to prove less. */
export function not(member: Condition, name: string): Condition {
  return {
    check(query) {
      const result = member.check(query)
      return withValidity(result.satisfied ? refusal(undefined) : { satisfied: true }, [result])
    },
    failedOn: () => `NOT: ${name} holds`,
  }
}

/** Without an advice, but no weaker than the strongest part. */
function heldBackBy(failed: readonly Refusal[]): Refusal {
  return failed.some(({ advices, holdsBack }) => advices !== undefined || holdsBack === true)
    ? { satisfied: false, holdsBack: true }
    : { satisfied: false }
}

type Refusal = Extract<ConditionResult, { satisfied: false }>

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

function failuresOf(members: readonly Condition[], query: AccessQuery): string {
  return members
    .filter((member) => !member.check(query).satisfied)
    .map((member) => member.failedOn(query))
    .join('; ')
}
