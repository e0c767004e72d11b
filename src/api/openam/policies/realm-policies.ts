import type { AgentId, EpochMs } from '../../../base/brand.ts'
import type { Explanation, Facts, PolicyDecisionPoint, PolicySubject, Resource } from '../../../policy/decision.ts'
import type { PolicyConfig, PolicySetConfig, ResourceTypeConfig } from '../../../policy/policies.schema.ts'
import type { Session } from '../../../session/session.ts'
import type { Audience } from '../../../store/store.ts'

/** The policies of one realm, and whom and what they may be asked about. */
export interface RealmPolicies {
  readonly pdp: PolicyDecisionPoint
  /** As they are written, in their order. */
  readonly policies: readonly PolicyConfig[]
  readonly policySets: readonly PolicySetConfig[]
  readonly resourceTypes: readonly ResourceTypeConfig[]
  /** Every policy set, those that agents of the realm ask among them, and the actions that its active policies name. */
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>
  /** What is known of the session's user; `undefined` when they are gone. */
  factsOf(session: Session): Facts | undefined | Promise<Facts | undefined>
  /** Whoever signs in by this name; `undefined` for nobody, and for who may not sign in. */
  userNamed(username: string): NamedUser | undefined | Promise<NamedUser | undefined>
  /** The site of the realm that a resource is on; `undefined` for resources that are none of ours. */
  siteOf(resource: Pick<Resource, 'scheme' | 'host' | 'port'>): PolicySite | undefined
}

export interface NamedUser extends Facts {
  readonly id: string
  readonly username: string
}

export interface PolicySite {
  readonly agent: AgentId
  /** The policies that are asked for its requests. */
  readonly policySet: string
  /** Where a restricted token of the site counts. */
  readonly audience: Audience
  /** What the gateway decides about a request to it; absent where it enforces nothing, as for OpenAM's agents. */
  readonly explain?: (request: SiteRequest, asker: PolicyAsker) => SiteExplanation
}

export interface SiteRequest {
  /** Path and query, as they are sent. */
  readonly target: string
  readonly method: string
  /** Empty where nobody knows it. */
  readonly ip: string
  /** What it says of its environment, by the names that policies have for it. */
  readonly environment: Readonly<Record<string, readonly string[]>>
  /** As if the user had approved exactly this request. */
  readonly approved: boolean
}

export interface PolicyAsker {
  readonly session: PolicySubject
  readonly facts: Facts
  readonly now: EpochMs
}

export type SiteExplanation =
  /** The gateway refuses the request before any policy is asked, or asks none. */
  | { readonly kind: 'refused' | 'unasked'; readonly why: string }
  | { readonly kind: 'asked'; readonly explanation: Explanation }
