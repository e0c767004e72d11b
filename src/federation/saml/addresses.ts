import type { RealmName } from '../../base/brand.ts'

/** Path of everything that a realm says and hears by SAML, on the login host: `/saml2/employees`; `/saml2` for the root realm. */
export function samlPath(realm: RealmName): string {
  return realm === '/' ? '/saml2' : `/saml2${realm}`
}

/** What partners call the realm where the configuration says nothing else: the address of its metadata. */
export function entityIdOf(origin: string, realm: RealmName, configured: string | undefined): string {
  return configured ?? `${origin}${samlPath(realm)}/metadata`
}
