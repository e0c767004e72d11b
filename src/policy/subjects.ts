import { isAnonymous } from '../session/anonymous.ts'
import type { AccessQuery } from './decision.ts'
import type { SubjectConfig } from './policies.schema.ts'

/** Whom a policy is about. The query's session belongs to the realm whose policies these are; the gateway has seen to that. */
export interface Subject {
  matches(query: AccessQuery): boolean
  /** The part that did not match and the value it failed on, for explain and audit. Meaningful only after `matches` said no. */
  failedOn(query: AccessQuery): string
}

type SubjectType = SubjectConfig['type']

/** Every type of subject: how its configuration becomes a predicate. Names are compared as the directory spells them. */
const SUBJECT_TYPES: { readonly [T in SubjectType]: (config: SubjectConfig & { readonly type: T }) => Subject } = {
  AuthenticatedUsers: () => ({
    matches: ({ session }) => !isAnonymous(session),
    failedOn: () => 'AuthenticatedUsers: the user is anonymous',
  }),
  AnonymousUsers: () => ({
    matches: ({ session }) => isAnonymous(session),
    failedOn: ({ session }) => `AnonymousUsers: ${session.username} is signed in`,
  }),
  User({ users }) {
    const names = new Set(users)
    return {
      matches: ({ session }) => names.has(session.username),
      failedOn: ({ session }) => `User: ${session.username} is none of ${users.join(', ')}`,
    }
  },
  Group({ groups }) {
    return {
      matches: ({ facts }) => groups.some((group) => facts.groups.has(group)),
      failedOn: ({ facts }) => `Group: none of ${groups.join(', ')} is among ${listed([...facts.groups])}`,
    }
  },
  Attribute({ name, values }) {
    const wanted = new Set(values)
    const held = ({ facts }: AccessQuery) =>
      Object.hasOwn(facts.attributes, name) ? (facts.attributes[name] ?? []) : []
    return {
      matches: (query) => held(query).some((value) => wanted.has(value)),
      failedOn: (query) => `Attribute: none of ${values.join(', ')} is among ${name} = ${listed(held(query))}`,
    }
  },
  AND: (config) => allOf(config.subjects.map(compileSubject)),
  OR: (config) => anyOf(config.subjects.map(compileSubject)),
  NOT({ subject }) {
    const inner = compileSubject(subject)
    return {
      matches: (query) => !inner.matches(query),
      failedOn: () => `NOT: ${subject.type} matches`,
    }
  },
}

/**
 * Whether the subject speaks of people without proof. No other lets them in: what is said of who is not in a group (NOT) was said of
 * people who have signed in.
 */
export function namesAnonymous(config: SubjectConfig): boolean {
  if ('subjects' in config) return config.subjects.some(namesAnonymous)
  return config.type === 'NOT' ? namesAnonymous(config.subject) : config.type === 'AnonymousUsers'
}

export function compileSubject(config: SubjectConfig): Subject {
  const compile = SUBJECT_TYPES[config.type] as (config: SubjectConfig) => Subject
  return compile(config)
}

function allOf(members: readonly Subject[]): Subject {
  return {
    matches: (query) => members.every((member) => member.matches(query)),
    failedOn: (query) => members.find((member) => !member.matches(query))?.failedOn(query) ?? 'AND',
  }
}

function anyOf(members: readonly Subject[]): Subject {
  return {
    matches: (query) => members.some((member) => member.matches(query)),
    failedOn: (query) => members.map((member) => member.failedOn(query)).join('; '),
  }
}

function listed(values: readonly string[]): string {
  return values.length === 0 ? 'nothing' : values.join(', ')
}
