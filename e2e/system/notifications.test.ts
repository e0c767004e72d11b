import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { after, before, test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { Client } from '../client.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml } from '../own-rig.ts'
import { startRig, type Rig } from '../rig.ts'
import { until } from '../until.ts'

const LOGIN_HOST = 'login.acme.localhost'

let first: Rig
let second: Rig

before(async () => {
  first = await startRig()
  second = await startRig({ dataDir: first.dataDir })
})

after(async () => {
  try {
    await second.stop()
  } finally {
    await first.stop()
  }
})

async function signIn(username: string, rig = first): Promise<{ readonly client: Client; readonly token: string }> {
  const client = new Client()
  const at = username === 'admin' ? `${rig.sites.login}/login/` : `${rig.sites.app}/`
  assert.equal((await client.signIn(await client.open(at), username)).status, 200)
  const token = client.cookie(LOGIN_HOST, 'SSOTokenID')
  assert.ok(token !== undefined)
  return { client, token }
}

interface Place {
  readonly port: number
  /** The login host. */
  readonly host?: string
}

interface Listener {
  readonly socket: WebSocket
  readonly heard: Record<string, unknown>[]
  readonly closed: Promise<number>
}

/** What a client of the protocol sends, at the login host of one process. */
function open(t: TestContext, rig: Place, headers: Record<string, string>): Listener {
  const host = rig.host ?? `${LOGIN_HOST}:${rig.port}`
  const address = `ws://127.0.0.1:${rig.port}/notifications`
  const socket = new WebSocket(address, 'v1.notifications.forgerock.org', { headers: { host, ...headers } })
  const heard: Record<string, unknown>[] = []
  socket.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>))
  socket.on('error', () => undefined)
  t.after(() => socket.terminate())
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  return { socket, heard, closed }
}

async function listen(t: TestContext, rig: Place, token: string): Promise<Listener> {
  const listener = open(t, rig, { SSOTokenID: token })
  await once(listener.socket, 'open')
  listener.socket.send('{"action":"subscribe","topic":"/agent/session","id":"1"}')
  await until('the subscription is registered', () => listener.heard.length === 1)
  assert.deepEqual(listener.heard, [{ topic: '/agent/session', message: 'subscription registered', id: '1' }])
  return listener
}

/** The status that a handshake is answered with. */
async function refusal(t: TestContext, rig: Rig, headers: Record<string, string>): Promise<number> {
  const { socket } = open(t, rig, headers)
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
  return response.statusCode
}

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

function call(rig: Rig, path: string, headers: Record<string, string>, body?: object): Promise<Answer> {
  const all = { host: `${LOGIN_HOST}:${rig.port}`, 'content-type': 'application/json', ...headers }
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: rig.port, path, method: 'POST', headers: all, agent: false }
    const outgoing = request(options, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(text) as Answer['body'] })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body && JSON.stringify(body))
  })
}

const SESSIONS = '/json/realms/root/realms/employees/sessions'

async function handleOf(token: string): Promise<string> {
  const { body } = await call(first, `${SESSIONS}?_action=getSessionInfo`, { SSOTokenID: token })
  return (body['properties'] as { sessionHandle: string }).sessionHandle
}

