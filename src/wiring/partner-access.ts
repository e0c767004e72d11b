import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import { createPartnerAccess, type PartnerAccess, type PartnerAccessDeps } from '../federation/partner-access.ts'
import { compilePartnerPolicies } from '../policy/partner-policies.ts'
import { agentPartnersOf } from './saml-agents.ts'
import { agentClientsOf } from './sso.ts'

/** Who may be signed in at the partners of a realm. Sites of the gateway that are partners by their profile ask policies about each request. */
export function partnerAccessOf(
  snapshot: ConfigSnapshot,
  { name: realm, partnerPolicies }: RealmConfig,
  deps: Omit<PartnerAccessDeps, 'realm' | 'policies'>,
): PartnerAccess {
  const sites = new Set([...agentClientsOf(snapshot, realm), ...agentPartnersOf(snapshot, realm)].map(({ id }) => id))
  const policies = compilePartnerPolicies(partnerPolicies)
  return createPartnerAccess({
    ...deps,
    realm,
    policies: { ...policies, areAbout: (partner) => !sites.has(partner) && policies.areAbout(partner) },
  })
}
