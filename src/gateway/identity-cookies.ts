import type { CookieNames } from '../http/cookies.ts'
import type { HeaderList } from './upstream/upstream.ts'

/**
 * The names in `exact`, and those in `folded` in every spelling that some application takes for one of them: letter case (ASP.NET), percent-
 * encoding (PHP before 7.2.34, CVE-2020-7070), `.`, ` ` and the like for `_`, `NAME[x]`, which PHP makes `NAME` of, and `NA[ME`, which it
 * makes `NA_ME` of.
 */
export function cookieNames(exact: ReadonlySet<string>, folded: readonly string[]): CookieNames {
  if (folded.length === 0) return exact
  const ours = new Set(folded.map(foldCookie))
  return { inside: true, has: (name) => exact.has(name) || spellings(name).some((each) => ours.has(each)) }
}

function spellings(name: string): readonly string[] {
  const decoded = name.includes('%') ? decode(name) : name
  const bracket = decoded.indexOf('[', 1)
  return bracket === -1 ? [foldCookie(decoded)] : [foldCookie(decoded.slice(0, bracket)), foldCookie(decoded)]
}

/** Behind an encoded NUL nothing counts to who decodes it in C. */
function decode(name: string): string {
  return name
    .replace(/%00.*/s, '')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** What all spellings of a name have in common, once decoded. */
export function foldCookie(name: string): string {
  return name
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
