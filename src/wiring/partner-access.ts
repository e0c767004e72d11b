import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import { createPartnerAccess, type PartnerAccess, type PartnerAccessDeps } from '../federation/partner-access.ts'
import { isSite } from '../gateway/agent-profile.schema.ts'
import { compilePartnerPolicies } from '../policy/partner-policies.ts'

/**
 * Who may be signed in at the partners of a realm. Sites of this gateway that are partners by their profile ask policies about each request. What
 * a gateway elsewhere stands in front of is a partner like any other.
 */
export function partnerAccessOf(
  snapshot: ConfigSnapshot,
  { name: realm, partnerPolicies }: RealmConfig,
  deps: Omit<PartnerAccessDeps, 'realm' | 'policies'>,
): PartnerAccess {
  const own = snapshot.agents.filter((profile) => profile.realm === realm && isSite(profile))
  const sites = new Set<string>(own.filter(({ sso }) => sso === 'oidc' || sso === 'saml').map(({ id }) => id))
  const policies = compilePartnerPolicies(partnerPolicies)
  return createPartnerAccess({
    ...deps,
    realm,
    policies: { ...policies, areAbout: (partner) => !sites.has(partner) && policies.areAbout(partner) },
  })
}
