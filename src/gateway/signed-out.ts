import { clearCookie } from '../http/cookies.ts'
import { clearedKnownUserCookie } from './known-user.ts'
import type { Site } from './site.ts'
import { clearedTokenCookie } from './token-cookie.ts'

/** `Set-Cookie` values that leave nothing of a session in the browser: ours, and what the profile names of the application's. */
export function signedOutCookies(site: Site): readonly string[] {
  const { secure, cookies, resets } = site
  return [
    clearedTokenCookie(site),
    clearedKnownUserCookie(site),
    clearCookie(cookies.handshake, { secure }),
    ...resets.logout,
  ]
}
