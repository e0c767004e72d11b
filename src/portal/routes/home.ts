import type { Session } from '../../session/session.ts'
import type { PortalParts } from '../portal-parts.ts'
import { loginPath, type CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'

/** `GET /`: who I am here and where I can go; without a session, where I can sign in. */
export async function showHome(parts: PortalParts, visit: Visit): Promise<void> {
  const session = await visit.session()
  const realm = session === undefined ? undefined : parts.realms.get(session.realm)
  if (session === undefined || realm === undefined) {
    showWelcome(parts, visit)
    return
  }
  parts.sessions.touch(session)
  showSignedIn(visit, session, realm)
}

function showSignedIn(visit: Visit, session: Session, realm: CompiledRealm): void {
  const title = realm.compiledLook.title
  visit.page({
    status: 200,
    template: 'home',
    realm,
    language: { action: '/', keep: [] },
    view: (frame) => ({
      title: frame.say('home.title', { user: session.username }),
      heading: frame.say('home.title', { user: session.username }),
      where: frame.say('home.realm', { realm: title }),
      lead: realm.sites.length === 0 ? frame.say('home.no-apps', { realm: title }) : undefined,
      placesTitle: frame.say('home.apps'),
      places: realm.sites.map((site) => ({ label: site.title, href: `${site.url}/` })),
      signOut: true,
      otherUserUrl: `${loginPath(realm.name)}?ForceAuth=true`,
    }),
  })
}

/** What a stale bookmark of anything leads to: not an error, a choice. */
function showWelcome(parts: PortalParts, visit: Visit): void {
  visit.page({
    status: 200,
    template: 'home',
    language: { action: '/', keep: [] },
    view: (frame) => ({
      title: frame.say('welcome.title'),
      heading: frame.say('welcome.title'),
      where: undefined,
      lead: frame.say('welcome.text'),
      placesTitle: undefined,
      places: parts.realms.all.map((realm) => ({
        label: realm.compiledLook.title,
        href: loginPath(realm.name),
      })),
      signOut: false,
      otherUserUrl: undefined,
    }),
  })
}
