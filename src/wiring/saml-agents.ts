import type { AgentId, RealmName } from '../base/brand.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { loadPart } from '../errors.ts'
import { agentPartner, type SamlAgent } from '../federation/cdsso/agent-partner.ts'
import { samlPath } from '../federation/saml/addresses.ts'
import type { SamlIdps } from '../federation/saml-idp/idps.ts'
import type { RealmIdp } from '../federation/saml-idp/realm-idp.ts'
import type { ServiceProviderConfig } from '../federation/saml-idp/service-providers.schema.ts'
import { agentCookieOf } from '../gateway/agent-cookie.schema.ts'
import { isSite, type AgentProfileConfig } from '../gateway/agent-profile.schema.ts'
import { ENDPOINT_PREFIX } from '../gateway/endpoint-path.ts'
import { consumerUrl } from '../gateway/handshake-saml.ts'
import type { SamlSso } from '../gateway/saml-sso.ts'
import { audienceOf } from '../gateway/site.ts'
import { ofKnownUser } from '../session/known-users.ts'
import type { RuntimeDeps } from './deps.ts'
import { type RealmDirectories, usersOf } from './users.ts'

/** The agents of a realm that are service providers of it by their profile alone. */
export function agentPartnersOf(
  { agents }: Pick<ConfigSnapshot, 'agents'>,
  realm: RealmName,
): readonly ServiceProviderConfig[] {
  return samlAgentsIn(agents)
    .filter((profile) => profile.realm === realm)
    .map((profile) => agentPartner(samlAgent(profile)))
}

export interface SamlAgentParts {
  readonly directories: RealmDirectories
  readonly idps: SamlIdps
}

/** The identity providers that people sign in to sites by. Loads what reads messages when there is one. */
export async function samlSsoOf(
  snapshot: ConfigSnapshot,
  { directories, idps }: SamlAgentParts,
  deps: RuntimeDeps,
): Promise<ReadonlyMap<AgentId, SamlSso>> {
  const agents = samlAgentsIn(snapshot.agents)
  if (agents.length === 0) return new Map()
  const { createLocalSaml } = await loadPart('SAML', () => import('../federation/cdsso/local-saml.ts'))
  const { causeToEnd } = usersOf(snapshot, directories)
  const { url, cookieName } = snapshot.gatehouse.login
  const made = agents.map(async (profile) => {
    const { id, realm } = profile
    const idp = idps.of(realm)
    if (idp === undefined) return []
    const acr = snapshot.realms.get(realm)?.openId.acr ?? []
    const sso = createLocalSaml(
      { ...samlAgent(profile), audience: audienceOf(id, agentCookieOf(profile, cookieName)) },
      {
        ...deps,
        idp: {
          entityId: idp.entityId,
          signOnUrl: `${new URL(url).origin}${samlPath(realm)}/sso`,
          keys: await deps.samlKeys.of(realm),
          sessions: idp.sessions,
        },
        classOf: (level) => acr.find((each) => each.level === level)?.name,
        find: async (sid) => ofKnownUser(await deps.sessions.find(sid), causeToEnd),
      },
    )
    return [[id, sso] as const]
  })
  return new Map((await Promise.all(made)).flat())
}

/** An identity provider as its logouts see it: our own sites need no message, since their tokens end with the session. */
export function withoutSites<T extends Pick<RealmIdp, 'sessions'>>(idp: T, agents: ConfigSnapshot['agents']): T {
  const { sessions } = idp
  const sites = new Set<string>(samlAgentsIn(agents).map(({ id }) => id))
  return {
    ...idp,
    sessions: {
      ...sessions,
      async ofSession(sid) {
        const found = await sessions.ofSession(sid)
        return found && { ...found, entries: found.entries.filter(({ partner }) => !sites.has(partner)) }
      },
    },
  }
}

function samlAgentsIn(agents: ConfigSnapshot['agents']): readonly AgentProfileConfig[] {
  return agents.filter((profile) => profile.sso === 'saml' && isSite(profile))
}

/** A site as a service provider. */
export function samlAgent({ id: agent, title, url }: AgentProfileConfig): SamlAgent {
  return { agent, title: title ?? agent, entityId: `${url}${ENDPOINT_PREFIX}metadata`, consumer: consumerUrl({ url }) }
}
