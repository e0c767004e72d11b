import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import { createPasswordHasher } from '../../src/crypto/password-hash.ts'
import { Client, type Answer } from '../client.ts'
import { exchange } from './exchange.ts'
import { passwordOf, startGateway, type Gateway } from './gateway.ts'
import { startProtectedApp, type ProtectedApp } from './openam-agent.ts'
import { freePort } from '../../src/free-port.fixture.ts'

// The agent sends it as it is, so it cannot have what no header may carry.
const SECRET = 'the-agents-own-secret'
const running = new AsyncDisposableStack()
let gateway: Gateway
/** In the domain of the login host, and on a host of its own. */
let shared: ProtectedApp
let apart: ProtectedApp

before(async () => {
  const secret = await createPasswordHasher().hash(SECRET)
  const [near, far] = [`http://near.acme.localhost:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
  const policy = (path: string, group: string): object => ({
    name: `${path} for ${group}`,
    resources: [`${near}${path}`, `${far}${path}`],
    actions: { GET: 'allow' },
    subject: { type: 'Group', groups: [group] },
  })
  gateway = await startGateway({
    agents: {
      near: { url: near, openam: { secret }, cookie: { preset: 'openam', domain: 'acme.localhost' } },
      far: {
        url: far,
        openam: { secret, cdcservlet: true, notifications: true, oidc: {} },
        cookie: { preset: 'openam' },
      },
    },
    policies: [policy('/ops', 'auditors')],
  })
  running.defer(() => gateway.stop())
  const { login } = gateway
  shared = await startProtectedApp({ login, url: near, id: 'near', password: SECRET, cdsso: false })
  running.defer(() => shared.stop())
  apart = await startProtectedApp({ login, url: far, id: 'far', password: SECRET, cdsso: true, notifications: true })
  running.defer(() => apart.stop())
})

after(() => running.disposeAsync())

/** Sends the form that a page of ours sends on by itself. */
async function relay(client: Client, page: Answer): Promise<Answer> {
  const [, action = ''] = /<form method="post" action="([^"]*)"/.exec(page.body) ?? []
  const [, lares = ''] = /name="LARES" value="([^"]*)"/.exec(page.body) ?? []
  assert.ok(lares, page.body)
  return client.open(action, { form: { LARES: lares } })
}

async function enter(app: ProtectedApp, client: Client, name: 'alice' | 'bob', path = '/hello'): Promise<Answer> {
  const form = await client.open(app.url + path)
  assert.equal(new URL(form.url).host, new URL(gateway.login).host, 'sent to our login')
  const next = await client.signIn(form, name, passwordOf(name))
  return app === apart ? relay(client, next) : next
}

test('in the login host’s domain: our login page, the cookie of the domain, the page', async () => {
  const client = new Client()
  const page = await enter(shared, client, 'alice')
  assert.deepEqual([page.url, page.status, page.body], [`${shared.url}/hello`, 200, 'hello alice'])
  const token = client.cookie('acme.localhost', 'iPlanetDirectoryPro')
  assert.ok(token)
  assert.notEqual(token, client.cookie('login.acme.localhost', 'SSOTokenID'), 'not the token of the login host')
})

test('elsewhere: /cdcservlet, a token for that agent alone, the page', async () => {
  const client = new Client()
  const page = await enter(apart, client, 'bob')
  assert.deepEqual([page.url, page.status, page.body], [`${apart.url}/hello`, 200, 'hello bob'])
  const token = client.cookie('127.0.0.1', 'iPlanetDirectoryPro') ?? ''
  const stolen = await exchange(`${gateway.login}/json/users?_action=idFromSession`, {
    method: 'POST',
    headers: ['SSOTokenID', decodeURIComponent(token), 'Accept-API-Version', 'resource=2.0'],
  })
  assert.equal(stolen.status, 401, 'it opens nothing at the login host')
})

test('agents from version 5 on: an ID token by a form, signed with a published key, whose session the agent takes for one', async () => {
  const client = new Client()
  const asked = {
    ...{ scope: 'openid', response_type: 'id_token', response_mode: 'form_post', client_id: 'far' },
    ...{ state: 'a-state', nonce: 'a-nonce', agent_provider: 'true', agent_realm: '/staff' },
    redirect_uri: `${apart.url}/agent/cdsso-oauth2`,
  }
  const form = await client.open(`${gateway.login}/oauth2/authorize?${new URLSearchParams(asked).toString()}`)
  const page = await client.signIn(form, 'bob', passwordOf('bob'))
  const field = (name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(page.body)?.[1] ?? ''
  assert.deepEqual([page.status, field('state')], [200, 'a-state'])
  const keys = JSON.parse((await exchange(`${gateway.login}/oauth2/connect/jwk_uri`)).text) as JSONWebKeySet
  const { payload } = await jwtVerify(field('id_token'), createLocalJWKSet(keys), {
    ...{ algorithms: ['RS256'], audience: 'far', issuer: `${gateway.login}/oauth2/realms/root/realms/staff` },
  })
  assert.equal(payload['nonce'], 'a-nonce')
  const { valid, uid } = await apart.agent.validateSession(String(payload['ssoToken']))
  assert.deepEqual([valid, uid], [true, 'bob'])
})

test('who is signed in goes from one to the other without a word', async () => {
  const client = new Client()
  await enter(shared, client, 'alice')
  const page = await relay(client, await client.open(`${apart.url}/hello`))
  assert.equal(page.body, 'hello alice')
})

test('the agent’s own login, and policies by its PolicyShield', async () => {
  for (const app of [shared, apart]) {
    const [bob, alice] = [new Client(), new Client()]
    assert.equal((await enter(app, bob, 'bob', '/ops')).body, 'hello bob')
    assert.equal((await enter(app, alice, 'alice', '/ops')).status, 403)
  }
  assert.match(gateway.log(), /"event":"AgentSignedIn"[^\n]*"agent":"near"/)
})

test('who signs out at the login host is out at the application, which is told', async () => {
  const client = new Client()
  await enter(apart, client, 'alice')
  assert.equal((await client.open(`${apart.url}/hello`)).body, 'hello alice')
  const token = client.cookie('login.acme.localhost', 'SSOTokenID') ?? ''
  const held = decodeURIComponent(client.cookie('127.0.0.1', 'iPlanetDirectoryPro') ?? '')
  await apart.listensTo(held)
  const told = new Promise((resolve) => apart.agent.on('session', resolve))
  await exchange(`${gateway.login}/json/sessions?_action=logout`, {
    method: 'POST',
    headers: ['SSOTokenID', token, 'Accept-API-Version', 'resource=2.0'],
  })
  const { sid, state } = (await told) as Readonly<Record<string, string>>
  assert.deepEqual([sid, state], [held, 'destroyed'])
  const form = await client.open(`${apart.url}/hello`)
  assert.equal(new URL(form.url).host, new URL(gateway.login).host, 'sent to our login')
})

test('an agent that stops signs out', async () => {
  const other = await startProtectedApp({
    login: gateway.login,
    ...{ url: `http://127.0.0.1:${await freePort()}`, id: 'near', password: SECRET, cdsso: false },
  })
  const { tokenId } = await other.agent.getAgentSession()
  const validate = async (): Promise<string> =>
    (
      await exchange(`${gateway.login}/json/sessions/${tokenId}?_action=validate`, {
        method: 'POST',
        headers: ['Accept-API-Version', 'resource=1.1', 'Content-Type', 'application/json'],
      })
    ).text.trim()
  assert.equal(
    await validate(),
    '{"valid":true,"uid":"id=near,ou=agent,o=staff,ou=services,ou=am-config","realm":"/staff"}',
  )
  await other.stop()
  assert.equal(await validate(), '{"valid":false}')
})

test('an agent with a wrong secret gets no session', async () => {
  const other = await startProtectedApp({
    login: gateway.login,
    ...{ url: `http://127.0.0.1:${await freePort()}`, id: 'near', password: 'guessed', cdsso: false },
  })
  await assert.rejects(other.agent.getAgentSession(), /status code 401/)
  await other.stop()
})
