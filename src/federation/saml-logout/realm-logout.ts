import { randomUUID } from 'node:crypto'
import type { RealmName } from '../../base/brand.ts'
import type { Departure, Stop } from '../logout/departure.ts'
import type { Carried, KnownTo, LogoutProtocol } from '../logout/logout-protocol.ts'
import { samlPath } from '../saml/addresses.ts'
import { issuerOf, openMessage, type GateMessage, type Inbound } from '../saml/gate.ts'
import { readDocument } from '../saml/document.ts'
import { xmlOfField } from '../saml/message-bytes.ts'
import { isValidAt } from '../saml/partner-keys.ts'
import { readRedirectQuery } from '../saml/redirect-query.ts'
import { judged, type SamlRefusal } from '../saml/refusal.ts'
import { isBrowserEndpoint, soapOf } from './endpoints.ts'
import {
  carried,
  enveloped,
  isLogoutSuccess,
  readLogoutRequest,
  writeLogoutRequest,
  writeLogoutResponse,
  type LogoutStatus,
  type Named,
} from './messages.ts'
import { SAML_PROTOCOLS, type PeerRole } from './peer-roles.ts'
import type { Acquaintance, Peer, Peers } from './peers.ts'
import type { RealmLogoutDeps } from './logout-deps.ts'
import { tellBySoap } from './soap.ts'

/** What a partner has said, or asked. */
export type Heard =
  | (SamlRefusal & { readonly partner: string | undefined })
  /** An answer to a message of ours; whether somebody waits for it is for the departures to say. */
  | {
      readonly kind: 'answer'
      /** In each role that may have been asked. */
      readonly peers: readonly Peer[]
      readonly requestId: string
      readonly isDone: boolean
    }
  | {
      readonly kind: 'request'
      readonly peer: Peer
      /** Sessions here that it means, all of them its own; none where it names nobody. */
      readonly sids: readonly string[]
      /** What its answer has to know. */
      readonly reply: Reply
    }

export interface Reply {
  readonly role: PeerRole
  readonly partner: string
  readonly inResponseTo: string
  readonly relayState: string | undefined
  readonly binding: Inbound['binding']
}

/** Single logout of one realm by SAML 2.0 (Profiles §4.4), with partners of both kinds. */
export interface RealmLogout {
  readonly protocols: Readonly<Record<PeerRole, LogoutProtocol>>
  /** Rejects with GH_STORE_UNAVAILABLE. */
  receive(inbound: Inbound, isResponse: boolean): Promise<Heard>
  /** A session is ended by who asked for it: it is not told again. */
  forget(peer: Peer, sid: string): Promise<void>
  /** What the browser takes back; `undefined` where the partner has no address for it. */
  answer(reply: Reply, status: LogoutStatus): Promise<Carried | undefined>
  /** The answer to who has asked by SOAP. */
  soapAnswer(reply: Reply, status: LogoutStatus): string
  /** A session has ended, wherever and why ever: rejects when somebody could not be told from here. */
  sessionEnded(sid: string): Promise<void>
}

/** How far a partner's clock may be off, in milliseconds. */
const SKEW_MS = 60_000
/** RelayState of a partner's is given back to it, and goes nowhere else. */
const LONGEST_RELAY_STATE = 512

export function createRealmLogout(deps: RealmLogoutDeps): RealmLogout {
  const { realm, destinations, entityId, keys, peers, used, clock } = deps

  const protocol = (role: PeerRole): LogoutProtocol => ({
    name: SAML_PROTOCOLS[role],
    async knownTo(session) {
      if (session.realm !== realm) return []
      if (role === 'sp') return (await peers.applicationsOf(session.sid)).map(knownTo)
      const provider = await peers.providerOf(session)
      return provider === undefined ? [] : [providerKnownTo(provider)]
    },
    async request(_realm, { partner, data }: Stop) {
      const peer = await peers.byId(role, partner)
      const to = peer?.logout.find(isBrowserEndpoint)
      if (peer === undefined || to === undefined) return undefined
      const [id, now] = [`_${randomUUID()}`, clock()]
      const encryptFor = peer.encryption?.find((key) => isValidAt(key, now))
      // Never in the clear where it was to be encrypted.
      if (peer.encryption !== undefined && encryptFor === undefined) return undefined
      const sent = { id, now, destination: to.location, issuer: entityId }
      const xml = writeLogoutRequest(sent, JSON.parse(data) as Named, encryptFor)
      return carried(xml, to, { field: 'SAMLRequest', id, relayState: undefined, signer: keys.signing() })
    },
    answer: ({ ending }: Departure, isComplete) =>
      ending.kind === 'answer'
        ? answer(JSON.parse(ending.data) as Reply, isComplete ? 'success' : 'partial')
        : Promise.resolve(undefined),
    async untold(_realm, sid) {
      return new Set(role === 'sp' ? (await peers.applicationsOf(sid)).map(({ peer }) => peer.id) : [])
    },
  })

  const answer = async (reply: Reply, status: LogoutStatus): Promise<Carried | undefined> => {
    const peer = await peers.byId(reply.role, reply.partner)
    const all = peer?.logout.filter(isBrowserEndpoint) ?? []
    const to = all.find(({ binding }) => binding === reply.binding) ?? all[0]
    if (to === undefined) return undefined
    const location = to.responseLocation ?? to.location
    const { id, xml } = response(reply, location, status)
    const { relayState } = reply
    return carried(xml, { ...to, location }, { field: 'SAMLResponse', id, relayState, signer: keys.signing() })
  }

  const response = ({ inResponseTo }: Reply, destination: string | undefined, status: LogoutStatus) => {
    const id = `_${randomUUID()}`
    const sent = { id, now: clock(), destination, issuer: entityId }
    return { id, xml: writeLogoutResponse(sent, inResponseTo, status) }
  }

  return {
    protocols: { sp: protocol('sp'), idp: protocol('idp') },

    async receive(inbound, isResponse) {
      const senders = await sendersOf(inbound, isResponse, peers)
      const openedBy = (peer: Peer | undefined) =>
        openMessage(inbound, {
          expects: isResponse ? 'LogoutResponse' : 'LogoutRequest',
          partner: (issuer) => (issuer === peer?.entityId ? peer : undefined),
          destinations,
          signed: 'message',
          moment: { now: clock(), skewMs: SKEW_MS },
        })
      const [first, ...others] = senders
      // A role counts where its own keys have signed the message.
      const tried = [openedBy(first), ...others.map(openedBy)] as const
      const opened = tried.find((message) => message.kind === 'message') ?? tried[0]
      const partner = first?.id
      if (opened.kind === 'refused') return { ...opened, partner }
      const { id, staleAt } = opened
      const read = judged(() => (isResponse ? heardAnswer(opened) : asked(opened, deps)))
      if (read.kind === 'refused') return { ...read, partner }
      // After it was found good: nobody else uses up an id.
      if (!(await used.use({ realm, issuer: opened.partner.entityId, id, staleAt })))
        return { kind: 'refused', reason: 'saml-replayed', detail: 'a message that has come before', partner }
      const roles = tried.flatMap((message) => (message.kind === 'message' ? [message.partner] : []))
      if (read.kind === 'answer') return { ...read, peers: roles }
      const { nameId, sessionIndexes, reply } = read
      const known = await Promise.all(
        roles.map(async (role) => ({ role, sids: await peers.sessionsOf(role, nameId, sessionIndexes) })),
      )
      const peer = known.find(({ sids }) => sids.length > 0)?.role ?? opened.partner
      const by = { role: peer.role, partner: peer.id, binding: inbound.binding }
      return { kind: 'request', peer, sids: known.flatMap(({ sids }) => sids), reply: { ...reply, ...by } }
    },

    forget: (peer, sid) => peers.forget(peer, sid),
    answer,
    soapAnswer(reply, status) {
      const { id, xml } = response(reply, undefined, status)
      return enveloped(xml, id, keys.signing())
    },
    sessionEnded: (sid) => tellBySoap(sid, deps),
  }
}

