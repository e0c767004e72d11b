import type { RealmName } from '../base/brand.ts'

export type GotoRefusal =
  | 'empty'
  | 'too-long'
  /** Control, space, backslash or non-ASCII: what browsers remove, turn round or map before they parse. */
  | 'forbidden-character'
  /** Neither a rooted path nor an absolute http(s) URL spelled the one way it can be: no userinfo, no default port, lower case. */
  | 'not-canonical'
  | 'not-registered'
  /** Encoded slash, backslash, percent or control in the path, or a path that begins with two slashes once it is resolved. */
  | 'ambiguous-path'
  /** Our own login, logout and callback addresses: loops, and a second goto inside. */
  | 'own-endpoint'

export type GotoVerdict =
  | { readonly kind: 'accepted'; /** Absolute; the very text that was checked. */ readonly url: string }
  | { readonly kind: 'refused'; readonly reason: GotoRefusal }

export type GotoCheck = (realm: RealmName, goto: string) => GotoVerdict

export interface GotoConfig {
  /** Origin of the login host; rooted paths are paths on it. */
  readonly loginOrigin: string
  /** For each realm the origins of its sites (aliases too) and those its `goto` list names. */
  readonly origins: ReadonlyMap<RealmName, Iterable<string>>
}

const MAX_LENGTH = 2_000

const FORBIDDEN = /[^\x21-\x7e]|\\/

/** `%2F %5C %25`, and what stands for a control, in a path. A query may have them: it does not decide where the browser goes. */
const AMBIGUOUS = /%(?:2f|5c|25|[01][0-9a-f]|7f)/i

const LOGIN_ENDPOINT = /^\/(?:login|logout|login-state)(?:[/;]|$)/i
const GATEWAY_ENDPOINT = /^\/\.gatehouse(?:[/;]|$)/i
/**
 * Those of them that people are sent to. The first offers a kept form, and neither signs in nor out nor leads on; the second begins a login at
 * its site, as any page of it does, on the way to a path there.
 */
const OPEN_ENDPOINTS: ReadonlySet<string> = new Set(['/.gatehouse/form', '/.gatehouse/begin'])

/**
 * Decides where people may be sent after login or logout; default deny (open redirect). An accepted URL is a registered http(s)
 * origin, letter for letter, and what follows it, or a rooted path, which is put behind the login host's origin. Comparing letters
 * and not parsed parts leaves no two parsers to disagree; parsing comes second and has to agree.
 */
export function createGotoCheck({ loginOrigin, origins }: GotoConfig): GotoCheck {
  const byRealm = new Map<RealmName, ReadonlySet<string>>()
  for (const [realm, registered] of origins) {
    byRealm.set(realm, new Set([loginOrigin, ...registered].map((origin) => new URL(origin).origin)))
  }
  const own = new URL(loginOrigin).origin

  return (realm, goto) => {
    const reason = flawOf(goto)
    if (reason !== undefined) return { kind: 'refused', reason }
    const url = goto.startsWith('/') ? `${own}${goto}` : goto
    const refusal = refusalOf(url, byRealm.get(realm) ?? new Set([own]), own)
    return refusal === undefined ? { kind: 'accepted', url } : { kind: 'refused', reason: refusal }
  }
}

function flawOf(goto: string): GotoRefusal | undefined {
  if (goto === '') return 'empty'
  if (goto.length > MAX_LENGTH) return 'too-long'
  if (FORBIDDEN.test(goto)) return 'forbidden-character'
  return undefined
}

function refusalOf(url: string, registered: ReadonlySet<string>, own: string): GotoRefusal | undefined {
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:\/\//.test(url)) return 'not-canonical'
  if (!registered.has(parsed.origin)) return 'not-registered'
  if (!url.startsWith(parsed.origin) || !/^(?:[/?#]|$)/.test(url.slice(parsed.origin.length))) return 'not-canonical'
  const raw = url.slice(parsed.origin.length).replace(/[?#].*$/, '')
  if (AMBIGUOUS.test(raw) || parsed.pathname.startsWith('//')) return 'ambiguous-path'
  const path = decoded(parsed.pathname)
  if (path === undefined) return 'ambiguous-path'
  if (OPEN_ENDPOINTS.has(raw) && parsed.origin !== own) return undefined
  if (GATEWAY_ENDPOINT.test(path) || (parsed.origin === own && LOGIN_ENDPOINT.test(path))) return 'own-endpoint'
  return undefined
}

/** Percent-decoded once; `undefined` for what is not UTF-8. */
function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
