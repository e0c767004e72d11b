import { isDeepStrictEqual } from 'node:util'
import type { NotEnforcedConfig } from '../../gateway/agent-profile.schema.ts'
import type { PolicyConfig } from '../../policy/policies.schema.ts'
import type { ConfigProblem } from '../snapshot.ts'
import { placeOf, warningIn, type CheckInput } from './check.ts'

/**
 * Rules that change nothing, because another one covers them: mostly a rule that somebody believes in and that was written too late,
 * too narrow or twice. Resources are compared as they are written, so what is told is certain and what is not told may still be dead.
 */
export const checkDeadRules = (input: CheckInput): readonly ConfigProblem[] => [
  ...deadPolicies(input),
  ...deadOpenings(input),
]

/** The place of an entry that makes this one needless, or -1. Of two that cover each other the second is the needless one. */
function coverOf<T>(list: readonly T[], index: number, covers: (other: T, one: T) => boolean): number {
  return list.findIndex((other, at) => {
    const one = list[index]
    return one !== undefined && at !== index && covers(other, one) && (at < index || !covers(one, other))
  })
}

const deadPolicies = ({ realms }: CheckInput): readonly ConfigProblem[] =>
  realms.flatMap(({ policies }) => {
    if (policies === undefined) return []
    const { source, value } = policies
    const list = value.policies
    return list.flatMap((policy, index) => {
      const cover = coverOf(list, index, covers)
      const other = list[cover]
      if (other === undefined) return []
      const place = placeOf(source, ['policies', cover, 'name'])
      const message = `policy "${policy.name}" changes nothing: "${other.name}" (${place}) ${why(other, policy)}; remove it, or make it differ`
      return [warningIn(source, ['policies', index, 'name'], message)]
    })
  })

function covers(other: PolicyConfig, policy: PolicyConfig): boolean {
  return (
    other.name !== policy.name &&
    other.active &&
    policy.active &&
    other.policySet === policy.policySet &&
    policy.resources.every((pattern) => other.resources.includes(pattern)) &&
    (deniesAll(other, policy) || says(other, policy))
  )
}

/** Any deny wins: what it refuses to everybody nobody else can allow. */
function deniesAll(other: PolicyConfig, policy: PolicyConfig): boolean {
  const methods = Object.keys(policy.actions)
  return (
    methods.length > 0 &&
    other.subject.type === 'AuthenticatedUsers' &&
    other.condition === undefined &&
    methods.every((method) => other.actions[method] === 'deny')
  )
}

function says(other: PolicyConfig, policy: PolicyConfig): boolean {
  return (
    Object.entries(policy.actions).every(([method, effect]) => other.actions[method] === effect) &&
    isDeepStrictEqual(other.subject, policy.subject) &&
    isDeepStrictEqual(other.condition, policy.condition) &&
    isDeepStrictEqual(other.responseAttributes, policy.responseAttributes)
  )
}

function why(other: PolicyConfig, policy: PolicyConfig): string {
  return deniesAll(other, policy) ? 'denies all of it to everybody' : 'says the same'
}

const deadOpenings = ({ agents }: CheckInput): readonly ConfigProblem[] =>
  agents.flatMap(({ value, source }) =>
    value.notEnforced.flatMap((_, index) => {
      const cover = coverOf(value.notEnforced, index, opens)
      if (cover === -1) return []
      const message = `this opens nothing: ${placeOf(source, ['notEnforced', cover, 'path'])} opens all of it already; remove one of them`
      return [warningIn(source, ['notEnforced', index, 'path'], message)]
    }),
  )

/** Whether `other` opens everything that `entry` opens. */
function opens(other: NotEnforcedConfig, entry: NotEnforcedConfig): boolean {
  const path = other.path.endsWith('*') ? entry.path.startsWith(other.path.slice(0, -1)) : entry.path === other.path
  return path && includesAll(other.methods, entry.methods) && includesAll(other.addresses, entry.addresses)
}

/** Absent means no limit. */
function includesAll(wide: readonly string[] | undefined, narrow: readonly string[] | undefined): boolean {
  return wide === undefined || narrow?.every((item) => wide.includes(item)) === true
}
