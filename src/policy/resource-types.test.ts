import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { policiesFileSchema } from './policies.schema.ts'

const WEB = { name: 'web', patterns: ['https://*.app.test:*/*', 'https://*.app.test:*/*?*'], actions: ['GET', 'post'] }

function problems(policy: object, file: object = {}): readonly string[] {
  const whole = {
    resourceTypes: [WEB],
    policies: [
      {
        name: 'p',
        resourceType: 'web',
        resources: ['https://a.app.test:443/x/*'],
        actions: { GET: 'allow' },
        subject: { type: 'AuthenticatedUsers' },
        ...policy,
      },
    ],
    ...file,
  }
  const { error } = policiesFileSchema.safeParse(whole)
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

suite('resource types', () => {
  test('a policy within its type is fine, wildcards and letter case included', () => {
    assert.deepEqual(problems({}), [])
    const within = { resources: ['https://*.app.test:*/*?*', 'https://-*-.b.app.test:8*/'], actions: { Post: 'deny' } }
    assert.deepEqual(problems(within), [])
    assert.deepEqual(problems({ resourceType: undefined, resources: ['http://elsewhere.test/'] }), [])
  })

  test('what goes beyond the type is refused at its place', () => {
    assert.deepEqual(problems({ resources: ['https://a.app.test/', 'https://app.test/', '*://a.app.test:*/*'] }), [
      'policies.0.resources.1: no pattern of resource type "web" covers it',
      'policies.0.resources.2: no pattern of resource type "web" covers it',
    ])
    assert.deepEqual(problems({ actions: { GET: 'allow', DELETE: 'allow' } }), [
      'policies.0.actions.DELETE: resource type "web" has no such action',
    ])
    assert.deepEqual(problems({ resourceType: 'wb' }), [
      'policies.0.resourceType: there is no resource type "wb"; add it to resourceTypes',
    ])
  })

  test('a set that lists its types takes policies of these alone', () => {
    const set = { name: 'iPlanetAMWebAgentService', resourceTypes: ['web'] }
    assert.deepEqual(problems({}, { policySets: [set] }), [])
    assert.deepEqual(problems({ resourceType: undefined }, { policySets: [set] }), [
      'policies.0: policies of iPlanetAMWebAgentService name a resourceType: web',
    ])
    const other = { name: 'crest', patterns: ['*://*:*/*'], actions: ['GET'] }
    assert.deepEqual(problems({ resourceType: 'crest' }, { policySets: [set], resourceTypes: [WEB, other] }), [
      'policies.0.resourceType: policies of iPlanetAMWebAgentService are of type web',
    ])
  })

  test('names are there once, and sets name what is there', () => {
    const sets = [{ name: 's', resourceTypes: ['none'] }, { name: 's' }]
    assert.deepEqual(problems({}, { policySets: sets, resourceTypes: [WEB, WEB] }), [
      'policySets.1.name: "s" is there already',
      'resourceTypes.1.name: "web" is there already',
      'policySets.0.resourceTypes.0: there is no resource type "none"; add it to resourceTypes',
    ])
  })

  test('an action that is named twice, in other letter case, is refused: one of the two would be lost', () => {
    assert.deepEqual(problems({ actions: { GET: 'allow', get: 'deny' } }), [
      'policies.0.actions: an action is named twice, in another letter case',
    ])
  })
})
