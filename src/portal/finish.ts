import type { Destination } from '../authn/step.ts'
import type { Session } from '../session/session.ts'
import type { PortalParts } from './portal-parts.ts'
import { originOf, type CompiledRealm } from './realms.ts'

/**
 * Where a signed-in browser goes next: to its agent with a one-time code, else to goto, else to the login host's own page.
 * `destination` has been checked; an agent that has gone since then leaves goto.
 */
export async function nextLocation(
  parts: PortalParts,
  realm: CompiledRealm,
  session: Session,
  destination: Destination,
): Promise<string> {
  const { goto, handshake } = destination
  const site = handshake === undefined ? undefined : parts.realms.site(realm, handshake.agent)
  if (handshake === undefined || site === undefined) return goto ?? '/'
  const origin = originOf(site.url)
  const [binding = ''] = handshake.state.split('.', 1)
  const code = await parts.handshake.issue(session, {
    agent: site.agent,
    audience: site.audience,
    goto: goto ?? `${origin}/`,
    binding,
  })
  return `${origin}/.gatehouse/callback?${new URLSearchParams({ code, state: handshake.state }).toString()}`
}
