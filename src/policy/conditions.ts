import type { EpochMs } from '../base/brand.ts'
import { chainsPassed } from './chains-passed.ts'
import { compileClientAddress, type AddressConfig } from './client-address.ts'
import { allOf, anyOf, leaf, not, SATISFIED, type Condition, type ConditionResult } from './condition.ts'
import type { ConditionConfig } from './conditions.schema.ts'
import type { AccessQuery } from './decision.ts'
import { parseLdapFilter, type ValuesOf } from './ldap-filter.ts'
import { compileSimpleTime } from './simple-time.ts'
import { foldCase } from './spelling.ts'
import { listed, shortened } from './step.ts'
import { formatRequirement } from './transaction-advice.ts'
import { fault } from '../errors.ts'

type ConditionType = ConditionConfig['type']

const REFUSED: ConditionResult = { satisfied: false }
const UNKNOWN: ConditionResult = { satisfied: false, unknown: true }

/** Every type of condition: how its configuration becomes a check. A new type is one more entry. */
const CONDITION_TYPES: {
  readonly [T in ConditionType]: (config: ConditionConfig & { readonly type: T }) => Condition
} = {
  AuthLevel: ({ type, authLevel }) => {
    const refused: ConditionResult = { satisfied: false, advices: { AuthLevelConditionAdvice: [String(authLevel)] } }
    return leaf(
      type,
      ({ session }) => (session.authLevel >= authLevel ? SATISFIED : refused),
      ({ session }) => `${session.authLevel} is ${session.authLevel >= authLevel ? 'not ' : ''}below ${authLevel}`,
    )
  },
  LEAuthLevel: ({ type, authLevel }) =>
    leaf(
      type,
      ({ session }) => (session.authLevel <= authLevel ? SATISFIED : REFUSED),
      ({ session }) => `${session.authLevel} is ${session.authLevel <= authLevel ? 'not ' : ''}above ${authLevel}`,
    ),
  AuthScheme: ({ type, authScheme }) => {
    const missing = (modules: readonly string[]): readonly string[] =>
      authScheme.filter((module) => !modules.includes(module))
    return leaf(
      type,
      ({ session }) => {
        const wanted = missing(session.authModules)
        return wanted.length === 0 ? SATISFIED : { satisfied: false, advices: { AuthSchemeConditionAdvice: wanted } }
      },
      ({ session }) => {
        const wanted = missing(session.authModules)
        return wanted.length === 0 ? `${listed(authScheme)} passed` : `${listed(wanted)} not passed`
      },
    )
  },
  AuthAge: ({ type, maxAge }) => {
    const refused: ConditionResult = {
      satisfied: false,
      advices: { AuthenticationAgeConditionAdvice: [String(Math.floor(maxAge / 1_000))] },
    }
    return leaf(
      type,
      ({ session, now }) => youngUntil(session.authInstant, maxAge, now) ?? refused,
      ({ session, now }) => `${age(session.authInstant, now)} s old, ${maxAge / 1_000} s at most`,
    )
  },
  AuthenticateToService: ({ type, authenticateToService: chain }) => {
    const refused: ConditionResult = { satisfied: false, advices: { AuthenticateToServiceConditionAdvice: [chain] } }
    const passed = ({ session }: AccessQuery): boolean => chainsPassed(session.properties).includes(chain)
    return leaf(
      type,
      (query) => (passed(query) ? SATISFIED : refused),
      (query) => (passed(query) ? `${chain} passed` : `${chain} not passed`),
    )
  },
  AuthenticateToRealm: ({ type, authenticateToRealm: realm }) => {
    const refused: ConditionResult = { satisfied: false, advices: { AuthenticateToRealmConditionAdvice: [realm] } }
    return leaf(
      type,
      ({ session }) => (session.realm === realm ? SATISFIED : refused),
      ({ session }) => `${session.realm} is ${session.realm === realm ? '' : 'not '}${realm}`,
    )
  },
  IPv4: clientAddress,
  IPv6: clientAddress,
  Environment: ({ type, properties, ignoreValueCase }) => {
    const read = ignoreValueCase ? foldCase : (value: string) => value
    const wanted = Object.entries(properties).map(([name, values]) => ({ name, values: new Set(values.map(read)) }))
    // A second value would be one that the application may read in place of the first.
    const differs = ({ environment }: AccessQuery): readonly string[] =>
      wanted
        .filter(({ name, values }) => environment?.get(name)?.every((value) => values.has(read(value))) === false)
        .map(({ name }) => name)
    const unsaid = ({ environment }: AccessQuery): readonly string[] =>
      wanted.filter(({ name }) => (environment?.get(name) ?? []).length === 0).map(({ name }) => name)
    return leaf(
      type,
      (query) => (differs(query).length > 0 ? REFUSED : unsaid(query).length > 0 ? UNKNOWN : SATISFIED),
      // Values stay out of the words, which are written into logs: they may be somebody's secrets.
      (query) => {
        const others = differs(query)
        const missing = unsaid(query)
        if (others.length > 0) return `${listed(others)} not as asked for`
        return missing.length > 0 ? `${listed(missing)} not said` : `${listed(Object.keys(properties))} as asked for`
      },
    )
  },
  LDAPFilter: ({ type, ldapFilter }) => {
    const parsed = parseLdapFilter(ldapFilter)
    if (parsed.kind === 'problem')
      throw fault('GH_CONFIG_INVALID', { detail: `LDAP filter ${ldapFilter}: ${parsed.message}` })
    const fits = (query: AccessQuery): boolean => parsed.filter(valuesOf(query))
    return leaf(
      type,
      (query) => (fits(query) ? SATISFIED : REFUSED),
      (query) => `${query.session.username} ${fits(query) ? 'fits' : 'does not fit'} ${ldapFilter}`,
    )
  },
  OAuth2Scope: ({ type, requiredScopes }) =>
    leaf(
      type,
      ({ scopes = [] }) => (requiredScopes.every((scope) => scopes.includes(scope)) ? SATISFIED : REFUSED),
      ({ scopes = [] }) => `${listed(requiredScopes)} asked for, ${listed(scopes)} there`,
    ),
  Session: ({ type, maxSessionTime, terminateSession }) => {
    const refused: ConditionResult = {
      satisfied: false,
      advices: { SessionConditionAdvice: ['deny'] },
      ...(terminateSession ? { endsSession: true } : {}),
    }
    return leaf(
      type,
      ({ session, now }) => youngUntil(session.createdAt, maxSessionTime, now) ?? refused,
      ({ session, now }) => `${age(session.createdAt, now)} s old, ${maxSessionTime / 1_000} s at most`,
    )
  },
  SessionProperty: ({ type, properties, ignoreValueCase }) => {
    const read = ignoreValueCase ? foldCase : (value: string) => value
    const wanted = Object.entries(properties).map(([name, values]) => ({ name, values: new Set(values.map(read)) }))
    const held = ({ session }: AccessQuery, name: string): string | undefined =>
      Object.hasOwn(session.properties, name) ? session.properties[name] : undefined
    const missing = (query: AccessQuery): readonly string[] =>
      wanted.filter(({ name, values }) => !values.has(read(held(query, name) ?? ''))).map(({ name }) => name)
    return leaf(
      type,
      (query) => (missing(query).length === 0 ? SATISFIED : REFUSED),
      (query) => {
        const names = missing(query)
        if (names.length === 0) return `${listed(Object.keys(properties))} as asked for`
        return names.map((name) => `${name} is ${shortened(held(query, name) ?? 'not set')}`).join(', ')
      },
    )
  },
  SimpleTime: (config) => {
    const time = compileSimpleTime(config)
    return leaf(
      config.type,
      ({ now }) => ({ satisfied: time.holds(now), validUntil: time.validUntil(now) }),
      ({ now }) => time.words(now),
    )
  },
  Transaction: ({ type, authenticationStrategy, strategySpecifier }) => {
    const wanted = formatRequirement(authenticationStrategy, strategySpecifier)
    const refused: ConditionResult = { satisfied: false, advices: { TransactionConditionAdvice: [wanted] } }
    return leaf(
      type,
      // Good for this one request: who remembers the decision must not answer another with it.
      ({ approved, now }) => (approved === true ? { satisfied: true, validUntil: now } : refused),
      ({ approved }) => (approved === true ? 'approved' : 'not approved'),
    )
  },
  AND: (config) => allOf(config.conditions.map(compileCondition)),
  OR: (config) => anyOf(config.conditions.map(compileCondition)),
  NOT: ({ condition }) => not(compileCondition(condition)),
}

