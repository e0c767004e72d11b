import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { NODE_FLAGS } from '../../scripts/node-flags.ts'
import { Client } from '../client.ts'
import { startEchoApp, type EchoApp, type Seen } from '../echo-app.ts'
import { ask, startLoad } from '../load.ts'
import { agentYaml, gatehouseYaml, hashOf, launch, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'
import { until } from '../until.ts'

const WORKERS = 2
/** Between two requests of one connection: many a second, and the machine is left for the workers. */
const BREATH_MS = 20
/** A worker starts within a second on a quiet machine. */
const START_MS = 60_000

let app: EchoApp
let files: Readonly<Record<string, string>>
let rig: OwnRig

function appYaml(change: number): string {
  return agentYaml('app', app.url, `ssoOnly: true\nidentity: { headers: { X-Change-${change}: username } }\n`)
}

before(async () => {
  app = await startEchoApp()
  files = {
    'agent-config/gatehouse.yaml': gatehouseYaml({ more: `workers: ${WORKERS}\n` }),
    'agent-config/app.yaml': appYaml(0),
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

type Line = Readonly<Record<string, unknown>>

const said = (message: string): readonly Line[] => rig.lines().filter((line) => line['message'] === message)

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Pids of those that listen now, by the worker's number. */
function workers(): ReadonlyMap<number, number> {
  const all = said('listening').map((line) => [Number(line['worker']), Number(line['pid'])] as const)
  return new Map(all.filter(([, pid]) => isAlive(pid)))
}

const url = (path = '/'): string => `http://app.acme.test:${rig.port}${path}`

async function signIn(): Promise<string> {
  const client = new Client()
  assert.equal((await client.signIn(await client.open(url()), 'erin', 'erin-password')).status, 200)
  return client.cookiesFor(url())
}

/** One connection that is kept and used. */
interface Loop {
  readonly name: string
  readonly bad: readonly string[]
  readonly good: number
  stop(): Promise<void>
}

function startLoop(name: string, cookie: string): Loop {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const state = { good: 0, bad: [] as string[], running: true }
  const repeat = async (): Promise<void> => {
    while (state.running) {
      const told = await ask({ url: url(`/loop/${name}`), cookie, agent }).then(
        ({ status, body }) => (status === 200 ? undefined : `${status} ${body}`),
        String,
      )
      if (told === undefined) state.good++
      else state.bad.push(told)
      await pause(BREATH_MS)
    }
  }
  const done = repeat()
  return {
    name,
    bad: state.bad,
    get good() {
      return state.good
    },
    async stop() {
      state.running = false
      await done
      agent.destroy()
    },
  }
}

const served = { by: new Map<unknown, number>(), looked: 0 }

/** The worker that served this path last. */
function servedBy(path: string): number | undefined {
  const lines = rig.lines()
  for (; served.looked < lines.length; served.looked++) {
    const line = lines[served.looked]
    if (line?.['log'] === 'access') served.by.set(line['path'], Number(line['worker']))
  }
  return served.by.get(path)
}

test('all workers listen on one port, with the flags of the parent, and their lines carry their number', () => {
  assert.equal(said('all workers are listening').length, 1)
  const listening = said('listening')
  assert.deepEqual(
    listening.map(({ port }) => port),
    Array.from({ length: WORKERS }, () => rig.port),
  )
  assert.equal(workers().size, WORKERS)
  for (const pid of workers().values()) {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    assert.deepEqual(
      NODE_FLAGS.filter((flag) => words.includes(flag)),
      NODE_FLAGS,
    )
  }
})

test('a worker that is killed takes nothing with it but its own connections, and is replaced', async (t) => {
  t.after(() => Promise.all(loops.map((loop) => loop.stop())))
  const cookies = [await signIn(), await signIn()]
  const loops = Array.from({ length: 9 }, (_, i) => startLoop(String(i), cookies[i % 2] ?? ''))
  await until('every connection is in use', () => loops.every(({ name }) => servedBy(`/loop/${name}`) !== undefined), {
    withinMs: START_MS,
  })
  const counts = new Map<number, number>()
  for (const { name } of loops) {
    const worker = servedBy(`/loop/${name}`) ?? 0
    counts.set(worker, (counts.get(worker) ?? 0) + 1)
  }
  t.diagnostic(`connections by worker: ${JSON.stringify([...counts])}`)
  const [busiest = 0] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? []
  const own = loops.filter(({ name }) => servedBy(`/loop/${name}`) === busiest)
  const before = workers()
  process.kill(before.get(busiest) ?? 0, 'SIGKILL')
  const goOn = async (): Promise<number> => {
    const marks = loops.map(({ good }) => good)
    const isOn = (): boolean => loops.every(({ good }, i) => good > (marks[i] ?? 0) + 5)
    return until('everybody goes on', isOn, { withinMs: START_MS })
  }
  const replaced = until('another took its place', () => said('a worker took its place').length === 1, {
    withinMs: START_MS,
  })
  // At once, at the workers that are left, without waiting for another one.
  t.diagnostic(`everybody goes on after ${(await goOn()).toFixed(0)} ms`)
  t.diagnostic(`another took its place after ${(await replaced).toFixed(0)} ms`)
  await goOn()
  await Promise.all(loops.map((loop) => loop.stop()))

  for (const loop of loops) {
    if (own.includes(loop)) assert.ok(loop.bad.length <= 1, loop.bad.join('\n'))
    else assert.deepEqual(loop.bad, [], 'a connection of another worker')
  }
  for (const cookie of cookies) assert.equal((await ask({ url: url(), cookie })).status, 200, 'no session is lost')
  const [ended, ...more] = said('a worker ended; another takes its place')
  assert.deepEqual([ended?.['worker'], ended?.['ending'], more.length], [busiest, 'SIGKILL', 0])
  assert.equal(workers().size, WORKERS)
})

/** Numbers of the changes that the answers of all workers show. */
async function changesSeen(cookie: string): Promise<string> {
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask({ url: url(), cookie })))
  const names = answers.flatMap(({ body }) => Object.keys((JSON.parse(body) as Seen).headers))
  return [...new Set(names.filter((name) => name.startsWith('x-change-')))].join()
}

const told = (event: string): number => rig.lines().filter((line) => line['event'] === event).length

test('a change takes effect in every worker, and a bad file in none', async () => {
  const cookie = await signIn()
  rig.write({ 'agent-config/app.yaml': `${appYaml(1)}ssoOnyl: true\n` })
  await until('every worker refused it', () => told('ConfigRefused') === WORKERS, { withinMs: START_MS })
  assert.equal(await changesSeen(cookie), 'x-change-0')
  rig.write({ 'agent-config/app.yaml': appYaml(2) })
  rig.kill('SIGHUP')
  await until('every worker has it', () => told('ConfigChanged') === WORKERS, { withinMs: START_MS })
  assert.equal(await changesSeen(cookie), 'x-change-2')
})

test('SIGUSR2 replaces all workers one by one under load, and no request fails', async (t) => {
  const cookie = await signIn()
  const load = startLoad({ url: url('/work'), cookie })
  const loops = Array.from({ length: 6 }, (_, i) => startLoop(`rolling-${i}`, cookie))
  const before = [...workers().values()]
  await until('the load is on', () => load.good > 20, { withinMs: START_MS })
  rig.kill('SIGUSR2')
  await until('all were restarted', () => said('all workers were restarted').length === 1, {
    withinMs: WORKERS * START_MS,
  })
  const mark = load.good
  await until('the load goes on', () => load.good > mark + 20, { withinMs: START_MS })
  await Promise.all([load.stop(), ...loops.map((loop) => loop.stop())])
  t.diagnostic(`${load.good + loops.reduce((sum, { good }) => sum + good, 0)} requests`)
  assert.deepEqual([load.bad, loops.flatMap(({ bad }) => bad)], [[], []])
  assert.deepEqual(before.filter(isAlive), [])
  assert.equal(workers().size, WORKERS)
  assert.equal((await ask({ url: url(), cookie })).status, 200)
  assert.equal(said('a worker ended; another takes its place').length, 1, 'only the one that was killed before')
})

test('SIGUSR2 with a bad file restarts nobody', async () => {
  const before = [...workers().values()]
  const good = readFileSync(`${rig.root}/agent-config/app.yaml`, 'utf8')
  rig.write({ 'agent-config/app.yaml': 'nonsense: true\n' })
  rig.kill('SIGUSR2')
  await until('it is said', () => said('the configuration has errors; no worker was restarted').length === 1, {
    withinMs: START_MS,
  })
  rig.write({ 'agent-config/app.yaml': good })
  assert.deepEqual([...workers().values()], before)
})

test('SIGTERM drains all workers: what is under way ends well, the exit code is 0, nobody stays behind', async () => {
  // Its lines of the configurations that were bad stand there already.
  const before = rig.errors()
  const pids = [...workers().values()]
  assert.equal(pids.length, WORKERS)
  const cookie = await signIn()
  const arrived = app.arrived()
  const slow = Array.from({ length: 6 }, () => ask({ url: url('/?held'), cookie }))
  await until('the requests are under way', () => app.arrived() >= arrived + 6, { withinMs: START_MS })
  rig.kill('SIGTERM')
  const readyz = `http://login.acme.test:${rig.port}/readyz`
  const isReady = async (): Promise<boolean> => (await new Client().call(readyz)).status === 200
  await until(
    'it is ready no more',
    async () => !(await Promise.race([isReady().catch(() => false), pause(1_000, false)])),
  )
  app.release()
  assert.deepEqual(
    (await Promise.all(slow)).map(({ status }) => status),
    [200, 200, 200, 200, 200, 200],
  )
  assert.equal(await rig.ended, 0)
  assert.deepEqual(pids.filter(isAlive), [])
  assert.equal(rig.errors(), before)
})

test('a port that is taken is one line and exit code 1, however many workers', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  const refused = launch(files, { PORT: String(port) })
  assert.equal(await refused.ended, 1)
  taken.close()
  assert.match(
    refused.errors(),
    /^gatehouse: a listener cannot be opened \(GH_LISTENER_UNAVAILABLE\): [^\n]* is in use by another program\n$/,
  )
  await refused.stop()
})
