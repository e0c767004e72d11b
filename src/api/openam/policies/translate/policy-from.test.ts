import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { conditionSchema } from '../../../../policy/conditions.schema.ts'
import { policiesFileSchema } from '../../../../policy/policies.schema.ts'
import { boundOf } from './bound.ts'
import { conditionGrammar } from './condition-from.ts'
import { readUniversalName } from './distinguished-name.ts'
import { readPolicy } from './policy-from.ts'
import { subjectGrammar } from './subject-from.ts'
import type { Translation } from './translation.ts'

const STAFF = 'o=staff,ou=services,dc=openam,dc=forgerock,dc=org'
const translation: Translation = {
  ...{ realm: '/staff', timeZone: undefined, isOurs: false },
  moduleOf: (name) => ({ HOTP: 'totp', LDAP: 'password' })[name],
  chainOf: (name) => (name === 'ldapService' ? 'default' : undefined),
}

const document = {
  name: 'p',
  active: true,
  actionValues: { GET: true },
  resources: ['http://a.test:80/*'],
  subject: { type: 'AuthenticatedUsers' },
}

function read(changes: object, more: Partial<Translation> = {}) {
  const found = readPolicy({ ...document, ...changes }, { ...translation, ...more })
  assert.ok(found.kind === 'read')
  policiesFileSchema.parse({ policies: found.policies })
  return found
}

/** As OpenAM writes them; `undefined` for what is the same here. */
const CONDITIONS: readonly (readonly [theirs: object, ours: object])[] = [
  [
    { type: 'AuthLevel', authLevel: 2 },
    { type: 'AuthLevel', authLevel: 2 },
  ],
  [
    { type: 'LEAuthLevel', authLevel: '2' },
    { type: 'LEAuthLevel', authLevel: 2 },
  ],
  [
    { type: 'AuthScheme', authScheme: ['HOTP', '/staff:LDAP'], applicationIdleTimeout: 0, applicationName: null },
    { type: 'AuthScheme', authScheme: ['totp', 'password'] },
  ],
  [
    { type: 'AuthenticateToService', authenticateToService: '/staff:ldapService' },
    { type: 'AuthenticateToService', authenticateToService: 'default' },
  ],
  [
    { type: 'IPv4', startIp: '10.0.0.0', endIp: '10.0.0.9', dnsName: [] },
    { type: 'IPv4', startIp: '10.0.0.0', endIp: '10.0.0.9' },
  ],
  [
    { type: 'IPv6', startIp: '::1', endIp: '::2' },
    { type: 'IPv6', startIp: '::1', endIp: '::2' },
  ],
  [
    { type: 'IPv4', dnsName: ['*.test'] },
    { type: 'IPv4', dnsName: ['*.test'] },
  ],
  [
    { type: 'LDAPFilter', ldapFilter: '(a=b)' },
    { type: 'LDAPFilter', ldapFilter: '(a=b)' },
  ],
  [
    { type: 'OAuth2Scope', requiredScopes: ['r'] },
    { type: 'OAuth2Scope', requiredScopes: ['r'] },
  ],
  [
    { type: 'Session', maxSessionTime: '120', terminateSession: true },
    { type: 'Session', maxSessionTime: '120m', terminateSession: true },
  ],
  [
    { type: 'SessionProperty', ignoreValueCase: false, properties: { k: ['v'] } },
    { type: 'SessionProperty', ignoreValueCase: false, properties: { k: ['v'] } },
  ],
  [
    {
      ...{ type: 'SimpleTime', startTime: '9:00', endTime: '17:00', startDay: 'Mon', endDay: 'fri' },
      ...{ startDate: '2026:01:31', endDate: '', enforcementTimeZone: 'GMT' },
    },
    {
      ...{ type: 'SimpleTime', startTime: '09:00', endTime: '17:00', startDay: 'mon', endDay: 'fri' },
      ...{ startDate: '2026:01:31', enforcementTimeZone: 'GMT' },
    },
  ],
  [
    {
      ...{ type: 'Transaction', strategySpecifier: 'ldapService' },
      authenticationStrategy: 'AuthenticateToTreeConditionAdvice',
    },
    { type: 'Transaction', authenticationStrategy: 'AuthenticateToService', strategySpecifier: 'default' },
  ],
  [
    { type: 'NOT', condition: { type: 'AND', conditions: [{ type: 'AuthLevel', authLevel: 1 }] } },
    { type: 'NOT', condition: { type: 'AND', conditions: [{ type: 'AuthLevel', authLevel: 1 }] } },
  ],
]

