import { errorIn, placeOf, quoted, type Check } from './check.ts'

/** An agent that signs in by SAML is a service provider by its profile: a partner of the same name would be taken for it. */
export const checkAgentsAsPartners: Check = ({ agents, realms }) =>
  realms.flatMap(({ name, clients }) =>
    (clients?.value.saml.serviceProviders ?? []).flatMap(({ id }, index) => {
      const agent = agents.find(({ value }) => value.sso === 'saml' && value.realm === name && value.id === id)
      if (clients === undefined || agent === undefined) return []
      const path = ['saml', 'serviceProviders', index, 'id']
      const message = `agent ${quoted(clients.source, path, id)} is a partner by its profile (${placeOf(agent.source, ['sso'])}); take this entry out, or give it another id`
      return [errorIn(clients.source, path, message)]
    }),
  )
