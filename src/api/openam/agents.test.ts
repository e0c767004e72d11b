import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { newAnonymousId } from '../../session/anonymous.ts'
import { ALICE, established, FROM } from '../../session/processes.fixture.ts'
import { createLoginHost, type LoginHostOptions } from '../login-host.fixture.ts'
import { ELSEWHERE } from '../agents.fixture.ts'
import type { AgentId } from '../../base/brand.ts'
import { employeesPolicies, EMPLOYEES, policiesFrom } from './policies/policies.fixture.ts'

const POLICIES = {
  ...employeesPolicies(
    policiesFrom([
      {
        name: 'staff',
        resources: ['http://legacy.acme.test:80/*'],
        actions: { GET: 'allow' },
        subject: { type: 'AuthenticatedUsers' },
      },
    ]),
  ),
  siteOf: () =>
    ({ agent: 'legacy' as AgentId, audience: 'agent:legacy', policySet: 'iPlanetAMWebAgentService' }) as const,
}

const open = (t: TestContext, options: LoginHostOptions = {}) =>
  createLoginHost(t, { ...options, policiesOf: (realm) => (realm === EMPLOYEES ? POLICIES : undefined) })

test("an agent's own token is valid until it is logged out, and opens nothing of a person's", async (t) => {
  const { signInAgent, call, process } = await open(t)
  const token = await signInAgent('legacy')
  const validate = () => call(`/json/sessions/${token}?_action=validate`, { headers: OLD })
  assert.deepEqual((await validate()).body, {
    valid: true,
    uid: 'id=legacy,ou=agent,o=employees,ou=services,ou=am-config',
    realm: '/employees',
  })
  for (const [method, path, status] of [
    ['POST', '/json/users?_action=idFromSession', 401],
    ['GET', '/json/sessions?_queryFilter=realm eq "/employees"'.replaceAll(' ', '%20'), 401],
    ['POST', '/json/sessions?_action=getSessionInfo', 403],
    ['POST', '/json/sessions?_action=updateSessionProperties', 401],
  ] as const)
    assert.equal((await call(path, { method, token })).status, status, path)
  const byUser = { token, body: { username: 'alice' }, headers: { 'accept-api-version': 'resource=5.1' } }
  assert.equal((await call('/json/employees/sessions?_action=logoutByUser', byUser)).status, 401)
  for (const audience of ['login', 'agent:legacy'] as const)
    assert.equal(await process.sessions.resolve(token, audience), undefined)
  assert.deepEqual((await call('/json/sessions?_action=logout', { token, headers: OLD })).body, {
    result: 'Successfully logged out',
  })
  assert.deepEqual((await validate()).body, { valid: false })
})

const OLD = { 'accept-api-version': 'resource=1.1' }

test('a token that an agent was given is valid there, whoever asks, and for no other of its realm or another', async (t) => {
  const { signIn, signInAgent, tokenAt, call, touched } = await open(t)
  const { session, token: login } = await signIn('alice')
  const [legacy, other] = [await signInAgent('legacy'), await signInAgent('other')]
  const [at, gated] = [await tokenAt('legacy', session), await tokenAt('app', session)]
  const valid = async (subject: string, token?: string) => {
    const { body } = await call('/json/sessions?_action=validate', {
      ...(token && { token }),
      body: { tokenId: subject },
    })
    return body
  }
  const alice = { valid: true, sessionUid: session.sid, uid: 'alice', realm: '/employees' }
  for (const caller of [undefined, legacy]) assert.deepEqual(await valid(at, caller), alice)
  assert.deepEqual(await valid(login, legacy), alice)
  for (const caller of [undefined, legacy]) assert.deepEqual(await valid(gated, caller), { valid: false })
  for (const subject of [at, login]) assert.deepEqual(await valid(subject, other), { valid: false })
  for (const caller of [other, login])
    assert.deepEqual(await valid(legacy, caller), { valid: false }, 'nobody of theirs')
  assert.equal(touched.length, 3)
})

test('a token that one application took from its visitors is not valid where another one asks', async (t) => {
  const { signIn, signInAgent, tokenAt, call } = await open(t, { clientIp: ELSEWHERE })
  const { session } = await signIn('alice')
  const [agent, at] = [await signInAgent('legacy'), await tokenAt('legacy', session)]
  const brought = await call(`/json/sessions/${at}?_action=validate`, { headers: OLD })
  assert.deepEqual(brought.body, { valid: false })
  const { body } = await call('/json/sessions?_action=validate', { token: agent, body: { tokenId: at } })
  assert.equal((body as { valid: boolean }).valid, true, 'whoever says which agent it is')
})

