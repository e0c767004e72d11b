import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { policyDocument } from '../api/openam/policies/documents.ts'
import { inFewWords, readPolicy } from '../api/openam/policies/translate/policy-from.ts'
import type { RealmName } from '../base/brand.ts'
import { policiesFileSchema, type PoliciesFile, type PolicyConfig } from '../policy/policies.schema.ts'
import { randomPolicies } from '../policy/random-policies.fixture.ts'
import { editPolicies, policiesText } from './policies-document.ts'
import { parseSource, readSource } from './source-document.ts'

const STAFF = '/staff' as RealmName
const same = (name: string): string => name
const ours = { realm: STAFF, moduleOf: same, chainOf: same, timeZone: 'UTC', isOurs: true }

function read(text: string): PoliciesFile {
  const source = readSource(parseSource('policies.yaml', Buffer.from(text)), { env: {}, file: () => assert.fail() })
  assert.deepEqual(source.problems, [])
  return policiesFileSchema.parse(source.value)
}

/** By way of OpenAM's words. */
function written(policy: PolicyConfig): object {
  const found = readPolicy(policyDocument(STAFF, policy), ours)
  assert.ok(found.kind === 'read')
  assert.deepEqual(found.losses, [])
  const [one, ...others] = found.policies
  assert.ok(one !== undefined && others.length === 0)
  return inFewWords(one)
}

/** What is the same said twice is said once, and what is not there is nothing. */
function told(policies: readonly PolicyConfig[]): unknown {
  return JSON.parse(
    JSON.stringify(policies.map((policy) => ({ ...policy, resources: [...new Set(policy.resources)] }))),
  )
}

test('every policy can be read by REST and written again, into any file, at any place', () => {
  const drawn = fc.tuple(randomPolicies, randomPolicies, fc.nat())
  fc.assert(
    fc.property(drawn, ([{ policies, policySets }, { policies: others }, at]) => {
      const text = policiesText(
        { policySets, resourceTypes: [], policies: policies.map(written) },
        { heading: 'x', looks: new Map() },
      )
      assert.deepEqual(told(read(text).policies), told(policies))
      const index = at % (policies.length + 1)
      const [before, after] = [policies[index], others[at % (others.length + 1)]]
      if (before === undefined && after === undefined) return
      const renamed = after && { ...after, name: 'new ${env:X}' }
      const edit = { index, before: before && written(before), after: renamed && written(renamed) }
      const expected = policies.toSpliced(
        index,
        before === undefined ? 0 : 1,
        ...(renamed === undefined ? [] : [renamed]),
      )
      const edited = read(editPolicies(text, edit))
      assert.deepEqual([edited.policySets, told(edited.policies)], [policySets, told(expected)])
    }),
    { numRuns: 25, seed: 11 },
  )
})

const SUBJECT = { type: 'AuthenticatedUsers' }
const NEW = { name: 'new', resources: ['http://a.test/*'], actions: { GET: 'allow' }, subject: SUBJECT }
const added = { index: 0, before: undefined, after: NEW }

suite('a file that is changed', () => {
  for (const [kind, text] of [
    ['empty', ''],
    ['of comments', '# one\n# two\n'],
    ['with an empty list', 'policies: [] # none\n#  - name: later\n'],
    ['with nothing where the list is', 'policies:\n'],
    ['without a list', 'policySets:\n- name: x # here\n'],
    ['of JSON', '{"policies": []}'],
    ['from another system', '# one\r\npolicies:\r\n'],
  ] as const)
    test(kind, () => {
      const edited = editPolicies(text, { ...added, after: { ...NEW, description: 'two\nlines' } })
      assert.deepEqual(
        read(edited).policies.map(({ name, description }) => [name, description]),
        [['new', 'two\nlines']],
      )
      if (text.includes('\r')) assert.doesNotMatch(edited, /(?<!\r)\n/)
      for (const comment of text.match(/#.*$/gm) ?? []) assert.ok(edited.includes(comment), edited)
    })

  test('keeps its indentation, its quotes and its anchors', () => {
    const text = `policies:
- name: "one"
  resources:
  - 'http://a.test/*'
  actions: &some { GET: allow }
  subject: { type: NONE }
- { name: two, resources: [ http://a.test/ ], actions: *some, subject: { type: NONE } }
`
    assert.equal(
      editPolicies(text, { ...added, index: 2 }),
      `${text}- name: new\n  resources: [ http://a.test/* ]\n  actions: { GET: allow }\n  subject: { type: AuthenticatedUsers }\n`,
    )
  })

  test('that is no list of policies is not touched', () => {
    assert.throws(() => editPolicies('policies: 5', added), TypeError)
    assert.throws(() => editPolicies('- x', added), TypeError)
    assert.throws(() => editPolicies('policies: []', { index: 0, before: NEW, after: undefined }), TypeError)
  })
})
