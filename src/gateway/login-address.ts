import { parseTarget } from '../http/request-url.ts'
import { formatCompositeAdvice } from '../policy/composite-advice.ts'
import type { Advices } from '../policy/decision.ts'
import { urlOf, type AccessRequest } from './access-request.ts'
import type { Place } from './login-rules.ts'
import type { Site } from './site.ts'

const MAX_GOTO = 6_000

/** The realm's login page, for this agent, on the way to `goto`; `goto` itself where the provider of the realm is elsewhere. */
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
  // Nobody there knows this realm: who arrives at `goto` is sent to the provider.
  if (isElsewhere(site)) return goto
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

function isElsewhere({ sso, samlSso }: Site): boolean {
  return (samlSso ?? sso)?.isElsewhere === true
}

/** The realm's login page in spite of a session, for somebody who may be more than one user; leads back to `goto`. Elsewhere they sign out first. */
export function otherUserUrl(site: Site, goto: string): string {
  if (isElsewhere(site)) return site.logoutUrl
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
export function ownUrl(site: Site, url: string): string {
  if (!url.startsWith(`${site.url}/`)) return `${site.url}/`
  const target = parseTarget(url.slice(site.url.length), site.encodedPaths)
  return typeof target === 'string' ? `${site.url}/` : site.url + target.target
}

export function placeOf(site: Site, goto: string): Place {
  const target = parseTarget(goto.slice(site.url.length), site.encodedPaths)
  return typeof target === 'string' ? { path: '/', query: undefined } : target
}
