import type { Clock } from '../base/clock.ts'
import { AMBIGUOUS, findCookie } from '../http/cookies.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { HandshakeService, SessionResolver } from '../session/session.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import type { AccessRequest } from './access-request.ts'
import type { LoopCause } from '../http/refusal-page.ts'
import { bindingCookie, newBinding, readBinding, recentlyCompleted, withCompletion } from './handshake-cookie.ts'
import type { HandshakeDress, Purpose } from './handshake-dress.ts'
import { oidcDress } from './handshake-oidc.ts'
import { ownDress } from './handshake-own.ts'
import { samlDress } from './handshake-saml.ts'
import type { KnownUsers } from './known-user.ts'
import { ownUrl, placeOf } from './login-address.ts'
import type { LoginStates } from './login-state.ts'
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

export interface HandshakeDeps {
  readonly handshakes: Pick<HandshakeService, 'redeem'>
  readonly sessions: Pick<SessionResolver, 'resolve'>
  readonly knownUsers: KnownUsers
  readonly loginStates: LoginStates
  readonly audit: AuditSink
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

export function createHandshake(deps: HandshakeDeps): Handshake {
  const { sessions, knownUsers, clock } = deps
  const own = ownDress(deps)
  const oidc = oidcDress(deps)
  const saml = samlDress(deps)
  const dressOf = ({ sso, samlSso }: Site): HandshakeDress => {
    if (samlSso !== undefined) return saml(samlSso)
    return sso === undefined ? own : oidc(sso)
  }

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
    const location = dressOf(site).depart(request, purpose, binding)
    return { kind: 'redirect', status: 302, location, cookies: [bindingCookie(site, binding)] }
  }

  const finish = async (request: AccessRequest): Promise<HandshakeAnswer> => {
    const { site, raw } = request
    const binding = readBinding(site, raw.headers.cookie)
    const { redemption, restarts, goto: from, isFinal } = await dressOf(site).arrive(request, binding)
    const again = (goto: string): HandshakeAnswer =>
      start(request, {
        goto,
        at: placeOf(site, goto),
        advices: undefined,
        missing: missingOf(request),
        restarts: restarts + 1,
      })
    if (isFinal === true) return { kind: 'loop', cause: 'unknown', cookies: [bindingCookie(site, newBinding(clock()))] }
    if (redemption.kind === 'refused' || binding === undefined) return again(from ?? `${site.url}/`)
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
