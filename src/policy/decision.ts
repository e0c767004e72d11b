import type { EpochMs, RealmName } from '../base/brand.ts'

/**
 * The advices of OpenAM's entitlements, and one of ours, for the age of a login in seconds: what would turn a deny into an allow. The
 * values of a TransactionConditionAdvice say here what an approval takes (`transaction-advice.ts`), and on the wire which one it is.
 */
export type AdviceName =
  | 'AuthLevelConditionAdvice'
  | 'AuthSchemeConditionAdvice'
  | 'AuthenticateToRealmConditionAdvice'
  | 'AuthenticateToServiceConditionAdvice'
  | 'SessionConditionAdvice'
  | 'AuthenticationAgeConditionAdvice'
  | 'TransactionConditionAdvice'

export type Advices = Readonly<Partial<Record<AdviceName, readonly string[]>>>

/** What the directory knows about the user. A directory's user record has this shape. */
export interface Facts {
  readonly groups: ReadonlySet<string>
  readonly attributes: Readonly<Record<string, readonly string[]>>
}

/** A resource in its parts, so that a wildcard in one part never reaches into the next. */
export interface Resource {
  readonly scheme: 'http' | 'https'
  /** Lower case, no port. */
  readonly host: string
  readonly port: number
  /** Exactly the canonical path that will be forwarded, percent-encoding kept. */
  readonly path: string
  /** Without `?`; `undefined` when there is none. */
  readonly query: string | undefined
}

/** The session facts that policies may ask about. A `Session` has this shape. */
export interface PolicySubject {
  readonly realm: RealmName
  readonly userId: string
  readonly username: string
  readonly authLevel: number
  readonly authModules: readonly string[]
  readonly authInstant: EpochMs
  readonly properties: Readonly<Record<string, string>>
}

export interface AccessQuery {
  readonly policySet: string
  readonly resource: Resource
  /** The HTTP method, upper case. */
  readonly action: string
  readonly session: PolicySubject
  readonly facts: Facts
  readonly clientIp: string
  readonly now: EpochMs
  /** The user has approved exactly this request, and nobody has used that approval yet. */
  readonly approved?: boolean
}

/** Why one policy did or did not decide: for audit, explain and the tests. */
export interface PolicyTrace {
  readonly policy: string
  readonly outcome: 'allow' | 'deny' | 'action-not-named' | 'subject-failed' | 'condition-failed'
  /** The subject or condition that failed and the value it failed on. */
  readonly because: string | undefined
}

export type DecisionReason =
  'allowed' | 'denied-by-policy' | 'no-policy-matched' | 'subject-failed' | 'condition-failed'

export interface Decision {
  readonly allowed: boolean
  readonly reason: DecisionReason
  /** Names of the policies that decided it. */
  readonly policies: readonly string[]
  /** Only when the subject matched and nothing but the advised conditions stands in the way. */
  readonly advices: Advices | undefined
  /** The decision must not be reused at or after this time. */
  readonly validUntil: EpochMs
}

/** The policy decision point of one realm, compiled for one generation. Pure and synchronous: what needs I/O is a fact. */
export interface PolicyDecisionPoint {
  evaluate(query: AccessQuery): Decision
  /** The same evaluation with every candidate policy's outcome. */
  explain(query: AccessQuery): { readonly decision: Decision; readonly trace: readonly PolicyTrace[] }
}
