import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { problemsOf } from '../config-folder.fixture.ts'

const MODULES = { password: { type: 'password' }, totp: { type: 'totp', authLevel: 2 } }
const PLAIN = [{ module: 'password', criteria: 'REQUIRED' }]
const STRONG = [...PLAIN, { module: 'totp', criteria: 'REQUIRED' }]

function said(context: TestContext, condition: object, authentication: object = {}): Promise<string[]> {
  const realm = { modules: MODULES, chains: { default: PLAIN, strong: STRONG }, ...authentication }
  const policy = {
    ...{ name: 'p', resources: ['*://a.test:*/*'], actions: { GET: 'allow' }, subject: { type: 'AuthenticatedUsers' } },
    condition,
  }
  return problemsOf(context, {
    'realms/staff/realm.yaml': `look: { title: Staff }\nauthentication: ${JSON.stringify(realm)}\n`,
    'realms/staff/policies.yaml': `policies:\n  - ${JSON.stringify(policy)}\n`,
  })
}

const scheme = (...authScheme: string[]) => ({ type: 'AuthScheme', authScheme })
const service = (authenticateToService: string) => ({ type: 'AuthenticateToService', authenticateToService })
const level = (authLevel: number) => ({ type: 'AuthLevel', authLevel })
const transaction = (authenticationStrategy: string, strategySpecifier: string) => ({
  ...{ type: 'Transaction', authenticationStrategy, strategySpecifier },
})

test('what a condition asks of a login is there, or it is told where it is asked', async (context) => {
  const sound = [scheme('password', 'totp'), service('strong'), level(2), transaction('AuthLevel', '2')]
  assert.deepEqual(await said(context, { type: 'AND', conditions: sound }), [])
  const cases: readonly (readonly [object, RegExp])[] = [
    [scheme('password', 'topt'), /policies\.yaml:2:\d+: the realm has no module "topt"; did you mean "totp"\?$/],
    [service('stron'), /policies\.yaml:2:\d+: the realm has no chain "stron"; did you mean "strong"\?$/],
    [{ type: 'NOT', condition: scheme('constructor') }, /the realm has no module "constructor"/],
    [{ type: 'OR', conditions: [level(1), transaction('AuthScheme', 'sms')] }, /the realm has no module "sms"/],
    [transaction('AuthenticateToService', 'x'), /the realm has no chain "x"/],
    [level(3), /: warning: no chain of the realm brings everybody who passes it beyond level 2$/],
    [transaction('AuthLevel', '9'), /: warning: no chain of the realm brings everybody/],
  ]
  for (const [condition, message] of cases) {
    const found = await said(context, condition)
    assert.equal(found.length, 1, JSON.stringify(condition))
    assert.match(found[0] ?? '', message)
  }
})

test('a name of the client, which no site knows, is told wherever it stands', async (context) => {
  const named = { type: 'IPv4', dnsName: ['*.acme.test'] }
  for (const condition of [named, { type: 'NOT', condition: { type: 'OR', conditions: [level(1), named] } }]) {
    const found = await said(context, condition)
    assert.equal(found.length, 1)
    assert.match(found[0] ?? '', /policies\.yaml:2:\d+: warning: no site knows the name of a client/)
  }
  assert.deepEqual(await said(context, { type: 'IPv4', addresses: ['10.0.0.0/8'] }), [])
})

test('a level counts where everybody reaches it who passes the chain, or by what a policy wants besides', async (context) => {
  const optional = { chains: { default: [...PLAIN, { module: 'totp', criteria: 'OPTIONAL' }] } }
  assert.match((await said(context, level(2), optional)).join(), /beyond level 1$/)
  const wanted = { chains: { default: PLAIN }, policies: [{ name: 'all', secondFactors: ['totp'] }] }
  assert.deepEqual(await said(context, level(2), wanted), [])
})

test('a chain that brings less than the default is told, as a browser may ask for it', async (context) => {
  const found = await said(context, level(1), { chains: { default: STRONG, quick: PLAIN } })
  assert.equal(found.length, 1)
  assert.match(found[0] ?? '', /realm\.yaml:2:\d+: warning: this chain brings level 1 and the default \(.*:2\) 2: /)
})