function knownTo({ peer, named }: Acquaintance): KnownTo {
  const known = { protocol: SAML_PROTOCOLS[peer.role], partner: peer.id, title: peer.title }
  // Who can be told from here is: it takes no browser, and reaches them also when that is closed.
  if (soapOf(peer) !== undefined) return { ...known, way: 'server' }
  return peer.logout.some(isBrowserEndpoint)
    ? { ...known, way: 'browser', data: JSON.stringify(named) }
    : { ...known, way: 'none' }
}

/** The browser is taken to a provider where it can be: that one has a session of its own with it. */
function providerKnownTo({ peer, named }: Acquaintance): KnownTo {
  const known = { protocol: SAML_PROTOCOLS[peer.role], partner: peer.id, title: peer.title }
  return peer.logout.some(isBrowserEndpoint)
    ? { ...known, way: 'browser', data: JSON.stringify(named) }
    : { ...known, way: soapOf(peer) === undefined ? 'none' : 'server' }
}

function heardAnswer({ element, inResponseTo }: GateMessage<Peer>) {
  // One that answers nothing is of no use to anybody (§4.4.3.4).
  return { kind: 'answer' as const, requestId: inResponseTo ?? '', isDone: isLogoutSuccess(element) }
}

function asked({ element, id, relayState }: GateMessage<Peer>, { clock, keys }: RealmLogoutDeps) {
  const moment = { now: clock(), skewMs: SKEW_MS }
  const request = readLogoutRequest(element, { moment, keys: keys.all('saml-encryption').map(({ key }) => key) })
  const isShort = Buffer.byteLength(relayState ?? '') <= LONGEST_RELAY_STATE
  const reply = { inResponseTo: id, relayState: isShort ? relayState : undefined }
  return { kind: 'asked' as const, ...request, reply }
}

/** Who a message says it is of, so that their metadata is there when it is checked. Nothing else is believed of it yet. */
async function sendersOf(inbound: Inbound, isResponse: boolean, peers: Peers): Promise<readonly Peer[]> {
  const issuer = judged(() => {
    const field = isResponse ? 'SAMLResponse' : 'SAMLRequest'
    if (inbound.binding === 'redirect')
      return { kind: 'named' as const, name: issuerOf(readDocument(readRedirectQuery(inbound.query, field).xml)) }
    const root = readDocument(inbound.binding === 'post' ? xmlOfField(inbound.field) : inbound.body)
    const message = inbound.binding === 'soap' ? root.children.at(-1)?.children[0] : root
    return { kind: 'named' as const, name: message === undefined ? '' : issuerOf(message) }
  })
  return issuer.kind === 'named' ? peers.byEntityId(issuer.name) : []
}

/** On the login host: ours, and those that OpenAM has for it. */
export function loginHostDestinations(origin: string, realm: RealmName): readonly string[] {
  const path = realm === '/' ? '' : realm
  const names = ['Redirect', 'POST', 'Soap']
  return [
    `${origin}${samlPath(realm)}/slo`,
    ...['', '/am', '/openam'].flatMap((prefix) =>
      names.flatMap((name) => [
        `${origin}${prefix}/IDPSlo${name}/metaAlias${path}/idp`,
        `${origin}${prefix}/SPSlo${name}/metaAlias${path}/sp`,
      ]),
    ),
  ]
}
