import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { compilePolicies } from '../policy/compile.ts'
import { policiesFileSchema } from '../policy/policies.schema.ts'
import { ask, NAVIGATION } from './answer.fixture.ts'
import { echoApp } from './echo-app.fixture.ts'
import { factsOf, NOW, profileOf, sessionOf, siteOf, startGateway } from './gateway.fixture.ts'
import { evaluate, explainAccess, type AskedRequest, type Asker } from './policy-query.ts'

const { policies } = policiesFileSchema.parse({
  policies: [
    {
      name: 'everyone',
      resources: ['*://*:*/*'],
      actions: { GET: 'allow' },
      subject: { type: 'AuthenticatedUsers' },
      condition: { type: 'Session', maxSessionTime: '1h', terminateSession: true },
    },
    {
      name: 'no-admin',
      resources: ['*://*:*/admin*'],
      actions: { GET: 'deny' },
      subject: { type: 'NOT', subject: { type: 'Group', groups: ['finance'] } },
    },
  ],
})

async function setup(t: TestContext, groups: readonly string[]) {
  const site = siteOf(profileOf((await echoApp(t)).url), { facts: () => factsOf(...groups) })
  const rig = await startGateway(t, { sites: [{ ...site, pdp: compilePolicies(policies) }] })
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('sid-1', { authLevel: 2 }))}`
  return { rig, get: (path: string) => ask(rig.port, path, { headers: [cookie, ...NAVIGATION] }) }
}

test('the page of a refusal says why to those who administer the realm, and to nobody else', async (t) => {
  const told = /"why":\[\{"policy":"everyone".*"policy":"no-admin"/
  const admin = await setup(t, ['admins'])
  assert.match((await admin.get('/admin')).body, told)
  const other = await setup(t, ['staff'])
  const page = await other.get('/admin')
  assert.equal(page.status, 403)
  assert.doesNotMatch(page.body, /why|Group/)
})

test('the number on the page of a refusal leads to the decision in the audit log', async (t) => {
  const { rig, get } = await setup(t, ['staff'])
  const { body } = await get('/admin')
  const id = /"requestId":"([^"]+)"/.exec(body)?.[1]
  const event = rig.audit.find(({ requestId }) => requestId === id)
  assert.ok(event?.event === 'AccessDenied')
  assert.deepEqual([event.authLevel, event.modules, event.policies], [2, ['password'], ['no-admin']])
  assert.deepEqual(event.why, [
    { policy: 'everyone', outcome: 'allow' },
    { policy: 'no-admin', outcome: 'deny' },
  ])
})

test('a session that is too old for a policy that ends such is over before the login', async (t) => {
  const { rig, get } = await setup(t, ['staff'])
  assert.equal((await get('/page')).status, 200)
  rig.now = NOW + 3_600_000
  const answer = await get('/page')
  assert.equal(answer.status, 302)
  assert.match(answer.headers.get('location') ?? '', /^http:\/\/login\.test\/login\/employees\?/)
  assert.deepEqual(rig.sessions.ended, ['sid-1'])
  assert.equal(rig.audit.filter(({ event }) => event === 'AccessDenied').length, 0)
})

test('explain looks at every reading of a path, as the decision does', () => {
  const site = { pdp: compilePolicies(policies), policySet: 'iPlanetAMWebAgentService' }
  const asked: AskedRequest = {
    site: { ...site, resourceBase: { scheme: 'http', host: 'app.test', port: 80 } },
    target: { path: '/a%2Fadmin', query: undefined, target: '/a%2Fadmin', alternatives: ['/b', '/admin'] },
    method: 'HEAD',
    client: { ip: '127.0.0.1' },
    approved: false,
  }
  const asker: Asker = { session: sessionOf('s'), facts: factsOf('staff'), now: NOW }
  const { decision, trace } = explainAccess(asked, asker)
  assert.deepEqual(decision, evaluate(asked, asker))
  assert.deepEqual(decision.policies, ['no-admin'])
  assert.ok(trace.some(({ outcome }) => outcome === 'deny'))
})
