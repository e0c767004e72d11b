import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import type { AccessRequest } from '../gateway/access-request.ts'
import type { Asker } from '../gateway/policy-query.ts'
import { tellDecision } from '../gateway/told-decision.ts'
import type { Verdict } from '../gateway/verdict.ts'
import { compilePolicies } from '../policy/compile.ts'
import { policiesFileSchema } from '../policy/policies.schema.ts'
import { recordDecisions } from './recent-decisions.ts'

const EMPLOYEES = '/employees' as RealmName

function pdpOf(...policies: readonly object[]) {
  const defaults = { resources: ['http://app.test/*', 'http://app.test/*?*'], subject: { type: 'AuthenticatedUsers' } }
  const named = policies.map((policy, nth) => ({ name: `p${nth}`, ...defaults, ...policy }))
  return compilePolicies(policiesFileSchema.parse({ policies: named }).policies)
}

function decide(path: string, { at = 0, realm = EMPLOYEES, ssoOnly = false, query = '' } = {}): void {
  const target = { path, query: query === '' ? undefined : query, target: `${path}?${query}`, alternatives: [] }
  const resourceBase = { scheme: 'http', host: 'app.test', port: 80 }
  const environment = ({ headers }: { readonly headers: Readonly<Record<string, string>> }) =>
    new Map(headers['x-risk'] === undefined ? [] : [['risk', [headers['x-risk']]]])
  const request = {
    ...{ method: 'GET', target, approved: false, client: { ip: '10.0.0.1' }, raw: { headers: { 'x-risk': 'low' } } },
    site: { realm, ssoOnly, policySet: 'iPlanetAMWebAgentService', resourceBase, environment },
  }
  const session = { realm, userId: 'u', username: 'alice', authLevel: 1, authModules: [], authInstant: 0, createdAt: 0 }
  const asker = { session: { ...session, properties: {} }, facts: { groups: new Set(), attributes: {} }, now: at }
  tellDecision(request as unknown as AccessRequest, asker as unknown as Asker, {} as Verdict)
}

function recorded(t: TestContext, most?: number) {
  const recent = recordDecisions(most)
  t.after(() => recent.close())
  return recent
}

const ALLOW = { actions: { GET: 'allow' } }

test('decisions are asked again of other policies: each that would be another one is told, once, without its query', (t) => {
  const recent = recorded(t)
  decide('/a', { query: 'token=secret' })
  decide('/a')
  decide('/b')
  decide('/a', { ssoOnly: true })
  decide('/a', { query: 'x'.repeat(2_048) })
  decide('/a', { realm: '/customers' as RealmName })
  const deny = { resources: ['http://app.test/a'], actions: { GET: 'deny' } }
  const { compared, changed, changes } = recent.compare(EMPLOYEES, pdpOf(ALLOW), pdpOf(ALLOW, deny))
  assert.deepEqual([compared, changed], [3, 2])
  const about = { user: 'alice', method: 'GET', url: 'http://app.test:80/a' }
  assert.deepEqual(changes, [{ ...about, before: 'allowed (p0)', after: 'denied: denied-by-policy (p1)', count: 2 }])
})

test('what a request said of its environment, and what the application is told, count', (t) => {
  const recent = recorded(t)
  decide('/a')
  const risk = { ...ALLOW, condition: { type: 'Environment', properties: { risk: ['low'] } } }
  assert.equal(recent.compare(EMPLOYEES, pdpOf(ALLOW), pdpOf(risk)).changed, 0)
  const told = (value: string) => [{ type: 'Static', propertyName: 'role', propertyValues: [value] }]
  const { changes } = recent.compare(EMPLOYEES, pdpOf({ ...ALLOW, responseAttributes: told('x') }), pdpOf(ALLOW))
  assert.deepEqual(
    changes.map(({ before, after }) => [before, after]),
    [['allowed (p0), telling role = x', 'allowed (p0), telling nothing']],
  )
})

test('so many are kept, the newest; then few a second take the place of others', (t) => {
  const recent = recorded(t, 3)
  for (const path of ['/1', '/2', '/3']) decide(path, { at: 1_000 })
  for (const [path, at] of [
    ['/4', 1_009],
    ['/5', 1_010],
    ['/6', 1_019],
  ] as const)
    decide(path, { at })
  const { compared, changes } = recent.compare(EMPLOYEES, pdpOf(), pdpOf(ALLOW))
  assert.equal(compared, 3)
  assert.deepEqual(changes.map(({ url }) => url.slice(-2)).sort(), ['/2', '/3', '/5'])
})
