import type { EpochMs } from '../base/brand.ts'
import { AMBIGUOUS, clearCookie, lifeUntil, setCookie } from '../http/cookies.ts'
import type { Session, SessionResolver, SessionToken } from '../session/session.ts'
import type { AccessRequest } from './access-request.ts'
import type { ReadCookies } from './cookie-reader.ts'
import type { Site } from './site.ts'

/**
 * A `Set-Cookie` value with the token. A persistent one ends with the session's maximum life, a moment that no use moves, so it need
 * not be set again while the session is used.
 */
export function tokenCookie(
  { cookies }: Site,
  { token, session }: { readonly token: SessionToken; readonly session: Pick<Session, 'maxExpiresAt'> },
  now: EpochMs,
): string {
  const life = cookies.persistent ? lifeUntil(session.maxExpiresAt, now) : {}
  return setCookie(cookies.token, token, { ...cookies.attributes, ...life })
}

/** A `Set-Cookie` value that overwrites the token and has the browser forget it. */
export function clearedTokenCookie({ cookies }: Site): string {
  return clearCookie(cookies.token, cookies.attributes)
}

/** What of a token the request's cookies hold. */
export function sentToken({ site, raw }: AccessRequest): ReadCookies['token'] {
  const { cookie } = raw.headers
  return cookie === undefined ? undefined : site.readCookies(cookie).token
}

/** The session that the browser's cookie opens at the site: of the site's realm, and none for two different cookies. Store faults reject. */
export async function sessionOfCookie(
  sessions: Pick<SessionResolver, 'resolve'>,
  request: AccessRequest,
): Promise<Session | undefined> {
  const token = sentToken(request)
  if (token === undefined || token === AMBIGUOUS) return undefined
  const { site } = request
  const session = await sessions.resolve(token as SessionToken, site.audience)
  return session?.realm === site.realm ? session : undefined
}
