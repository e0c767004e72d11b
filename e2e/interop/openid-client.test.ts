import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { freePort } from '../../src/free-port.fixture.ts'
import { Client, type Answer } from '../client.ts'
import { gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'
import { startStoreData, type StoreData } from '../store-data.ts'
import { until } from '../until.ts'
import { ask, startRelyingParty, type RelyingParty } from './relying-party.ts'

/* `openid-client` as a client of our provider, which is two processes on one Redis: people are at one of them, codes are redeemed at the other. */

const SECRET = 'a-secret-that-the-application-has'

let store: StoreData
let rp: RelyingParty
let processes: readonly OwnRig[] = []
let login: string

before(async () => {
  store = await startStoreData('redis')
  rp = await startRelyingParty('rp', SECRET)
  const [port, other] = [await freePort(), await freePort()]
  login = `http://login.acme.test:${port}`
  const client = { id: 'rp', secret: SECRET, consent: 'implied', redirectUris: [rp.callback] }
  const logout = { postLogoutRedirectUris: [`${rp.origin}/bye`], backchannelLogoutUri: rp.backchannel }
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml()
      .replace('login.acme.test:${env:PORT}', `login.acme.test:${port}`)
      .replace('store: { path: .gatehouse/cts.db }', `store: ${store.yaml}`),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': JSON.stringify({
      authentication: {
        modules: { password: { type: 'password' }, strong: { type: 'password', authLevel: 2 } },
        chains: {
          default: [{ module: 'password', criteria: 'REQUIRED' }],
          strong: [{ module: 'strong', criteria: 'REQUIRED' }],
        },
      },
    }),
    'realms/staff/users.yaml': usersYaml(
      await Promise.all(
        ['alice', 'bob', 'carol', 'dave'].map(async (username) => ({
          ...{ username, hash: await hashOf(`${username}-demo-password`), groups: ['crew'] },
          attributes: { mail: `${username}@acme.example`, displayName: `${username} Example` },
        })),
      ),
    ),
    'realms/staff/clients.yaml': JSON.stringify({ clients: [{ ...client, ...logout }] }),
  }
  const env = { MASTER_KEY: randomBytes(32).toString('base64url') }
  // The first makes the keys.
  processes = [await startOwnRig({ files, port, env })]
  processes = [...processes, await startOwnRig({ files, port: other, env })]
  await rp.connect(`${login}/oauth2/realms/root/realms/staff`, { usual: port, token: other })
})

after(async () => {
  for (const each of processes) assert.equal(await each.stop(), 0)
  await rp.close()
  await store.dispose()
})

async function signedIn(name: string): Promise<Client> {
  const client = new Client()
  const form = await client.open(`${rp.origin}/me`)
  assert.ok(form.url.startsWith(`${login}/login/staff`), `${form.status} ${form.url} ${form.body}`)
  const page = await client.signIn(form, name)
  assert.equal(page.url, `${rp.origin}/me`, page.body)
  return client
}

const told = (page: Answer): Readonly<Record<string, unknown>> =>
  JSON.parse(page.body) as Readonly<Record<string, unknown>>

/** What a page of ours that sends itself on would send. */
function sentOn(client: Client, page: Answer): Promise<Answer> {
  const fields = [...page.body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
  const action = /action="([^"]*)"/.exec(page.body)?.[1] ?? ''
  const form = Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]))
  return client.open(new URL(action, page.url).href, { form })
}

test('openid-client signs people in, has their claims, and refreshes at the other process', async () => {
  const client = await signedIn('alice')
  const { sub, acr, email, name, groups } = told(await client.open(`${rp.origin}/me`))
  assert.deepEqual(
    { sub, acr, email, name, groups },
    { sub: 'alice', acr: '1', email: 'alice@acme.example', name: 'alice Example', groups: ['crew'] },
  )
  assert.deepEqual(told(await client.open(`${rp.origin}/refresh`)), { hasNew: true })
})

test('openid-client has a stronger login by acr_values', async () => {
  const client = await signedIn('bob')
  const form = await client.open(`${rp.origin}/strong`)
  assert.ok(form.url.startsWith(`${login}/login/staff`), form.url)
  assert.equal(told(await client.signIn(form, 'bob'))['acr'], '2')
})

test('openid-client signs people out here', async () => {
  const client = await signedIn('carol')
  const out = await client.open(`${rp.origin}/logout`)
  assert.match(out.body, /data-relay/, 'its ID token speaks for it')
  assert.equal((await sentOn(client, out)).body, 'signed out')
  assert.ok((await client.open(`${rp.origin}/me`)).url.startsWith(`${login}/login/staff`))
})

test('openid-client hears of people who sign out here', async () => {
  const [client, other] = [await signedIn('dave'), await signedIn('alice')]
  await sentOn(client, await client.open(`${login}/logout`))
  await until('the application asks for a login', async () => (await client.call(`${rp.origin}/me`)).status === 302)
  assert.equal((await other.call(`${rp.origin}/me`)).status, 200, 'and of nobody else')
})

test('of one code, shown to both processes at once, one redemption wins, and the others end what it gave', async () => {
  const client = await signedIn('bob')
  const issuer = `${login}/oauth2/realms/root/realms/staff`
  const verifier = 'v'.repeat(43)
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const asked = { client_id: 'rp', redirect_uri: rp.callback, response_type: 'code', scope: 'openid' }
  const query = new URLSearchParams({ ...asked, code_challenge: challenge, code_challenge_method: 'S256' })
  const back = await client.call(`${issuer}/authorize?${query.toString()}`)
  const code = new URL(back.headers.location ?? '').searchParams.get('code') ?? ''
  const authorization = `Basic ${Buffer.from(`rp:${SECRET}`).toString('base64')}`
  const post = (path: string, form: Readonly<Record<string, string>>, port = 0): Promise<Response> => {
    const body = new URLSearchParams(form).toString()
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
    return ask(new URL(issuer + path), port, { method: 'POST', headers, body, redirect: 'manual' })
  }
  const ports = processes.map(({ port }) => port)
  const form = { grant_type: 'authorization_code', code, redirect_uri: rp.callback, code_verifier: verifier }
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => post('/access_token', form, ports[i % 2])))
  const won = answers.filter(({ status }) => status === 200)
  assert.equal(won.length, 1)
  const { access_token: token } = (await won[0]?.json()) as { readonly access_token: string }
  for (const port of ports) {
    const said = (await (await post('/introspect', { token }, port)).json()) as { readonly active: boolean }
    assert.equal(said.active, false)
  }
})
