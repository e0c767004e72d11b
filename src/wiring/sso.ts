import type { AgentId, RealmName } from '../base/brand.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { loadPart } from '../errors.ts'
import { createLocalLogin } from '../federation/cdsso/local-login.ts'
import type { RemoteLogin } from '../federation/cdsso/remote-login.ts'
import { agentClient } from '../federation/oidc-op/agent-clients.ts'
import type { OidcClientConfig } from '../federation/oidc-op/clients.schema.ts'
import type { Issuers } from '../federation/oidc-op/issuers.ts'
import { issuerPath } from '../federation/oidc-op/realm-provider.ts'
import { markOf } from '../federation/oidc-rp/session-mark.ts'
import { agentCookieOf } from '../gateway/agent-cookie.schema.ts'
import { isSite, type AgentProfileConfig } from '../gateway/agent-profile.schema.ts'
import { ENDPOINT_PREFIX } from '../gateway/endpoint-path.ts'
import { redirectUri } from '../gateway/handshake-oidc.ts'
import { audienceOf } from '../gateway/site.ts'
import type { SsoProvider } from '../gateway/sso-provider.ts'
import type { Session } from '../session/session.ts'
import type { RuntimeDeps } from './deps.ts'

/** The agents of a realm that are clients of its provider by their profile alone. */
export function agentClientsOf(
  { agents, realms }: Pick<ConfigSnapshot, 'agents' | 'realms'>,
  realm: RealmName,
): readonly OidcClientConfig[] {
  if (realms.get(realm)?.ssoProvider !== undefined) return []
  return agents.flatMap((profile) => {
    const { id, title = id, url, client, sso } = profile
    if (profile.realm !== realm || sso !== 'oidc' || (client === undefined && !isSite(profile))) return []
    const backchannelLogoutUri = `${url}${ENDPOINT_PREFIX}backchannel-logout`
    const elsewhere = client && { proof: client, backchannelLogoutUri }
    return [agentClient({ id, title, redirectUri: redirectUri({ url }), elsewhere })]
  })
}

/** Logins of the agents whose realm has its people from an OpenID provider elsewhere. */
export type RemoteLogins = ReadonlyMap<AgentId, RemoteLogin>

/** Loads what speaks with such a provider where a realm has one, and only there. */
export async function remoteLoginsOf(
  { agents, realms, gatehouse: { login } }: ConfigSnapshot,
  deps: RuntimeDeps,
): Promise<RemoteLogins> {
  const logins = new Map<AgentId, RemoteLogin>()
  for (const profile of agents.filter(isSite)) {
    const { id: agent, realm, url } = profile
    const config = realms.get(realm)
    if (config?.ssoProvider === undefined || config.ssoProvider.type === 'saml') continue
    const { createRemoteLogin } = await loadPart(
      'single sign-on by a provider elsewhere',
      () => import('../federation/cdsso/remote-login.ts'),
    )
    const audience = audienceOf(agent, agentCookieOf(profile, login.cookieName))
    const place = { agent, realm, audience, redirectUri: redirectUri({ url }), session: config.session }
    logins.set(agent, createRemoteLogin(place, config.ssoProvider, deps))
  }
  return eachAboutItsOwn(logins)
}

type AboutSessions = Pick<RemoteLogin, 'realm' | 'name' | 'factsOf' | 'used' | 'signOutUrl'>

/** Sites that share a cookie bring sessions of each other, and use is noted for the whole realm: the login is asked that a session began with. */
export function eachAboutItsOwn<T extends AboutSessions>(logins: ReadonlyMap<AgentId, T>): ReadonlyMap<AgentId, T> {
  const key = (realm: RealmName, name: string | undefined): string => `${realm} ${name ?? ''}`
  const byMark = new Map([...logins.values()].map((login) => [key(login.realm, login.name), login]))
  const of = (session: Session): T | undefined => byMark.get(key(session.realm, markOf(session)?.provider))
  const about = {
    factsOf: (session: Session) => of(session)?.factsOf(session),
    used: (session: Session) => of(session)?.used(session),
    signOutUrl: async (session: Session) => of(session)?.signOutUrl(session),
  }
  return new Map([...logins].map(([agent, login]) => [agent, { ...login, ...about }]))
}

type SessionUse = ((session: Session) => void) | undefined

/** Notes the use of their sessions as well; `undefined` where there is nothing to note. */
export function withRemoteUse(use: SessionUse, logins: RemoteLogins): SessionUse {
  const byRealm = new Map([...logins.values()].map((login) => [login.realm, login]))
  if (byRealm.size === 0) return use
  return (session) => {
    use?.(session)
    byRealm.get(session.realm)?.used(session)
  }
}

/** The provider that people sign in to a site by; `undefined` where our own handshake does it. */
export function ssoProviderOf(
  profile: AgentProfileConfig,
  { gatehouse: { login } }: Pick<ConfigSnapshot, 'gatehouse'>,
  { issuers, remotes, ...deps }: RuntimeDeps & { readonly issuers: Issuers; readonly remotes: RemoteLogins },
): SsoProvider | undefined {
  const remote = remotes.get(profile.id)
  if (remote !== undefined || profile.sso !== 'oidc') return remote
  const { id: agent, realm } = profile
  const issuer = new URL(login.url).origin + issuerPath(realm)
  const audience = audienceOf(agent, agentCookieOf(profile, login.cookieName))
  return createLocalLogin(
    { agent, realm, audience, issuer },
    { ...deps, redeem: async (name, code) => (await issuers.of(name)?.redeem(code)) ?? 'unknown-code' },
  )
}
