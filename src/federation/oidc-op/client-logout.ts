import type { RealmName } from '../../base/brand.ts'
import type { Store } from '../../store/store.ts'
import type { LogoutProtocol } from '../logout/logout-protocol.ts'
import { recordKey } from './adapter.ts'
import type { OidcClientConfig } from './clients.schema.ts'
import { shortLived } from './records.ts'
import type { SessionRecord } from './sso-sessions.ts'

/** Name of the protocol by which clients know people. */
export const OIDC_CLIENTS = 'oidc-client'

export interface ClientLogoutDeps {
  readonly store: Pick<Store, 'versioned'>
  /** Clients of a realm by id, those alone that are somebody else's; none where the realm has no provider. */
  readonly clientsOf: (realm: RealmName) => ReadonlyMap<string, OidcClientConfig>
}

/** OpenID clients are told from here (`session-ends.ts`), or not at all: no browser is taken to them. */
export function clientLogout({ store, clientsOf }: ClientLogoutDeps): LogoutProtocol {
  const shelf = shortLived(store)
  const known = async (realm: RealmName, sid: string): Promise<readonly OidcClientConfig[]> => {
    const clients = clientsOf(realm)
    const found = clients.size === 0 ? undefined : await shelf.load(recordKey(realm)('SsoSession', sid))
    const record = found && (JSON.parse(found.value) as SessionRecord)
    return Object.keys(record?.authorizations ?? {}).flatMap((id) => clients.get(id) ?? [])
  }
  return {
    name: OIDC_CLIENTS,
    knownTo: async ({ realm, sid }) =>
      (await known(realm, sid)).map(({ id, name, backchannelLogoutUri }) => ({
        ...{ protocol: OIDC_CLIENTS, partner: id, title: name ?? id },
        way: backchannelLogoutUri === undefined ? 'none' : 'server',
      })),
    untold: async (realm, sid) => new Set((await known(realm, sid)).map(({ id }) => id)),
    request: () => Promise.resolve(undefined),
    answer: () => Promise.resolve(undefined),
  }
}
