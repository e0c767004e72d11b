import type { RealmName } from '../base/brand.ts'
import type { PolicySite, RealmPolicies } from '../api/openam/policies/realm-policies.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import type { AgentProfileConfig } from '../gateway/agent-profile.schema.ts'
import { explainAt } from '../gateway/asked-request.ts'
import type { Site } from '../gateway/site.ts'
import type { PolicyDecisionPoint, Resource } from '../policy/decision.ts'
import { agentSite, isAgentAlone, type CompiledAgents } from './agents.ts'
import { type RealmDirectories, usersOf } from './users.ts'

export interface PolicyParts {
  readonly directories: RealmDirectories
  readonly sites: readonly Site[]
  readonly pdps: ReadonlyMap<RealmName, PolicyDecisionPoint>
  readonly agents: CompiledAgents
}

/** What programs may ask about the policies of each realm. */
export function realmPoliciesOf(snapshot: ConfigSnapshot, parts: PolicyParts): ReadonlyMap<RealmName, RealmPolicies> {
  const { directories, sites, pdps } = parts
  const { factsOf } = usersOf(snapshot, directories)
  const all = new Map<RealmName, RealmPolicies>()
  for (const { name, policies, policySets, resourceTypes } of snapshot.realms.values()) {
    const pdp = pdps.get(name)
    const directory = directories.get(name)
    if (pdp === undefined || directory === undefined) continue
    const own = sites.filter(({ realm }) => realm === name)
    const alone = snapshot.agents.filter((agent) => agent.realm === name && isAgentAlone(agent))
    const places = new Map([
      ...own.map((site): [string, PolicySite] => [placeOf(site.resourceBase), explained(site)]),
      ...alone.flatMap((profile) => placesOf(profile, snapshot.gatehouse.login.cookieName)),
    ])
    all.set(name, {
      ...{ pdp, policies, factsOf },
      ...{ policySets, resourceTypes },
      sets: setsOf(policies, [
        ...[...own, ...alone].map(({ policySet }) => policySet),
        ...policySets.map(({ name }) => name),
      ]),
      async userNamed(username) {
        const id = await directory.idOf(username)
        return id === undefined ? undefined : directory.find(id)
      },
      siteOf: (resource) => places.get(placeOf(resource)),
    })
  }
  return all
}

/** A site of the gateway: what is asked about a request to it is what the gateway asks. */
function explained(site: Site): PolicySite {
  const { agent, policySet, audience } = site
  return { agent, policySet, audience, explain: (request, asker) => explainAt(site, request, asker) }
}

/** The set that agents ask unless they are told otherwise is always there. */
function setsOf(policies: RealmPolicies['policies'], named: readonly string[]): RealmPolicies['sets'] {
  const sets = new Map(['iPlanetAMWebAgentService', ...named].map(emptySet))
  for (const { policySet, active, actions } of policies) {
    const known = sets.get(policySet) ?? new Set()
    sets.set(policySet, known)
    if (active) for (const action of Object.keys(actions)) known.add(action)
  }
  return sets
}

/** OpenAM's agents ask about every origin of their site. */
function placesOf(profile: AgentProfileConfig, loginCookieName: string): [string, PolicySite][] {
  const site = { ...agentSite(profile, loginCookieName), policySet: profile.policySet }
  return [profile.url, ...profile.aliases].map((origin) => {
    const { protocol, hostname: host, port } = new URL(origin)
    const scheme = protocol === 'https:' ? 'https' : 'http'
    return [placeOf({ scheme, host, port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port) }), site]
  })
}

function emptySet(name: string): [string, Set<string>] {
  return [name, new Set()]
}

function placeOf({ scheme, host, port }: Pick<Resource, 'scheme' | 'host' | 'port'>): string {
  return `${scheme}://${host}:${port}`
}
