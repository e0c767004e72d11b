import type { Service, ZitiRealm } from '../api/ziti/call.ts'
import { createZiti } from '../api/ziti/ziti.ts'
import type { Api } from '../api/ports.ts'
import { createTellingAuthn } from '../authn/authn.ts'
import { createOwnFactors } from '../authn/own-factors.ts'
import { requestTokensOf } from '../authn/request-tokens.ts'
import type { RealmAuthn } from '../authn/realm-authn.ts'
import type { RealmName } from '../base/brand.ts'
import { productVersion } from '../cli/version.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import type { Site } from '../gateway/site.ts'
import { createPresentedReader } from '../http/presented.ts'
import type { GenerationDeps } from './deps.ts'
import type { LoginHostSessions } from './login-host-sessions.ts'
import { peopleOf, usersOf, type RealmDirectories } from './users.ts'

export interface ZitiParts {
  readonly directories: RealmDirectories
  readonly sites: readonly Site[]
  readonly authns: ReadonlyMap<RealmName, RealmAuthn>
  readonly sessions: LoginHostSessions
}

/** API sessions for the people of one realm; `undefined` where the configuration names none, or wants none. */
export function zitiOf(snapshot: ConfigSnapshot, parts: ZitiParts, deps: GenerationDeps): Api | undefined {
  const { dialects, login, trustedProxies, clientCertificateHeader, caches } = snapshot.gatehouse
  const { directories, sites, sessions } = parts
  const configured = dialects.realm === undefined ? undefined : parts.authns.get(dialects.realm)
  if (!dialects.ziti || configured === undefined) return undefined
  const { realm, directory } = configured
  const people = peopleOf(snapshot, directories)
  const outer = [...parts.authns.values()].filter(
    (each) => isAbove(each.realm, realm) && people.administratorsOf(each.realm).length > 0,
  )
  const all = [configured, ...outer].map(inStore)
  const realms = new Map(all.map((each) => [each.realm, each]))
  const { store, handshakes, audit, clock, log } = deps
  const zitiRealm = (realmAuthn: RealmAuthn): ZitiRealm => {
    const requestTokens = requestTokensOf(realmAuthn, { clock, maxEntries: caches.identities })
    return { realm: realmAuthn.realm, realmAuthn, requestTokens }
  }
  const administered = zitiRealm(inStore(configured))
  return createZiti({
    ...{ sessions, store, handshakes, audit, clock, log, people, administered },
    ...administered,
    outer: outer
      .map(inStore)
      .map(zitiRealm)
      .sort((one, other) => other.realm.length - one.realm.length),
    authn: createTellingAuthn({ ...deps, realms }),
    ownFactors: createOwnFactors({ ...deps, realms }),
    factsOf: usersOf(snapshot, directories).factsOf,
    services: sites.filter((site) => site.realm === realm).map((site) => serviceOf(site, deps)),
    userOf: async (userId) => {
      const user = await directory.find(userId)
      return user && { userId: user.id, username: user.username }
    },
    presentedBy: createPresentedReader(trustedProxies, clientCertificateHeader),
    version: productVersion(),
    loginOrigin: new URL(login.url).origin,
  })
}

/** No browser carries such a session. */
function inStore(realm: RealmAuthn): RealmAuthn {
  return { ...realm, session: { ...realm.session, mode: 'cts' } }
}

function isAbove(outer: RealmName, realm: RealmName): boolean {
  return outer !== realm && (outer === '/' || realm.startsWith(`${outer}/`))
}

/** The site, and what its policies say of whoever asks for its front page. */
function serviceOf(site: Site, { clock }: Pick<GenerationDeps, 'clock'>): Service {
  const { agent: id, title: name, url, audience, cookies, policySet, resourceBase, pdp } = site
  return {
    ...{ id, name, url, audience, cookie: cookies.token },
    async mayDial(session, clientIp) {
      const facts = session.realm === site.realm ? await site.factsOf(session) : undefined
      if (facts === undefined) return false
      if (site.ssoOnly) return true
      const resource = { ...resourceBase, path: '/', query: undefined }
      return pdp.evaluate({ policySet, resource, action: 'GET', session, facts, clientIp, now: clock() }).allowed
    },
  }
}
