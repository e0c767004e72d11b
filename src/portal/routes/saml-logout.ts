import type { Request, Response } from 'express'
import type { RealmName } from '../../base/brand.ts'
import type { Plan } from '../../federation/logout/leaving.ts'
import type { Heard, RealmLogout } from '../../federation/saml-logout/realm-logout.ts'
import { SAML_PROTOCOLS } from '../../federation/saml-logout/peer-roles.ts'
import type { Inbound } from '../../federation/saml/gate.ts'
import type { Session } from '../../session/session.ts'
import { withQuery } from '../login-request.ts'
import { drawOpPage } from '../op-pages.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { CompiledRealm } from '../realms.ts'
import { openVisit, type Visit } from '../visit.ts'
import { depart, showGoing } from './departure.ts'

const REALM = '((?:/[a-z0-9][a-z0-9-]{0,62})*)'
/** Ours, and those that OpenAM has for it, in its usual places. */
export const SAML_LOGOUT = new RegExp(
  `^(?:/saml2${REALM}/slo|/(?:am/|openam/)?(?:IDP|SP)Slo(?:Redirect|POST|Soap)/metaAlias${REALM}/(?:idp|sp))$`,
)

/** Where OpenAM has a browser begin. */
export const SAML_LOGOUT_INIT =
  /^\/(?:am\/|openam\/)?(?:(?:IDP|SP)SloInit|saml2\/jsp\/(?:idp|sp)SingleLogoutInit\.jsp)$/

/** Our own page, which asks first; where it was to lead is checked there as any other place. */
export function showSamlLogoutInit(parts: PortalParts, visit: Visit): void {
  const path = /^(.*)\/(?:idp|sp)$/.exec(visit.query('metaAlias') ?? '')?.[1]
  const realm = path === undefined ? undefined : parts.realms.get((path === '' ? '/' : path) as RealmName)
  const goto = visit.query('RelayState')
  visit.redirect(
    302,
    withQuery('/logout', [
      ...(realm === undefined ? [] : [['realm', realm.name] as const]),
      ...(goto === undefined ? [] : [['goto', goto] as const]),
    ]),
  )
}

/**
 * `/saml2/<realm>/slo`: a partner has signed somebody out, or wants it done (SAML Profiles 2.0 §4.4). What comes by a form of another site
 * brings no cookie of ours: everything is by the message, which is signed. False where the realm has no partners.
 */
export async function serveSamlLogout(parts: PortalParts, request: Request, response: Response): Promise<boolean> {
  const visit = openVisit(parts, request, response)
  const [, own, alias] = SAML_LOGOUT.exec(visit.path) ?? []
  const path = own ?? alias
  const realm = path === undefined ? undefined : parts.realms.get((path === '' ? '/' : path) as RealmName)
  const logout = realm && parts.saml.logouts.of(realm.name)
  if (realm === undefined || logout === undefined) return false
  const { inbound, isResponse } = inboundOf(request, visit)
  const heard = await logout.receive(inbound, isResponse)
  const answering = { parts, visit, realm, logout, response }
  if (heard.kind === 'refused') refuse(answering, heard)
  else if (heard.kind === 'answer') await goOn(answering, heard)
  else if (inbound.binding === 'soap') await endBySoap(answering, heard)
  else await endInBrowser(answering, heard)
  return true
}

interface Answering {
  readonly parts: PortalParts
  readonly visit: Visit
  readonly realm: CompiledRealm
  readonly logout: RealmLogout
  readonly response: Response
}

type Asked = Extract<Heard, { readonly kind: 'request' }>

function inboundOf(request: Request, visit: Visit): { readonly inbound: Inbound; readonly isResponse: boolean } {
  if (request.method !== 'POST')
    return {
      inbound: { binding: 'redirect', query: visit.search },
      isResponse: /(?:^|&)SAMLResponse=/.test(visit.search),
    }
  const body: unknown = request.body
  // A server that asks waits for the answer itself; it is never answered to.
  if (typeof body === 'string') return { inbound: { binding: 'soap', body }, isResponse: false }
  const answer = visit.field('SAMLResponse')
  const field = answer ?? visit.field('SAMLRequest') ?? ''
  return {
    inbound: { binding: 'post', field, relayState: visit.field('RelayState') },
    isResponse: answer !== undefined,
  }
}

