import type { Destination } from '../authn/step.ts'
import { isAnonymous } from '../session/anonymous.ts'
import { parseState } from '../session/handshake-state.ts'
import type { Session } from '../session/session.ts'
import type { PortalParts } from './portal-parts.ts'
import type { Visit } from './visit.ts'
import { originOf, type CompiledRealm } from './realms.ts'

export interface Arrived {
  readonly realm: CompiledRealm
  readonly session: Session
  readonly destination: Destination
  /** By answering a login just now, not by a session that was there. */
  readonly interactive: boolean
}

/**
 * Where a signed-in browser goes next: to its agent with a one-time code, else to goto, else to the login host's own page.
 * `destination` has been checked; an agent that has gone since then leaves goto.
 */
export async function nextLocation(parts: PortalParts, visit: Visit, arrived: Arrived): Promise<string> {
  const { realm, session, destination, interactive } = arrived
  const { goto, handshake } = destination
  if (handshake === undefined) await shareCookie(parts, visit, arrived)
  const site = handshake === undefined ? undefined : parts.realms.site(realm, handshake.agent)
  const state = handshake && parseState(handshake.state)
  if (handshake === undefined || site === undefined || state === undefined) return goto ?? '/'
  const origin = originOf(site.url)
  const code = await parts.handshake.issue(session, {
    agent: site.agent,
    audience: site.audience,
    goto: goto ?? `${origin}/`,
    binding: state.binding,
    interactive,
  })
  return `${origin}/.gatehouse/callback?${new URLSearchParams({ code, state: handshake.state }).toString()}`
}

/** OpenAM's agents in the login host's own domain look at a cookie that they cannot set themselves (classic SSO). */
async function shareCookie(
  parts: PortalParts,
  visit: Visit,
  { realm, session, destination: { goto } }: Arrived,
): Promise<void> {
  const site = goto === undefined ? undefined : parts.realms.siteAt(realm, goto)
  const cookie = site?.openAm?.cookie
  // To such an agent whoever has a session has signed in.
  if (site === undefined || cookie === undefined || isAnonymous(session)) return
  const token = await parts.handshake.tokenFor(session, site, visit.origin)
  if (token !== undefined) visit.share(cookie, { token, session })
}
