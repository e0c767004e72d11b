import type { RealmName } from '../base/brand.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { createLocalLogin } from '../federation/cdsso/local-login.ts'
import { agentClient } from '../federation/oidc-op/agent-clients.ts'
import type { OidcClientConfig } from '../federation/oidc-op/clients.schema.ts'
import type { Issuers } from '../federation/oidc-op/issuers.ts'
import { issuerPath } from '../federation/oidc-op/realm-provider.ts'
import { agentCookieOf } from '../gateway/agent-cookie.schema.ts'
import { isSite, type AgentProfileConfig } from '../gateway/agent-profile.schema.ts'
import { redirectUri } from '../gateway/handshake-oidc.ts'
import { audienceOf } from '../gateway/site.ts'
import type { SsoProvider } from '../gateway/sso-provider.ts'
import type { RuntimeDeps } from './deps.ts'

/** The agents of a realm that are clients of its provider by their profile alone. */
export function agentClientsOf(
  { agents }: Pick<ConfigSnapshot, 'agents'>,
  realm: RealmName,
): readonly OidcClientConfig[] {
  return agents
    .filter((profile) => profile.realm === realm && profile.sso === 'oidc' && isSite(profile))
    .map(({ id, title = id, url }) => agentClient({ id, title, redirectUri: redirectUri({ url }) }))
}

/** The provider that people sign in to a site by; `undefined` where our own handshake does it. */
export function ssoProviderOf(
  profile: AgentProfileConfig,
  { gatehouse: { login } }: Pick<ConfigSnapshot, 'gatehouse'>,
  { issuers, ...deps }: RuntimeDeps & { readonly issuers: Issuers },
): SsoProvider | undefined {
  if (profile.sso !== 'oidc') return undefined
  const { id: agent, realm } = profile
  const issuer = new URL(login.url).origin + issuerPath(realm)
  const audience = audienceOf(agent, agentCookieOf(profile, login.cookieName))
  return createLocalLogin(
    { agent, realm, audience, issuer },
    { ...deps, redeem: async (name, code) => (await issuers.of(name)?.redeem(code)) ?? 'unknown-code' },
  )
}
