import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import type { RealmAuthn } from '../authn/realm-authn.ts'
import type { RealmName } from '../base/brand.ts'
import { createIssuers, type Issuers } from '../federation/oidc-op/issuers.ts'
import { ofKnownUser } from '../session/known-users.ts'
import type { RuntimeDeps } from './deps.ts'
import { partnerAccessOf } from './partner-access.ts'
import { agentClientsOf } from './sso.ts'
import { type RealmDirectories, usersOf } from './users.ts'

export interface IssuerParts {
  readonly directories: RealmDirectories
  readonly authns: ReadonlyMap<RealmName, RealmAuthn>
}

/** The OpenID providers of the realms that have clients. */
export function issuersOf(snapshot: ConfigSnapshot, parts: IssuerParts, deps: RuntimeDeps): Promise<Issuers> {
  const { causeToEnd } = usersOf(snapshot, parts.directories)
  const realms = [...snapshot.realms.values()].flatMap((realm) => {
    const directory = parts.directories.get(realm.name)
    const authn = parts.authns.get(realm.name)
    if (directory === undefined || authn === undefined) return []
    const { name, openId, session } = realm
    const file = { ...openId, clients: [...openId.clients, ...agentClientsOf(snapshot, name)] }
    const onDemand = openId.registration === undefined && openId.clients.every(({ disabled }) => disabled)
    const highestLevel = Math.max(0, ...[...authn.chains.values()].map(({ level }) => level))
    const access = partnerAccessOf(snapshot, realm, { ...deps, directory, highestLevel })
    const moduleType = moduleTypeOf(realm)
    return [{ name, file, onDemand, directory, access, moduleType, highestLevel, maxLifeMs: session.maxLife }]
  })
  return createIssuers(realms, {
    ...deps,
    find: async (sid) => ofKnownUser(await deps.sessions.find(sid), causeToEnd),
    verifySecret: (hash, secret, from) => deps.hasher.verify(hash, secret, from),
    origin: new URL(snapshot.gatehouse.login.url).origin,
  })
}

function moduleTypeOf({ authentication }: RealmConfig): (module: string) => string | undefined {
  const { modules } = authentication
  return (name) => (Object.hasOwn(modules, name) ? modules[name]?.type : undefined)
}
