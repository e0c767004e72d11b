import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import { samlPath } from './addresses.ts'
import { writeMetadata, type OwnEndpoint } from './metadata-writer.ts'
import { NAME_ID } from './names.ts'
import type { RealmKeys } from './realm-keys.ts'

export interface OwnRoles {
  /** Where the realm's partners send people to sign in, and to sign out; absent where it has none. */
  readonly idp?: { readonly signOn: readonly OwnEndpoint[]; readonly logout: readonly OwnEndpoint[] } | undefined
  /** Where providers that its people sign in by send them back. */
  readonly sp?: { readonly consumers: readonly OwnEndpoint[]; readonly logout: readonly OwnEndpoint[] } | undefined
}

export interface OwnMetadataDeps {
  readonly entityId: string
  readonly roles: OwnRoles
  readonly keys: RealmKeys
  readonly clock: Clock
}

/** The signed metadata of a realm as of now. */
export type OwnMetadata = () => string

/** How long partners may keep it. Keys are published for longer before they sign. */
const CACHE_MS = 6 * 60 * 60_000
/** Signing takes a millisecond, and anybody may ask. */
const KEPT_MS = 30_000

export function createOwnMetadata({ entityId, roles, keys, clock }: OwnMetadataDeps): OwnMetadata {
  let made: { readonly at: number; readonly xml: string } | undefined
  const nameIdFormats = [NAME_ID.persistent, NAME_ID.transient, NAME_ID.email, NAME_ID.unspecified]
  return () => {
    const now = clock()
    if (made !== undefined && Math.abs(now - made.at) < KEPT_MS) return made.xml
    const signing = keys.all('saml-signing')
    const { idp, sp } = roles
    const xml = writeMetadata({
      ...{ entityId, signer: keys.signing(), now, cacheMs: CACHE_MS },
      idp: idp && { ...idp, signing, encryption: [], nameIdFormats, wantsRequestsSigned: false },
      sp: sp && { ...sp, signing, encryption: keys.all('saml-encryption'), nameIdFormats: [] },
    })
    made = { at: now, xml }
    return xml
  }
}

/** One address for both bindings. */
export function bothBindings(origin: string, realm: RealmName, name: string): readonly OwnEndpoint[] {
  const location = `${origin}${samlPath(realm)}/${name}`
  return [
    { binding: 'redirect', location },
    { binding: 'post', location },
  ]
}
