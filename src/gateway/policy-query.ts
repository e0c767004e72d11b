import type { EpochMs } from '../base/brand.ts'
import type { AccessQuery, Decision, Explanation, Facts, PolicySubject } from '../policy/decision.ts'
import type { AccessRequest } from './access-request.ts'
import type { Site } from './site.ts'

/** What of a request policies are asked about. */
export interface AskedRequest extends Pick<AccessRequest, 'target' | 'method' | 'approved'> {
  readonly site: Pick<Site, 'pdp' | 'policySet' | 'resourceBase'> & Partial<Pick<Site, 'environment'>>
  /** What it comes with; a question that was written down has nothing but what it says. */
  readonly raw?: AccessRequest['raw']
  readonly environment?: AccessQuery['environment']
  readonly client: Pick<AccessRequest['client'], 'ip'>
}

/** Who asks, and when. */
export interface Asker {
  readonly session: PolicySubject
  readonly facts: Facts
  readonly now: EpochMs
}

/** The decision for the path as it will be forwarded, unless another reading of it is denied. */
export function evaluate(request: AskedRequest, asker: Asker): Decision {
  const { site, target } = request
  const decision = site.pdp.evaluate(queryFor(request, asker, target.path))
  if (!decision.allowed) return decision
  for (const path of target.alternatives) {
    const other = site.pdp.evaluate(queryFor(request, asker, path))
    if (!other.allowed) return other
  }
  return decision
}

/** The same decision, with why. */
export function explainAccess(request: AskedRequest, asker: Asker): Explanation {
  const { site, target } = request
  const explained = site.pdp.explain(queryFor(request, asker, target.path))
  if (!explained.decision.allowed) return explained
  const others = target.alternatives.map((path) => site.pdp.explain(queryFor(request, asker, path)))
  return others.find(({ decision }) => !decision.allowed) ?? explained
}

function queryFor(
  { site, target, method, client, approved, raw, environment }: AskedRequest,
  { session, facts, now }: Asker,
  path: string,
): AccessQuery {
  const { scheme, host, port } = site.resourceBase
  return {
    policySet: site.policySet,
    resource: { scheme, host, port, path, query: target.query },
    // RFC 9110 §9.3.2: HEAD is a GET whose body is left out, and gets the same decision.
    action: method === 'HEAD' ? 'GET' : method,
    session,
    facts,
    clientIp: client.ip,
    now,
    approved,
    environment: environment ?? (raw === undefined ? undefined : site.environment?.(raw)),
  }
}
