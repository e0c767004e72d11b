import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EpochMs, RealmName } from '../../../../base/brand.ts'
import { compilePolicies } from '../../../../policy/compile.ts'
import type { AccessQuery, PolicyDecisionPoint } from '../../../../policy/decision.ts'
import { policiesFileSchema } from '../../../../policy/policies.schema.ts'
import { readPolicy } from './policy-from.ts'
import type { Translation } from './translation.ts'

const BASE = 'o=staff,ou=services,dc=openam'
const foreign: Translation = {
  ...{ realm: '/staff', timeZone: undefined, isOurs: false },
  moduleOf: (name) => name,
  chainOf: (name) => name,
}

type Tree = { readonly type: string; readonly [field: string]: unknown }

function trees(member: 'subject' | 'condition', leaves: fc.Arbitrary<Tree>): fc.Arbitrary<Tree> {
  return fc.letrec<{ any: Tree }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3, depthIdentifier: member },
      { weight: 2, arbitrary: leaves },
      tie('any').map((inner): Tree => ({ type: 'NOT', [member]: inner })),
      fc
        .tuple(fc.constantFrom('AND', 'OR'), fc.array(tie('any'), { minLength: 1, maxLength: 3 }))
        .map(([type, members]): Tree => ({ type, [`${member}s`]: members })),
    ),
  })).any
}

/** `Mystery` is what nobody here knows; it is true or false, and may ask for a login, as its stand-in does. */
const subject = trees(
  'subject',
  fc.constantFrom<Tree>(
    { type: 'AuthenticatedUsers' },
    { type: 'NONE' },
    { type: 'Identity', subjectValues: [`id=a,ou=group,${BASE}`] },
    { type: 'Identity', subjectValues: [`id=a,ou=group,${BASE}`, 'id=b,ou=group,o=other,ou=services,dc=openam'] },
    { type: 'Mystery' },
  ),
)
const condition = trees(
  'condition',
  fc.constantFrom<Tree>(
    { type: 'AuthLevel', authLevel: 1 },
    { type: 'LEAuthLevel', authLevel: 1 },
    { type: 'AuthScheme', authScheme: ['otp'] },
    { type: 'IPv4', startIp: '10.0.0.0', endIp: '10.0.0.255' },
    { type: 'SessionProperty', properties: { k: ['v'] } },
    { type: 'LDAPFilter', ldapFilter: '(a=1)' },
    { type: 'Mystery', advises: false },
    { type: 'Mystery', advises: true },
  ),
)
const policy = fc.record({
  active: fc.constant(true),
  resources: fc.subarray(['http://a.test:80/*', 'http://a.test:80/x', 'nonsense'], { minLength: 1 }),
  actionValues: fc.dictionary(fc.constantFrom('GET', 'POST', 'HEAD'), fc.boolean(), { minKeys: 1 }),
  subject,
  condition: fc.option(condition, { nil: undefined }),
})

const query = fc
  .record({
    path: fc.constantFrom('/x', '/y'),
    action: fc.constantFrom('GET', 'POST'),
    groups: fc.subarray(['a', 'b']),
    mystery: fc.boolean(),
    attribute: fc.subarray(['1']),
    level: fc.integer({ min: 0, max: 2 }),
    modules: fc.subarray(['otp', 'mystery']),
    scopes: fc.subarray(['mystery']),
    property: fc.boolean(),
    clientIp: fc.constantFrom('10.0.0.1', '192.0.2.1', ''),
  })
  .map(({ path, action, groups, mystery, attribute, level, modules, scopes, property, clientIp }): AccessQuery => ({
    policySet: 'iPlanetAMWebAgentService',
    resource: { scheme: 'http', host: 'a.test', port: 80, path, query: undefined },
    ...{ action, clientIp, scopes, now: 0 as EpochMs },
    session: {
      ...{ realm: '/staff' as RealmName, userId: 'u', username: 'u', authLevel: level, authModules: modules },
      ...{ authInstant: 0 as EpochMs, createdAt: 0 as EpochMs },
      properties: property ? { k: 'v' } : {},
    },
    facts: { groups: new Set(groups), attributes: { m: mystery ? ['y'] : [], a: attribute } },
  }))

/** What the mysteries stand for, and people of other realms, who are nobody here. */
function solved(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return node
  if (Array.isArray(node)) return node.map(solved)
  const tree = node as Tree
  if (tree.type === 'Identity')
    return {
      ...tree,
      subjectValues: (tree['subjectValues'] as readonly string[]).filter((name) => name.includes(BASE)),
    }
  if (tree.type === 'Mystery') {
    if (!('advises' in tree)) return { type: 'Attribute', name: 'm', values: ['y'] }
    return tree['advises'] === true
      ? { type: 'AuthScheme', authScheme: ['mystery'] }
      : { type: 'OAuth2Scope', requiredScopes: ['mystery'] }
  }
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, solved(value)]))
}

function compiled(documents: readonly object[], translation: Translation): PolicyDecisionPoint {
  const policies = documents.flatMap((document, at) => {
    const read = readPolicy({ ...document, name: `p${at}` }, translation)
    assert.ok(read.kind === 'read')
    return read.policies
  })
  return compilePolicies(policiesFileSchema.parse({ policies }).policies)
}

test('what cannot be carried over opens nothing that was closed, whatever it meant', () => {
  const ran = { opened: 0, lost: 0 }
  fc.assert(
    fc.property(
      fc.array(policy, { minLength: 1, maxLength: 3 }),
      fc.array(query, { minLength: 8, maxLength: 8 }),
      (documents, queries) => {
        const theirs = compiled(
          documents.map((each) => solved(each) as object),
          { ...foreign, isOurs: true },
        )
        const ours = compiled(documents, foreign)
        for (const each of queries) {
          const [was, is] = [theirs.evaluate(each).allowed, ours.evaluate(each).allowed]
          assert.ok(
            was || !is,
            JSON.stringify({ documents, each, theirs: theirs.explain(each), ours: ours.explain(each) }),
          )
          if (is) ran.opened++
          if (was && !is) ran.lost++
        }
      },
    ),
    { numRuns: 150, seed: 7 },
  )
  assert.ok(ran.opened > 30 && ran.lost > 30, JSON.stringify(ran))
})
