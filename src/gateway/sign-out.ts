import type { IncomingHttpHeaders } from 'node:http'
import { AMBIGUOUS } from '../http/cookies.ts'
import { isSameOrigin } from '../http/csrf.ts'
import { requestKind } from '../http/request-kind.ts'
import type { Session, SessionService } from '../session/session.ts'
import type { AccessRequest } from './access-request.ts'
import { signedOutCookies } from './signed-out.ts'
import type { Site } from './site.ts'
import { sentToken, sessionOfCookie } from './token-cookie.ts'
import type { Refuse, Verdict } from './verdict.ts'

export interface SignOutDeps {
  readonly sessions: Pick<SessionService, 'resolve' | 'end'>
  /** What is decided where no session is needed; `undefined` where one is. */
  decideOpen(request: AccessRequest): Verdict | undefined
  /** What is decided about the request as if it were any other. */
  decide(request: AccessRequest): Verdict | Promise<Verdict>
  decideKnown(request: AccessRequest, session: Session): Verdict | Promise<Verdict>
}

const CROSS_SITE: Refuse = { kind: 'refuse', status: 403, reason: 'cross-site' }

/**
 * A request to an address by which the application signs people out: the session ends before anybody is told, so a second one finds none
 * and ends nothing. What another site may have brought about is only a question (logout CSRF). Rejects with a fault when the store cannot
 * say or cannot end it: then nothing is forwarded.
 */
export async function signOut(deps: SignOutDeps, request: AccessRequest): Promise<Verdict> {
  const { site, raw, method, client } = request
  const { headers } = raw
  // What a program says itself counts alone, and it knows how to end its session.
  if (headers.authorization !== undefined && site.isOurToken(headers.authorization)) return deps.decide(request)
  const isNavigation = requestKind(method, headers) === 'navigation'
  // Which session it is nobody can say here; the login host has a cookie of its own.
  if (isNavigation && sentToken(request) === AMBIGUOUS) return question(site, method)
  if (!isOwn(method, headers, site.url)) {
    // Without a token as well: browsers leave cookies out of forms of other sites, and one that is cleared is gone all the same.
    if (isNavigation) return question(site, method)
    return sentToken(request) === undefined ? deps.decide(request) : CROSS_SITE
  }
  const session = await sessionOfCookie(deps.sessions, request)
  const isSentOn = site.logout?.goto !== undefined
  // The application may have a session of its own for whoever has none here.
  const open = isSentOn ? undefined : deps.decideOpen(request)
  if (session === undefined) return open ?? (isNavigation ? away(site, method) : deps.decide(request))
  const verdict = isSentOn ? undefined : (open ?? (await deps.decideKnown(request, session)))
  // Else the next click would sign them in again, unasked.
  const elsewhere = await (site.samlSso ?? site.sso)?.signOutUrl?.(session)
  await deps.sessions.end(session.sid, 'logout', { requestId: request.id, clientIp: client.ip })
  // What would have been refused, or asked for a login, has nothing to ask for any more.
  return verdict?.kind === 'forward' ? { ...verdict, forgets: signedOutCookies(site) } : away(site, method, elsewhere)
}

/**
 * Sent by a page of the site, and not as a picture or a style in it, which anybody who may write there can plant; nor before the person has
 * clicked (prefetch).
 */
function isOwn(method: string, headers: IncomingHttpHeaders, url: string): boolean {
  if (headers['sec-purpose'] !== undefined || headers['purpose'] !== undefined) return false
  const destination = headers['sec-fetch-dest']
  if (method === 'GET' && destination !== undefined && destination !== 'document' && destination !== 'empty')
    return false
  return isSameOrigin(headers, url)
}

/** The login host asks whether they want to. */
function question({ logoutUrl }: Site, method: string): Verdict {
  return { kind: 'redirect', status: statusFor(method), location: logoutUrl }
}

/** `elsewhere`: where they sign out at the provider, which comes first. */
function away(site: Site, method: string, elsewhere?: string): Verdict {
  const { goto = 'signed-out' } = site.logout ?? {}
  const location = goto === 'signed-out' ? site.signedOutUrl : goto.startsWith('/') ? site.url + goto : goto
  return {
    kind: 'redirect',
    status: statusFor(method),
    location: elsewhere ?? location,
    forgets: signedOutCookies(site),
  }
}

/** Whatever the method was: what comes next is a page. */
function statusFor(method: string): 302 | 303 {
  return method === 'GET' ? 302 : 303
}
