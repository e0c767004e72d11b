import type { HeaderList } from './upstream/upstream.ts'

/** Names of cookies that nobody else may send to an application. */
export interface CookieNames {
  has(name: string): boolean
}

/**
 * The names in `exact`, and those in `folded` in every spelling that some application takes for one of them: letter case (ASP.NET), percent-
 * encoding (PHP before 7.2.34, CVE-2020-7070), `.`, ` ` and the like for `_`, and `NAME[x]`, which PHP makes `NAME` of.
 */
export function cookieNames(exact: ReadonlySet<string>, folded: readonly string[]): CookieNames {
  if (folded.length === 0) return exact
  const ours = new Set(folded.map(foldCookie))
  return { has: (name) => exact.has(name) || ours.has(foldCookie(name)) }
}

/** What all those spellings have in common. */
export function foldCookie(name: string): string {
  const decoded = name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const bracket = decoded.indexOf('[', 1)
  const whole = bracket === -1 ? decoded : decoded.slice(0, bracket)
  return whole
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '_')
}

/** The cookies of an identity; `undefined` where it has none. */
export function cookiesOf(identity: HeaderList): string | undefined {
  for (let i = 0; i + 1 < identity.length; i += 2) if (identity[i] === 'cookie') return identity[i + 1]
  return undefined
}

/** Ours first: of two cookies of one name most applications take the first (RFC 6265 §5.4 leaves it open). */
export function joinCookies(ours: string | undefined, theirs: string | undefined): string | undefined {
  if (ours === undefined || theirs === undefined) return ours ?? theirs
  return `${ours}; ${theirs}`
}
