import type { Clock } from '../base/clock.ts'
import { AMBIGUOUS, findCookie } from '../http/cookies.ts'
import { parseTarget } from '../http/request-url.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { HandshakeService, SessionResolver } from '../session/session.ts'
import { formatState, parseState } from '../session/handshake-state.ts'
import { urlOf, type AccessRequest } from './access-request.ts'
import type { LoopCause } from '../http/refusal-page.ts'
import { formatCompositeAdvice } from '../policy/composite-advice.ts'
import type { Advices } from '../policy/decision.ts'
import {
  bindingCookie,
  bindingHash,
  newBinding,
  readBinding,
  recentlyCompleted,
  withCompletion,
} from './handshake-cookie.ts'
import type { KnownUsers } from './known-user.ts'
import type { Place } from './login-rules.ts'
import type { Site } from './site.ts'
import { sentToken, sessionOfCookie, tokenCookie } from './token-cookie.ts'
import type { MissingSession } from './verdict.ts'

/** What the browser is told next. */
export type HandshakeAnswer =
  | {
      readonly kind: 'redirect'
      readonly status: 302 | 303
      readonly location: string
      readonly cookies: readonly string[]
    }
  /** The login does not hold: a page says why, and the count starts anew. */
  | { readonly kind: 'loop'; readonly cause: LoopCause; readonly cookies: readonly string[] }

export interface Purpose {
  /** Absolute URL at the site. */
  readonly goto: string
  /** What to prove besides; `undefined` for an ordinary login. */
  readonly advices: Advices | undefined
  /** What there was instead of a session; `undefined` for a step-up. */
  readonly missing: MissingSession | undefined
  /** How often this handshake was started over. */
  readonly restarts: number
  /** What rules about logins look at, where that is not the request's own address. */
  readonly at?: Place
}

export interface HandshakeDeps {
  readonly handshakes: Pick<HandshakeService, 'redeem'>
  readonly sessions: Pick<SessionResolver, 'resolve'>
  readonly knownUsers: KnownUsers
  readonly clock: Clock
}

/** Fetches a login from the login host: there with a state, back with a code that works once, in this browser, at this agent. */
export interface Handshake {
  start(request: AccessRequest, purpose: Purpose): HandshakeAnswer
  /** `/.gatehouse/callback`. Rejects with a fault when the store cannot say. */
  finish(request: AccessRequest): Promise<HandshakeAnswer>
}

const MAX_RESTARTS = 3
/** Completed handshakes without a cookie coming back: three prove it. With a token that is dead each time, people may be at work. */
const MAX_COMPLETED = { withoutCookie: 3, otherwise: 6 } as const

const MAX_GOTO = 6_000

export function createHandshake({ handshakes, sessions, knownUsers, clock }: HandshakeDeps): Handshake {
  const start = (request: AccessRequest, purpose: Purpose): HandshakeAnswer => {
    const { site, raw } = request
    const now = clock()
    const binding = readBinding(site, raw.headers.cookie) ?? newBinding(now)
    const stuck = purpose.missing === 'no-cookie' || purpose.missing === 'two-cookies'
    const limit = stuck ? MAX_COMPLETED.withoutCookie : MAX_COMPLETED.otherwise
    if (purpose.restarts >= MAX_RESTARTS || recentlyCompleted(binding, now) >= limit) {
      // A new binding instead of none: clearing could not take away a second cookie, and trying again deserves a fresh count.
      return { kind: 'loop', cause: causeOf(request, purpose), cookies: [bindingCookie(site, newBinding(now))] }
    }
    const state = formatState({ binding: bindingHash(binding), restarts: purpose.restarts })
    const location = loginPage(site, { ...purpose, state, at: purpose.at ?? request.target })
    return { kind: 'redirect', status: 302, location, cookies: [bindingCookie(site, binding)] }
  }

  const finish = async (request: AccessRequest): Promise<HandshakeAnswer> => {
    const { site, raw, client } = request
    const { code, restarts } = readCallback(request.target.query)
    const binding = readBinding(site, raw.headers.cookie)
    const hash = binding === undefined ? undefined : bindingHash(binding)
    const again = (goto: string): HandshakeAnswer =>
      start(request, {
        goto,
        at: placeOf(site, goto),
        advices: undefined,
        missing: missingOf(request),
        restarts: restarts + 1,
      })
    if (code === undefined) return again(`${site.url}/`)
    const redemption = await handshakes.redeem(code, site.agent, hash, { requestId: request.id, clientIp: client.ip })
    if (redemption.kind === 'refused' || binding === undefined) return again(`${site.url}/`)
    if (redemption.kind === 'other-browser') {
      const goto = ownUrl(site, redemption.goto)
      // Another tab of this browser was faster: its login is as good for this one, and nothing is left to fetch.
      // Whoever's it is: the site's own decision follows.
      const isSignedIn = (await sessionOfCookie(sessions, request)) !== undefined
      return isSignedIn ? { kind: 'redirect', status: 303, location: goto, cookies: [] } : again(goto)
    }
    const now = clock()
    const token = tokenCookie(site, redemption, now)
    const { session } = redemption
    // Who has proved nothing is no known user: no form is kept for them.
    const known = isAnonymous(session) ? [] : [knownUsers.note(site, raw.headers.cookie, session).cookie]
    const completed = bindingCookie(site, withCompletion(binding, redemption.interactive, now))
    const before = knownUsers.read(site, raw.headers.cookie)
    // Somebody without a known user who brings a token had proved nothing yet, and goes on with what they have.
    const isAnother = before === undefined ? sentToken(request) === undefined : before.userId !== session.userId
    const cookies = [token, completed, ...known, ...(isAnother ? site.resets.login : [])]
    return { kind: 'redirect', status: 303, location: ownUrl(site, redemption.goto), cookies }
  }

  return { start, finish }
}