const LOST: readonly (readonly [theirs: unknown, why: RegExp])[] = [
  [{ type: 'Script', scriptId: 'x' }, /scripts are not run/],
  [{ type: 'Policy', className: 'x' }, /other policies/],
  [{ type: 'AMIdentityMembership', amIdentityName: ['x'] }, /type Group/],
  [{ type: 'ResourceEnvIP', resourceEnvIPConditionValue: ['IF IP=[10.*] THEN authlevel=4'] }, /IPv4/],
  [{ type: 'constructor' }, /not known/],
  [{ type: 'AuthScheme', authScheme: ['Nothing'] }, /no module "Nothing"/],
  [{ type: 'AuthScheme', authScheme: ['/other:LDAP'] }, /no module/],
  [{ type: 'AuthScheme', authScheme: ['LDAP'], applicationIdleTimeout: 5 }, /applicationIdleTimeout/],
  [{ type: 'AuthenticateToRealm', authenticateToRealm: '/staff' }, /leave it out/],
  [{ type: 'AuthenticateToService', authenticateToService: 'Nothing' }, /no chain/],
  [{ type: 'SimpleTime', startTime: '09:00', endTime: '17:00' }, /time zone/],
  [{ type: 'SimpleTime', startTime: '09:00', enforcementTimeZone: 'GMT' }, /neither/],
  [{ type: 'LDAPFilter', ldapFilter: '(!(a=b))' }, /negation/],
  [{ type: 'AuthLevel', authLevel: 2, also: 'this' }, /also/],
  [{ type: 'AuthLevel', authLevel: 'x' }, /number/],
  [{ type: 'Transaction', authenticationStrategy: 'Magic', strategySpecifier: 'x' }, /Magic/],
  [{ type: 'AND', conditions: [] }, /no conditions/],
  ['AuthLevel', /object/],
]

suite('conditions of OpenAM', () => {
  for (const [theirs, ours] of CONDITIONS)
    test(JSON.stringify(theirs), () => {
      const { bound, losses } = boundOf(conditionGrammar(translation), theirs, 'inner')
      assert.deepEqual({ bound, losses }, { bound: ours, losses: [] })
    })
  for (const [theirs, why] of LOST)
    test(`${JSON.stringify(theirs)} is not here`, () => {
      for (const [side, bound] of [
        ['inner', 'never'],
        ['outer', 'always'],
      ] as const) {
        const found = boundOf(conditionGrammar(translation), theirs, side)
        assert.equal(found.bound, bound)
        if (side === 'inner') assert.match(found.losses[0]?.why ?? '', why)
      }
    })
  test('of what came from elsewhere nobody knows whether it is there: a deny by it denies', () => {
    for (const theirs of [
      { type: 'LDAPFilter', ldapFilter: '(a=b)' },
      { type: 'SessionProperty', properties: { k: ['v'] } },
    ]) {
      assert.equal(boundOf(conditionGrammar(translation), theirs, 'outer').bound, 'always')
      assert.deepEqual(boundOf(conditionGrammar({ ...translation, isOurs: true }), theirs, 'outer').losses, [])
    }
  })
  test('every type that a policy of ours may have can be written by REST', () => {
    const schema = JSON.stringify(z.toJSONSchema(conditionSchema, { io: 'input', unrepresentable: 'any' }))
    const types = new Set([...schema.matchAll(/"const":"(\w+)"/g)].map(([, type]) => type))
    assert.ok(types.has('AuthLevel') && types.size > 10)
    for (const type of types) {
      const { losses } = boundOf(conditionGrammar({ ...translation, isOurs: true }), { type }, 'inner')
      assert.doesNotMatch(losses[0]?.why ?? '', /of type .* are not known/)
    }
  })
  test('what is nested too deeply is not followed', () => {
    let theirs: object = { type: 'AuthLevel', authLevel: 1 }
    for (let depth = 0; depth < 500; depth++) theirs = { type: 'NOT', condition: theirs }
    assert.match(boundOf(conditionGrammar(translation), theirs, 'inner').losses[0]?.why ?? '', /deeply/)
  })
})

suite('subjects of OpenAM', () => {
  const inner = (node: unknown) => boundOf(subjectGrammar(translation), node, 'inner')
  test('users and groups by their distinguished names', () => {
    const subjectValues = [`id=o\\,ne,ou=user,${STAFF}`, `ID=fin,OU=group,${STAFF}`]
    const subjects = [
      { type: 'User', users: ['o,ne'] },
      { type: 'Group', groups: ['fin'] },
    ]
    assert.deepEqual(inner({ type: 'Identity', subjectValues }), { bound: { type: 'OR', subjects }, losses: [] })
  })
  test('people of another realm are nobody here, even where they are called the same', () => {
    const { bound, losses } = inner({
      type: 'Identity',
      subjectValues: [`id=alice,ou=user,o=other,ou=services,dc=x`, `id=alice,ou=user,dc=x`, `id=bob,ou=user,${STAFF}`],
    })
    assert.deepEqual(bound, { type: 'User', users: ['bob'] })
    assert.deepEqual(
      losses.map(({ why }) => /realm (\S+);/.exec(why)?.[1]),
      ['/other', '/'],
    )
  })
  for (const node of [
    { type: 'Identity', subjectValues: [`id=web,ou=agent,${STAFF}`] },
    { type: 'Identity', subjectValues: ['alice'] },
    { type: 'Identity', subjectValues: [] },
    { type: 'JwtClaim', claimName: 'x' },
    { type: 'Policy' },
    undefined,
  ])
    test(`${JSON.stringify(node)} is nobody`, () => assert.equal(inner(node).bound, 'never'))
  test('a claim, and nobody', () => {
    for (const node of [{ type: 'JwtClaim', claimName: 'iss', claimValue: 'x' }, { type: 'NONE' }])
      assert.deepEqual(inner(node), { bound: node, losses: [] })
  })
})

