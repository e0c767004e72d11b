import type { RealmName } from '../../../base/brand.ts'
import type { ConditionConfig } from '../../../policy/conditions.schema.ts'
import type { PolicyConfig, ResourceTypeConfig } from '../../../policy/policies.schema.ts'
import type { SubjectConfig } from '../../../policy/subjects.schema.ts'
import { groupId, universalId } from '../session-facts.ts'
import type { RealmPolicies } from './realm-policies.ts'

/** One thing that can be read: its id, and all that is said of it. */
export interface Document {
  readonly _id: string
  readonly [name: string]: unknown
}

/** The resource type that OpenAM comes with, by its uuid there. What has no other type here is of this one. */
export const URL_TYPE = {
  uuid: '76656a38-5f8e-401b-83aa-4ccb74ce88d2',
  name: 'URL',
  patterns: ['*://*:*/*', '*://*:*/*?*'],
  actions: ['GET', 'POST', 'PUT', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'],
} as const

/** A policy in OpenAM's words, as far as it has words for it. */
export function policyDocument(realm: RealmName, policy: PolicyConfig): Document {
  const { name, active, policySet, resources, actions, subject, condition, responseAttributes, resourceType } = policy
  const { description = '' } = policy
  return {
    _id: name,
    ...{ name, active, description, applicationName: policySet, resources },
    actionValues: Object.fromEntries(Object.entries(actions).map(([action, effect]) => [action, effect === 'allow'])),
    subject: subjectDocument(realm, subject),
    ...(condition === undefined ? {} : { condition: conditionDocument(condition) }),
    resourceTypeUuid: resourceType ?? URL_TYPE.uuid,
    resourceAttributes: responseAttributes,
  }
}

/** OpenAM knows users and groups by their distinguished names. */
function subjectDocument(realm: RealmName, subject: SubjectConfig): object {
  switch (subject.type) {
    case 'User':
      return { type: 'Identity', subjectValues: subject.users.map((username) => universalId({ realm, username })) }
    case 'Group':
      return { type: 'Identity', subjectValues: subject.groups.map((group) => groupId({ realm, group })) }
    case 'AND':
    case 'OR':
      return { type: subject.type, subjects: subject.subjects.map((each) => subjectDocument(realm, each)) }
    case 'NOT':
      return { type: 'NOT', subject: subjectDocument(realm, subject.subject) }
    default:
      return subject
  }
}

/** OpenAM counts the life of a session in minutes; the age of a login, which it does not have, is in seconds as in its advice. */
function conditionDocument(condition: ConditionConfig): object {
  switch (condition.type) {
    case 'AND':
    case 'OR':
      return { type: condition.type, conditions: condition.conditions.map(conditionDocument) }
    case 'NOT':
      return { type: 'NOT', condition: conditionDocument(condition.condition) }
    case 'Session':
      return { ...condition, maxSessionTime: condition.maxSessionTime / 60_000 }
    case 'AuthAge':
      return { ...condition, maxAge: condition.maxAge / 1_000 }
    default:
      return condition
  }
}

/** Policy sets, which OpenAM calls applications. */
export function applicationDocuments(realm: RealmName, { sets, policySets }: RealmPolicies): readonly Document[] {
  return [...sets.keys()].map((name) => {
    const { description = '', resourceTypes = [URL_TYPE.uuid] } = policySets.find((set) => set.name === name) ?? {}
    return {
      _id: name,
      ...{ name, description, realm },
      applicationType: 'iPlanetAMWebAgentService',
      entitlementCombiner: 'DenyOverride',
      resourceTypeUuids: resourceTypes,
      editable: false,
    }
  })
}

export function resourceTypeDocuments(realm: RealmName, { resourceTypes }: RealmPolicies): readonly Document[] {
  const own = resourceTypes.map((type: ResourceTypeConfig) => ({ ...type, uuid: type.name }))
  return [URL_TYPE, ...own].map((type) => ({
    _id: type.uuid,
    uuid: type.uuid,
    name: type.name,
    description: 'description' in type ? (type.description ?? '') : '',
    realm,
    patterns: type.patterns,
    actions: Object.fromEntries(type.actions.map((action) => [action, true])),
  }))
}
