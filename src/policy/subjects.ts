import { isAnonymous } from '../session/anonymous.ts'
import type { AccessQuery } from './decision.ts'
import { listed, type Trace, type Words } from './step.ts'
import type { SubjectConfig } from './subjects.schema.ts'

/** Whom a policy is about. The query's session belongs to the realm whose policies these are; the gateway has seen to that. */
export interface Subject {
  /** Adds to the trace, where there is one, what it found. */
  matches(query: AccessQuery, trace?: Trace): boolean
}

type SubjectType = SubjectConfig['type']

/** Every type of subject: how its configuration becomes a predicate. Names are compared as the directory spells them. */
const SUBJECT_TYPES: { readonly [T in SubjectType]: (config: SubjectConfig & { readonly type: T }) => Subject } = {
  AuthenticatedUsers: ({ type }) =>
    leaf(
      type,
      ({ session }) => !isAnonymous(session),
      ({ session }) => (isAnonymous(session) ? 'the user is anonymous' : `${session.username} is signed in`),
    ),
  AnonymousUsers: ({ type }) =>
    leaf(
      type,
      ({ session }) => isAnonymous(session),
      ({ session }) => (isAnonymous(session) ? 'the user is anonymous' : `${session.username} is signed in`),
    ),
  NONE: ({ type }) =>
    leaf(
      type,
      () => false,
      () => 'nobody is meant',
    ),
  User({ type, users }) {
    const names = new Set(users)
    const isOne = ({ session }: AccessQuery): boolean => names.has(session.username)
    return leaf(
      type,
      isOne,
      (query) => `${query.session.username} is ${isOne(query) ? 'one' : 'none'} of ${listed(users)}`,
    )
  },
  Group({ type, groups }) {
    return leaf(
      type,
      ({ facts }) => groups.some((group) => facts.groups.has(group)),
      ({ facts }) => {
        const held = groups.filter((group) => facts.groups.has(group))
        if (held.length > 0) return `member of ${listed(held)}`
        return `none of ${listed(groups)} is among ${listed([...facts.groups])}`
      },
    )
  },
  Attribute({ type, name, values }) {
    const wanted = new Set(values)
    const held = ({ facts }: AccessQuery) =>
      Object.hasOwn(facts.attributes, name) ? (facts.attributes[name] ?? []) : []
    const matches = (query: AccessQuery): boolean => held(query).some((value) => wanted.has(value))
    return leaf(
      type,
      matches,
      (query) => `${matches(query) ? 'one' : 'none'} of ${listed(values)} is among ${name} = ${listed(held(query))}`,
    )
  },
  JwtClaim({ type, claimName, claimValue }) {
    const claim = ({ claims }: AccessQuery): readonly string[] => claimValues(claims, claimName)
    return leaf(
      type,
      (query) => claim(query).includes(claimValue),
      (query) => `${claimName} is ${listed(claim(query))}, and ${claimValue} is asked for`,
    )
  },
  AND: (config) => allOf(config.subjects.map(compileSubject)),
  OR: (config) => anyOf(config.subjects.map(compileSubject)),
  NOT({ subject }) {
    const inner = compileSubject(subject)
    return group('NOT', (query, parts) => !inner.matches(query, parts))
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

function leaf(type: SubjectType, test: (query: AccessQuery) => boolean, because: Words): Subject {
  return {
    matches(query, trace) {
      const matched = test(query)
      if (trace !== undefined) trace.push({ type, outcome: matched ? 'holds' : 'fails', because: because(query) })
      return matched
    },
  }
}

/** What consists of others: one step, with theirs in it. */
function group(type: SubjectType, test: (query: AccessQuery, parts: Trace) => boolean): Subject {
  return {
    matches(query, trace) {
      if (trace === undefined) return test(query, undefined)
      const parts: NonNullable<Trace> = []
      const matched = test(query, parts)
      trace.push({ type, outcome: matched ? 'holds' : 'fails', parts })
      return matched
    },
  }
}

function allOf(members: readonly Subject[]): Subject {
  return group('AND', (query, parts) => members.every((member) => member.matches(query, parts)))
}

function anyOf(members: readonly Subject[]): Subject {
  return group('OR', (query, parts) => members.some((member) => member.matches(query, parts)))
}

/** A claim's values as text, of a list those in it. Objects have none. */
function claimValues(claims: AccessQuery['claims'], name: string): readonly string[] {
  if (claims === undefined || !Object.hasOwn(claims, name)) return []
  const value = claims[name]
  return (Array.isArray(value) ? (value as readonly unknown[]) : [value]).flatMap((item) =>
    typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean' ? [String(item)] : [],
  )
}
