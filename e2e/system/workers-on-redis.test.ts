import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from '../client.ts'
import { startEchoApp } from '../echo-app.ts'
import { ask, startLoad } from '../load.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type ConfigFiles, type OwnRig } from '../own-rig.ts'
import { startStoreData } from '../store-data.ts'
import { until } from '../until.ts'

const WORKERS = 2
/** A worker starts within a second on a quiet machine. */
const START_MS = 60_000
/** A navigation gets a fresh stateless token when a quarter of this is over. */
const IDLE_MS = 20_000

const env = { MASTER_KEY: randomBytes(32).toString('base64url') }
let files: ConfigFiles
let gatehouse: (workers: number) => string
let rig: OwnRig
/** What could not start leaves nothing behind that keeps the test alive. */
const closers: (() => Promise<unknown>)[] = []

before(async () => {
  const data = await startStoreData('redis')
  closers.push(() => data.dispose())
  const app = await startEchoApp()
  closers.push(() => app.close())
  const users = usersYaml([{ username: 'erin', hash: await hashOf('erin-password') }])
  const carried = (more = {}): string => JSON.stringify({ session: { mode: 'stateless', ...more } })
  gatehouse = (workers) =>
    gatehouseYaml({ more: `workers: ${workers}\n` }).replace('{ path: .gatehouse/cts.db }', data.yaml)
  files = {
    'agent-config/gatehouse.yaml': gatehouse(WORKERS),
    'agent-config/app.yaml': agentYaml('app', app.url),
    'agent-config/club.yaml': agentYaml('club', app.url).replace('/staff', '/club'),
    'agent-config/brief.yaml': agentYaml('brief', app.url).replace('/staff', '/brief'),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': '',
    'realms/staff/users.yaml': users,
    'realms/club/realm.yaml': carried(),
    'realms/club/users.yaml': users,
    'realms/brief/realm.yaml': carried({ maxIdle: `${IDLE_MS / 1_000}s` }),
    'realms/brief/users.yaml': users,
  }
  rig = await startOwnRig({ files, env })
  closers.push(async () => assert.equal(await rig.stop(), 0))
})

after(async () => {
  for (const close of closers.reverse()) await close()
})

const said = (message: string) => rig.lines().filter((line) => line['message'] === message)
const urlOf = (site: string, at: OwnRig = rig): string => `http://${site}.acme.test:${at.port}/`

interface Person {
  readonly client: Client
  readonly cookie: string
}

async function signIn(site: string): Promise<Person> {
  const client = new Client()
  assert.equal((await client.signIn(await client.open(urlOf(site)), 'erin', 'erin-password')).status, 200)
  return { client, cookie: client.cookiesFor(urlOf(site)) }
}

/** Whichever worker is asked. */
async function statuses(site: string, cookie: string, at = rig): Promise<readonly number[]> {
  const replies = await Promise.all(Array.from({ length: 8 }, () => ask({ url: urlOf(site, at), cookie })))
  return [...new Set(replies.map(({ status }) => status))]
}

test('a worker that is killed takes no session with it, and is replaced', async () => {
  const people = await Promise.all(['app', 'club', 'app', 'club'].map(signIn))
  process.kill(Number(said('listening')[0]?.['pid']), 'SIGKILL')
  await until('another took its place', () => said('a worker took its place').length === 1, { withinMs: START_MS })
  for (const [i, { cookie }] of people.entries())
    assert.deepEqual(await statuses(i % 2 === 0 ? 'app' : 'club', cookie), [200])
})

test('SIGUSR2 replaces all workers one by one under load: no request fails and no session is lost', async () => {
  const [stored, carried] = [await signIn('app'), await signIn('club')]
  const load = startLoad({ url: `${urlOf('app')}work`, cookie: stored.cookie })
  await until('the load is on', () => load.good > 20, { withinMs: START_MS })
  rig.kill('SIGUSR2')
  await until('all were restarted', () => said('all workers were restarted').length === 1, {
    withinMs: WORKERS * START_MS,
  })
  await load.stop()
  assert.deepEqual(load.bad, [])
  assert.deepEqual(await statuses('app', stored.cookie), [200])
  const home = await carried.client.open(urlOf('club'))
  assert.equal(home.status, 200)
})

/** One process that begins later, on the same store. */
let late: OwnRig

test('a process that begins anew reads the denylist before it believes a stateless token', async () => {
  const [gone, kept] = [await signIn('club'), await signIn('club')]
  assert.equal((await gone.client.call(`http://login.acme.test:${rig.port}/logout`, { form: {} })).status, 303)
  late = await startOwnRig({ files: { ...files, 'agent-config/gatehouse.yaml': gatehouse(1) }, env })
  closers.push(async () => assert.equal(await late.stop(), 0))
  assert.deepEqual(await statuses('club', gone.cookie, late), [401], 'its first requests')
  assert.equal((await ask({ url: urlOf('club', late), cookie: kept.cookie })).status, 200)
})

test('a stateless session: renewed by navigations, ended at every process, also at one that begins later', async () => {
  const { client, cookie } = await signIn('brief')
  assert.deepEqual(await statuses('brief', cookie, late), [200])
  await pause(IDLE_MS / 4 + 200)
  assert.equal((await client.call(urlOf('brief'))).status, 200)
  const renewed = client.cookiesFor(urlOf('brief'))
  assert.notEqual(renewed, cookie, 'a navigation leaves with a fresh token')
  assert.deepEqual(await statuses('brief', renewed, late), [200])
  assert.equal((await client.call(`http://login.acme.test:${rig.port}/logout`, { form: {} })).status, 303)
  for (const token of [cookie, renewed])
    await until('the other processes deny it', async () => (await statuses('brief', token, late)).join() === '401')
})
