import { isAnonymous } from '../../session/anonymous.ts'
import type { Session } from '../../session/session.ts'
import { accountUrl } from '../account-view.ts'
import { signInUrl } from '../login-request.ts'
import type { PortalParts } from '../portal-parts.ts'
import { loginPath, type CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'

/** `GET /`: who I am here and where I can go; without a session, where I can sign in. */
export async function showHome(parts: PortalParts, visit: Visit): Promise<void> {
  const session = await visit.session()
  const realm = session === undefined ? undefined : parts.realms.get(session.realm)
  if (session === undefined || realm === undefined || isAnonymous(session)) {
    showWelcome(parts, visit, undefined, session)
    return
  }
  visit.used(session)
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
      places: realm.sites.map(({ title: label, url }) => ({ label, href: `${url}/`, host: new URL(url).host })),
      signOut: true,
      accountUrl: accountUrl(realm),
      otherUserUrl: `${loginPath(realm.name)}?ForceAuth=true`,
    }),
  })
}

/** What a stale bookmark of anything leads to: not an error, a choice. `wanted`: the page of ours to which the choice leads back. */
export function showWelcome(parts: PortalParts, visit: Visit, wanted?: 'account', session?: Session): void {
  const goto = wanted === undefined ? [] : ([['goto', '/account']] as const)
  visit.page({
    status: 200,
    template: 'home',
    language: { action: wanted === undefined ? '/' : '/account', keep: [] },
    view: (frame) => ({
      title: frame.say('welcome.title'),
      heading: frame.say('welcome.title'),
      where: undefined,
      lead: frame.say(wanted === undefined ? 'welcome.text' : 'account.sign-in'),
      placesTitle: undefined,
      places: parts.realms.all.map((realm) => ({
        label: realm.compiledLook.title,
        href: signInUrl(realm, session, goto),
      })),
      signOut: false,
      accountUrl: undefined,
      otherUserUrl: undefined,
    }),
  })
}
