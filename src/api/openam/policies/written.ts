import type { RealmName } from '../../../base/brand.ts'
import type { PolicyConfig } from '../../../policy/policies.schema.ts'
import { policyDocument, URL_TYPE } from './documents.ts'
import { revised, type Revised } from './revision.ts'
import { inFewWords, readPolicy } from './translate/policy-from.ts'

export type Asked =
  | { readonly kind: 'asked'; readonly name: string; readonly written: object }
  /** What cannot be written, and why. */
  | { readonly kind: 'refused'; readonly why: string }

/** A policy in OpenAM's words as it is to be written; everything that they say and ours do not is refused, not left out. */
export function askedFor(realm: RealmName, document: object): Asked {
  const read = readPolicy(document, ours(realm))
  if (read.kind === 'unreadable') return { kind: 'refused', why: `this policy cannot be read: ${read.why}` }
  const [policy, ...others] = read.policies
  const problems = read.losses.map(({ where, why }) => `${where}: ${why}`)
  if (policy === undefined || others.length > 0 || problems.length > 0)
    return { kind: 'refused', why: problems.join('; ') || 'this policy could never take part' }
  const { resourceType: type } = read
  const resourceType = type === undefined || type === URL_TYPE.uuid ? {} : { resourceType: type }
  return { kind: 'asked', name: read.name, written: inFewWords({ ...policy, ...resourceType }) }
}

/** Names of modules and chains are ours; whether they are there, the check of the configuration says. */
function ours(realm: RealmName) {
  const same = (name: string): string => name
  return { realm, moduleOf: same, chainOf: same, timeZone: 'UTC', isOurs: true }
}

/** As it is written: what a policy says in the same words as before is left alone. Nothing of one that these words do not say exactly. */
export function writtenOf(realm: RealmName, policy: PolicyConfig): object {
  const read = readPolicy(policyDocument(realm, policy), ours(realm))
  const isExact = read.kind === 'read' && read.losses.length === 0
  const [written] = isExact ? read.policies : []
  const { resourceType } = policy
  return written === undefined
    ? {}
    : inFewWords({ ...written, ...(resourceType === undefined ? {} : { resourceType }) })
}

export function documentOf(realm: RealmName, policy: PolicyConfig): Revised {
  return revised(policyDocument(realm, policy))
}
