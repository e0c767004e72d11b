import { isIP } from 'node:net'
import type { ConfigProblem } from '../snapshot.ts'
import type { SourceDocument } from '../source-document.ts'
import { errorIn, placeOf, quoted, type AgentSource, type Check, type CheckInput } from './check.ts'
import { hostOf } from './hosts.ts'

interface CookieUse {
  readonly source: SourceDocument
  readonly namePath: readonly string[]
  readonly name: string
  readonly host: string
  readonly secure: boolean
  readonly domain: string | undefined
  readonly realm: string | undefined
}

function usesOf({ gatehouse, agents }: CheckInput): CookieUse[] {
  if (gatehouse === undefined) return []
  const { url, cookieName } = gatehouse.value.login
  const whereLogin = { host: hostOf(url), secure: url.startsWith('https:'), domain: undefined, realm: undefined }
  const login = { ...whereLogin, source: gatehouse.source, namePath: ['login', 'cookieName'], name: cookieName }
  return [login, ...agents.map((agent) => useOf(agent, cookieName))]
}

function useOf({ value, source }: AgentSource, loginName: string): CookieUse {
  const { url, realm, cookie } = value
  const where = { host: hostOf(url), secure: url.startsWith('https:'), domain: cookie.domain, realm }
  return { ...where, source, namePath: ['cookie', 'name'], name: cookie.name ?? loginName }
}

const covers = (domain: string, host: string): boolean => host === domain || host.endsWith(`.${domain}`)

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
    const message = `cookie ${shown} of domain ${quoted(source, ['cookie', 'domain'], domain)} overlaps with the cookie of the same name of ${there}; give it a name of its own`
    return [errorIn(source, shared.namePath, message)]
  }
  if (!isEarlier) return []
  if (other.realm !== shared.realm) {
    return [
      errorIn(source, ['realm'], `${there} shares this cookie but is in another realm; one cookie serves one realm`),
    ]
  }
  if (other.secure === shared.secure) return []
  return [errorIn(source, ['url'], `${there} shares this cookie, and one of both is http; make both https`)]
}

/** What a browser refuses, or would hand to strangers (cookie tossing). */
export const checkCookieDomains: Check = ({ agents }) =>
  agents.flatMap(({ value, source }) => {
    const { domain, name } = value.cookie
    if (domain === undefined) return []
    const message = domainFault(domain, hostOf(value.url), quoted(source, ['url'], value.url))
    const problems = message === undefined ? [] : [errorIn(source, ['cookie', 'domain'], message)]
    if (name !== undefined) return problems
    const nameless = 'cookie.domain needs cookie.name: a shared cookie has a name of its own'
    return [...problems, errorIn(source, ['cookie', 'domain'], nameless)]
  })

function domainFault(domain: string, host: string, url: string): string | undefined {
  if (isIP(host) !== 0 || host.startsWith('['))
    return 'a site on an IP address cannot share cookies; remove cookie.domain'
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain)) return 'write the domain without dots at its ends: acme.example'
  if (!domain.includes('.')) return 'a single label covers everybody below it; name a domain of your own: acme.example'
  if (!covers(domain, host)) return `the domain has to be the site's host or a parent of it, and the site is ${url}`
  return undefined
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
