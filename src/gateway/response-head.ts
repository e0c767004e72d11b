import { rememberRecent } from '../base/recent.ts'
import { isSharedCacheControl, protectedCacheControl, varyByCookie } from './response-caching.ts'
import { passClearSiteData, passSetCookie } from './response-cookies.ts'
import type { HeaderList, RewriteResponseHead } from './upstream/upstream.ts'

export interface ResponseRules {
  /** The site's origin, which redirects lead to. */
  readonly site: string
  /** Origins that mean the site when the application redirects to them. */
  readonly internalOrigins: readonly string[]
  readonly rewriteLocation: boolean
  readonly caching: 'protect' | 'upstream'
  readonly cookieDomain: 'keep' | 'remove'
  /** Names of cookies that are ours, as `bareName` spells them. */
  readonly reservedCookies: ReadonlySet<string>
  /** Names that the profile takes away, in any case. */
  readonly remove: readonly string[]
  /** Names of headers that are remembered. */
  readonly maxNames: number
  /** Told the name of a dropped cookie. */
  readonly onDroppedCookie: (reason: string) => void
}

export interface ResponseRewrites {
  /** For answers to requests that needed no session. */
  readonly open: RewriteResponseHead
  /** For answers that needed one. */
  readonly protected: RewriteResponseHead
  /**
   * For an answer that may bring the browser its next token (a `Set-Cookie` value), which is asked for when the answer begins; nobody else
   * may get such an answer, whatever the site's caching.
   */
  renewing(next: () => string | undefined): RewriteResponseHead
}

/** Both rewrites of one site, compiled once: a request only picks one. */
export function compileResponseRewrites(rules: ResponseRules): ResponseRewrites {
  const dropped = new Set([...DROPPED, ...rules.remove.map((name) => name.toLowerCase())])
  const parts = { rules, dropped, specialOf: createSpecialNames(dropped, rules.maxNames) }
  const withSession: RewriteResponseHead = (status, headers) =>
    rewrite(parts, status, headers, rules.caching === 'protect' && status !== 101 ? PRIVATE : PLAIN)
  return {
    open: (status, headers) => rewrite(parts, status, headers, PLAIN),
    protected: withSession,
    renewing: (next) => (status, headers) => {
      const token = next()
      if (token === undefined) return withSession(status, headers)
      return rewrite(parts, status, headers, { restrain: true, token })
    },
  }
}

/** The name in lower case where something is done about such a header; empty for all others. */
type SpecialOf = (name: string) => string

const MAX_LENGTH = 64

/** Each spelling is judged once and remembered, within bounds. */
function createSpecialNames(dropped: ReadonlySet<string>, maxEntries: number): SpecialOf {
  const judge = (name: string): string => {
    const lower = name.toLowerCase()
    return isSpecial(lower) || dropped.has(lower) ? lower : ''
  }
  return rememberRecent(judge, { maxEntries, maxLength: MAX_LENGTH })
}

const TREATED: ReadonlySet<string> = new Set([
  'set-cookie',
  'location',
  'content-location',
  'clear-site-data',
  'content-type',
  'cache-control',
  'vary',
  'expires',
  'pragma',
])

function isSpecial(lower: string): boolean {
  return TREATED.has(lower) || isSharedCacheControl(lower)
}

interface Parts {
  readonly rules: ResponseRules
  readonly dropped: ReadonlySet<string>
  readonly specialOf: SpecialOf
}

interface Addition {
  /** Whether caches are told to keep their hands off. */
  readonly restrain: boolean
  /** A `Set-Cookie` value of ours. */
  readonly token: string | undefined
}

const PLAIN: Addition = { restrain: false, token: undefined }
const PRIVATE: Addition = { restrain: true, token: undefined }

/** Never passed on: they tell of hosts and ports behind us, or repeat what only the application was to see. */
const DROPPED: ReadonlySet<string> = new Set(['alt-svc', 'x-gatehouse-assertion'])

function rewrite(
  { rules, dropped, specialOf }: Parts,
  status: number,
  headers: HeaderList,
  { restrain, token }: Addition,
): HeaderList {
  const out: string[] = []
  const seen: Seen = { contentType: undefined, cacheControl: undefined, vary: undefined, setsCookie: false }
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const lower = specialOf(name)
    if (lower === '') {
      out.push(name, headers[i + 1] ?? '')
      continue
    }
    if (dropped.has(lower)) continue
    const value = rewriteValue(rules, lower, headers[i + 1] ?? '')
    if (value === undefined) continue
    if (restrain && note(seen, lower, value)) continue
    out.push(name, value)
  }
  if (token !== undefined) {
    seen.setsCookie = true
    out.push('Set-Cookie', token)
  }
  if (restrain) {
    out.push('Cache-Control', protectedCacheControl({ status, ...seen }), 'Vary', varyByCookie(seen.vary))
  }
  return out
}

function rewriteValue(rules: ResponseRules, name: string, value: string): string | undefined {
  switch (name) {
    case 'set-cookie': {
      const passed = passSetCookie(value, rules.reservedCookies, rules.cookieDomain)
      if (passed === undefined) rules.onDroppedCookie('set-cookie of a reserved name')
      return passed
    }
    case 'location':
    case 'content-location':
      return rules.rewriteLocation ? toSite(rules, value) : value
    case 'clear-site-data':
      return passClearSiteData(value)
    default:
      return value
  }
}

interface Seen {
  contentType: string | undefined
  cacheControl: string | undefined
  vary: string | undefined
  setsCookie: boolean
}

/** Remembers what caching depends on; true for headers that are written anew, or not at all. */
function note(seen: Seen, name: string, value: string): boolean {
  if (name === 'content-type') seen.contentType = value
  else if (name === 'set-cookie') seen.setsCookie = true
  else if (name === 'cache-control') {
    seen.cacheControl = seen.cacheControl === undefined ? value : `${seen.cacheControl}, ${value}`
    return true
  } else if (name === 'vary') {
    seen.vary = seen.vary === undefined ? value : `${seen.vary}, ${value}`
    return true
  } else if (name === 'expires' || name === 'pragma' || isSharedCacheControl(name)) return true
  return false
}

/** `http://10.0.0.5:8080/x` becomes the site's `/x`; what only begins like such an origin stays. */
function toSite(rules: ResponseRules, location: string): string {
  for (const origin of rules.internalOrigins) {
    if (location.length < origin.length || location.slice(0, origin.length).toLowerCase() !== origin) continue
    const rest = location.slice(origin.length)
    if (rest === '' || rest.startsWith('/') || rest.startsWith('?') || rest.startsWith('#'))
      return `${rules.site}${rest}`
  }
  return location
}