/** The realm's login page, for this agent, on the way to `goto`. */
export function loginPage(
  site: Site,
  {
    goto,
    advices,
    state,
    at,
  }: {
    readonly goto: string
    readonly advices: Advices | undefined
    readonly state: string | undefined
    /** Where the person wanted to go. */
    readonly at: Place
  },
): string {
  const query = new URLSearchParams({ goto })
  if (state !== undefined) {
    query.set('agent', site.agent)
    query.set('state', state)
  }
  if (advices !== undefined) {
    const { AuthLevelConditionAdvice: [level] = [], ...more } = advices
    const isLevel = level !== undefined && Object.keys(more).length === 0
    query.set('authIndexType', isLevel ? 'level' : 'composite_advice')
    query.set('authIndexValue', isLevel ? level : formatCompositeAdvice(advices))
    return `${site.loginUrl}?${query.toString()}`
  }
  const index = site.loginRules(at)
  if (index !== undefined) {
    query.set('authIndexType', index.type)
    query.set('authIndexValue', index.value)
  }
  return `${site.loginUrl}?${query.toString()}`
}

/** The realm's login page in spite of a session, for somebody who may be more than one user; leads back to `goto`. */
export function otherUserUrl(site: Site, goto: string): string {
  return `${site.loginUrl}?${new URLSearchParams({ goto, ForceAuth: 'true' }).toString()}`
}

/**
 * Where to come back to after the login. Only a GET can be repeated by a redirect; for other requests it is the page of the
 * site that sent them.
 */
export function returnUrl(request: AccessRequest): string {
  if (request.method === 'GET' || request.method === 'HEAD') {
    const url = urlOf(request)
    return url.length <= MAX_GOTO ? url : request.site.url + request.target.path.slice(0, MAX_GOTO)
  }
  return pageUrl(request)
}

/** The page of the site that a script's request came from, or the site's start. */
export function pageUrl({ site, raw }: AccessRequest): string {
  const { referer } = raw.headers
  return referer === undefined || referer.length > MAX_GOTO ? `${site.url}/` : ownUrl(site, referer)
}

/** The URL if it is one of the site in canonical form, otherwise the site's start: never a way out. */
function ownUrl(site: Site, url: string): string {
  if (!url.startsWith(`${site.url}/`)) return `${site.url}/`
  const target = parseTarget(url.slice(site.url.length), site.encodedPaths)
  return typeof target === 'string' ? `${site.url}/` : site.url + target.target
}

function placeOf(site: Site, goto: string): Place {
  const target = parseTarget(goto.slice(site.url.length), site.encodedPaths)
  return typeof target === 'string' ? { path: '/', query: undefined } : target
}

interface Callback {
  readonly code: string | undefined
  readonly restarts: number
}

/** A parameter that occurs twice is none: two readers would pick different ones. */
function readCallback(query: string | undefined): Callback {
  const parameters = new URLSearchParams(query ?? '')
  const only = (name: string): string | undefined => {
    const values = parameters.getAll(name)
    return values.length === 1 ? values[0] : undefined
  }
  const state = parseState(only('state') ?? '')
  return { code: state && only('code'), restarts: state?.restarts ?? 0 }
}

function missingOf(request: AccessRequest): MissingSession {
  const token = sentToken(request)
  return token === undefined ? 'no-cookie' : token === AMBIGUOUS ? 'two-cookies' : 'dead-token'
}

function causeOf({ site, client, raw }: AccessRequest, { missing }: Purpose): LoopCause {
  if (missing === 'two-cookies' || findCookie(raw.headers.cookie, site.cookies.handshake) === AMBIGUOUS)
    return 'two-cookies'
  if (missing === 'no-cookie')
    return site.secure && client.scheme === 'http' ? 'secure-over-http' : 'cookie-not-returned'
  return missing === 'dead-token' ? 'clock' : 'unknown'
}
