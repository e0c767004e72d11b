import { rememberRecent } from '../base/recent.ts'
import { type AMBIGUOUS, type CookieNames, findCookie, stripCookies } from '../http/cookies.ts'

/** What one Cookie header says to the gateway, and what of it the application gets. */
export interface ReadCookies {
  /** The value of the token's cookie. */
  readonly token: string | typeof AMBIGUOUS | undefined
  /** The header without our cookies; `undefined` when nothing is left. */
  readonly forUpstream: string | undefined
}

export interface CookieReaderOptions {
  /** Name of the token's cookie, prefix included. */
  readonly token: string
  /** Every name, in every spelling, that an upstream must not see. */
  readonly stripped: CookieNames
  /** Headers that are remembered. */
  readonly maxEntries: number
}

/** Longer headers are read anew each time, so that nobody fills the memory. */
const MAX_LENGTH = 1_024

/**
 * Reads a site's Cookie headers. A browser sends the same one with every request, and reading it takes two walks over its bytes:
 * what was found is remembered, within bounds.
 */
export function createCookieReader({
  token,
  stripped,
  maxEntries,
}: CookieReaderOptions): (header: string) => ReadCookies {
  const recent = rememberRecent<ReadCookies>(
    (header) => ({ token: findCookie(header, token), forUpstream: stripCookies(header, stripped) }),
    { maxEntries, maxLength: MAX_LENGTH },
  )
  let last = ''
  let read = recent(last)
  return (header) => {
    // A page comes with its pictures: to compare two texts costs less than to hash one.
    if (header === last) return read
    const found = recent(header)
    if (header.length <= MAX_LENGTH) [last, read] = [header, found]
    return found
  }
}