test('distinguished names', () => {
  for (const [text, name, realm] of [
    ['id=a,ou=user,dc=openam', 'a', '/'],
    ['id=a,ou=user,o=b,o=a,ou=services,dc=x', 'a', '/a/b'],
    ['id=a,ou=user,o=isp', 'a', '/'],
    ['id=a\\2cb\\c3\\a9,ou=user,dc=x', 'a,bé', '/'],
    ['id=a\\\\,ou=user,dc=x', 'a\\', '/'],
  ] as const)
    assert.deepEqual(readUniversalName(text), { kind: 'user', name, realm }, text)
  for (const text of ['', 'uid=a,ou=user', 'id=,ou=user', 'id=a', 'id=a+cn=b,ou=user', 'id=\\ff,ou=user'])
    assert.equal(readUniversalName(text), undefined, text)
})

suite('policies of OpenAM', () => {
  test('without active it takes no part', () => {
    const { active: _, ...rest } = document
    const found = readPolicy(rest, translation)
    assert.equal(found.kind === 'read' && found.policies[0]?.active, false)
  })
  test('numbers are allows unless they are 0', () => {
    assert.deepEqual(read({ actionValues: { GET: 1, POST: 0, PUT: false } }).policies[0]?.actions, {
      ...{ GET: 'allow', POST: 'deny', PUT: 'deny' },
    })
  })
  test('HEAD goes with GET', () => {
    assert.deepEqual(read({ actionValues: { GET: true, HEAD: true } }).losses, [])
    const { policies, losses } = read({ actionValues: { GET: true, HEAD: false } })
    assert.deepEqual([policies[0]?.actions, losses.length], [{ GET: 'deny' }, 1])
    assert.deepEqual(read({ actionValues: { HEAD: true } }).policies[0]?.actions, {})
  })
  test('of an action in two spellings the deny counts', () =>
    assert.deepEqual(read({ actionValues: { GET: true, get: false } }).policies[0]?.actions, { GET: 'deny' }))
  test('an unknown condition: what it allows is gone, what it denies it denies to all', () => {
    const actionValues = { GET: true, DELETE: false }
    const { policies } = read({ actionValues, condition: { type: 'AMIdentityMembership', amIdentityName: ['x'] } })
    assert.deepEqual(
      policies.map(({ name, actions, condition }) => ({ name, actions, condition })),
      [{ name: 'p (denies)', actions: { DELETE: 'deny' }, condition: undefined }],
    )
  })
  test('where it may ask for a login, it denies in place of that', () => {
    const condition = {
      type: 'AND',
      conditions: [
        { type: 'AuthLevel', authLevel: 2 },
        { type: 'Script', scriptId: 'x' },
      ],
    }
    assert.deepEqual(
      read({ condition }).policies.map(({ name, actions }) => [name, actions]),
      [['p (holds back)', { GET: 'deny' }]],
    )
  })
  test('a part of a choice that is not known is left out of it', () => {
    const known = { type: 'JwtClaim', claimName: 'a', claimValue: 'b' }
    const { policies, losses } = read({ subject: { type: 'OR', subjects: [known, { type: 'Mystery' }] } })
    assert.deepEqual(policies[0]?.subject, { type: 'OR', subjects: [known] })
    assert.deepEqual(
      losses.map(({ where }) => where),
      ['subject.subjects.1'],
    )
  })
  test('what is inactive and cannot be said is left out', () =>
    assert.deepEqual(read({ active: false, subject: { type: 'Mystery' } }).policies, []))
  test('a field that is not known may be one more condition', () =>
    assert.deepEqual(
      read({ priority: 3 }).policies.map(({ name }) => name),
      ['p (holds back)'],
    ))
  test('resources that are none', () => {
    const allows = read({ resources: ['*', 'http://a.test:80/*', 'ldap://x/*'] })
    assert.deepEqual(allows.policies[0]?.resources, ['http://a.test:80/*'])
    const denies = read({ actionValues: { GET: false }, resources: ['*', 'ldap://x/*'] })
    assert.deepEqual(denies.policies[0]?.resources, ['*://*:*/*', '*://*:*/*?*'])
    assert.equal(denies.losses.length, 2)
  })
  test('nothing without a name', () => {
    for (const each of [{}, [], null, 'x', { ...document, name: '' }, { ...document, name: 5 }])
      assert.equal(readPolicy(each, translation).kind, 'unreadable')
  })
})
