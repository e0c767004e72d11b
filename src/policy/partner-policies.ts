import type { EpochMs } from '../base/brand.ts'
import { compilePolicies } from './compile.ts'
import type { Explanation, Facts, PolicySubject } from './decision.ts'
import { EVERY_PARTNER, type PartnerPolicyConfig } from './partner-policies.schema.ts'

/** Somebody who wants to be signed in at a partner. */
export interface PartnerQuestion {
  readonly partner: string
  readonly session: PolicySubject
  readonly facts: Facts
  /** In canonical form; empty where nobody knows it. */
  readonly clientIp: string
  readonly now: EpochMs
}

/** Which people of a realm may be signed in at which partners, by the engine that decides about requests. */
export interface PartnerPolicies {
  /** Whether any policy is about the partner. Where none is, everybody of the realm may. */
  areAbout(partner: string): boolean
  explain(question: PartnerQuestion): Explanation
}

const SET = 'partners'
const ACTION = 'SIGNIN'
const HOST = 'partner'

/**
 * A partner is to the engine a resource with a path of its own. In hexadecimal digits, so that no id has another reading: what a
 * policy denies may else be compared without regard to case.
 */
function pathOf(partner: string): string {
  return `/${Buffer.from(partner).toString('hex')}`
}

export function compilePartnerPolicies(policies: readonly PartnerPolicyConfig[]): PartnerPolicies {
  const active = policies.filter((policy) => policy.active)
  const named = new Set(active.flatMap(({ partners }) => partners))
  const names = new Map([...named].map((partner) => [patternOf(partner), partner]))
  const pdp = compilePolicies(
    active.map(({ effect, partners, ...policy }) => ({
      ...policy,
      policySet: SET,
      resources: partners.map(patternOf),
      actions: { [ACTION]: effect },
      responseAttributes: [],
    })),
  )
  return {
    areAbout: (partner) => named.has(partner) || named.has(EVERY_PARTNER),
    explain({ partner, ...asker }) {
      const path = pathOf(partner)
      const resource = { scheme: 'https', host: HOST, port: 443, path, query: undefined } as const
      const { decision, trace } = pdp.explain({ policySet: SET, resource, action: ACTION, ...asker })
      return {
        decision,
        trace: trace.map((each) => ({ ...each, resource: names.get(each.resource) ?? each.resource })),
      }
    },
  }
}

function patternOf(partner: string): string {
  return `https://${HOST}${partner === EVERY_PARTNER ? '/*' : pathOf(partner)}`
}
