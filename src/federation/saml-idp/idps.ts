import type { RealmName } from '../../base/brand.ts'
import type { KeyRing } from '../../crypto/key-ring.ts'
import { loadPart } from '../../errors.ts'
import { samlPath } from '../saml/addresses.ts'
import type { SamlKeys } from '../saml/realm-keys.ts'
import type { IdpDeps, IdpRealm, RealmIdp } from './realm-idp.ts'

/** The SAML identity providers of one configuration. */
export interface SamlIdps {
  of(realm: RealmName): RealmIdp | undefined
  /** The partner that the login, by this address of ours, leads on to. */
  partnerAt(url: URL): ReturnType<RealmIdp['partnerOf']>
  close(): void
}

export interface IdpsDeps extends IdpDeps {
  readonly samlKeys: SamlKeys
  readonly keyRing: Pick<KeyRing, 'want'>
}

/** Where no realm has partners. */
export const NO_IDPS: SamlIdps = { of: () => undefined, partnerAt: () => undefined, close: () => undefined }

/** One for each realm with partners. Loads what reads and signs messages, and makes the first keys, when there is one. */
export async function createSamlIdps(realms: readonly IdpRealm[], deps: IdpsDeps): Promise<SamlIdps> {
  const withPartners = realms.filter(({ saml }) => saml.serviceProviders.some(({ disabled }) => !disabled))
  if (withPartners.length === 0) return NO_IDPS
  const { createRealmIdp } = await loadPart('SAML', () => import('./realm-idp.ts'))
  await deps.keyRing.want(['saml-request'])
  const keys = await Promise.all(withPartners.map(({ name }) => deps.samlKeys.of(name)))
  const all = new Map<RealmName, RealmIdp>()
  const close = (): void => {
    for (const idp of all.values()) idp.close()
  }
  try {
    withPartners.forEach((realm, index) => {
      const own = keys[index]
      if (own !== undefined) all.set(realm.name, createRealmIdp(realm, own, deps))
    })
  } catch (error) {
    close()
    throw error
  }
  return {
    of: (realm) => all.get(realm),
    partnerAt({ pathname, searchParams }) {
      const sealed = searchParams.get('on')
      if (sealed === null) return undefined
      for (const [realm, idp] of all) if (pathname === `${samlPath(realm)}/continue`) return idp.partnerOf(sealed)
      return undefined
    },
    close,
  }
}
