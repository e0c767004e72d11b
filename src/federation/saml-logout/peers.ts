import type { Session } from '../../session/session.ts'
import { markOf } from '../saml-sp/session-mark.ts'
import type { NameId } from '../saml/assertion.ts'
import type { Endpoint } from '../saml/metadata-endpoints.ts'
import type { EncryptionKey } from '../saml/metadata-keys.ts'
import type { PartnerKey } from '../saml/partner-keys.ts'
import type { IdpSession } from '../saml-sp/idp-sessions.ts'
import type { RealmIdp } from '../saml-idp/realm-idp.ts'
import type { SamlIdpPeer } from '../saml-sp/open-providers.ts'
import type { Named } from './messages.ts'
import type { PeerRole } from './peer-roles.ts'

/** A partner as it is now, as far as it is about signing out. */
export interface Peer {
  readonly role: PeerRole
  /** Id in the configuration. */
  readonly id: string
  readonly title: string
  readonly entityId: string
  readonly keys: readonly PartnerKey[]
  readonly logout: readonly Endpoint[]
  /** Whether its addresses may be inside this network: the configuration has them, or says so of where they come from. */
  readonly isInternal: boolean
  /** Keys for names, where the browser is to read none; absent where it may. */
  readonly encryption?: readonly EncryptionKey[] | undefined
}

/** Whom a session of ours is known to, and as whom. */
export interface Acquaintance {
  readonly peer: Peer
  readonly named: Named
}

/** Both kinds of partners of one realm. Everything may reject, as the store does. */
export interface Peers {
  /** In each role that the partner has: an application and a provider at once, as another gateway may be, is both. */
  byEntityId(entityId: string): Promise<readonly Peer[]>
  byId(role: PeerRole, id: string): Promise<Peer | undefined>
  /** Applications that a session has signed somebody in at, also when it is over. */
  applicationsOf(sid: string): Promise<readonly Acquaintance[]>
  /** The provider that it began with. Rejects where its metadata is not to be had. */
  providerOf(session: Pick<Session, 'properties'>): Promise<(Acquaintance & { readonly named: IdpSession }) | undefined>
  /** Names of sessions here that the partner knows by this name; of these sessions there alone where any are named. Never those of others. */
  sessionsOf(peer: Peer, nameId: NameId, indexes: readonly string[]): Promise<readonly string[]>
  /** The partner has heard of the end of the session, or has ended it itself: it is not told. */
  forget(peer: Peer, sid: string): Promise<void>
  /** What a provider calls a session of its is not asked for any more. */
  forgetProvider(session: Pick<Session, 'properties'>): Promise<void>
  /** Some could not be told; returns how often that was. */
  toldInVain(sid: string): Promise<number>
}

export interface PeersDeps {
  readonly idp: RealmIdp | undefined
  readonly providers: readonly SamlIdpPeer[]
}

/** What is left of a session is kept no longer than an outbox tries. */
const LEFT_MS = 25 * 60 * 60_000

export function createPeers({ idp, providers }: PeersDeps): Peers {
  const application = async (
    found: ReturnType<RealmIdp['partners']['byId']> | undefined,
  ): Promise<Peer | undefined> => {
    const partner = await found
    if (partner === undefined) return undefined
    const { config, title, metadata } = partner
    const { signing: keys, logout } = metadata.role
    const { id, entityId } = config
    const isInternal = config.metadataUrl?.internal ?? true
    const encryption = config.encrypt ? metadata.role.encryption : undefined
    return { role: 'sp', id, title, entityId, keys, logout, isInternal, encryption }
  }
  const provider = async (found: SamlIdpPeer | undefined): Promise<Peer | undefined> => {
    const partner = await found?.metadata.partner()
    if (found === undefined || partner === undefined) return undefined
    const { signing: keys, logout } = partner.role
    const { title, metadataUrl } = found.config
    const isInternal = metadataUrl?.internal ?? true
    return { role: 'idp', id: found.name, title, entityId: partner.entityId, keys, logout, isInternal }
  }

  return {
    async byEntityId(entityId) {
      const both = await Promise.all([
        application(idp?.partners.byEntityId(entityId)),
        provider(providers.find(({ config }) => config.entityId === entityId)),
      ])
      return both.filter((peer) => peer !== undefined)
    },
    byId: (role, id) =>
      role === 'sp' ? application(idp?.partners.byId(id)) : provider(providers.find(({ name }) => name === id)),

    async applicationsOf(sid) {
      const known: Acquaintance[] = []
      for (const { partner, entityId, nameId, sessionIndex } of (await idp?.sessions.ofSession(sid))?.entries ?? []) {
        const peer = await application(idp?.partners.byId(partner))
        if (peer === undefined) continue
        const qualifiers = nameId.isPairwise ? { nameQualifier: idp?.entityId, spNameQualifier: entityId } : {}
        known.push({ peer, named: { nameId: { ...nameId, ...qualifiers }, sessionIndex } })
      }
      return known
    },
    async providerOf(session) {
      const mark = markOf(session)
      const found = mark && providers.find(({ name }) => name === mark.provider)
      const named = await found?.sessions.of(session)
      if (found === undefined || named === undefined) return undefined
      const peer = await provider(found)
      if (peer === undefined) throw new Error(`the metadata of ${found.name} is not to be had`)
      return { peer, named }
    },

    async sessionsOf({ role, id, entityId }, nameId, indexes) {
      if (role === 'idp') {
        const sessions = providers.find(({ name }) => name === id)?.sessions
        return ((await sessions?.sessionsOf(nameId, indexes)) ?? []).map(({ sid }) => sid)
      }
      const all = (await idp?.sessions.knownAs(entityId, nameId.value)) ?? []
      const meant = all.filter(({ sessionIndex }) => indexes.length === 0 || indexes.includes(sessionIndex))
      return meant.map(({ sid }) => sid)
    },

    async forget({ role, id }, sid) {
      if (role !== 'sp' || idp === undefined) return
      const found = await idp.sessions.ofSession(sid)
      if (found === undefined) return
      const entries = found.entries.filter(({ partner }) => partner !== id)
      if (entries.length === 0) await idp.sessions.remove(sid)
      else await idp.sessions.replace(sid, { ...found, entries }, LEFT_MS)
    },

    async forgetProvider(session) {
      const mark = markOf(session)
      await providers.find(({ name }) => name === mark?.provider)?.sessions.forget(session)
    },

    async toldInVain(sid) {
      const found = await idp?.sessions.ofSession(sid)
      if (idp === undefined || found === undefined) return 0
      const tries = (found.tries ?? 0) + 1
      await idp.sessions.replace(sid, { ...found, tries }, LEFT_MS)
      return tries
    },
  }
}
