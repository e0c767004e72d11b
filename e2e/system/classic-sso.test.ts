import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Client } from '../client.ts'
import { startEchoApp, type EchoApp } from '../echo-app.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'

const SHARED = 'ssoOnly: true\ncookie: { name: AcmeSSO, domain: acme.test }\n'

let app: EchoApp
let rig: OwnRig

before(async () => {
  app = await startEchoApp()
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml(),
    'agent-config/one.yaml': agentYaml('one', app.url, SHARED),
    'agent-config/two.yaml': agentYaml('two', app.url, SHARED),
    'agent-config/own.yaml': agentYaml('own', app.url),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': '',
    'realms/staff/users.yaml': usersYaml([{ username: 'erin', hash: await hashOf('erin-password') }]),
  }
  rig = await startOwnRig({ files })
})

after(async () => {
  assert.equal(await rig.stop(), 0)
  await app.close()
})

const at = (name: string, path = '/'): string => `http://${name}.acme.test:${rig.port}${path}`

async function signedIn(): Promise<Client> {
  const client = new Client()
  const home = await client.signIn(await client.open(at('one')), 'erin', 'erin-password')
  assert.equal(home.status, 200)
  assert.equal(home.url, at('one'))
  return client
}

test('one handshake opens every agent that shares the cookie, and no other', async () => {
  const client = await signedIn()
  assert.equal((await client.call(at('two', '/report'))).status, 200)
  const elsewhere = await client.call(at('own', '/report'))
  assert.equal(elsewhere.status, 302)
  assert.equal(new URL(elsewhere.headers.location ?? '').host, `login.acme.test:${rig.port}`)
  const opened = await client.open(at('own', '/report'))
  assert.equal(opened.status, 200)
  assert.equal(opened.url, at('own', '/report'))
})

test('the value of the shared cookie opens nothing at an agent that has a cookie of its own', async () => {
  const client = await signedIn()
  const token = client.cookie('acme.test', 'AcmeSSO') ?? ''
  assert.notEqual(token, '')
  const stranger = new Client()
  stranger.setCookie('own.acme.test', 'SSOTokenID', token)
  assert.equal((await stranger.call(at('own'))).status, 302)
  stranger.setCookie('login.acme.test', 'SSOTokenID', token)
  assert.match((await stranger.open(at('own'))).body, /type="password"/)
})

test('logout at one agent closes them all', async () => {
  const client = await signedIn()
  await client.open(at('own'))
  const copy = new Client()
  copy.setCookie('two.acme.test', 'AcmeSSO', client.cookie('acme.test', 'AcmeSSO') ?? '')
  assert.equal((await copy.call(at('two'))).status, 200)
  const out = await client.call(at('one', '/.gatehouse/logout'), { form: {} })
  assert.equal(out.status, 303)
  assert.match(String(out.headers['set-cookie']), /AcmeSSO=; Max-Age=0; Domain=acme\.test;/)
  assert.equal(client.cookie('acme.test', 'AcmeSSO'), undefined)
  for (const name of ['two', 'own']) assert.equal((await client.call(at(name))).status, 302, name)
  assert.equal((await copy.call(at('two'))).status, 302, 'the token itself is dead')
  assert.match((await client.open(at('one'))).body, /type="password"/)
})

test('no application ever sees the shared cookie or its own token', async () => {
  const client = await signedIn()
  client.setCookie('own.acme.test', 'theirs', 'kept')
  client.setCookie('one.acme.test', 'theirs', 'kept')
  const before = app.seen.length
  for (const name of ['one', 'two', 'own']) assert.equal((await client.open(at(name, '/report'))).status, 200)
  const cookies = app.seen.slice(before).map(({ headers }) => headers.cookie)
  assert.deepEqual(cookies, ['theirs=kept', undefined, 'theirs=kept'])
  assert.equal(
    app.seen.some(({ headers }) => /AcmeSSO|SSOTokenID|gatehouse-/.test(headers.cookie ?? '')),
    false,
  )
})
