import type { RealmName } from '../base/brand.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { createDepartures } from '../federation/logout/departures.ts'
import { createKeptMarks } from '../federation/logout/kept-marks.ts'
import { createLeaving, type Leaving } from '../federation/logout/leaving.ts'
import type { LogoutProtocol } from '../federation/logout/logout-protocol.ts'
import { providerLogout } from '../federation/logout/provider-logout.ts'
import { clientLogout } from '../federation/oidc-op/client-logout.ts'
import type { OidcClientConfig } from '../federation/oidc-op/clients.schema.ts'
import { MARK, markOf } from '../federation/oidc-rp/session-mark.ts'
import type { Session } from '../session/session.ts'
import type { RuntimeDeps } from './deps.ts'
import { logoutAt, type RealmProviders } from './providers.ts'

/** Signing out at partners: first at those who know people from us, then where we know them from. */
export function leavingOf(
  snapshot: ConfigSnapshot,
  { providers, saml }: { readonly providers: RealmProviders; readonly saml: readonly LogoutProtocol[] },
  deps: RuntimeDeps,
): Leaving {
  const { store, sealer, log } = deps
  const clients = new Map(
    [...snapshot.realms.values()].map(({ name, openId }) => [name, byId(openId.clients)] as const),
  )
  const clientsOf = (realm: RealmName): ReadonlyMap<string, OidcClientConfig> => clients.get(realm) ?? new Map()
  const hasClients = [...clients.values()].some(({ size }) => size > 0)
  const marks = createKeptMarks(deps)
  const visited = async ({ sid, properties }: Session): Promise<void> => {
    const mark = markOf({ properties })
    if (mark !== undefined) await marks.visited(sid, MARK, mark.provider)
  }
  return createLeaving({
    departures: createDepartures({ versioned: store.versioned, sealer }),
    protocols: [
      ...(hasClients ? [clientLogout({ store, clientsOf })] : []),
      ...saml,
      ...(providers.size > 0 ? [providerLogout(logoutAt(providers, snapshot.gatehouse.login.url), visited)] : []),
    ],
    log,
  })
}

function byId(clients: readonly OidcClientConfig[]): ReadonlyMap<string, OidcClientConfig> {
  return new Map(clients.filter(({ disabled }) => !disabled).map((client) => [client.id, client]))
}
