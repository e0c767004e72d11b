import { canonicalAddress } from '../http/forwarded.ts'
import { parseTarget } from '../http/request-url.ts'
import type { Explanation } from '../policy/decision.ts'
import type { AskableSite } from './askable-site.ts'
import { explainAccess, type AskedRequest, type Asker } from './policy-query.ts'

/** A request to a site, as somebody writes it down. */
export interface WrittenRequest {
  /** Path and query, as they are sent. */
  readonly target: string
  readonly method: string
  /** Empty where nobody knows it. */
  readonly ip: string
  /** What it says of its environment, by the names that policies have for it. */
  readonly environment?: Readonly<Record<string, readonly string[]>>
  /** As if the user had approved exactly this request. */
  readonly approved?: boolean
}

export interface ReadRequest extends AskedRequest {
  readonly site: AskableSite
}

/** The request as the gateway would read it, or why it would refuse it before any policy is asked. */
export function readRequest(
  site: AskableSite,
  { target: written, method, ip, environment, approved = false }: WrittenRequest,
): ReadRequest | string {
  const target = parseTarget(written, site.encodedPaths)
  if (typeof target === 'string') return `the gateway refuses this address before any policy is asked: ${target}`
  const address = ip === '' ? '' : canonicalAddress(ip)
  if (address === undefined) return `${JSON.stringify(ip)} is no IP address`
  const said = environment === undefined ? {} : { environment: new Map(Object.entries(environment)) }
  return { site, target, method, client: { ip: address }, approved, ...said }
}

/** Why no policy is asked about a request; `undefined` where one is. */
export function unasked({ site, method, target, client }: ReadRequest): string | undefined {
  if (!site.allowedMethods.has(method))
    return `method-not-allowed: the site takes ${[...site.allowedMethods].join(', ')}`
  if (site.notEnforced({ method, ip: client.ip, path: target.path, alternatives: target.alternatives }))
    return 'not-enforced: everybody is let through, signed in or not'
  return site.ssoOnly ? 'sso-only: everybody who is signed in is let through' : undefined
}

export type SiteExplanation =
  /** The gateway refuses the request, or there is no such one. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unasked'; readonly why: string }
  | { readonly kind: 'asked'; readonly explanation: Explanation }

/** What becomes of a request to the site, by the decision that is enforced there, and why. */
export function explainAt(site: AskableSite, written: WrittenRequest, asker: Asker): SiteExplanation {
  const request = readRequest(site, written)
  if (typeof request === 'string') return { kind: 'refused', why: request }
  const why = unasked(request)
  return why === undefined ? { kind: 'asked', explanation: explainAccess(request, asker) } : { kind: 'unasked', why }
}
