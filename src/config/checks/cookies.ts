import { isIP } from 'node:net'
import { loadPart } from '../../errors.ts'
import { agentCookieOf, covers, domainsOf } from '../../gateway/agent-cookie.schema.ts'
import type { Path } from '../locator.ts'
import type { ConfigProblem } from '../snapshot.ts'
import type { SourceDocument } from '../source-document.ts'
import { errorIn, placeOf, quoted, warningIn, type AgentSource, type Check, type CheckInput } from './check.ts'
import { hostOf } from './hosts.ts'

interface CookieUse {
  readonly source: SourceDocument
  readonly namePath: Path
  readonly name: string
  readonly host: string
  readonly secure: boolean
  readonly domain: string | undefined
  readonly domainPath: Path
  readonly realm: string | undefined
  /** How the cookie is set, beside its name and domain. */
  readonly manner: string
}

function usesOf({ gatehouse, agents }: CheckInput): CookieUse[] {
  if (gatehouse === undefined) return []
  const { url, cookieName } = gatehouse.value.login
  const whereLogin = { host: hostOf(url), secure: url.startsWith('https:'), domain: undefined, realm: undefined }
  const where = { domainPath: [], source: gatehouse.source, namePath: ['login', 'cookieName'] }
  return [{ ...whereLogin, ...where, name: cookieName, manner: '' }, ...agents.map((agent) => useOf(agent, cookieName))]
}

function useOf(agent: AgentSource, loginName: string): CookieUse {
  const { value, source } = agent
  const { url, realm, cookie } = value
  const { name, domain } = agentCookieOf(value, loginName)
  return {
    ...{ source, host: hostOf(url), secure: url.startsWith('https:'), realm, name, domain },
    namePath: ['cookie', cookie.name === undefined && cookie.preset !== 'gatehouse' ? 'preset' : 'name'],
    domainPath: domainPath(agent, domain ?? ''),
    manner: `sameSite: ${cookie.sameSite}, persistent: ${cookie.persistent}`,
  }
}

/**
 * A browser sends a domain cookie to every host below the domain. Where another cookie has the same name there, a request
 * carries two values of one name, which is no session: people would sign in for ever.
 */
export const checkCookieOverlap: Check = (input) => {
  const uses = usesOf(input)
  return uses.flatMap((shared, index) =>
    shared.domain === undefined
      ? []
      : uses.flatMap((other, otherIndex) => (index === otherIndex ? [] : clash(shared, other, otherIndex < index))),
  )
}

function clash(shared: CookieUse, other: CookieUse, isEarlier: boolean): ConfigProblem[] {
  const { domain, source, name } = shared
  if (domain === undefined || other.name !== name || !covers(domain, other.host)) return []
  const there = placeOf(other.source, other.namePath)
  if (other.domain !== domain) {
    const shown = quoted(source, shared.namePath, name)
    const message = `cookie ${shown} of domain ${quoted(source, shared.domainPath, domain)} overlaps with the cookie of the same name of ${there}; give it a name of its own`
    return [errorIn(source, shared.namePath, message)]
  }
  if (!isEarlier) return []
  if (other.realm !== shared.realm) {
    return [
      errorIn(source, ['realm'], `${there} shares this cookie but is in another realm; one cookie serves one realm`),
    ]
  }
  if (other.secure !== shared.secure)
    return [errorIn(source, ['url'], `${there} shares this cookie, and one of both is http; make both https`)]
  if (other.manner === shared.manner) return []
  return [
    errorIn(source, ['cookie'], `${there} shares this cookie and sets it with ${other.manner}; write the same here`),
  ]
}

/** What a browser refuses, or would hand to strangers (cookie tossing). */
export const checkCookieDomains: Check = async ({ agents }) => {
  const sharing = agents.filter(({ value }) => domainsOf(value.cookie).length > 0)
  if (sharing.length === 0) return []
  const { getPublicSuffix } = await loadPart('the list of public suffixes', () => import('tldts'))
  const isPublic: IsPublicSuffix = (domain) => getPublicSuffix(domain, { allowPrivateDomains: true }) === domain
  return sharing.flatMap((agent) => domainProblems(agent, isPublic))
}

type IsPublicSuffix = (domain: string) => boolean

