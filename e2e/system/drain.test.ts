import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { Client } from '../client.ts'
import { startEchoApp, type EchoApp } from '../echo-app.ts'
import { ask, openEvents, openSocket } from '../load.ts'
import {
  agentYaml,
  gatehouseYaml,
  hashOf,
  launch,
  startOwnRig,
  usersYaml,
  type ConfigFiles,
  type OwnRig,
} from '../own-rig.ts'
import { until } from '../until.ts'

let app: EchoApp
let files: ConfigFiles

before(async () => {
  app = await startEchoApp()
  files = {
    'agent-config/gatehouse.yaml': gatehouseYaml(),
    'agent-config/app.yaml': agentYaml('app', app.url),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': '',
    'realms/staff/users.yaml': usersYaml([{ username: 'erin', hash: await hashOf('erin-password') }]),
  }
})

after(() => app.close())

async function signIn({ port }: OwnRig): Promise<{ readonly cookie: string; readonly url: string }> {
  const client = new Client()
  const url = `http://app.acme.test:${port}/`
  assert.equal((await client.signIn(await client.open(url), 'erin', 'erin-password')).status, 200)
  return { cookie: client.cookiesFor(url), url }
}

/** What would wait for its time-out never comes to an end here. */
const patient = (shutdown: string): ConfigFiles => ({
  ...files,
  'agent-config/gatehouse.yaml': gatehouseYaml({ more: `shutdown: { drain: 10m, ${shutdown} }\n` }),
})
/** Less than the gateway keeps a silent connection, and many times what a busy machine takes to close one. */
const KEPT_MS = 60_000

/** Looked at again, ended by SIGTERM, and then not to be opened by another key. */
let idle: OwnRig

after(() => idle.stop())

test('SIGHUP looks at the configuration now', async () => {
  idle = await startOwnRig({ files: patient('delay: 10ms') })
  idle.write({ 'agent-config/app.yaml': `${files['agent-config/app.yaml'] ?? ''}title: Another\n` })
  idle.kill('SIGHUP')
  await until('the change is in force', () => idle.lines().some(({ event }) => event === 'ConfigChanged'))
})

/** A connection that is kept does not hold it up. */
async function endsAtOnce(rig: OwnRig, signal: 'SIGTERM' | 'SIGINT'): Promise<void> {
  const { cookie, url } = await signIn(rig)
  const agent = new Agent({ keepAlive: true })
  assert.equal((await ask({ url, cookie, agent })).status, 200)
  rig.kill(signal)
  const killed = performance.now()
  const code = await rig.ended
  agent.destroy()
  assert.equal(code, 0, signal)
  assert.ok(performance.now() - killed < KEPT_MS, `${signal}: it waited for the client`)
}

test('SIGTERM and SIGINT end an idle process with 0 at once, kept connections or not', async () => {
  await endsAtOnce(idle, 'SIGTERM')
  const rig = await startOwnRig({ files: patient('delay: 10ms') })
  await endsAtOnce(rig, 'SIGINT')
  await rig.stop()
})

test('SIGTERM closes streams and WebSockets, lets what is under way finish, and says that it is not ready', async () => {
  const rig = await startOwnRig({ files: patient('delay: 0s') })
  const { cookie, url } = await signIn(rig)
  const events = await openEvents({ url: `${url}events`, cookie })
  const socket = await openSocket({ url: `${url}clock`, cookie })
  // Connections are accepted in their order: once later requests have passed, this one has been, too.
  const probe = await halfAsked(rig.port)
  const arrived = app.arrived()
  const slow = ask({ url: `${url}?held`, cookie })
  const { promise: goOn, resolve: finish } = Promise.withResolvers<void>()
  const upload = ask({ url: `${url}upload`, cookie, pieces: Array.from({ length: 15 }, () => 'piece'), heldBy: goOn })
  await until('the requests are under way', () => app.arrived() === arrived + 2)
  rig.kill('SIGTERM')
  await until('streams are closed', () => !events.isOpen && !socket.isOpen)
  const probed = await probe.finish()
  assert.match(probed, /^HTTP\/1\.1 503 /)
  assert.match(probed, /\{"status":"not ready","problems":\["draining"\]\}/)
  app.release()
  finish()
  assert.equal((await slow).status, 200)
  assert.match((await upload).body, /"bytes":75/)
  await assert.rejects(new Client().call(url), /ECONNREFUSED/)
  assert.equal(await rig.ended, 0)
  assert.equal(rig.errors(), '')
  await rig.stop()
})

