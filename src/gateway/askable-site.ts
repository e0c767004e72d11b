import type { PolicyDecisionPoint, Resource } from '../policy/decision.ts'
import type { EncodedPathRule } from '../http/request-url.ts'
import type { SiteConfig } from './agent-profile.schema.ts'
import { compileNotEnforced, type Visitor } from './not-enforced.ts'

/** What of a site says whether policies are asked about a request, and about what. */
export interface AskableSite {
  readonly pdp: PolicyDecisionPoint
  readonly policySet: string
  /** Scheme, host and port of every resource of the site. */
  readonly resourceBase: Pick<Resource, 'scheme' | 'host' | 'port'>
  readonly ssoOnly: boolean
  /** The longest prefix first. */
  readonly encodedPaths: readonly EncodedPathRule[]
  readonly allowedMethods: ReadonlySet<string>
  readonly notEnforced: (visitor: Visitor) => boolean
}

/** Never pass, whatever a profile lists: they echo credentials (cross-site tracing) or open tunnels. */
const NEVER_ALLOWED: ReadonlySet<string> = new Set(['TRACE', 'TRACK', 'CONNECT'])

export function askableOf(profile: SiteConfig, pdp: PolicyDecisionPoint): AskableSite {
  return {
    pdp,
    policySet: profile.policySet,
    resourceBase: resourceBaseOf(new URL(profile.url)),
    ssoOnly: profile.ssoOnly,
    encodedPaths: [...profile.encodedPaths].sort((a, b) => b.prefix.length - a.prefix.length),
    allowedMethods: new Set(profile.allowedMethods.filter((method) => !NEVER_ALLOWED.has(method))),
    notEnforced: compileNotEnforced(profile.notEnforced),
  }
}

/** Scheme, host and port that policies know a site by. */
function resourceBaseOf({ protocol, hostname: host, port }: URL): AskableSite['resourceBase'] {
  const secure = protocol === 'https:'
  return { scheme: secure ? 'https' : 'http', host, port: port === '' ? (secure ? 443 : 80) : Number(port) }
}
