import type { AgentId, RealmName } from '../base/brand.ts'
import { compileLook, type Look } from './look.ts'
import type { PortalRealm, PortalSite } from './ports.ts'

/** A realm with everything its pages need worked out. */
export interface CompiledRealm extends PortalRealm {
  readonly compiledLook: Look
  /** Every origin a form of this realm's pages may end up at. */
  readonly origins: readonly string[]
}

export interface Realms {
  readonly all: readonly CompiledRealm[]
  get(name: RealmName): CompiledRealm | undefined
  /** A site of the realm; `undefined` for agents of other realms. */
  site(realm: CompiledRealm, agent: string): PortalSite | undefined
  /** The site whose origin, or alias, an accepted URL has. */
  siteAt(realm: CompiledRealm, url: string): PortalSite | undefined
}

/** Parents before children, but the root last: hardly anybody belongs there. */
export function compileRealms(realms: Iterable<PortalRealm>): Realms {
  const byName = new Map<RealmName, CompiledRealm>()
  for (const realm of realms) byName.set(realm.name, compileRealm(realm))
  return {
    all: [...byName.values()].sort(rootLast),
    get: (name) => byName.get(name),
    site: (realm, agent) => realm.sites.find((site) => site.agent === (agent as AgentId)),
    siteAt: (realm, url) => {
      const origin = URL.parse(url)?.origin
      return realm.sites.find((site) => originsOf(site).includes(origin ?? ''))
    },
  }
}

function rootLast(one: CompiledRealm, other: CompiledRealm): number {
  if (one.name === '/' || other.name === '/') return one.name === '/' ? 1 : -1
  return one.name < other.name ? -1 : 1
}

export function originsOf(site: PortalSite): readonly string[] {
  return [site.url, ...site.aliases].map(originOf)
}

export function originOf(url: string): string {
  return URL.parse(url)?.origin ?? ''
}

export function compileRealm(realm: PortalRealm): CompiledRealm {
  return {
    ...realm,
    compiledLook: compileLook(realm.name, realm.look),
    origins: [...new Set([...realm.sites.flatMap(originsOf), ...realm.goto.map(originOf)])],
  }
}

const LOGIN_PATH = /^\/login((?:\/[a-z0-9][a-z0-9-]{0,62})*)\/?$/

/** The realm a path below `/login` names; `undefined` for paths that are no realm's. `/login` is the root realm's. */
export function realmOfPath(path: string): RealmName | undefined {
  const match = LOGIN_PATH.exec(path)
  if (match === null) return undefined
  return (match[1] === '' ? '/' : match[1]) as RealmName
}

/** Where a realm's login page is. */
export function loginPath(realm: RealmName): string {
  return `/login${realm}`
}