function domainProblems(agent: AgentSource, isPublic: IsPublicSuffix): ConfigProblem[] {
  const { value, source } = agent
  const domains = domainsOf(value.cookie)
  const faults = domains.flatMap((domain, index) => {
    const message = domainFault(domain, hostOf(value.url), isPublic) ?? overlapFault(domain, domains.slice(0, index))
    return message === undefined ? [] : [errorIn(source, domainPath(agent, domain), message)]
  })
  const uncovered = faults.length > 0 ? undefined : coverFault(agent)
  const more = [uncovered, shareFault(agent)].filter((message) => message !== undefined)
  return [...faults, ...more.map((message) => errorIn(source, DOMAIN, message))]
}

const DOMAIN = ['cookie', 'domain']

/** Where the domain stands: alone, or in a list (one that is there twice: where it is the last time). */
function domainPath({ value }: AgentSource, domain: string): Path {
  const written = value.cookie.domain
  return Array.isArray(written) ? [...DOMAIN, written.lastIndexOf(domain)] : DOMAIN
}

function domainFault(domain: string, host: string, isPublic: IsPublicSuffix): string | undefined {
  if (isIP(host) !== 0 || host.startsWith('['))
    return 'a site on an IP address cannot share cookies; remove cookie.domain'
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain)) return 'write the domain without dots at its ends: acme.example'
  if (!domain.includes('.')) return 'a single label covers everybody below it; name a domain of your own: acme.example'
  // Anybody may own a host below one, so browsers take no cookie for it (RFC 6265 §5.3 step 5).
  if (isPublic(domain))
    return 'this is a public suffix: anybody may have a host below it, and browsers refuse its cookies; name a domain of your own'
  return undefined
}

/** Hosts below both would get either's cookie: two values of one name. */
function overlapFault(domain: string, before: readonly string[]): string | undefined {
  return before.some((one) => covers(one, domain) || covers(domain, one))
    ? 'this domain overlaps with one before it, and a host has one cookie; remove one of both'
    : undefined
}

function coverFault({ value, source }: AgentSource): string | undefined {
  if (domainsOf(value.cookie).some((domain) => covers(domain, hostOf(value.url)))) return undefined
  return `the domain has to be the site's host or a parent of it, and the site is ${quoted(source, ['url'], value.url)}`
}

/** A shared cookie is of all its agents: its name can be neither the login host's nor that of one host. */
function shareFault({ value }: AgentSource): string | undefined {
  const { isNamed, isPerHost } = agentCookieOf(value, '')
  if (!isNamed) return 'cookie.domain needs cookie.name: a shared cookie has a name of its own'
  if (!isPerHost) return undefined
  return `preset ${value.cookie.preset} names the cookie after one host, so nobody can share it; write cookie.name or remove cookie.domain`
}

/** Browsers refuse SameSite=None without Secure. */
export const checkCookieSameSite: Check = ({ agents }) =>
  agents
    .filter(({ value }) => value.cookie.sameSite === 'none' && !value.url.startsWith('https:'))
    .map(({ source }) => {
      const message = 'browsers refuse a cookie with SameSite=None over http; make the site https or write lax'
      return errorIn(source, ['cookie', 'sameSite'], message)
    })

/** A site that stays open where the login host has forgotten the person cannot be left through its sign-out page. */
export const checkCookiePersistence: Check = ({ gatehouse, agents }) => {
  if (gatehouse === undefined || gatehouse.value.login.cookiePersistent) return []
  const message =
    "this cookie outlives the browser and the login host's does not, so its sign-out page would know of no session; set login.cookiePersistent as well"
  return agents
    .filter(({ value }) => value.cookie.persistent)
    .map(({ source }) => warningIn(source, ['cookie', 'persistent'], message))
}

/** Prefixes that browsers and the gateway give meaning to. */
const RESERVED_NAME = /^(__Host-|__Secure-|gatehouse-)/i

export const checkCookieNames: Check = ({ gatehouse, agents }) => {
  const login =
    gatehouse === undefined
      ? []
      : [{ ...gatehouse, name: gatehouse.value.login.cookieName, path: ['login', 'cookieName'] }]
  const named = agents.map(({ value, source }) => ({ source, name: value.cookie.name ?? '', path: ['cookie', 'name'] }))
  return [...login, ...named]
    .filter(({ name }) => RESERVED_NAME.test(name))
    .map(({ source, path }) => {
      const message =
        'names that start with __Host-, __Secure- or gatehouse- are reserved; __Host- is added over https by itself'
      return errorIn(source, path, message)
    })
}
