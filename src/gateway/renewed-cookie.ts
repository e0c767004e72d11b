import type { Clock } from '../base/clock.ts'
import { requestKind } from '../http/request-kind.ts'
import type { Session, SessionResolver, SessionToken } from '../session/session.ts'
import type { AccessRequest } from './access-request.ts'
import { tokenCookie } from './token-cookie.ts'

export interface RenewDeps {
  readonly sessions: Pick<SessionResolver, 'renew'>
  readonly clock: Clock
}

/**
 * The next cookie of a browser that carries its session. On navigations only: of answers to scripts, which come many at once and late,
 * the last would win.
 */
export function renewedCookie(
  { sessions, clock }: RenewDeps,
  { site, method, raw }: AccessRequest,
  session: Session,
): string | undefined {
  const { cookie } = raw.headers
  if (cookie === undefined || requestKind(method, raw.headers) !== 'navigation') return undefined
  const { token } = site.readCookies(cookie)
  const next = typeof token === 'string' ? sessions.renew(token as SessionToken, session) : undefined
  return next && tokenCookie(site, { token: next, session }, clock())
}
