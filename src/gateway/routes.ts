import type { AgentId } from '../base/brand.ts'
import type { RequestHost } from '../http/host.ts'
import type { Site } from './site.ts'

/** What answers under a host. */
export type Route =
  | { readonly kind: 'login-host' }
  /** `canonical` is false for aliases, which only redirect. */
  | { readonly kind: 'site'; readonly site: Site; readonly canonical: boolean }

/** The hosts of one generation. Looking one up is one or two map reads. */
export interface HostTable {
  /** `undefined`: nobody registered the host. */
  find(host: RequestHost, scheme: 'http' | 'https'): Route | undefined
  /** The same for a name without a port, as TLS clients send it; `undefined` also when its ports lead to different places. */
  named(name: string): Route | undefined
  site(agent: AgentId): Site | undefined
}

export interface HostTableEntry {
  readonly site: Site
  /** Origins that redirect to the site's own. */
  readonly aliases: readonly string[]
}

interface Slot {
  readonly route: Route
  /** Origins with this authority that are aliases, when another one with it is the site's own: `http://app` of `https://app`. */
  alias: Route | undefined
  aliasScheme: 'http' | 'https' | undefined
}

/**
 * Builds the table. A host is found by its authority; where that is not registered, by its name alone if everything under
 * the name is one site, because proxies in front often drop or change the port and nothing we write is built from it.
 */
export function createHostTable(loginUrl: string, entries: readonly HostTableEntry[]): HostTable {
  const byAuthority = new Map<string, Slot>()
  const byName = new Map<string, Route | 'several'>()
  const add = (origin: string, route: Route): void => {
    const url = new URL(origin)
    const scheme = url.protocol === 'https:' ? 'https' : 'http'
    addAuthority(byAuthority, authoritiesOf(url), { route, scheme })
    const other = byName.get(url.hostname)
    byName.set(url.hostname, other === undefined || isSamePlace(other, route) ? preferred(other, route) : 'several')
  }
  add(loginUrl, { kind: 'login-host' })
  for (const { site } of entries) add(site.url, { kind: 'site', site, canonical: true })
  for (const { site, aliases } of entries)
    for (const alias of aliases) add(alias, { kind: 'site', site, canonical: false })
  const sites = new Map(entries.map(({ site }) => [site.agent, site]))
  const named = (name: string): Route | undefined => {
    const route = byName.get(name)
    return route === 'several' ? undefined : route
  }
  return {
    find(host, scheme) {
      const slot = byAuthority.get(host.authority)
      if (slot === undefined) return named(host.name)
      return slot.aliasScheme === scheme ? slot.alias : slot.route
    },
    named,
    site: (agent) => sites.get(agent),
  }
}

/** A browser leaves the default port out; other clients may write it. */
function authoritiesOf(url: URL): readonly string[] {
  return url.port === '' ? [url.host, `${url.host}:${url.protocol === 'https:' ? 443 : 80}`] : [url.host]
}

function addAuthority(
  table: Map<string, Slot>,
  authorities: readonly string[],
  { route, scheme }: { readonly route: Route; readonly scheme: 'http' | 'https' },
): void {
  for (const authority of authorities) {
    const slot = table.get(authority)
    if (slot === undefined) table.set(authority, { route, alias: undefined, aliasScheme: undefined })
    else if (route.kind === 'site' && !route.canonical && isSamePlace(slot.route, route)) {
      slot.alias = route
      slot.aliasScheme = scheme
    }
  }
}

function isSamePlace(a: Route | 'several', b: Route): boolean {
  if (a === 'several' || a.kind !== b.kind) return false
  return a.kind === 'login-host' || (b.kind === 'site' && a.site.agent === b.site.agent)
}

function preferred(known: Route | 'several' | undefined, added: Route): Route {
  return known === undefined || known === 'several' ? added : known
}
