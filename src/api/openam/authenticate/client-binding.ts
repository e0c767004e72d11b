import type { IncomingMessage } from 'node:http'
import { findCookie } from '../../../http/cookies.ts'
import { bindingOf, browserCookie, browserSecret, type LoginCookies } from '../../../authn/login-cookies.ts'

export interface ClientBinding {
  /** What a login is bound to. */
  readonly binding: string
  /** `Set-Cookie` values that make it so. */
  readonly cookies: readonly string[]
}

/** No hash of a cookie is as short, so no browser's login has it. */
const PROGRAM: ClientBinding = { binding: 'program', cookies: [] }

/**
 * What an authId is bound to. A browser says that it is one with every POST (`Sec-Fetch-Site`, `Origin`): its logins are bound to the
 * login host's own cookie, as those of pages are, so an authId that somebody else began signs nobody in as them (login cross-site request
 * forgery). A program keeps no cookies, most of the time: then the authId itself is all it has to show. Such a one is worth nothing in a
 * browser, is good for one answer, and opens only what whoever holds it can answer.
 */
export function bindClient(request: IncomingMessage, cookies: LoginCookies): ClientBinding {
  const { headers } = request
  const sent = findCookie(headers.cookie, cookies.browser)
  const secret = browserSecret(sent)
  if (isBrowser(request)) return { binding: bindingOf(secret), cookies: [browserCookie(cookies, secret)] }
  return sent === secret ? { binding: bindingOf(secret), cookies: [] } : PROGRAM
}

/** Whether script of a page made the request: it cannot take these headers away. */
export function isBrowser({ headers }: IncomingMessage): boolean {
  return headers['sec-fetch-site'] !== undefined || headers.origin !== undefined
}
