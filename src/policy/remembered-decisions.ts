import type { EpochMs } from '../base/brand.ts'
import type { AccessQuery, Decision, Facts, PolicyDecisionPoint, PolicySubject } from './decision.ts'

/** Longer questions are decided each time, so that nobody fills the memory with them. In characters. */
const LONGEST = 512

interface Remembered {
  readonly decision: Decision
  readonly decidedAt: EpochMs
}

/** What was decided about one session, as long as everything else that decisions rest on is what it was. */
interface Known {
  readonly facts: Facts
  readonly clientIp: string
  readonly policySet: string
  readonly host: string
  readonly port: number
  readonly scheme: string
  readonly byQuestion: Map<string, Remembered>
}

/**
 * The same decision point for one site, remembering what it said. A decision is good until its `validUntil`, and for exactly the session and
 * the facts that it rests on: sessions and facts are values that never change, so whatever happens to a session or its user makes new ones,
 * and nothing of before is found. Other policies are another decision point. What a request says besides (environment, approvals, tokens) is
 * never remembered. At most `most` decisions; then all are forgotten, and those that are still asked about come back.
 */
export function rememberDecisions(pdp: PolicyDecisionPoint, most: number): PolicyDecisionPoint {
  let sessions = new WeakMap<PolicySubject, Known>()
  let kept = 0
  const knownOf = (query: AccessQuery): Known => {
    const found = sessions.get(query.session)
    if (found !== undefined && isAbout(found, query)) return found
    const { session, facts, clientIp, policySet, resource } = query
    const { scheme, host, port } = resource
    const known: Known = { facts, clientIp, policySet, scheme, host, port, byQuestion: new Map() }
    sessions.set(session, known)
    return known
  }
  return {
    explain: (query) => pdp.explain(query),
    evaluate(query) {
      const question = questionOf(query)
      if (question === undefined) return pdp.evaluate(query)
      const found = knownOf(query).byQuestion.get(question)
      if (found !== undefined && query.now < found.decision.validUntil && query.now >= found.decidedAt)
        return found.decision
      const decision = pdp.evaluate(query)
      // What holds in this moment alone is not worth a place.
      if (decision.validUntil <= query.now) return decision
      if (found === undefined && kept++ >= most) {
        sessions = new WeakMap()
        kept = 1
      }
      knownOf(query).byQuestion.set(question, { decision, decidedAt: query.now })
      return decision
    },
  }
}

function isAbout(known: Known, { facts, clientIp, policySet, resource }: AccessQuery): boolean {
  return (
    known.facts === facts &&
    known.clientIp === clientIp &&
    known.policySet === policySet &&
    known.host === resource.host &&
    known.port === resource.port &&
    known.scheme === resource.scheme
  )
}

/** A method is a token without blanks, and a path has no question mark: no two questions are the same text. */
function questionOf({
  action,
  resource,
  approved,
  clientNames,
  environment,
  scopes,
  claims,
}: AccessQuery): string | undefined {
  if (approved === true || (clientNames ?? environment ?? scopes ?? claims) !== undefined) return undefined
  const { path, query } = resource
  if (path.length + (query?.length ?? 0) > LONGEST) return undefined
  return query === undefined ? `${action} ${path}` : `${action} ${path}?${query}`
}
