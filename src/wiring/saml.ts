import type { RealmName } from '../base/brand.ts'
import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import { loadPart } from '../errors.ts'
import { entityIdOf, samlPath } from '../federation/saml/addresses.ts'
import type { OwnMetadata, OwnRoles } from '../federation/saml/own-metadata.ts'
import { createSamlIdps, type SamlIdps } from '../federation/saml-idp/idps.ts'
import type { RuntimeDeps } from './deps.ts'
import type { IssuerParts } from './issuers.ts'
import { partnerAccessOf } from './partner-access.ts'
import type { OpenProviders } from './providers.ts'
import { agentPartnersOf } from './saml-agents.ts'
import { samlLogoutsOf, type SamlLogouts } from './saml-logout.ts'

/** What the realms of one configuration are by SAML 2.0. */
export interface Saml {
  readonly idps: SamlIdps
  readonly logouts: SamlLogouts
  entityIdOf(realm: RealmName): string | undefined
  /** Signed; `undefined` where the realm has no part in SAML. */
  metadataOf(realm: RealmName): string | undefined
  readonly close: () => Promise<void>
}

export async function samlOf(
  snapshot: ConfigSnapshot,
  parts: IssuerParts & { readonly providers: Pick<OpenProviders, 'samlPeers'> },
  deps: RuntimeDeps,
): Promise<Saml> {
  const { origin } = new URL(snapshot.gatehouse.login.url)
  const all = [...snapshot.realms.values()]
  const idps = await createSamlIdps(
    all.flatMap((realm) => {
      const directory = parts.directories.get(realm.name)
      const authn = parts.authns.get(realm.name)
      if (directory === undefined || authn === undefined) return []
      const { name, openId } = realm
      const highestLevel = Math.max(0, ...[...authn.chains.values()].map(({ level }) => level))
      const access = partnerAccessOf(snapshot, realm, { ...deps, directory, highestLevel })
      const serviceProviders = [...openId.saml.serviceProviders, ...agentPartnersOf(snapshot, name)]
      return [{ name, saml: { ...openId.saml, serviceProviders }, acr: openId.acr, directory, access, highestLevel }]
    }),
    { ...deps, origin },
  )
  const idOf = ({ name, openId }: RealmConfig): string => entityIdOf(origin, name, openId.saml.entityId)
  const metadata = new Map<RealmName, OwnMetadata>()
  let logouts: SamlLogouts
  try {
    logouts = await samlLogoutsOf(snapshot, { idps, providers: parts.providers }, deps)
    for (const realm of all) {
      const roles = await rolesOf(realm, idps, origin)
      if (roles === undefined) continue
      const { createOwnMetadata } = await loadPart('SAML', () => import('../federation/saml/own-metadata.ts'))
      const keys = await deps.samlKeys.of(realm.name)
      metadata.set(realm.name, createOwnMetadata({ entityId: idOf(realm), roles, keys, clock: deps.clock }))
    }
  } catch (error) {
    idps.close()
    throw error
  }
  return {
    idps,
    logouts,
    entityIdOf(name) {
      const realm = snapshot.realms.get(name)
      return realm && idOf(realm)
    },
    metadataOf: (name) => metadata.get(name)?.(),
    close() {
      idps.close()
      return Promise.resolve()
    },
  }
}

async function rolesOf(realm: RealmConfig, idps: SamlIdps, origin: string): Promise<OwnRoles | undefined> {
  const isIdp = idps.of(realm.name) !== undefined
  const isSp = Object.values(realm.identityProviders).some(({ type }) => type === 'saml')
  if (!isIdp && !isSp) return undefined
  const { bothBindings } = await loadPart('SAML', () => import('../federation/saml/own-metadata.ts'))
  const both = bothBindings(origin, realm.name, 'slo')
  const logout = [...both, ...both.slice(0, 1).map(({ location }) => ({ binding: 'soap' as const, location }))]
  const consumer = `${origin}${samlPath(realm.name)}/acs`
  return {
    idp: isIdp ? { signOn: bothBindings(origin, realm.name, 'sso'), logout } : undefined,
    sp: isSp ? { consumers: [{ binding: 'post', location: consumer }], logout } : undefined,
  }
}
