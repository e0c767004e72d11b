import { randomName } from '../base/random-id.ts'
import type { Clock } from '../base/clock.ts'
import { PURPOSES } from '../crypto/purposes.ts'
import type { Sealer } from '../crypto/seal.ts'
import { AMBIGUOUS, clearCookie, findCookie, lifeUntil, setCookie } from '../http/cookies.ts'
import type { Session } from '../session/session.ts'
import type { Site } from './site.ts'

/** Who used a site last with this browser. */
export interface KnownUser {
  /** Names the browser; the same from one login to the next. */
  readonly browser: string
  readonly userId: string
}

/**
 * Remembers, in a sealed cookie of the site, who was signed in with this browser: once a session is over nothing else tells whose a
 * form is that was filled in during it. The cookie opens nothing and proves nobody.
 */
export interface KnownUsers {
  /** `undefined` without the cookie, with two, or with one that is not ours. Faults with GH_KEYS_UNAVAILABLE. */
  read(site: Site, cookieHeader: string | undefined): KnownUser | undefined
  /** Notes who is signed in: the user, and the `Set-Cookie` value that says so. */
  note(site: Site, cookieHeader: string | undefined, session: KnownSession): KnownUser & { readonly cookie: string }
}

type KnownSession = Pick<Session, 'userId' | 'maxExpiresAt'>

export function createKnownUsers({ sealer, clock }: { readonly sealer: Sealer; readonly clock: Clock }): KnownUsers {
  const read: KnownUsers['read'] = (site, cookieHeader) => {
    const text = findCookie(cookieHeader, site.cookies.knownUser)
    const opened = text === undefined || text === AMBIGUOUS ? undefined : sealer.open('forms', text)
    const [kind, audience, realm, browser, userId] = Array.isArray(opened) ? (opened as readonly unknown[]) : []
    if (kind !== KIND || audience !== site.audience || realm !== site.realm) return undefined
    return typeof browser === 'string' && typeof userId === 'string' ? { browser, userId } : undefined
  }
  return {
    read,
    note(site, cookieHeader, { userId, maxExpiresAt }) {
      const { attributes, persistent, knownUser } = site.cookies
      const browser = read(site, cookieHeader)?.browser ?? randomName()
      const value = sealer.seal('forms', [KIND, site.audience, site.realm, browser, userId], LIFE_MS)
      const life = persistent ? lifeUntil(maxExpiresAt, clock()) : {}
      return { browser, userId, cookie: setCookie(knownUser, value, { ...attributes, ...life }) }
    },
  }
}

/** A `Set-Cookie` value that has the browser forget who it was. */
export function clearedKnownUserCookie({ cookies }: Site): string {
  return clearCookie(cookies.knownUser, cookies.attributes)
}

const KIND = 'known-user'
const LIFE_MS = PURPOSES.forms.longestLifeMs
