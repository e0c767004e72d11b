import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemsOf } from '../config-folder.fixture.ts'

const CLIENTS = `clients:
  - { id: wiki, secret: a-long-enough-secret, redirectUris: ["https://wiki.example/cb"] }
  - { id: payroll, secret: a-long-enough-secret, redirectUris: ["https://payroll.example/cb"] }
`
const policy = (more: object): object => ({
  name: 'p',
  partners: ['wiki'],
  subject: { type: 'AuthenticatedUsers' },
  ...more,
})

const CASES: readonly [why: string, policies: readonly object[], problem: RegExp | undefined][] = [
  ['a sound one', [policy({})], undefined],
  ['every partner', [policy({ partners: ['*'] }), policy({ name: 'q', effect: 'deny' })], undefined],
  ['a partner that is not there', [policy({ partners: ['wikki'] })], /has no partner "wikki"; did you mean "wiki"\?/],
  ['a site that a gateway elsewhere is in front of', [policy({ partners: ['files'] })], undefined],
  ['two of one name', [policy({}), policy({})], /policy "p" is there already/],
  ['a deny alone', [policy({ effect: 'deny' })], /warning: no policy allows anybody "wiki"/],
  [
    'an allow that is off',
    [policy({ active: false }), policy({ name: 'q', effect: 'deny' })],
    /no policy allows anybody/,
  ],
  [
    'an approval of one request',
    [
      policy({
        condition: { type: 'Transaction', authenticationStrategy: 'AuthLevel', strategySpecifier: '0' },
      }),
    ],
    /Transaction is about requests to sites/,
  ],
  ['a level that nobody reaches', [policy({ condition: { type: 'AuthLevel', authLevel: 9 } })], /warning: no chain/],
]

test('policies about partners name partners that are there, and let somebody in', async (context) => {
  for (const [why, partnerPolicies, expected] of CASES) {
    const problems = await problemsOf(context, {
      'realms/staff/realm.yaml': `look: { title: Staff }
authentication:
  modules: { password: { type: password } }
  chains: { default: [{ module: password, criteria: REQUIRED }] }
`,
      'realms/staff/clients.yaml': CLIENTS,
      'agent-config/files.yaml':
        'url: https://files.example\nrealm: /staff\nsso: oidc\nclient: { secret: a-long-enough-secret }\n',
      'realms/staff/policies.yaml': JSON.stringify({ partnerPolicies }),
    })
    if (expected === undefined) assert.deepEqual(problems, [], why)
    else {
      assert.equal(problems.length, 1, `${why}: ${problems.join('\n')}`)
      assert.match(problems[0] ?? '', expected, why)
    }
  }
})
