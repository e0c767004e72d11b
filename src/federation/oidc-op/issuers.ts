import type { RealmName } from '../../base/brand.ts'
import type { KeyRing } from '../../crypto/key-ring.ts'
import type { OutboxEntry } from '../../store/store.ts'
import type { Applications } from './applications.ts'
import { loadLibrary, type Library } from './library.ts'
import { providerOnDemand } from './provider-on-demand.ts'
import {
  createRealmProvider,
  type Ended,
  issuerPath,
  type ProviderDeps,
  type ProviderRealm,
  type RealmProvider,
} from './realm-provider.ts'

/** The OpenID providers of one configuration. */
export interface Issuers {
  /** The provider of a realm; `undefined` where it has none. */
  of(realm: RealmName): RealmProvider | undefined
  /** Whose address it is, and what of the path comes after its issuer. */
  at(path: string): { readonly realm: RealmName; readonly provider: RealmProvider; readonly path: string } | undefined
  /** What people of a realm have let applications do; `undefined` where it has no provider. */
  applications(realm: RealmName): Applications | undefined
  /** Rejects when a client could not be told. */
  sessionEnded(entry: Ended & Pick<OutboxEntry, 'realm'>): Promise<void>
}

/** Where no realm has clients. */
export const NO_ISSUERS: Issuers = {
  of: () => undefined,
  at: () => undefined,
  applications: () => undefined,
  sessionEnded: () => Promise.resolve(),
}

export type IssuersDeps = Omit<ProviderDeps, 'library' | 'keyRing'> & {
  readonly keyRing: Pick<KeyRing, 'all' | 'want'>
}

/** One for each realm with clients. Loads the library, and makes the first keys, when there is one; with agents alone, when one is visited. */
export async function createIssuers(realms: readonly ProviderRealm[], deps: IssuersDeps): Promise<Issuers> {
  const withClients = realms.filter(
    ({ file }) => file.registration !== undefined || file.clients.some(({ disabled }) => !disabled),
  )
  if (withClients.length === 0) return NO_ISSUERS
  const load = async (): Promise<Library> => {
    const library = await loadLibrary()
    await deps.keyRing.want(['oidc-rsa', 'oidc-ec'])
    return library
  }
  const isNeededNow = withClients.some(({ onDemand }) => !onDemand)
  const library = isNeededNow ? await load() : undefined
  const provider = (realm: ProviderRealm): RealmProvider =>
    library === undefined
      ? providerOnDemand(realm, deps, async () => createRealmProvider(realm, { ...deps, library: await load() }))
      : createRealmProvider(realm, { ...deps, library })
  const providers = new Map(withClients.map((realm) => [realm.name, provider(realm)]))
  const mounts = [...providers.keys()].map((realm) => ({ realm, mount: issuerPath(realm) }))
  // The longest first: below a realm's address those of the realms below it begin.
  mounts.sort((a, b) => b.mount.length - a.mount.length)
  return {
    of: (realm) => providers.get(realm),
    at(path) {
      const found = mounts.find(({ mount }) => path.startsWith(`${mount}/`))
      const provider = found && providers.get(found.realm)
      return found && provider && { realm: found.realm, provider, path: path.slice(found.mount.length) }
    },
    applications: (realm) => providers.get(realm)?.applications,
    sessionEnded: async (entry) => providers.get(entry.realm)?.sessionEnded(entry),
  }
}
