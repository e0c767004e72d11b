import type { RealmName } from '../base/brand.ts'
import type { Agents, AgentSite } from '../api/openam/agents.ts'
import { createAgentLogin, registerAgents, type AgentLogin } from '../authn/agent-login.ts'
import type { RealmAuthn } from '../authn/realm-authn.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { agentCookieOf, domainsOf } from '../gateway/agent-cookie.schema.ts'
import type { AgentProfileConfig } from '../gateway/agent-profile.schema.ts'
import { audienceOf } from '../gateway/site.ts'
import { createAgentSessions } from '../session/agent-sessions.ts'
import type { RuntimeDeps } from './deps.ts'

/** The agents of a configuration that have credentials. */
export interface CompiledAgents {
  readonly agents: Agents
  readonly login: AgentLogin
}

export function agentsOf(
  snapshot: ConfigSnapshot,
  authns: ReadonlyMap<RealmName, RealmAuthn>,
  deps: Pick<RuntimeDeps, 'store' | 'hasher' | 'audit' | 'clock'>,
): CompiledAgents {
  const { siteId, serverId, login } = snapshot.gatehouse
  const profiles = snapshot.agents.filter(({ openam }) => openam !== undefined)
  const register = registerAgents(profiles.map(({ id, realm, openam }) => ({ ...openam, id, realm })))
  const sessions = createAgentSessions({ ...deps, agents: register.agents, place: { siteId, serverId } })
  const sites = new Map(profiles.map((profile) => [profile.id, agentSite(profile, login.cookieName)]))
  const alone = profiles.filter(isAgentAlone)
  return {
    agents: {
      sessions,
      siteOf: (agent) => sites.get(agent),
      audiencesAt: (address) => {
        const there = alone.filter(({ id }) => register.agents.get(id)?.mayCallFrom(address))
        return [...new Set(there.map((profile) => agentSite(profile, login.cookieName).audience))]
      },
      cookie: cookieOf(alone, login.cookieName),
    },
    login: createAgentLogin({ ...deps, register, sessions, throttleOf: (realm) => authns.get(realm)?.throttle }),
  }
}

/** Nothing of ours stands in front of the site. */
export function isAgentAlone({ upstream, openam }: AgentProfileConfig): boolean {
  return upstream === undefined && openam !== undefined
}

export function agentSite(profile: AgentProfileConfig, loginCookieName: string): AgentSite {
  const { id: agent, url, openam } = profile
  return {
    agent,
    url,
    notified: openam?.notifications === true,
    audience: audienceOf(agent, agentCookieOf(profile, loginCookieName)),
  }
}

/** They all have the same one: `check` refuses anything else. */
function cookieOf(alone: readonly AgentProfileConfig[], loginCookieName: string): Agents['cookie'] {
  const [first] = alone
  if (first === undefined) return undefined
  const domains = new Set(alone.flatMap(({ cookie }) => domainsOf(cookie)))
  return { name: agentCookieOf(first, loginCookieName).name, domains: [...domains] }
}
