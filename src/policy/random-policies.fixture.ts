import fc from 'fast-check'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { newAnonymousId } from '../session/anonymous.ts'
import type { ConditionConfig } from './conditions.schema.ts'
import type { AccessQuery } from './decision.ts'
import { policiesFileSchema, type PoliciesFile } from './policies.schema.ts'
import type { SubjectConfig } from './subjects.schema.ts'

const GROUPS = ['a', 'b', 'c']
const texts = (...values: readonly string[]) => fc.subarray([...values], { minLength: 1 })

const subject: fc.Arbitrary<SubjectConfig> = fc.letrec<{ any: SubjectConfig }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'subject' },
    fc.constantFrom<SubjectConfig>({ type: 'AuthenticatedUsers' }, { type: 'AnonymousUsers' }, { type: 'NONE' }),
    texts(...GROUPS).map((groups): SubjectConfig => ({ type: 'Group', groups })),
    texts('alice', 'bob').map((users): SubjectConfig => ({ type: 'User', users })),
    fc.constant<SubjectConfig>({ type: 'JwtClaim', claimName: 'k', claimValue: 'v' }),
    tie('any').map((inner): SubjectConfig => ({ type: 'NOT', subject: inner })),
    fc
      .tuple(fc.constantFrom<'AND' | 'OR'>('AND', 'OR'), fc.array(tie('any'), { minLength: 1, maxLength: 3 }))
      .map(([type, subjects]): SubjectConfig => ({ type, subjects })),
  ),
})).any

/** Written as in a file: durations are texts. */
const condition: fc.Arbitrary<object> = fc.letrec<{ any: object }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'condition' },
    fc.integer({ min: 0, max: 4 }).map((authLevel) => ({ type: 'AuthLevel', authLevel })),
    fc.constantFrom<object>(
      { type: 'LEAuthLevel', authLevel: 2 },
      { type: 'AuthScheme', authScheme: ['totp'] },
      { type: 'AuthAge', maxAge: '5m' },
      { type: 'Session', maxSessionTime: '1h', terminateSession: true },
      { type: 'IPv4', addresses: ['10.0.0.0/8'] },
      { type: 'IPv4', dnsName: ['*.test'] },
      { type: 'LDAPFilter', ldapFilter: '(memberOf=a)' },
      { type: 'OAuth2Scope', requiredScopes: ['read'] },
      { type: 'SessionProperty', properties: { k: ['v'] } },
      { type: 'SimpleTime', startTime: '09:00', endTime: '17:00', enforcementTimeZone: 'Europe/Berlin' },
      { type: 'Transaction', authenticationStrategy: 'AuthLevel', strategySpecifier: '2' },
    ),
    tie('any').map((inner) => ({ type: 'NOT', condition: inner })),
    fc
      .tuple(fc.constantFrom('AND', 'OR'), fc.array(tie('any'), { minLength: 1, maxLength: 3 }))
      .map(([type, conditions]) => ({ type, conditions })),
  ),
})).any

const SEGMENTS = ['x', 'X', 'y', '%78', '-*-', '*', 'x*', '']

const policy = fc.record({
  resources: fc.array(
    fc
      .tuple(
        fc.constantFrom('a.test', '*.test', 'b.test'),
        fc.array(fc.constantFrom(...SEGMENTS), { maxLength: 3 }),
        fc.constantFrom('', '?*', '?q'),
      )
      .map(([host, path, query]) => `*://${host}/${path.join('/')}${query}`),
    { minLength: 1, maxLength: 3 },
  ),
  actions: fc.record(
    { GET: fc.constantFrom('allow', 'deny'), Post: fc.constantFrom('allow', 'deny') },
    { requiredKeys: [] },
  ),
  subject,
  condition: fc.option(condition, { nil: undefined }),
  active: fc.constantFrom(true, true, true, false),
})

/** Policies of every kind, of sets that match in either way. */
export const randomPolicies: fc.Arbitrary<PoliciesFile> = fc
  .record({ policies: fc.array(policy, { maxLength: 8 }), matching: fc.constantFrom('component', 'classic') })
  .map(({ policies, matching }) =>
    policiesFileSchema.parse({
      policySets: [{ name: 'iPlanetAMWebAgentService', matching }],
      policies: policies.map((drawn, at) => ({ ...drawn, name: `p${at}` })),
    }),
  )

const HOUR = 3_600_000
const START = Date.UTC(2026, 2, 28)

export const randomQuery: fc.Arbitrary<AccessQuery> = fc
  .record({
    host: fc.constantFrom('a.test', 'b.test', 'c.test'),
    path: fc.array(fc.constantFrom('x', 'X', 'y', '%78', 'xx', 'x;p', ''), { maxLength: 3 }),
    query: fc.constantFrom(undefined, '', 'q'),
    action: fc.constantFrom('GET', 'POST', 'DELETE'),
    isAnonymous: fc.constantFrom(false, false, true),
    username: fc.constantFrom('alice', 'bob', 'carol'),
    groups: fc.subarray(GROUPS),
    authLevel: fc.integer({ min: 0, max: 4 }),
    authModules: fc.subarray(['password', 'totp']),
    age: fc.integer({ min: 0, max: 2 * HOUR }),
    after: fc.integer({ min: 0, max: 48 * HOUR }),
    properties: fc.constantFrom<Readonly<Record<string, string>>>({}, { k: 'V' }),
    clientIp: fc.constantFrom('', '10.0.0.1', '192.0.2.1', '::1'),
    clientNames: fc.constantFrom(undefined, [], ['a.test']),
    scopes: fc.constantFrom(undefined, ['read']),
    claims: fc.constantFrom(undefined, { k: ['v'] }),
    approved: fc.boolean(),
  })
  .map(({ host, path, query, isAnonymous, username, groups, age, after, ...rest }): AccessQuery => {
    const now = START + after
    const { authLevel, authModules, properties, ...others } = rest
    return {
      policySet: 'iPlanetAMWebAgentService',
      resource: { scheme: 'https', host, port: 443, path: `/${path.join('/')}`, query },
      session: {
        realm: '/employees' as RealmName,
        userId: isAnonymous ? newAnonymousId() : `id-of-${username}`,
        username,
        authLevel,
        authModules,
        authInstant: (now - age) as EpochMs,
        createdAt: (now - age) as EpochMs,
        properties,
      },
      facts: { groups: new Set(groups), attributes: {} },
      now: now as EpochMs,
      ...others,
    }
  })

/** Conditions of every kind, as the schema reads them. */
export const randomCondition: fc.Arbitrary<ConditionConfig> = condition.map((drawn) => {
  const file = policiesFileSchema.parse({
    policies: [
      {
        name: 'p',
        resources: ['https://a.test/'],
        actions: {},
        subject: { type: 'AuthenticatedUsers' },
        condition: drawn,
      },
    ],
  })
  return file.policies[0]?.condition ?? { type: 'AuthLevel', authLevel: 0 }
})
