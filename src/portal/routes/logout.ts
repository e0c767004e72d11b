import type { AgentId, RealmName } from '../../base/brand.ts'
import type { Aside, Ending } from '../../federation/logout/departure.ts'
import { PROVIDERS } from '../../federation/logout/provider-logout.ts'
import type { Session } from '../../session/session.ts'
import type { Pairs } from '../frame.ts'
import { withQuery } from '../login-request.ts'
import { action } from '../message-page.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { PortalSite } from '../ports.ts'
import { loginPath, originOf, type CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'
import { depart, isBackFromProvider } from './departure.ts'
import { answerError } from './errors.ts'

/** Where a logout came from and goes to. */
interface LogoutRequest {
  readonly realm: CompiledRealm | undefined
  readonly site: PortalSite | undefined
  /** Checked. */
  readonly goto: string | undefined
}

/** `GET /logout`: asks first, so that an image or a link on a strange page signs nobody out. */
export async function showLogout(parts: PortalParts, visit: Visit): Promise<void> {
  const session = await visit.session()
  const asked = readLogout(parts, (name) => visit.query(name), session)
  const { realm } = asked
  if (session === undefined || realm === undefined) {
    visit.redirect(302, withQuery('/logged-out', pairsOf({ ...asked, goto: undefined })))
    return
  }
  const title = realm.compiledLook.title
  const parameters = { user: session.username, realm: title }
  visit.page({
    status: 200,
    template: 'logout',
    realm,
    language: { action: '/logout', keep: pairsOf(asked) },
    formTargets: asked.goto === undefined ? [] : [originOf(asked.goto)],
    view: (frame) => ({
      title: frame.say('logout.title', parameters),
      heading: frame.say('logout.title', parameters),
      lead: frame.say(realm.sites.length === 0 ? 'logout.text-none' : 'logout.text', parameters),
      places: realm.sites.map((site) => ({ label: site.title, href: undefined })),
      keep: pairsOf(asked),
      stayUrl: asked.site === undefined ? '/' : `${asked.site.url}/`,
    }),
  })
}

/** `POST /logout`: ends the whole session, everywhere, and only then forgets the cookie. */
export async function submitLogout(parts: PortalParts, visit: Visit): Promise<void> {
  if (!visit.sameOrigin()) {
    answerError(parts, visit, { kind: 'cross-site', status: 403 })
    return
  }
  const session = await visit.session()
  const asked = readLogout(parts, (name) => visit.field(name), session)
  const away = session && (await signOut(parts, visit, session, { ending: endingOf(asked) }))
  visit.signOut()
  visit.redirect(303, away ?? asked.goto ?? withQuery('/logged-out', pairsOf(asked)))
}

/**
 * Ends the session, everywhere, and begins to tell those whom it was known to. Where the browser goes for that; `undefined` where it
 * has nowhere to go. `except`: the partner that asked for it.
 */
export async function signOut(
  parts: PortalParts,
  visit: Visit,
  session: Session,
  { ending, except }: { readonly ending: Ending; readonly except?: Pick<Aside, 'protocol' | 'partner'> | undefined },
): Promise<string | undefined> {
  // Whom it is known to is said by what goes with it.
  const plan = await parts.leaving.plan(session, except)
  await parts.leaving.visits(session, plan)
  await parts.sessions.end(session.sid, 'logout', visit.origin)
  return depart(parts, visit, session, { plan, ending })
}

function endingOf({ goto, site }: LogoutRequest): Ending {
  return goto === undefined ? { kind: 'page', agent: site?.agent } : { kind: 'goto', url: goto }
}

/** `GET /logged-out`: says so, and offers the way back. With a live session it would be a lie, so that goes to `/`. */
export async function showLoggedOut(parts: PortalParts, visit: Visit): Promise<void> {
  if (await isBackFromProvider(parts, visit, PROVIDERS)) {
    visit.redirect(302, '/leaving')
    return
  }
  const session = await visit.session()
  if (session !== undefined) {
    visit.redirect(302, '/')
    return
  }
  const { realm, site } = readLogout(parts, (name) => (name === 'goto' ? undefined : visit.query(name)), undefined)
  visit.page({
    status: 200,
    template: 'message',
    realm,
    language: { action: '/logged-out', keep: pairsOf({ realm, site, goto: undefined }) },
    view: (frame) => ({
      title: frame.say('logged-out.title'),
      heading: frame.say('logged-out.title'),
      paragraphs: [frame.say('logged-out.text')],
      actions: [
        {
          ...action(frame, 'logged-out.again', realm === undefined ? '/' : loginPath(realm.name), 'button'),
        },
        ...(site === undefined
          ? []
          : [
              {
                href: `${site.url}/`,
                label: frame.say('logged-out.back', { site: site.title }),
                style: 'plain',
                newWindow: false,
              },
            ]),
      ],
      facts: [],
    }),
  })
}

function readLogout(
  parts: PortalParts,
  read: (name: string) => string | undefined,
  session: Session | undefined,
): LogoutRequest {
  const agent = read('agent') as AgentId | undefined
  const named = session?.realm ?? (read('realm') as RealmName | undefined)
  const realm =
    (named === undefined ? undefined : parts.realms.get(named)) ??
    parts.realms.all.find((each) => each.sites.some((site) => site.agent === agent))
  if (realm === undefined) return { realm: undefined, site: undefined, goto: undefined }
  const goto = read('goto')
  const checked = goto === undefined ? undefined : parts.checkGoto(realm.name, goto)
  return {
    realm,
    site: agent === undefined ? undefined : parts.realms.site(realm, agent),
    goto: checked?.kind === 'accepted' ? checked.url : undefined,
  }
}

function pairsOf({ realm, site, goto }: LogoutRequest): Pairs {
  return [
    ...(realm === undefined ? [] : [['realm', realm.name] as const]),
    ...(site === undefined ? [] : [['agent', site.agent] as const]),
    ...(goto === undefined ? [] : [['goto', goto] as const]),
  ]
}
