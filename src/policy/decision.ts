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
  readonly createdAt: EpochMs
  readonly properties: Readonly<Record<string, string>>
}

export interface AccessQuery {
  readonly policySet: string
  readonly resource: Resource
  /** The HTTP method, or the name of another action, upper case. */
  readonly action: string
  readonly session: PolicySubject
  readonly facts: Facts
  /** In canonical form; empty where nobody knows it. */
  readonly clientIp: string
  readonly now: EpochMs
  /** The user has approved exactly this request, and nobody has used that approval yet. */
  readonly approved?: boolean
  /** Names of the client, where who asks has looked them up. */
  readonly clientNames?: readonly string[] | undefined
  /** What the request says of its environment, by name: written by whoever sends it, and no proof of who that is. */
  readonly environment?: ReadonlyMap<string, readonly string[]> | undefined
  /** Scopes of the OAuth 2.0 access token that the question is about. */
  readonly scopes?: readonly string[] | undefined
  /** Claims of the token that the question is about, verified by who asks. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined
}

/** What one subject or condition said, and the value it said it on. Made only where somebody wants to know. */
export interface Step {
  readonly type: string
  /** `unknown`: nobody could say. An allow does not count it as held, a deny does. */
  readonly outcome: 'holds' | 'fails' | 'unknown'
  /** Of a part without parts of its own: what was compared with what. */
  readonly because?: string
  /** What would help, as far as this part knows. */
  readonly advices?: Advices
  /** In the order in which they were asked; where the first of them settles it, the rest are not. */
  readonly parts?: readonly Step[]
}

/** Why one policy did or did not decide: for audit, explain and the tests. */
export interface PolicyTrace {
  readonly policy: string
  readonly outcome:
    | 'allow'
    | 'deny'
    | 'action-not-named'
    | 'subject-failed'
    | 'condition-failed'
    /** It allows the resource in another spelling, or without its query, but not as it was asked for. */
    | 'resource-differs'
  /** The subject or condition that failed and the value it failed on. */
  readonly because: string | undefined
  /** What it says of the action where it holds; `undefined` where it does not name it. */
  readonly effect: 'allow' | 'deny' | undefined
  /** The pattern that matched. */
  readonly resource: string
  /** `undefined` where it was not asked. */
  readonly subject: Step | undefined
  readonly condition: Step | undefined
}

/** A decision and every policy that had a part in it. */
export interface Explanation {
  readonly decision: Decision
  readonly trace: readonly PolicyTrace[]
}

export type DecisionReason =
  | 'allowed'
  | 'denied-by-policy'
  | 'no-policy-matched'
  | 'subject-failed'
  | 'condition-failed'

export interface Decision {
  readonly allowed: boolean
  readonly reason: DecisionReason
  /** Names of the policies that decided it. */
  readonly policies: readonly string[]
  /** Only when the subject matched and nothing but the advised conditions stands in the way. */
  readonly advices: Advices | undefined
  /** The decision must not be reused at or after this time. */
  readonly validUntil: EpochMs
  /** What the policies that allow it say about the user, by name; `undefined` where they say nothing. */
  readonly attributes: Readonly<Record<string, readonly string[]>> | undefined
  /** A condition that failed asks for the end of the session. */
  readonly endsSession: boolean
}

/** The policy decision point of one realm, compiled for one generation. Pure and synchronous: what needs I/O is a fact. */
export interface PolicyDecisionPoint {
  evaluate(query: AccessQuery): Decision
  /** The same evaluation with every candidate policy's outcome. */
  explain(query: AccessQuery): Explanation
}
