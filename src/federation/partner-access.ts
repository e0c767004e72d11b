import type { Clock } from '../base/clock.ts'
import type { RealmName } from '../base/brand.ts'
import type { UserDirectory } from '../identity/directory.ts'
import type { AdviceName, Advices, Decision, PolicySubject, PolicyTrace } from '../policy/decision.ts'
import type { PartnerPolicies } from '../policy/partner-policies.ts'
import type { AuditSink } from '../telemetry/audit.ts'

/** Somebody about to be signed in at a partner. */
export interface Entrance {
  /** Id of the OpenID client or SAML partner. */
  readonly partner: string
  readonly subject: PolicySubject
  /** None where the session is over, and something of it goes on. */
  readonly sid: string | undefined
  /** Of the person; empty where it is the partner who asks. */
  readonly clientIp: string
  readonly requestId: string
}

export type PartnerVerdict =
  | { readonly kind: 'allowed' }
  /** A login can bring it about. */
  | { readonly kind: 'login'; readonly advices: Advices }
  /** `policies`: those that decided it, for the page. */
  | { readonly kind: 'denied'; readonly policies: readonly string[] }

/** Who may be signed in at which partners: one question for all providers of identities. Rejects where the directory cannot say. */
export interface PartnerAccess {
  ask(entrance: Entrance): Promise<PartnerVerdict>
  /** Writes down that somebody was turned away, with all that had a part in it; for a login that did not help, too. */
  refused(entrance: Entrance): Promise<void>
}

export interface PartnerAccessDeps {
  readonly realm: RealmName
  readonly policies: PartnerPolicies
  readonly directory: Pick<UserDirectory, 'find'>
  /** The level that a login of the realm can come to. */
  readonly highestLevel: number
  readonly audit: AuditSink
  readonly clock: Clock
}

/** What a login can bring about. All else is for requests to sites, or ends the session. */
const BY_LOGIN: ReadonlySet<string> = new Set<AdviceName>([
  'AuthLevelConditionAdvice',
  'AuthSchemeConditionAdvice',
  'AuthenticateToServiceConditionAdvice',
  'AuthenticationAgeConditionAdvice',
])

/** Policies that one line of the audit log tells of. */
const MOST_TOLD = 20

export function createPartnerAccess(deps: PartnerAccessDeps): PartnerAccess {
  const { realm, policies, directory, highestLevel, audit, clock } = deps

  const explained = async ({ partner, subject, clientIp }: Entrance) => {
    const facts = await directory.find(subject.userId)
    return facts && policies.explain({ partner, session: subject, facts, clientIp, now: clock() })
  }

  return {
    async ask(entrance) {
      if (!policies.areAbout(entrance.partner)) return { kind: 'allowed' }
      const decision = (await explained(entrance))?.decision
      if (decision?.allowed === true) return { kind: 'allowed' }
      const advices = decision && withinReach(decision, highestLevel)
      return advices === undefined ? { kind: 'denied', policies: decision?.policies ?? [] } : { kind: 'login', advices }
    },

    async refused(entrance) {
      const { partner, subject, sid, clientIp, requestId } = entrance
      const found = await explained(entrance)
      audit.record({
        event: 'PartnerAccessDenied',
        at: clock(),
        ...{ requestId, realm, partner, sid },
        clientIp: clientIp === '' ? undefined : clientIp,
        username: subject.username,
        policies: found?.decision.policies ?? [],
        reason: found?.decision.reason ?? 'user-unknown',
        authLevel: subject.authLevel,
        modules: subject.authModules,
        why: (found?.trace ?? []).slice(0, MOST_TOLD).map(inWords),
      })
    },
  }
}

/** Nobody is sent to a login that cannot help. */
function withinReach({ advices, endsSession }: Decision, highestLevel: number): Advices | undefined {
  if (advices === undefined || endsSession || !Object.keys(advices).every((name) => BY_LOGIN.has(name)))
    return undefined
  const levels = (advices.AuthLevelConditionAdvice ?? []).map(Number)
  return levels.some((level) => level > highestLevel) ? undefined : advices
}

function inWords({ policy, outcome, because }: PolicyTrace) {
  return { policy, outcome, ...(because === undefined ? {} : { because }) }
}
