import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { Client } from '../client.ts'
import { startEchoApp, type EchoApp, type Seen } from '../echo-app.ts'
import { ask, openEvents, openSocket, startLoad, type Open } from '../load.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig, type TestUser } from '../own-rig.ts'
import { until } from '../until.ts'

let app: EchoApp
let rig: OwnRig
let users: readonly TestUser[]

/** The application learns the user's name from a header that carries the number of the change. */
function appYaml(change: number): string {
  return agentYaml('app', app.url, `identity: { headers: { X-Remote-User: username, X-Change-${change}: username } }\n`)
}

function policiesYaml(events: 'allow' | 'deny'): string {
  const pair = (path: string): string[] => [`http://app.acme.test:*${path}`, `http://app.acme.test:*${path}?*`]
  const subject = { type: 'AuthenticatedUsers' }
  return JSON.stringify({
    policies: [
      { name: 'staff', resources: pair('/*'), actions: { GET: 'allow', POST: 'allow' }, subject },
      { name: 'streams', resources: [...pair('/events'), ...pair('/clock')], actions: { GET: events }, subject },
    ],
  })
}

const clubYaml = (): string => agentYaml('club', app.url).replace('realm: /staff', 'realm: /guests')

before(async () => {
  app = await startEchoApp()
  users = [
    { username: 'erin', hash: await hashOf('erin-password') },
    { username: 'frank', hash: await hashOf('frank-password') },
  ]
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml(),
    'agent-config/app.yaml': appYaml(0),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': '',
    'realms/staff/users.yaml': usersYaml(users),
    'realms/staff/policies.yaml': policiesYaml('allow'),
  }
  rig = await startOwnRig({ files })
})

beforeEach(() => assert.equal(rig.errors(), ''))

after(async () => {
  assert.equal(await rig.stop(), 0)
  await app.close()
})

const at = (name: string, path = '/'): string => `http://${name}.acme.test:${rig.port}${path}`

async function signIn(username: string, site = 'app'): Promise<{ readonly client: Client; readonly cookie: string }> {
  const client = new Client()
  const home = await client.signIn(await client.open(at(site)), username, `${username}-password`)
  assert.equal(home.status, 200)
  return { client, cookie: client.cookiesFor(at(site)) }
}

/** Numbers of the changes that this answer shows. */
async function changesSeen(cookie: string): Promise<number[]> {
  const { body } = await ask({ url: at('app'), cookie })
  const { headers } = JSON.parse(body) as Seen
  return Object.keys(headers).flatMap((name) => /^x-change-(\d+)$/.exec(name)?.slice(1).map(Number) ?? [])
}

const audited = (event: string): readonly Readonly<Record<string, unknown>>[] =>
  rig.lines().filter((line) => line['event'] === event)

async function readiness(): Promise<{ readonly status: number; readonly body: unknown }> {
  const { status, body } = await new Client().call(at('login', '/readyz'))
  return { status, body: JSON.parse(body) }
}

/** The next piece proves that both ends still live. */
async function stillFlows(open: Open): Promise<void> {
  const { pieces } = open
  await until('another piece arrives', () => open.pieces > pieces && open.isOpen)
}

test('ten changes under load: no request fails, no stream breaks, and each change takes effect', async (t) => {
  const { cookie } = await signIn('erin')
  const events = await openEvents({ url: at('app', '/events'), cookie })
  const socket = await openSocket({ url: at('app', '/clock'), cookie })
  const load = startLoad({ url: at('app', '/work'), cookie })
  const delays: number[] = []
  for (let change = 1; change <= 10; change++) {
    rig.write({ 'agent-config/app.yaml': appYaml(change) })
    const isInForce = async (): Promise<boolean> => (await changesSeen(cookie)).join() === String(change)
    delays.push(await until(`change ${change} takes effect`, isInForce))
    await stillFlows(events)
    await stillFlows(socket)
  }
  await load.stop()
  events.close()
  socket.close()
  t.diagnostic(`${load.good} requests; a change took effect within ${Math.max(...delays).toFixed()} ms`)
  assert.deepEqual(load.bad, [])
  assert.ok(load.good > 200, `${load.good} requests are no load`)
  assert.equal(audited('ConfigChanged').length, 10)
})

