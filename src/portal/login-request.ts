import type { Destination } from '../authn/step.ts'
import { parseState } from '../session/handshake-state.ts'
import type { Session } from '../session/session.ts'
import type { Pairs } from './frame.ts'
import type { PortalParts } from './portal-parts.ts'
import { suffices as provesEnough, type LoginDemand } from '../authn/demand.ts'
import { parseCompositeAdvice } from '../policy/composite-advice.ts'
import type { Advices } from '../policy/decision.ts'
import type { PortalSite } from './ports.ts'
import { loginPath, originsOf, originOf, type CompiledRealm } from './realms.ts'
import type { Visit } from './visit.ts'

/** What the address of a login page asks for, checked. */
export interface LoginRequest {
  readonly realm: CompiledRealm
  readonly demand: LoginDemand
  /** The parameters that said so. */
  readonly demanding: Pairs
  readonly destination: Destination
  /** Where the person is going, to be named on the page. */
  readonly site: PortalSite | undefined
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
    demand,
    demanding,
    destination,
    site: siteOf(parts, realm, destination),
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

export function withQuery(path: string, pairs: Pairs): string {
  const query = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString()
  return query === '' ? path : `${path}?${query}`
}

/** Origins that the login form may end up at: where it is going first, because the list may be cut. */
export function formTargets(asked: LoginRequest): readonly string[] {
  const first = asked.site === undefined ? [] : originsOf(asked.site)
  const goto = asked.destination.goto
  return [...new Set([...first, ...(goto === undefined ? [] : [originOf(goto)]), ...asked.realm.origins])]
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
  if (site === undefined) return undefined
  // A code for one agent never travels with another's address.
  if (goto !== undefined && !originsOf(site).includes(originOf(goto))) return undefined
  return { agent: site.agent, state }
}

/**
 * `authIndexType` and `authIndexValue` as OpenAM spells them, and `ForceAuth=true`. What is not understood asks for nothing: whoever
 * sent the browser here decides anew when it comes back.
 */
export function readDemand(visit: Pick<Visit, 'query'>): LoginDemand {
  const force = visit.query('ForceAuth') === 'true'
  const value = visit.query('authIndexValue') ?? ''
  switch (visit.query('authIndexType')) {
    case 'level':
      return { level: numberOf(value, 9_999), force }
    case 'module':
      return { level: undefined, force, modules: nameOf(value) === undefined ? undefined : [value] }
    case 'service':
      return { level: undefined, force, chain: nameOf(value) }
    case 'composite_advice':
      return { force, ...demandOf(parseCompositeAdvice(value) ?? {}) }
    default:
      return { level: undefined, force }
  }
}

const LONGEST_AGE_S = 86_400 * 365

function demandOf(advices: Advices): Omit<LoginDemand, 'force'> {
  const modules = advices.AuthSchemeConditionAdvice?.flatMap((name) => nameOf(name) ?? [])
  const seconds = numberOf(advices.AuthenticationAgeConditionAdvice?.[0] ?? '', LONGEST_AGE_S)
  return {
    level: numberOf(advices.AuthLevelConditionAdvice?.[0] ?? '', 9_999),
    modules: modules?.length === 0 ? undefined : modules,
    chain: nameOf(advices.AuthenticateToServiceConditionAdvice?.[0] ?? ''),
    maxAgeMs: seconds === undefined ? undefined : seconds * 1_000,
  }
}

function numberOf(text: string, most: number): number | undefined {
  const number = /^\d{1,8}$/.test(text) ? Number(text) : undefined
  return number !== undefined && number <= most ? number : undefined
}

function nameOf(text: string): string | undefined {
  return /^[a-zA-Z][\w-]{0,63}$/.test(text) ? text : undefined
}

/** The parameters that `readDemand` reads, as they came. */
export function demandPairs(visit: Pick<Visit, 'query'>): Pairs {
  return ['authIndexType', 'authIndexValue', 'ForceAuth'].flatMap((name) => {
    const value = visit.query(name)
    return value === undefined || value.length > LONGEST_DEMAND ? [] : [[name, value] as const]
  })
}

const LONGEST_DEMAND = 4_096

function siteOf(parts: PortalParts, realm: CompiledRealm, { goto, handshake }: Destination): PortalSite | undefined {
  if (handshake !== undefined) return parts.realms.site(realm, handshake.agent)
  return goto === undefined ? undefined : parts.realms.siteAt(realm, goto)
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
