import { errorIn, type AgentSource, type Check } from './check.ts'

/** What says by whom a site's people sign in goes together. */
export const checkSso: Check = ({ agents, realms }) =>
  agents.flatMap(({ value, source }: AgentSource) => {
    const { sso, client, upstream, openam, realm } = value
    const provider = realms.find(({ name }) => name === realm)?.realm?.value.ssoProvider
    const isElsewhere = provider !== undefined
    if (client !== undefined && upstream !== undefined)
      return [
        errorIn(
          source,
          ['client'],
          'this gateway itself is in front of the site (upstream) and needs no credential; take one of the two out',
        ),
      ]
    if (client !== undefined && sso !== 'oidc')
      return [errorIn(source, ['client'], 'a gateway elsewhere signs people in by OpenID Connect; write sso: oidc')]
    if (client !== undefined && isElsewhere)
      return [
        errorIn(
          source,
          ['client'],
          `the people of ${realm} are those of a provider elsewhere; register the site there`,
        ),
      ]
    if (isElsewhere && (sso === 'saml' || (sso === 'oidc' && provider.type === 'saml')))
      return [
        errorIn(
          source,
          ['sso'],
          `the people of ${realm} sign in by its ssoProvider, whatever stands here; take this out`,
        ),
      ]
    if (sso === 'oidc' && upstream === undefined && client === undefined && openam !== undefined)
      return [errorIn(source, ['sso'], "OpenAM's agents have their own form of it: openam.oidc")]
    return []
  })
