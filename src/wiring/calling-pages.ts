import type { RealmName } from '../base/brand.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'

/** Origins whose pages may call the login host, with the realm of each: sites that the configuration says it of, and no alias of theirs. */
export function callingPages({ agents }: Pick<ConfigSnapshot, 'agents'>): ReadonlyMap<string, RealmName> {
  const calling = agents.filter(({ callsLoginHost }) => callsLoginHost)
  return new Map(calling.map(({ url, realm }) => [new URL(url).origin, realm]))
}

/** Those of one realm. */
export function callingOrigins(snapshot: Pick<ConfigSnapshot, 'agents'>, realm: RealmName): readonly string[] {
  return [...callingPages(snapshot)].flatMap(([origin, of]) => (of === realm ? [origin] : []))
}
