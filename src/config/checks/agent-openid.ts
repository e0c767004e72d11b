import type { Path } from '../locator.ts'
import { errorIn, placeOf, warningIn, type Check } from './check.ts'

const PLACE: Path = ['openam', 'oidc']

/** The profile of an agent as an OpenID client: its name is its own, and its tokens do not travel in the clear. */
export const checkAgentOpenId: Check = ({ agents, realms }) =>
  agents.flatMap(({ value, source }) => {
    const { id, url, openam, upstream, realm } = value
    if (openam?.oidc === undefined) return []
    const clients = realms.find(({ name }) => name === realm)?.clients
    const index = clients?.value.clients.findIndex((client) => client.id === id) ?? -1
    return [
      ...(clients === undefined || index === -1
        ? []
        : [
            errorIn(
              source,
              PLACE,
              `an ID token for this agent would be one for the client of the same id, too (${placeOf(clients.source, ['clients', index, 'id'])}); give one of them another id`,
            ),
          ]),
      ...(upstream === undefined
        ? []
        : [
            warningIn(
              source,
              PLACE,
              'the gateway itself protects this site (upstream), so nobody gets a token by this; take it out',
            ),
          ]),
      ...(url.startsWith('https:')
        ? []
        : [
            warningIn(
              source,
              PLACE,
              'the token of every person who signs in here travels over plain http; make the site https',
            ),
          ]),
    ]
  })
