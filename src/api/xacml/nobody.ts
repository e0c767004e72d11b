import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { AccessQuery, Decision } from '../../policy/decision.ts'
import { newAnonymousId } from '../../session/anonymous.ts'
import type { RealmPolicies } from '../openam/policies/realm-policies.ts'

const NEVER = 0 as EpochMs

/**
 * What is said of who is nobody at a resource: a name that the realm does not have, a session of another realm, a token of another site. It
 * is what somebody hears to whom no policy applies, so that the answer does not tell whether a person is there (user enumeration).
 */
export function decisionOnNobody(
  { pdp }: Pick<RealmPolicies, 'pdp'>,
  realm: RealmName,
  asked: Pick<AccessQuery, 'policySet' | 'resource' | 'action'>,
): Decision {
  const unproven = { authLevel: 0, authModules: [], authInstant: NEVER, createdAt: NEVER, properties: {} }
  const session = { realm, userId: newAnonymousId(), username: '', ...unproven }
  const facts = { groups: new Set<string>(), attributes: {} }
  const decision = pdp.evaluate({ ...asked, session, facts, clientIp: '', now: NEVER })
  if (decision.reason === 'denied-by-policy' || decision.reason === 'no-policy-matched') return decision
  // Not even what anybody may without proof: they are not asked about, they are nobody.
  const nothing = { advices: undefined, attributes: undefined, endsSession: false }
  return { ...decision, ...nothing, allowed: false, reason: 'subject-failed' }
}