test('a file with a mistake keeps the old configuration, says where, and goes into effect once it is mended', async () => {
  const { cookie } = await signIn('erin')
  const before = await changesSeen(cookie)
  rig.write({ 'agent-config/app.yaml': `${appYaml(20)}ssoOnyl: true\n` })
  await until('the refusal is audited', () => audited('ConfigRefused').length === 1)
  const told = /^agent-config\/app\.yaml:5:1: unknown key "ssoOnyl"; did you mean "ssoOnly"\?$/
  assert.match(String(audited('ConfigRefused')[0]?.['problems']), told)
  const logged = rig.lines().find(({ log, level, problems }) => log === 'app' && level === 'error' && problems)
  assert.match(String(logged?.['problems']), told)
  assert.deepEqual(await readiness(), { status: 200, body: { status: 'ready', notices: ['configuration: failing'] } })
  assert.deepEqual(await changesSeen(cookie), before)
  rig.write({ 'agent-config/app.yaml': appYaml(21) })
  await until('the mended file is in force', async () => (await changesSeen(cookie)).join() === '21')
  assert.deepEqual(await readiness(), { status: 200, body: { status: 'ready' } })
})

test('a user who is disabled loses session, WebSocket and event stream; nobody else does', async () => {
  const [erin, frank] = await Promise.all([signIn('erin'), signIn('frank')])
  const open = await Promise.all(
    [erin, frank].flatMap(({ cookie }) => [
      openEvents({ url: at('app', '/events'), cookie }),
      openSocket({ url: at('app', '/clock'), cookie }),
    ]),
  )
  const states = (): boolean[] => open.map(({ isOpen }) => isOpen)
  const answers = async (): Promise<number[]> =>
    Promise.all([erin, frank].map(async ({ cookie }) => (await ask({ url: at('app'), cookie })).status))
  assert.deepEqual(
    [states(), await answers()],
    [
      [true, true, true, true],
      [200, 200],
    ],
  )
  rig.write({
    'realms/staff/users.yaml': usersYaml(users.map((user) => ({ ...user, disabled: user.username === 'erin' }))),
  })
  await until(
    'session and streams are gone',
    async () => (await answers())[0] === 401 && !open[0]?.isOpen && !open[1]?.isOpen,
  )
  assert.deepEqual(
    [states(), await answers()],
    [
      [false, false, true, true],
      [401, 200],
    ],
  )
  await until('the end is audited', () => audited('SessionEnded').some(({ cause }) => cause === 'user-disabled'))
  assert.match((await erin.client.open(at('app'))).body, /type="password"/)
  const refused = await erin.client.signIn(await erin.client.open(at('app')), 'erin', 'erin-password')
  assert.match(refused.body, /type="password"/)
  rig.write({ 'realms/staff/users.yaml': usersYaml(users) })
  await until('she can sign in again', async () => {
    const again = await erin.client.signIn(await erin.client.open(at('app')), 'erin', 'erin-password')
    return again.url === at('app')
  })
  assert.equal((await ask({ url: at('app'), cookie: erin.cookie })).status, 401, 'what was ended stays ended')
  open.forEach((one) => one.close())
})

test('a user who is renamed signs in anew: the old name may be somebody else by now', async () => {
  const { cookie } = await signIn('erin')
  const [erin, ...others] = users
  assert.equal(erin?.username, 'erin')
  const renamed = [{ ...erin, id: 'erin', username: 'erina' }, { ...erin, id: 'another-erin' }, ...others]
  rig.write({ 'realms/staff/users.yaml': usersYaml(renamed) })
  await until('the old session is gone', async () => (await ask({ url: at('app'), cookie })).status === 401)
  await until('the end is audited', () => audited('SessionEnded').some(({ cause }) => cause === 'user-changed'))
  const changes = audited('ConfigChanged').length
  rig.write({ 'realms/staff/users.yaml': usersYaml(users) })
  await until('the old names are back', () => audited('ConfigChanged').length > changes)
})