export function compileCondition(config: ConditionConfig): Condition {
  const compile = CONDITION_TYPES[config.type] as (config: ConditionConfig) => Condition
  return compile(config)
}

function clientAddress(config: AddressConfig): Condition {
  const find = compileClientAddress(config)
  const results = { holds: SATISFIED, fails: REFUSED, unknown: UNKNOWN } as const
  return leaf(
    config.type,
    ({ clientIp, clientNames }) => results[find(clientIp, clientNames)],
    ({ clientIp, clientNames }) => {
      const names =
        config.dnsName === undefined
          ? ''
          : `, called ${clientNames === undefined ? 'nobody knows what' : listed(clientNames)}`
      return `the client is ${clientIp === '' ? 'unknown' : clientIp}${names}`
    },
  )
}

function youngUntil(since: EpochMs, maxAge: number, now: EpochMs): ConditionResult | undefined {
  const validUntil = (since + maxAge) as EpochMs
  return now < validUntil ? { satisfied: true, validUntil } : undefined
}

function age(since: EpochMs, now: EpochMs): number {
  return Math.floor((now - since) / 1_000)
}

/** What a search filter sees of a user; the names of attributes without regard to case (RFC 4512 §2.5). */
function valuesOf({ session, facts }: AccessQuery): ValuesOf {
  return (attribute) => {
    const wanted = foldCase(attribute)
    if (wanted === 'uid') return [session.username]
    if (wanted === 'memberof') return [...facts.groups]
    const names = Object.keys(facts.attributes).filter((name) => foldCase(name) === wanted)
    return names.flatMap((name) => facts.attributes[name] ?? [])
  }
}