/** A probe that was being sent when the signal came: new ones are refused with the connection. */
async function halfAsked(port: number): Promise<{ finish(): Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /readyz HTTP/1.1\r\nHost: login.acme.test:${port}\r\n`)
  await once(socket, 'connect')
  return {
    async finish() {
      socket.write('\r\n')
      let text = ''
      for await (const piece of socket.setEncoding('utf8')) text += String(piece)
      return text
    },
  }
}

/** `serve` with these changes must end by itself with exit code 1; what it wrote on standard error. */
async function refused(
  changes: Readonly<Record<string, string | undefined>>,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const wanted = Object.entries({ ...files, ...changes }).flatMap(([path, text]) =>
    text === undefined ? [] : [[path, text]],
  )
  const rig = launch(Object.fromEntries(wanted) as ConfigFiles, { PORT: '0', ...env })
  assert.equal(await rig.ended, 1)
  assert.equal(rig.log().includes('listening'), false)
  await rig.stop()
  return rig.errors().replaceAll(/^.*: warning: tokens and passwords cross the network in clear: .*\n/gm, '')
}

test('with shutdown.delay new probes are told no while requests are still served', async () => {
  const rig = await startOwnRig({ files: patient('delay: 10m') })
  const { cookie, url } = await signIn(rig)
  const readyz = `http://login.acme.test:${rig.port}/readyz`
  rig.kill('SIGTERM')
  await until('readiness is denied', async () => (await new Client().call(readyz)).status === 503)
  assert.equal((await ask({ url, cookie })).status, 200)
  rig.kill('SIGTERM')
  assert.equal(await rig.ended, 1, 'nobody waits longer than they want to')
  await rig.stop()
})

test('a second signal ends the process at once, whatever is under way', async () => {
  const rig = await startOwnRig({ files: patient('delay: 0s') })
  const { cookie, url } = await signIn(rig)
  const arrived = app.arrived()
  const slow = assert.rejects(ask({ url: `${url}?held`, cookie }))
  await until('the request is under way', () => app.arrived() > arrived)
  rig.kill('SIGTERM')
  await until('nobody is let in any more', () =>
    new Client().call(url).then(
      () => false,
      () => true,
    ),
  )
  rig.kill('SIGTERM')
  assert.equal(await rig.ended, 1)
  await slow
  await rig.stop()
})

test('a port that is taken is one line and exit code 1', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  const errors = await refused({}, { PORT: String(port) })
  taken.close()
  assert.equal(
    errors,
    `gatehouse: a listener cannot be opened (GH_LISTENER_UNAVAILABLE): 127.0.0.1:${port} is in use by another program\n`,
  )
})

test('an address that this machine does not have is one line and exit code 1', async () => {
  const yaml = gatehouseYaml().replace('address: 127.0.0.1', 'address: 192.0.2.1')
  const errors = await refused({ 'agent-config/gatehouse.yaml': yaml })
  assert.equal(
    errors,
    'gatehouse: a listener cannot be opened (GH_LISTENER_UNAVAILABLE): 192.0.2.1:0 is no address of this machine\n',
  )
})

test('a store that cannot be opened is one line and exit code 1', async () => {
  const inAFile = gatehouseYaml().replace('.gatehouse/cts.db', 'agent-config/app.yaml/cts.db')
  assert.match(
    await refused({ 'agent-config/gatehouse.yaml': inAFile }),
    /^gatehouse: sessions cannot be checked right now \(GH_STORE_UNAVAILABLE\): [^\n]*(ENOTDIR|EEXIST)[^\n]*\n$/,
  )
  const notADatabase = {
    '.gatehouse/cts.db': 'This is no database, and it is long enough to be seen as none.\n'.repeat(20),
  }
  assert.match(
    await refused(notADatabase),
    /^gatehouse: sessions cannot be checked right now \(GH_STORE_UNAVAILABLE\): [^\n]*not a database[^\n]*\n$/,
  )
})

test('another master key than the one the store was made with is one line and exit code 1', async () => {
  assert.equal(await idle.ended, 0)
  const store = `${idle.root}/.gatehouse/cts.db`
  const errors = await refused({ 'agent-config/gatehouse.yaml': gatehouseYaml().replace('.gatehouse/cts.db', store) })
  assert.match(
    errors,
    /^gatehouse: the configuration is not valid \(GH_CONFIG_INVALID\): secrets\.masterKey does not open the key [^\n]+\n$/,
  )
})

test('a missing master key is named with its place, and nothing starts', async () => {
  const errors = await refused({}, { MASTER_KEY: '' })
  assert.match(errors, /^agent-config\/gatehouse\.yaml:4:23: environment variable MASTER_KEY is empty; set it/)
  assert.match(errors, /\ngatehouse: the configuration is not valid \(GH_CONFIG_INVALID\): nothing was started\n$/)
})

test('demonstration users are refused where anybody but this machine can reach them', async () => {
  const yaml = gatehouseYaml().replace('address: 127.0.0.1', 'address: 0.0.0.0')
  const users = JSON.stringify({
    users: [{ username: 'erin', password: await hashOf('erin-demo-password'), demo: true }],
  })
  const errors = await refused({ 'agent-config/gatehouse.yaml': yaml, 'realms/staff/users.yaml': users })
  assert.match(errors, /^realms\/staff\/users\.yaml:1:\d+: [^\n]*erin[^\n]*\n/)
  assert.match(errors, /GH_CONFIG_INVALID/)
})
