import type { Destination } from '../authn/step.ts'
import { parseState } from '../session/handshake-state.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { Session } from '../session/session.ts'
import type { Pairs } from './frame.ts'
import type { PortalParts } from './portal-parts.ts'
import { suffices as provesEnough, type LoginDemand } from '../authn/demand.ts'
import { demandPairs, NO_DEMAND, readDemand } from '../authn/read-demand.ts'
import type { PortalSite } from './ports.ts'
import { loginPath, originsOf, originOf, type CompiledRealm } from './realms.ts'
import type { Visit } from './visit.ts'

/** What the address of a login page asks for, checked. */
export interface LoginRequest {
  readonly realm: CompiledRealm
  readonly demand: LoginDemand
  /** What it asks for is nothing that a login here can come to: no form, or it would promise what it does not do. */
  readonly misunderstood: boolean
  /** The parameters that said so. */
  readonly demanding: Pairs
  readonly destination: Destination
  /** Where the person is going, to be named on the page. */
  readonly site: PortalSite | undefined
  /** The OpenID client or SAML partner that they are going to, where it is none of the sites. */
  readonly client: Partner | undefined
  /** Why goto was not accepted. */
  readonly refused: { readonly goto: string; readonly reason: string } | undefined
  /** The accepted parameters: links and forms of the page repeat these, and nothing that was refused. */
  readonly pairs: Pairs
}

export function readLoginRequest(parts: PortalParts, visit: Visit, realm: CompiledRealm): LoginRequest {
  const goto = visit.query('goto')
  const checked = goto === undefined ? undefined : parts.checkGoto(realm.name, goto)
  const accepted = checked?.kind === 'accepted' ? checked.url : undefined
  const refused = checked?.kind === 'refused' ? { goto: goto ?? '', reason: checked.reason } : undefined
  // A refused goto takes the handshake with it: whoever made it up may have made up the rest.
  const handshake = refused === undefined ? readHandshake(parts, visit, realm, accepted) : undefined
  const demand = readDemand(visit)
  const destination = { goto: accepted, handshake }
  const demanding = demandPairs(visit)
  return {
    realm,
    demand: demand ?? NO_DEMAND,
    misunderstood: demand === undefined,
    demanding,
    destination,
    site: siteOf(parts, realm, destination),
    client: clientOf(parts, destination),
    refused,
    pairs: pairsOf(destination, demanding),
  }
}

/** The same request with the destination that a sealed login carries: that one was checked when it was sealed. */
export function withDestination(parts: PortalParts, asked: LoginRequest, destination: Destination): LoginRequest {
  return {
    ...asked,
    destination,
    site: siteOf(parts, asked.realm, destination),
    client: clientOf(parts, destination),
    pairs: pairsOf(destination, asked.demanding),
  }
}

/** Whether this session already is what the page would ask for. */
export function suffices(session: Session, realm: CompiledRealm, demand: LoginDemand, now: number): boolean {
  return session.realm === realm.name && provesEnough(session, demand, now)
}

/** Address of the login page with these parameters. */
export function loginUrl(realm: CompiledRealm, pairs: Pairs): string {
  return withQuery(loginPath(realm.name), pairs)
}

/** Where somebody signs in; who has a session without proof is asked for more than that, or it would do. */
export function signInUrl(realm: CompiledRealm, session: Session | undefined, pairs: Pairs): string {
  const level = session?.realm === realm.name && isAnonymous(session) ? session.authLevel + 1 : undefined
  const more: Pairs =
    level === undefined
      ? []
      : [
          ['authIndexType', 'level'],
          ['authIndexValue', String(level)],
        ]
  return loginUrl(realm, [...pairs, ...more])
}

export function withQuery(path: string, pairs: Pairs): string {
  const query = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString()
  return query === '' ? path : `${path}?${query}`
}

/** Origins that the login form may end up at: where it is going first, because the list may be cut. */
export function formTargets(asked: LoginRequest): readonly string[] {
  const first = asked.site === undefined ? [] : originsOf(asked.site)
  const goto = asked.destination.goto
  const partner = asked.client?.targets ?? []
  return [...new Set([...first, ...partner, ...(goto === undefined ? [] : [originOf(goto)]), ...asked.realm.origins])]
}

function readHandshake(
  parts: PortalParts,
  visit: Visit,
  realm: CompiledRealm,
  goto: string | undefined,
): Destination['handshake'] {
  const agent = visit.query('agent')
  const state = visit.query('state')
  if (agent === undefined || state === undefined || parseState(state) === undefined) return undefined
  const site = parts.realms.site(realm, agent)
  if (site === undefined || site.openAm !== undefined || site.byOpenId === true) return undefined
  // A code for one agent never travels with another's address.
  if (goto !== undefined && !originsOf(site).includes(originOf(goto))) return undefined
  return { agent: site.agent, state }
}

function siteOf(parts: PortalParts, realm: CompiledRealm, { goto, handshake }: Destination): PortalSite | undefined {
  if (handshake !== undefined) return parts.realms.site(realm, handshake.agent)
  return goto === undefined ? undefined : parts.realms.siteAt(realm, goto)
}

/** A login that an OpenID client has asked for goes on at our own address, which names the client, and from there to it. */
function clientOf(parts: PortalParts, { goto }: Destination): Partner | undefined {
  const url = goto === undefined ? null : URL.parse(goto)
  if (url === null || url.origin !== parts.origin) return undefined
  const partner = parts.saml.idps.partnerAt(url)
  if (partner !== undefined) return partner
  const { searchParams: query } = url
  return parts.issuers.at(url.pathname)?.provider.clientFor(query.get('client') ?? query.get('client_id') ?? '')
}

interface Partner {
  readonly title: string
  /** Origins that its forms may end up at. */
  readonly targets: readonly string[]
}

function pairsOf({ goto, handshake }: Destination, demanding: Pairs): Pairs {
  return [
    ...(goto === undefined ? [] : [['goto', goto] as const]),
    ...(handshake === undefined
      ? []
      : ([
          ['agent', handshake.agent],
          ['state', handshake.state],
        ] as const)),
    ...demanding,
  ]
}