function refuse({ parts, visit, realm, response }: Answering, heard: Extract<Heard, { kind: 'refused' }>): void {
  const { partner, reason, detail } = heard
  const { requestId, client } = visit.facts
  const about = { at: parts.clock(), requestId, clientIp: client.ip, realm: realm.name }
  parts.audit.record({ event: 'SamlRefused', ...about, partner, reason: `${reason}: ${detail}` })
  const html = drawOpPage(visit, realm, { kind: 'refused', status: 400, error: reason, description: undefined })
  response.status(400).type('html').end(html)
}

/** The browser is back. Where nobody waits for this answer, it is only back (§4.4.3.4: never a logout, never a place to go). */
async function goOn({ parts, visit }: Answering, heard: Extract<Heard, { kind: 'answer' }>): Promise<void> {
  const { peers, requestId, isDone } = heard
  for (const { role, id: partner } of peers)
    await parts.leaving.heard({ protocol: SAML_PROTOCOLS[role], partner, requestId, isDone })
  visit.redirect(303, '/leaving')
}

/** Ends what the partner may end; what it asked to be told of them all. */
async function end(
  { parts, visit, logout }: Answering,
  { peer, sids, reply }: Asked,
): Promise<{ readonly first: Session | undefined; readonly plan: Plan }> {
  const except = { protocol: SAML_PROTOCOLS[peer.role], partner: peer.id }
  const found = await Promise.all(sids.map((sid) => parts.sessions.find(sid)))
  const sessions = found.filter((session) => session !== undefined)
  const plans: Plan[] = []
  for (const session of sessions) {
    const plan = await parts.leaving.plan(session, except)
    plans.push(plan)
    if (reply.binding !== 'soap') await parts.leaving.visits(session, plan)
    await logout.forget(peer, session.sid)
    await parts.sessions.end(session.sid, peer.role === 'idp' ? 'provider' : 'logout', visit.origin)
  }
  const plan = { stops: plans.flatMap(({ stops }) => stops), asides: plans.flatMap(({ asides }) => asides) }
  return { first: sessions[0], plan }
}

async function endInBrowser(answering: Answering, asked: Asked): Promise<void> {
  const { parts, visit, realm, logout } = answering
  const { peer, reply } = asked
  const mine = await visit.session()
  const { first, plan } = await end(answering, asked)
  if (mine !== undefined && asked.sids.includes(mine.sid)) visit.signOut()
  const { title } = peer
  if (first !== undefined && plan.stops.length > 0) {
    const data = JSON.stringify(reply)
    const ending = { kind: 'answer', protocol: SAML_PROTOCOLS[peer.role], title, data } as const
    const away = await depart(parts, visit, first, { plan, ending })
    if (away !== undefined) {
      visit.redirect(303, away)
      return
    }
  }
  // Nobody is to be visited first: a departure that this browser is on goes on where it was.
  const carried = await logout.answer(reply, isTold(plan) ? 'success' : 'partial')
  if (carried === undefined) visit.redirect(303, '/logged-out')
  else if (carried.kind === 'redirect') visit.redirect(303, carried.url)
  else showGoing(visit, realm, { title, carried })
}

async function endBySoap(answering: Answering, asked: Asked): Promise<void> {
  const { logout, response } = answering
  const { plan } = await end(answering, asked)
  const envelope = logout.soapAnswer(asked.reply, isTold(plan) ? 'success' : 'partial')
  response.status(200).set('Content-Type', 'text/xml; charset=utf-8').end(envelope)
}

/** Whether everybody whom no browser is taken to is told from here. */
function isTold({ stops, asides }: Plan): boolean {
  return stops.length === 0 && asides.every(({ way }) => way === 'server')
}
