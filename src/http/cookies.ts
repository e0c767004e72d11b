import { stringifySetCookie } from 'cookie'
import type { EpochMs } from '../base/brand.ts'

/** Two different values of one name: nobody can say which one the browser was given, so neither counts. */
export const AMBIGUOUS = Symbol('ambiguous cookie')

const EQUALS = 0x3d
const QUOTE = 0x22
const COMMA = 0x2c

/**
 * The value of the cookie with exactly this name, from the raw header (several headers arrive joined). Pairs are read as RFC
 * 6265 §5.4 sends them: no decoding, no trimming beyond space and tab (a U+2000 before `__Host-` is another name), names are
 * case-sensitive. A quoted value is taken without its quotes, and what stands inside quotes is no pair of its own (cookie
 * sandwich). Equal duplicates are one cookie.
 */
export function findCookie(header: string | undefined, name: string): string | typeof AMBIGUOUS | undefined {
  if (header === undefined || !header.includes(name)) return undefined
  let found: string | undefined
  let at = 0
  while (at < header.length) {
    at = skipBlanks(header, at)
    const mine = header.startsWith(name, at) && header.charCodeAt(at + name.length) === EQUALS
    const end = pairEnd(header, at)
    if (mine) {
      const value = unquoted(header.slice(at + name.length + 1, end).trim())
      if (found !== undefined && found !== value) return AMBIGUOUS
      found = value
    }
    at = end + 1
  }
  return found
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09) at++
  return at
}

/** Where the pair ends: at the next `;`, but not at one inside a value that is wholly in quotes. */
function pairEnd(text: string, start: number): number {
  const semicolon = text.indexOf(';', start)
  const end = semicolon === -1 ? text.length : semicolon
  const equals = equalsBefore(text, start, end)
  if (equals === end) return end
  const value = skipBlanks(text, equals + 1)
  if (text.charCodeAt(value) !== QUOTE) return end
  const closing = text.indexOf('"', value + 1)
  if (closing < end) return end
  const after = text.indexOf(';', closing)
  return after === -1 ? text.length : after
}

/** Where the first `=` is, or `end`. Never looks further: for thousands of pairs without one, that would be the whole rest each time. */
function equalsBefore(text: string, start: number, end: number): number {
  let at = start
  while (at < end && text.charCodeAt(at) !== EQUALS) at++
  return at
}

function unquoted(value: string): string {
  const quoted = value.length > 1 && value.charCodeAt(0) === QUOTE && value.endsWith('"')
  return quoted ? value.slice(1, -1) : value
}

/** Names of cookies that are taken out of a header. */
export interface CookieNames {
  has(name: string): boolean
  /** Whether a pair that only some application finds inside of another is looked for as well: what nobody but us may say. */
  readonly inside?: boolean
}

/** What such an application begins a pair behind: a blank (Python's `http.cookies`) or a comma (RFC 2109 §4.3.4). */
const BEGINS = /,|[^;\s]\s/

/**
 * The header without the pairs that carry one of `names`, every other byte kept; `undefined` when nothing is left. Reads more
 * generously than `findCookie` (blanks around the name, inside quotes, behind a nameless `=`), because whatever an upstream
 * might take for our cookie must not reach it.
 */
export function stripCookies(header: string, names: CookieNames): string | undefined {
  const isNested = names.inside === true && BEGINS.test(header)
  let kept: string | undefined
  let dropped = false
  for (let start = 0; start <= header.length;) {
    const semicolon = header.indexOf(';', start)
    const end = semicolon === -1 ? header.length : semicolon
    if (carries(header, start, end, names) || (isNested && hides(header, start, end, names))) dropped = true
    else if (kept === undefined) kept = dropped ? header.slice(start, end).trimStart() : header.slice(start, end)
    else kept += header.slice(start - 1, end)
    start = end + 1
  }
  if (!dropped) return header
  return kept === undefined || kept.trim() === '' ? undefined : kept
}

function carries(header: string, start: number, end: number, names: CookieNames): boolean {
  let at = start
  while (at < end && isPadding(header.charCodeAt(at))) at++
  let stop = equalsBefore(header, at, end)
  while (stop > at && isPadding(header.charCodeAt(stop - 1))) stop--
  return stop > at && names.has(header.slice(at, stop))
}

