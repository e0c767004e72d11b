import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import type { Asker } from '../gateway/policy-query.ts'
import type { Explanation } from '../policy/decision.ts'
import { FOREVER } from '../policy/evaluate.ts'
import { compilePartnerPolicies } from '../policy/partner-policies.ts'
import type { Question } from './explanation-text.ts'
import { NotThere } from './managed-realm.ts'
import { plain } from './text-table.ts'

/** The realm that has the partner. @throws NotThere where there is none, or several and nothing was said */
export function realmOfPartner(
  { realms, agents }: Pick<ConfigSnapshot, 'realms' | 'agents'>,
  partner: string,
  said: string | undefined,
): RealmConfig {
  // Of sites that a gateway elsewhere stands in front of, too.
  const elsewhere = agents.find(({ id, client }) => id === partner && client !== undefined)
  const found = [...realms.values()].filter(
    (realm) =>
      (hasPartner(realm, partner) || elsewhere?.realm === realm.name) && (said === undefined || realm.name === said),
  )
  const [realm, ...others] = found
  if (realm === undefined)
    throw new NotThere(`no realm has an OpenID client or SAML partner ${JSON.stringify(partner)}`)
  if (others.length > 0)
    throw new NotThere(`several realms have it: ${found.map(({ name }) => name).join(', ')}; say --realm`)
  return realm
}

function hasPartner({ openId }: RealmConfig, partner: string): boolean {
  return [...openId.clients, ...openId.saml.serviceProviders].some(({ id }) => id === partner)
}

/** Whether somebody would be signed in at a partner, and why. */
export function partnerQuestion(
  { partnerPolicies }: RealmConfig,
  asker: Asker,
  { partner, ip }: { readonly partner: string; readonly ip: string },
): { readonly question: Question; readonly explained: Explanation } {
  const policies = compilePartnerPolicies(partnerPolicies)
  const question = { line: `sign in at ${plain(partner)}`, nothing: '', ip, fields: { partner } }
  if (policies.areAbout(partner)) return { question, explained: policies.explain({ partner, clientIp: ip, ...asker }) }
  const everybody = 'no policy is about this partner: everybody of the realm may'
  return { question: { ...question, nothing: everybody }, explained: { decision: OPEN, trace: [] } }
}

const OPEN: Explanation['decision'] = {
  allowed: true,
  reason: 'allowed',
  policies: [],
  advices: undefined,
  validUntil: FOREVER,
  attributes: undefined,
  endsSession: false,
}