test('a logout at one process is told to those who may hear of it at the other', async (t) => {
  const [admin, alice, again] = [await signIn('admin'), await signIn('alice'), await signIn('alice')]
  const bob = await signIn('bob')
  const [byAdmin, byAlice, byBob, own] = [
    await listen(t, second, admin.token),
    await listen(t, second, again.token),
    await listen(t, second, bob.token),
    await listen(t, second, alice.token),
  ]
  const tokenId = await handleOf(alice.token)
  assert.equal((await alice.client.call(`${first.sites.login}/logout`, { form: {} })).status, 303)
  const loggedOut = performance.now()
  const heard = (): boolean => [byAdmin, byAlice, own].every((listener) => listener.heard.length > 1)
  await until('they are told', heard)
  const took = performance.now() - loggedOut
  t.diagnostic(`from the answer to the logout to the last event: ${took.toFixed(1)} ms`)
  for (const { heard: events } of [byAdmin, byAlice, own]) {
    const { topic, timestamp, body } = events[1] ?? {}
    assert.deepEqual([topic, body], ['/agent/session', { tokenId, eventType: 'LOGOUT' }])
    assert.match(String(timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  }
  assert.equal(await own.closed, 1008)
  byBob.socket.send('{}')
  await until('bob is answered', () => byBob.heard.length === 2)
  assert.deepEqual(byBob.heard[1], { error: 'missing required field "action"' }, 'bob has heard of nobody else')
})

test('a page cannot open it: neither with the cookie nor from another origin', async (t) => {
  const { client, token } = await signIn('alice')
  const cookie = client.cookiesFor(`${first.sites.login}/`)
  assert.ok(cookie.includes(token))
  const own = new URL(first.sites.login).origin
  for (const origin of [own, 'http://evil.example', first.sites.app])
    assert.equal(await refusal(t, first, { cookie, origin }), origin === own ? 401 : 403, origin)
  assert.equal(await refusal(t, first, { cookie }), 401)
  assert.equal(await refusal(t, first, { SSOTokenID: token, origin: 'http://evil.example' }), 403)
  assert.equal(await refusal(t, first, { SSOTokenID: token, 'sec-fetch-site': 'cross-site' }), 403)
  const elsewhere = await refusal(t, first, { SSOTokenID: token, host: new URL(first.sites.app).host })
  assert.ok(elsewhere >= 400, 'other hosts have no such address')
})

test('subscriptions and connections over the bound are refused', async (t) => {
  const { token } = await signIn('alice')
  const { socket, heard } = await listen(t, second, token)
  for (let n = 0; n < 20; n++) socket.send(JSON.stringify({ action: 'subscribe', topic: `/more/${n}` }))
  await until('all are answered', () => heard.length === 21)
  assert.equal(heard.filter((answer) => 'error' in answer).length, 5)
  for (let n = 1; n < 8; n++) await listen(t, second, token)
  assert.equal(await refusal(t, second, { SSOTokenID: token }), 429)
})

test('a change of the configuration closes it, and so does a shutdown, with the reason', async (t) => {
  const users = usersYaml([{ username: 'erin', hash: await hashOf('a-password') }])
  const realm = 'session: { maxIdle: 10m }\n'
  const rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml({ more: 'shutdown: { drain: 10m }\n' }),
      'agent-config/app.yaml': agentYaml('app', 'http://127.0.0.1:1'),
      ...{ 'realms/realm.yaml': '', 'realms/staff/realm.yaml': realm, 'realms/staff/users.yaml': users },
    },
  })
  const client = new Client()
  const login = `http://login.acme.test:${rig.port}`
  await client.signIn(await client.open(`${login}/login/staff`), 'erin', 'a-password')
  const token = client.cookie('login.acme.test', 'SSOTokenID') ?? ''
  const at = { port: rig.port, host: new URL(login).host }
  const before = await listen(t, at, token)
  rig.write({ 'realms/staff/realm.yaml': realm.replace('10m', '11m') })
  rig.kill('SIGHUP')
  assert.equal(await before.closed, 1012)
  const later = await listen(t, at, token)
  assert.equal(await rig.stop(), 0, 'nobody waits for it')
  assert.equal(await later.closed, 1001)
})

test('neither a token nor what merely stands where one would is in any line that is logged', async (t) => {
  const { token } = await signIn('alice')
  const logged = (): number => first.log().split('"path":"/notifications"').length
  const before = logged()
  const canary = `canary${randomBytes(18).toString('base64url')}`
  const shown = [token, canary, `${canary}*AAJT*`, `${canary}.eyJhbGciOi`]
  for (const secret of shown) {
    const encoded = encodeURIComponent(secret)
    const version = { 'accept-api-version': 'resource=1.1' }
    for (const path of [
      `/json/sessions/${encoded}?_action=validate`,
      `/am/json/realms/root/realms/employees/sessions/${secret}?_action=logout&x=${encoded}`,
      `/json/realms/root/realms/sessions/sessions/${secret}?_action=validate`,
      `/json/sessions?_action=validate&tokenId=${encoded}`,
    ])
      assert.ok((await call(first, path, version)).status < 500, path)
    await call(first, `${SESSIONS}?_action=validate`, {}, { tokenId: secret })
    const { socket } = open(t, first, { SSOTokenID: secret })
    await Promise.race([once(socket, 'open'), once(socket, 'unexpected-response')])
    socket.terminate()
  }
  await until('it is logged', () => logged() === before + shown.length)
  await until('tokens in paths are masked', () => first.log().includes('/json/sessions/[masked]'))
  for (const secret of [canary, token.split('*')[0] ?? '']) {
    const at = first.log().indexOf(secret)
    assert.equal(at, -1, at === -1 ? '' : first.log().slice(at - 300, at + 100))
  }
})
