import type { LoginDemand } from '../../../authn/demand.ts'
import { demandOf, NO_DEMAND } from '../../../authn/read-demand.ts'
import type { EpochMs } from '../../../base/brand.ts'
import type { Session } from '../../../session/session.ts'
import type { RealmPolicies } from '../policies/realm-policies.ts'
import { parseResource } from '../policies/resource.ts'

export interface Asker {
  /** Of the realm, where there is one. */
  readonly session: Session | undefined
  readonly clientIp: string
  readonly now: EpochMs
}

/**
 * What a login has to come to so that somebody may read a resource (`authIndexType=resource`). Policies are about people: without a
 * session it is any login, and who has one is asked for what is missing. Approvals are asked for by requests, not by logins. `undefined`
 * for what is on no site of the realm, and for advice that no login here can follow.
 */
export async function resourceDemand(
  policies: RealmPolicies | undefined,
  text: string,
  { session, clientIp, now }: Asker,
): Promise<LoginDemand | undefined> {
  const resource = parseResource(text)
  const site = resource && policies?.siteOf(resource)
  if (policies === undefined || resource === undefined || site === undefined) return undefined
  const facts = session && (await policies.factsOf(session))
  if (session === undefined || facts === undefined) return NO_DEMAND
  const { policySet } = site
  const { advices = {} } = policies.pdp.evaluate({ policySet, resource, action: 'GET', session, facts, clientIp, now })
  const { TransactionConditionAdvice: _ofRequests, ...others } = advices
  if (Object.keys(others).length === 0) return NO_DEMAND
  const demand = demandOf(others)
  return demand && { ...demand, force: false }
}
