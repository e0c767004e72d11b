import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { RequestOrigin, Session, SessionService } from '../../session/session.ts'
import type { Store } from '../../store/store.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Inbound } from '../saml/gate.ts'
import type { MetadataFeed } from '../saml/metadata-feed.ts'
import type { IdentityProvider } from '../saml/metadata.ts'
import type { RealmKeys } from '../saml/realm-keys.ts'
import { createUsedOnce } from '../saml/used-once.ts'
import { callPartner } from '../saml-logout/partner-call.ts'
import { createPeers } from '../saml-logout/peers.ts'
import { createRealmLogout } from '../saml-logout/realm-logout.ts'
import type { IdpSessions } from '../saml-sp/idp-sessions.ts'
import type { SamlAgent } from './agent-partner.ts'
import type { SamlSsoConfig } from './sso-provider.schema.ts'

/** A site as the provider knows it that tells it who has signed out. */
export interface SigningOutSite extends Pick<SamlAgent, 'agent' | 'entityId'> {
  readonly realm: RealmName
  /** The one address for messages about signing out. */
  readonly logoutUrl: string
}

export interface RemoteLogoutDeps {
  readonly metadata: MetadataFeed<IdentityProvider>
  readonly atProvider: IdpSessions
  readonly keys: RealmKeys
  readonly store: Pick<Store, 'oneTime'>
  readonly sessions: Pick<SessionService, 'end'>
  readonly audit: AuditSink
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'error'>
}

type Heard =
  | { readonly kind: 'redirect'; readonly url: string }
  | { readonly kind: 'soap'; readonly xml: string }
  | { readonly kind: 'signed-out' }
  | { readonly kind: 'refused'; readonly reason: string }

/** Signing out, both ways, between a site and the provider elsewhere by which its people sign in. */
export function createRemoteLogout(agent: SigningOutSite, config: SamlSsoConfig, deps: RemoteLogoutDeps) {
  const { realm, entityId, logoutUrl } = agent
  const { metadata, atProvider, keys, store, sessions, audit, clock, log } = deps
  const { metadataUrl } = config
  const logout = createRealmLogout({
    ...{ realm, entityId, destinations: [logoutUrl], keys, clock, log },
    peers: createPeers({
      idp: undefined,
      providers: [
        {
          name: agent.agent,
          config: { entityId: config.entityId, title: config.entityId, metadataUrl },
          metadata: byRedirect(metadata),
          sessions: atProvider,
        },
      ],
    }),
    used: createUsedOnce(store.oneTime, clock),
    soap: callPartner,
  })
  const provider = logout.protocols.idp

  return {
    /** Where the session's person signs out there; `undefined` where it began otherwise, or there is no address for it. */
    async url(session: Session): Promise<string | undefined> {
      const [known] = await provider.knownTo(session)
      if (known?.way !== 'browser') return undefined
      return (await provider.request(realm, { ...known, state: 'waiting' }))?.url
    },

    async receive(inbound: Inbound, isResponse: boolean, origin: RequestOrigin): Promise<Heard> {
      const heard = await logout.receive(inbound, isResponse)
      if (heard.kind === 'refused') {
        const { partner, reason, detail } = heard
        const { requestId, clientIp } = origin
        const about = { at: clock(), requestId, clientIp, realm, partner }
        audit.record({ event: 'SamlRefused', ...about, reason: `${reason}: ${detail}` })
        return { kind: 'refused', reason }
      }
      if (heard.kind === 'answer') return { kind: 'signed-out' }
      for (const sid of heard.sids) await sessions.end(sid, 'provider', origin)
      const { reply } = heard
      if (reply.binding === 'soap') return { kind: 'soap', xml: logout.soapAnswer(reply, 'success') }
      const carried = await logout.answer(reply, 'success')
      return carried === undefined ? { kind: 'signed-out' } : { kind: 'redirect', url: carried.url }
    },
  }
}

/** The same metadata with those addresses for signing out alone that a browser is sent to by an address: sites have no page to send a form from. */
function byRedirect(metadata: MetadataFeed<IdentityProvider>): MetadataFeed<IdentityProvider> {
  return {
    ...metadata,
    async partner() {
      const found = await metadata.partner()
      if (found === undefined) return undefined
      const logout = found.role.logout.filter(({ binding }) => binding === 'redirect')
      return { ...found, role: { ...found.role, logout } }
    },
  }
}
