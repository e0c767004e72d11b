import { randomSecret } from '../base/random-id.ts'
import { sha256 } from '../crypto/sha256.ts'
import type { EpochMs } from '../base/brand.ts'
import { cookieName, lifeUntil, setCookie } from '../http/cookies.ts'
import type { KeptCookie } from './modules/stand-in.ts'
import type { IssuedSession } from '../session/session.ts'

/** Names of the login host's cookies. All are host-only: over https no other host can plant one (`__Host-`). */
export interface LoginCookies {
  readonly secure: boolean
  /** Whether the SSO cookie outlives the browser, as long as the session may. */
  readonly persistent: boolean
  readonly sso: string
  /** Binds a login in progress to this browser. */
  readonly browser: string
  readonly locale: string
  /** Which provider somebody signed in by last. */
  readonly provider: string
}

export function loginCookies(
  loginUrl: string,
  { name, persistent }: { readonly name: string; readonly persistent: boolean },
): LoginCookies {
  const secure = loginUrl.startsWith('https:')
  return {
    secure,
    persistent,
    sso: cookieName(name, { secure }),
    browser: cookieName('gatehouse-login', { secure }),
    locale: cookieName('gatehouse-locale', { secure }),
    provider: cookieName('gatehouse-provider', { secure }),
  }
}

/** Seconds: long enough for a login page left open over lunch; renewed by every login page. */
const BROWSER_COOKIE_LIFE = 3_600
/** Seconds: a year. */
export const LOCALE_COOKIE_LIFE = 31_536_000

const SECRET = /^[A-Za-z0-9_-]{43}$/

/** This browser's binding secret: the one it sent, or a new one. All its tabs share it, so any of them may finish a login. */
export function browserSecret(sent: unknown): string {
  return typeof sent === 'string' && SECRET.test(sent) ? sent : randomSecret()
}

/** What leaves the cookie: journeys see only this. */
export function bindingOf(secret: string): string {
  return sha256(secret)
}

/** The `Set-Cookie` of a login that is through. A persistent one ends with the session's maximum life, which no use moves. */
export function ssoCookie(
  { sso, secure, persistent }: LoginCookies,
  { token, session }: IssuedSession,
  now: EpochMs,
): string {
  return setCookie(sso, token, { secure, ...(persistent ? lifeUntil(session.maxExpiresAt, now) : {}) })
}

/** The `Set-Cookie` by which a browser is told apart from others while it signs in. */
export function browserCookie({ browser, secure }: LoginCookies, secret: string): string {
  return setCookie(browser, secret, { secure, maxAge: BROWSER_COOKIE_LIFE })
}

/** The `Set-Cookie` of what a login leaves with the browser. */
export function keptCookie({ secure }: LoginCookies, { name, value, expiresAt }: KeptCookie, now: EpochMs): string {
  return setCookie(name, value, { secure, ...lifeUntil(expiresAt as EpochMs, now) })
}