test('people who have proved nothing are nobody to an agent, whichever of their tokens it is brought', async (t) => {
  const { signInAgent, tokenAt, call, process } = await open(t)
  const guest = { ...ALICE, userId: newAnonymousId(), username: 'anonymous', authModules: ['anonymous'] }
  const { session, token: login } = await established(process.sessions.establish(guest, FROM))
  const [agent, at] = [await signInAgent('legacy'), await tokenAt('legacy', session)]
  for (const tokenId of [at, login]) {
    const brought = await call(`/json/sessions/${encodeURIComponent(tokenId)}?_action=validate`, { headers: OLD })
    assert.deepEqual(brought.body, { valid: false })
    assert.deepEqual((await call('/json/sessions?_action=validate', { token: agent, body: { tokenId } })).body, {
      valid: false,
    })
  }
  const own = await call('/json/sessions?_action=validate', { token: login })
  assert.equal((own.body as { valid: boolean }).valid, true, 'they themselves have a session')
})

test('an invented token costs the store no more where there are many agents', async (t) => {
  const { signIn, tokenAt, call, process } = await open(t)
  const { session } = await signIn('alice')
  const at = await tokenAt('legacy', session)
  await process.sessions.end(session.sid, 'logout', FROM)
  const { mock } = t.mock.method(process.store.sessions, 'resolve')
  const { body } = await call(`/json/sessions/${at}?_action=validate`, { headers: OLD })
  assert.deepEqual(body, { valid: false })
  assert.equal(mock.callCount(), 2, 'at the login host, and at all agents')
})

test('an agent reads the sessions of its realm; those of another are like those that are not there', async (t) => {
  const { signIn, signInAgent, tokenAt, call, process } = await open(t)
  const { session } = await signIn('alice')
  const dave = await signIn('dave', '/customers')
  const token = await signInAgent('legacy')
  const tokenId = await tokenAt('legacy', session)
  const ask = (action: string, subject: string, caller = token) =>
    call(`/json/sessions?_action=${action}`, { token: caller, body: { tokenId: subject } })
  const info = await ask('getSessionInfo', tokenId)
  assert.equal(info.status, 200)
  assert.equal((info.body as { username: string }).username, 'alice')
  await process.sessions.end(session.sid, 'logout', FROM)
  for (const subject of [tokenId, dave.token, token, 'x']) {
    assert.equal((await ask('getSessionInfo', subject)).status, 403, subject)
    assert.deepEqual((await ask('isActive', subject)).body, { active: false })
  }
  assert.equal((await ask('getSessionInfo', dave.token, tokenId)).status, 401, 'a restricted token is nobody who calls')
})

test('an agent does not end what it may read', async (t) => {
  const { signIn, signInAgent, tokenAt, call, process } = await open(t)
  const { session, token: login } = await signIn('alice')
  const token = await signInAgent('legacy')
  const tokenId = await tokenAt('legacy', session)
  await call('/json/sessions?_action=logout', { token, body: { tokenId } })
  await call('/json/sessions?_action=logoutByHandle', { token, body: { sessionHandles: [`shandle:${session.sid}`] } })
  assert.equal((await process.sessions.resolve(login, 'login'))?.sid, session.sid)
})

test('an agent has policies of its realm evaluated, of its realm alone, and for a person', async (t) => {
  const { signIn, signInAgent, tokenAt, call } = await open(t)
  const { session } = await signIn('alice')
  const [token, other] = [await signInAgent('legacy'), await signInAgent('other')]
  const ssoToken = await tokenAt('legacy', session)
  const ask = (caller: string, subject: object, realm = '/employees') =>
    call(`/json/policies?_action=evaluate&realm=${realm}`, {
      token: caller,
      headers: { 'accept-api-version': 'resource=1.0' },
      body: { resources: ['/x'], subject },
    })
  const { status, body } = await ask(token, { ssoToken })
  assert.equal(status, 200)
  const [decision] = body as { resource: string; actions: object }[]
  assert.deepEqual([decision?.resource, decision?.actions], ['/x', { GET: true, HEAD: true }], 'echoed byte for byte')
  assert.equal((await ask(other, { ssoToken })).status, 403)
  assert.equal((await ask(token, { ssoToken }, '/')).status, 403)
  assert.equal((await ask(ssoToken, { ssoToken })).status, 401)
  assert.equal((await ask(token, { ssoToken: other })).status, 400, 'an agent is nobody')
  const nobody = await ask(token, {})
  assert.deepEqual((nobody.body as { actions: object }[])[0]?.actions, {})
})

test('serverinfo tells one cookie name, and a token is taken in the header of that name', async (t) => {
  const { call } = await open(t)
  const { body } = await call('/json/serverinfo/*', {
    method: 'GET',
    headers: { 'accept-api-version': 'resource=1.1' },
  })
  assert.equal((body as { cookieName: string }).cookieName, 'SSOTokenID')
})