test('where groups are part of the login, a session ends when they change, and not without that', async () => {
  const { cookie } = await signIn('frank')
  const [erin, frank] = users
  assert.ok(erin && frank)
  const change = (groups: readonly string[]): void =>
    rig.write({ 'realms/staff/users.yaml': usersYaml([erin, { ...frank, groups }]) })
  const changed = async (what: () => void): Promise<void> => {
    const before = audited('ConfigChanged').length
    what()
    await until('the change is in force', () => audited('ConfigChanged').length > before)
  }
  await changed(() => change(['a']))
  assert.equal((await ask({ url: at('app'), cookie })).status, 200)
  await changed(() => rig.write({ 'realms/staff/realm.yaml': 'session: { endOnGroupChange: true }\n' }))
  assert.equal((await ask({ url: at('app'), cookie })).status, 200, 'it remembers no groups')
  const anew = await signIn('frank')
  await changed(() => change(['a', 'b']))
  assert.equal((await ask({ url: at('app'), cookie: anew.cookie })).status, 401)
  await until('the end is audited', () => audited('SessionEnded').some(({ cause }) => cause === 'groups-changed'))
  await changed(() => rig.write({ 'realms/staff/realm.yaml': '', 'realms/staff/users.yaml': usersYaml(users) }))
})

test('a policy that turns to deny closes the streams it denies and leaves the rest alone', async () => {
  const { cookie } = await signIn('erin')
  const events = await openEvents({ url: at('app', '/events'), cookie })
  const socket = await openSocket({ url: at('app', '/clock'), cookie })
  rig.write({ 'realms/staff/policies.yaml': policiesYaml('deny') })
  await until('both are closed', () => !events.isOpen && !socket.isOpen)
  assert.equal((await ask({ url: at('app'), cookie })).status, 200)
  await assert.rejects(openEvents({ url: at('app', '/events'), cookie }), /403/)
  await assert.rejects(openSocket({ url: at('app', '/clock'), cookie }), /403/)
  rig.write({ 'realms/staff/policies.yaml': policiesYaml('allow') })
  await until(
    'streams may be opened again',
    async () => (await ask({ url: at('app', '/clock'), cookie })).status !== 403,
  )
})

test('a new profile and a new realm start to work; removed, the realm takes its sessions and the profile its host', async () => {
  const status = async (): Promise<number> => (await new Client().call(at('club'))).status
  assert.equal(await status(), 421)
  rig.write({
    'agent-config/club.yaml': clubYaml(),
    'realms/guests/users.yaml': usersYaml(users),
    'realms/guests/realm.yaml': '',
  })
  await until('the new site asks for a login', async () => (await status()) === 302)
  const guest = await signIn('frank', 'club')
  const socket = await openSocket({ url: at('club', '/clock'), cookie: guest.cookie })
  const staff = await signIn('frank')

  rig.remove('agent-config/club.yaml')
  await until('the host is nobody’s', async () => (await status()) === 421)
  await until('its stream is closed', () => !socket.isOpen)
  rig.remove('realms/guests')
  await until('its sessions end', () => audited('SessionEnded').some(({ cause }) => cause === 'realm-removed'))
  assert.equal((await ask({ url: at('app'), cookie: staff.cookie })).status, 200)
  assert.equal((await guest.client.open(at('login', '/login/guests'))).status, 404)

  rig.write({
    'agent-config/club.yaml': clubYaml(),
    'realms/guests/users.yaml': usersYaml(users),
    'realms/guests/realm.yaml': '',
  })
  await until('the site is back', async () => (await status()) === 302)
  assert.equal((await ask({ url: at('club'), cookie: guest.cookie })).status, 401, 'the session of before is not')
})