/** Whether a pair has another one in it. One pass, or thousands of blanks would cost the whole rest each. */
function hides(header: string, start: number, end: number, names: CookieNames): boolean {
  let [from, to] = [start, start]
  let begins = true
  for (let at = start; at < end; at++) {
    const code = header.charCodeAt(at)
    if (code === EQUALS) {
      if (to > from && names.has(header.slice(from, to))) return true
      begins = false
      from = to
    } else if (code <= 0x20 || code === COMMA) begins = true
    else {
      if (begins) from = at
      if (begins || to === at) to = at + 1
      begins = false
    }
  }
  return false
}

/** What some application trims from a name: blanks, controls, quotes, a nameless `=`, and Unicode spaces, whose bytes are beyond ASCII. */
function isPadding(code: number): boolean {
  return code <= 0x20 || code >= 0x7f || code === EQUALS || code === QUOTE
}

/**
 * The name a cookie goes by: host-only cookies over https get `__Host-`, which browsers accept from this very host only, so
 * that no sibling host can plant one (cookie tossing); over http browsers would refuse the prefix.
 */
export function cookieName(
  base: string,
  site: { readonly secure: boolean; readonly domain?: string | undefined },
): string {
  return site.secure && site.domain === undefined ? `__Host-${base}` : base
}

/** Every spelling of the name that must be kept apart from an application's own cookies. */
export function cookieSpellings(base: string): readonly string[] {
  const bare = base.replace(/^__(?:Host|Secure)-/i, '')
  return [bare, `__Host-${bare}`, `__Secure-${bare}`]
}

/** Lower case, without `__Host-` and `__Secure-`: under this every spelling of a name is one. */
export function bareName(name: string): string {
  return name.toLowerCase().replace(/^__(?:host|secure)-/, '')
}

export interface CookieAttributes {
  readonly secure: boolean
  readonly domain?: string | undefined
  /** `lax` where absent; browsers take `none` over https only. */
  readonly sameSite?: 'lax' | 'none'
  /** Seconds; without it the cookie goes when the browser closes. */
  readonly maxAge?: number
  /** For what reads no Max-Age. */
  readonly expires?: Date
}

/** Attributes of a cookie that outlives the browser, but not `end`. */
export function lifeUntil(end: EpochMs, now: EpochMs): Required<Pick<CookieAttributes, 'maxAge' | 'expires'>> {
  return { maxAge: Math.max(0, Math.floor((end - now) / 1_000)), expires: new Date(end) }
}

/** A `Set-Cookie` value: HttpOnly, Path=/, never readable by scripts. */
export function setCookie(name: string, value: string, attributes: CookieAttributes): string {
  const { secure, domain, sameSite = 'lax', maxAge, expires } = attributes
  return stringifySetCookie(
    {
      name,
      value,
      path: '/',
      httpOnly: true,
      sameSite,
      secure,
      ...(domain === undefined ? {} : { domain }),
      ...(maxAge === undefined ? {} : { maxAge }),
      ...(expires === undefined ? {} : { expires }),
    },
    { encode: (text) => text },
  )
}

/** A `Set-Cookie` value that overwrites the cookie and has the browser forget it; the attributes must be those it was set with. */
export function clearCookie(name: string, attributes: CookieAttributes): string {
  return setCookie(name, '', { ...attributes, maxAge: 0, expires: new Date(0) })
}

/** A `Set-Cookie` value that has the browser forget somebody else's cookie: one of exactly this name, domain and path (RFC 6265 §5.3). */
export function forgetCookie(
  name: string,
  { secure, domain, path }: { readonly secure: boolean; readonly domain?: string | undefined; readonly path: string },
): string {
  const where = domain === undefined ? {} : { domain }
  return stringifySetCookie({ name, value: '', path, ...where, secure, maxAge: 0, expires: new Date(0) })
}

/** The name in a `Set-Cookie` value as browsers read it: trimmed; empty for a nameless cookie. */
export function setCookieName(value: string): string {
  const semicolon = value.indexOf(';')
  const pair = semicolon === -1 ? value : value.slice(0, semicolon)
  const equals = pair.indexOf('=')
  return equals === -1 ? '' : pair.slice(0, equals).trim()
}
