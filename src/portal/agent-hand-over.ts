import { readDemand } from '../authn/read-demand.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { Session, SessionToken } from '../session/session.ts'
import type { Pairs } from './frame.ts'
import { legacyLoginUrl } from './legacy-login.ts'
import { loginUrl, suffices } from './login-request.ts'
import type { PortalParts } from './portal-parts.ts'
import type { PortalSite } from './ports.ts'
import type { CompiledRealm } from './realms.ts'
import type { Visit } from './visit.ts'

/** An agent of OpenAM's that had a browser ask for a token. */
export interface AskingAgent {
  readonly realm: CompiledRealm
  readonly site: PortalSite
  /** What it asks of the login, as our login page has it. */
  readonly demanding: Pairs
  /** Address of this request without that: what is asked for is asked once, or a fresh login would be asked for again and again. */
  readonly back: string
}

/**
 * Who is signed in as the agent asks, and a token of theirs that is good at that agent alone. `undefined`: the browser was sent to the
 * login, and comes back.
 */
export async function tokenForAgent(
  parts: PortalParts,
  visit: Visit,
  { realm, site, demanding, back }: AskingAgent,
): Promise<{ readonly session: Session; readonly token: SessionToken } | undefined> {
  const session = await visit.session()
  const demand = readDemand({ query: (name) => demanding.find(([each]) => each === name)?.[1] })
  if (
    session === undefined ||
    // To such an agent whoever has a session has signed in.
    isAnonymous(session) ||
    demand === undefined ||
    !suffices(session, realm, demand, parts.clock())
  ) {
    visit.redirect(302, legacyLoginUrl(realm, session, { goto: back, demanding }))
    return undefined
  }
  const token = await parts.handshake.tokenFor(session, site, visit.origin)
  if (token === undefined) {
    visit.redirect(302, loginUrl(realm, [['goto', back]]))
    return undefined
  }
  visit.used(session)
  return { session, token }
}

/** The browser takes these fields to the agent in a form; without script the person sends it. */
export function sendToAgent(
  visit: Visit,
  { realm, site }: AskingAgent,
  { action, fields }: { readonly action: string; readonly fields: Pairs },
): void {
  visit.page({
    status: 200,
    template: 'relay',
    realm,
    formTargets: [site.url],
    view: (frame) => ({ title: site.title, lead: frame.say('login.continue', { site: site.title }), action, fields }),
  })
}
