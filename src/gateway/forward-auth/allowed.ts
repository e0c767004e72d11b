import { OWN_HEADERS } from '../../http/respond.ts'
import type { SessionResolver } from '../../session/session.ts'
import type { Delivery } from '../enact.ts'
import { cookiesOf, joinCookies } from '../identity-cookies.ts'
import { renewedCookie, type RenewDeps } from '../renewed-cookie.ts'
import type { Forward } from '../verdict.ts'

export type AllowDeps = RenewDeps & { readonly sessions: Pick<SessionResolver, 'touch'> }

/**
 * 200, and the headers that the proxy has to put in place of its client's. All are there each time, empty where there is nothing to say: of
 * one that were missing some proxies would pass on the client's own (Caddy, GHSA-7r4p-vjf4-gxv4).
 */
export function answerAllowed(deps: AllowDeps, verdict: Forward, { request, context }: Delivery): void {
  const { site, session, identity, forgets } = verdict
  const { response } = context
  const { cookie, authorization } = request.raw.headers
  for (const [name, value] of Object.entries(OWN_HEADERS)) response.setHeader(name, value)
  for (const name of site.identityNames) response.setHeader(name, '')
  for (let i = 0; i + 1 < identity.length; i += 2) response.setHeader(identity[i] ?? '', identity[i + 1] ?? '')
  const theirs = cookie === undefined ? undefined : site.readCookies(cookie).forUpstream
  response.setHeader('cookie', joinCookies(cookiesOf(identity), theirs) ?? '')
  const isHidden = authorization === undefined || site.hidesAuthorization(authorization)
  response.setHeader('authorization', isHidden ? '' : authorization)
  response.setHeader('x-request-id', request.id)
  if (site.clientAddressHeader !== undefined) response.setHeader(site.clientAddressHeader, request.client.ip)
  if (forgets !== undefined) response.setHeader('set-cookie', forgets)
  else if (session !== undefined) {
    deps.sessions.touch(session)
    const renewed = session.stateless === undefined ? undefined : renewedCookie(deps, request, session)
    if (renewed !== undefined) response.setHeader('set-cookie', renewed)
  }
  response.setHeader('content-length', 0)
  response.writeHead(200).end()
}
