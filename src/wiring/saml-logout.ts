import type { RealmName } from '../base/brand.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { loadPart } from '../errors.ts'
import { createKeptMarks } from '../federation/logout/kept-marks.ts'
import type { LogoutProtocol } from '../federation/logout/logout-protocol.ts'
import type { TellProvider } from '../federation/logout/provider-ends.ts'
import { entityIdOf } from '../federation/saml/addresses.ts'
import type { SamlProviderEnd } from '../federation/saml-logout/provider-end.ts'
import type { RealmLogout } from '../federation/saml-logout/realm-logout.ts'
import { SAML_PROTOCOLS } from '../federation/saml-logout/peer-roles.ts'
import type { SamlIdps } from '../federation/saml-idp/idps.ts'
import type { OutboxEntry } from '../store/store.ts'
import type { RuntimeDeps } from './deps.ts'
import { withoutSites } from './saml-agents.ts'
import type { OpenProviders } from './providers.ts'

/** Single logout by SAML of the realms that have partners of either kind. */
export interface SamlLogouts {
  of(realm: RealmName): RealmLogout | undefined
  /** For all realms; none where none has partners. */
  readonly protocols: readonly LogoutProtocol[]
  /** Rejects when a partner could not be told. */
  sessionEnded(entry: Pick<OutboxEntry, 'realm' | 'sid'>): Promise<void>
  /** Rejects when the provider that a session began with could not be told of its end. */
  readonly providerEnded: TellProvider
}

const NONE: SamlLogouts = {
  of: () => undefined,
  protocols: [],
  sessionEnded: () => Promise.resolve(),
  providerEnded: () => Promise.resolve(),
}

export interface SamlLogoutParts {
  readonly idps: SamlIdps
  readonly providers: Pick<OpenProviders, 'samlPeers'>
}

export async function samlLogoutsOf(
  snapshot: ConfigSnapshot,
  { idps, providers }: SamlLogoutParts,
  deps: RuntimeDeps,
): Promise<SamlLogouts> {
  const realms = [...snapshot.realms.values()].filter(
    ({ name }) => idps.of(name) !== undefined || providers.samlPeers.has(name),
  )
  if (realms.length === 0) return NONE
  const { createRealmLogout, loginHostDestinations, createSamlProviderEnd, createPeers, createUsedOnce, callPartner } =
    await loadPart('SAML', async () => ({
      ...(await import('../federation/saml-logout/realm-logout.ts')),
      ...(await import('../federation/saml-logout/provider-end.ts')),
      ...(await import('../federation/saml-logout/peers.ts')),
      ...(await import('../federation/saml/used-once.ts')),
      ...(await import('../federation/saml-logout/partner-call.ts')),
    }))
  const { origin } = new URL(snapshot.gatehouse.login.url)
  const { store, clock, log } = deps
  const all = new Map<RealmName, RealmLogout>()
  const ends = new Map<RealmName, SamlProviderEnd>()
  const marks = createKeptMarks(deps)
  for (const { name: realm, openId } of realms) {
    const idp = idps.of(realm)
    const peers = createPeers({
      idp: idp && withoutSites(idp, snapshot.agents),
      providers: providers.samlPeers.get(realm) ?? [],
    })
    const parts = {
      ...{
        realm,
        destinations: loginHostDestinations(origin, realm),
        entityId: entityIdOf(origin, realm, openId.saml.entityId),
        peers,
        clock,
        log,
      },
      keys: await deps.samlKeys.of(realm),
      used: createUsedOnce(store.oneTime, clock),
      soap: callPartner,
    }
    const [logout, end] = [createRealmLogout(parts), createSamlProviderEnd(parts, marks)]
    ends.set(realm, end)
    all.set(realm, {
      ...logout,
      async forget(peer, sid) {
        await logout.forget(peer, sid)
        await end.endedBy(peer.entityId, sid)
      },
    })
  }
  return {
    of: (realm) => all.get(realm),
    protocols: (['sp', 'idp'] as const).map((role) => ({
      name: SAML_PROTOCOLS[role],
      knownTo: async (session) => (await all.get(session.realm)?.protocols[role].knownTo(session)) ?? [],
      request: async (realm, stop) => all.get(realm)?.protocols[role].request(realm, stop),
      answer: async (departure, isComplete) => all.get(departure.realm)?.protocols[role].answer(departure, isComplete),
      ...(role === 'idp' ? { visited: async (session) => ends.get(session.realm)?.visited(session) } : {}),
      untold: async (realm, sid) =>
        (await (role === 'idp' ? ends.get(realm)?.untold(sid) : all.get(realm)?.protocols[role].untold(realm, sid))) ??
        new Set(),
    })),
    sessionEnded: async ({ realm, sid }) => all.get(realm)?.sessionEnded(sid),
    providerEnded: async ({ text }, { realm, isTold }) => ends.get(realm)?.ended(text, isTold),
  }
}
