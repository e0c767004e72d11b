import { EVERY_PARTNER } from '../../policy/partner-policies.schema.ts'
import { didYouMean } from '../suggest.ts'
import { errorIn, quoted, warningIn, type Check } from './check.ts'

/** Policies about partners: that there are such partners, that somebody can get there, and nothing that only a site can ask for. */
export const checkPartnerPolicies: Check = ({ realms, agents }) =>
  realms.flatMap(({ name, policies, clients, incomplete }) => {
    if (policies === undefined) return []
    const { source, value } = policies
    // A gateway elsewhere is a partner by the profile of its site.
    const elsewhere = agents.filter(({ value: { realm, client } }) => realm === name && client !== undefined)
    const ids = [
      ...[...(clients?.value.clients ?? []), ...(clients?.value.saml.serviceProviders ?? [])].map(({ id }) => id),
      ...elsewhere.map(({ value: { id } }) => id),
    ]
    const active = value.partnerPolicies.filter((policy) => policy.active)
    const allowed = new Set(active.filter(({ effect }) => effect === 'allow').flatMap(({ partners }) => partners))
    const unknown = value.partnerPolicies.flatMap(({ partners }, index) =>
      partners.flatMap((partner, at) => {
        if (incomplete || partner === EVERY_PARTNER || ids.includes(partner)) return []
        const path = ['partnerPolicies', index, 'partners', at]
        const hint = source.filled(path) === undefined ? didYouMean(partner, ids) : ''
        return [
          errorIn(source, path, `clients.yaml of the realm has no partner ${quoted(source, path, partner)}${hint}`),
        ]
      }),
    )
    const closed = value.partnerPolicies.flatMap(({ partners, active: counts }, index) =>
      partners.flatMap((partner, at) => {
        if (!counts || allowed.has(partner) || allowed.has(EVERY_PARTNER)) return []
        const path = ['partnerPolicies', index, 'partners', at]
        const message = `no policy allows anybody ${quoted(source, path, partner)}, so nobody is signed in there; add one with \`effect: allow\` for whom it is`
        return [warningIn(source, path, message)]
      }),
    )
    return [...unknown, ...closed]
  })
