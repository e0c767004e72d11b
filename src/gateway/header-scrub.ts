import { rememberRecent } from '../base/recent.ts'
import { isHopByHop } from '../http/hop-by-hop.ts'

/** What becomes of one inbound header on its way to the application. */
type HeaderFate = 'keep' | 'drop' | 'cookie' | 'authorization'

export interface JudgedName {
  /** The name that was asked about, the same string every time: what comes after finds it in its own tables without hashing. */
  readonly name: string
  readonly fate: HeaderFate
}

/**
 * Names that say who the user is, spelt as `fold` does. They are believed by this or that application where a proxy stands in front, whether
 * or not this site sets them.
 */
const SAY_WHO: ReadonlySet<string> = new Set([
  'remote-user',
  'remote-groups',
  'remote-email',
  'remote-name',
  'x-remote-user',
  'x-remote-groups',
  'x-user',
  'x-username',
  'x-groups',
  'x-roles',
  'x-amr',
  'x-auth-level',
  'x-auth-user',
  'x-proxy-user',
  'x-userinfo',
  'x-trusted-user',
  'sm-user',
  'auth-user',
  'x-jwt-assertion',
])

/** Behind `x-forwarded-` and `x-auth-request-`, where proxies say other things as well. */
const SAY_WHO_BEHIND = /^x-(?:forwarded|auth-request)-(?:user|email|groups|preferred-username|access-token)$/

/**
 * Names that are never taken from a client either: where the request came from, what it really asks for, or that an inner hop has
 * checked it already (Next.js CVE-2025-29927).
 */
const NEVER_INBOUND: ReadonlySet<string> = new Set([
  ...SAY_WHO,
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-cluster-client-ip',
  'x-original-url',
  'x-original-uri',
  'x-original-method',
  'x-original-host',
  'x-rewrite-url',
  'x-host',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-middleware-subrequest',
  'x-request-id',
  // Names an approval that this gateway gives.
  'x-txid',
  'client-cert',
  'client-cert-chain',
  'x-client-cert',
  'x-client-verify',
  'forwarded',
  'host',
  'expect',
  // HTTP_PROXY in CGI (httpoxy, CVE-2016-5385).
  'proxy',
])

const SAY_WHO_PREFIXES: readonly string[] = [
  'x-gatehouse-',
  'x-authenticated-',
  'x-authentik-',
  'x-webauth-',
  'x-pomerium-',
  'x-vouch-',
  'x-goog-authenticated-',
  'x-goog-iap-',
  'x-ms-client-principal',
  'x-ms-token-',
  'x-amzn-oidc-',
  'x-credential-',
  'oidc-claim-',
  'mellon-',
]

const NEVER_INBOUND_PREFIXES: readonly string[] = [
  ...SAY_WHO_PREFIXES,
  'x-forwarded-',
  'x-auth-request-',
  'x-envoy-',
  'x-gw-',
  'x-ssl-client-',
  'ssl-client-',
  'x-middleware-',
]

/** No name that applications know is longer; a client may send names of 31 KB. */
const MAX_LENGTH = 64

/**
 * Header names as the most lenient hosts fold them. RFC 3875 §4.1.18 turns only `-` into `_`, but some servers (lighttpd's CGI among
 * them) do so with every other character that a name may have: `X~Remote~User` is HTTP_X_REMOTE_USER there.
 */
function fold(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-')
}

/**
 * Judges inbound header names for one site, `own` being the headers the site sets itself. The answer for a name is worked out
 * once and remembered, within bounds that a client with invented names cannot push.
 */
export function createHeaderScrub(own: Iterable<string>, maxEntries: number): (name: string) => JudgedName {
  const ours = new Set([...own].map(fold))
  return rememberRecent((name) => ({ name, fate: fateOf(fold(name), ours) }), { maxEntries, maxLength: MAX_LENGTH })
}

/** Whether a client's header says who its user is: a spelling of one of `own`, or of any that applications believe. */
export function createHeaderClaims(own: Iterable<string>): (name: string) => boolean {
  const ours = new Set([...own, ...SAY_WHO].map(fold))
  return (name) => {
    const folded = fold(name)
    // What a proxy shows us is no claim of its client's.
    if (folded === SECRET) return false
    const bare = folded.replace(/^http-/, '')
    if (ours.has(folded) || ours.has(bare) || SAY_WHO_BEHIND.test(bare)) return true
    return SAY_WHO_PREFIXES.some((prefix) => bare.startsWith(prefix))
  }
}

const SECRET = 'x-gatehouse-proxy-secret'

/** Whether some host reads a header called `name` as one called `as`, which is spelt with letters, digits and hyphens. */
export function isSpelling(name: string, as: string): boolean {
  const folded = fold(name)
  return folded === as || folded === `http-${as}`
}

function fateOf(folded: string, ours: ReadonlySet<string>): HeaderFate {
  if (folded === 'cookie') return 'cookie'
  if (folded === 'http-cookie') return 'drop'
  // What belongs to one connection, and framing, which the body alone decides (request smuggling).
  if (isHopByHop(folded) || folded === 'content-length') return 'drop'
  // `HTTP_X_REMOTE_USER` would be read as the variable that `X-Remote-User` becomes.
  const name = folded.startsWith('http-') ? folded.slice(5) : folded
  for (const candidate of [folded, name]) {
    if (ours.has(candidate) || NEVER_INBOUND.has(candidate)) return 'drop'
    if (NEVER_INBOUND_PREFIXES.some((prefix) => candidate.startsWith(prefix))) return 'drop'
    if (candidate === 'authorization') return 'authorization'
  }
  return 'keep'
}
