import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NODE_FLAGS } from '../../scripts/node-flags.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createSessionService, type RunningSessionService } from '../../src/session/service.ts'
import { openStore } from '../../src/store/open.ts'
import { storeSchema } from '../../src/store/store.schema.ts'
import type { AuditEvent } from '../../src/telemetry/audit.ts'
import { Client } from '../client.ts'
import { startEchoApp } from '../echo-app.ts'
import { openSocket, type Open } from '../load.ts'
import { createMovableClock } from '../movable-clock.ts'
import {
  agentYaml,
  gatehouseYaml,
  hashOf,
  startOwnRig,
  usersYaml,
  type ConfigFiles,
  type OwnRig,
  type TestUser,
} from '../own-rig.ts'
import { startStoreData, type StoreDriver } from '../store-data.ts'
import { until } from '../until.ts'

/** Where the store is, and where sessions live. */
export interface Kind {
  readonly driver: StoreDriver
  readonly mode: 'cts' | 'stateless'
}

/**
 * Milliseconds that a session of the realms `/brief` and `/idle` lasts. In a file it is longer than any test, which moves the gateways'
 * clocks; Redis goes by its own, so that there it has to pass.
 */
const BRIEF_MS = { embedded: 2 * 60_000, redis: 10_000 } as const
const PEOPLE = ['lou', 'sid', 'ada', 'ann', 'quin', 'uma', 'rae', 'pat', 'dis', 'rem', 'ren', 'gus', 'don', 'wim']

/** One who is signed in, with the secrets of that moment and a WebSocket at the second process. */
export interface Person {
  readonly username: string
  readonly site: string
  readonly client: Client
  readonly siteCookies: string
  readonly loginCookies: string
  readonly socket: Open
}

/** Two gateways on one store, and a third process's session service, as a command line has it. */
export interface Scene {
  readonly rigs: readonly [OwnRig, OwnRig]
  readonly outside: RunningSessionService
  /** Who a realm's users are, by name; change it, then call `changeConfig` with `users()`. */
  readonly users: Map<string, TestUser>
  /** Of `/staff`, or of another realm in which everybody is in these groups. */
  usersFile(realm?: string, groups?: readonly string[]): ConfigFiles
  signIn(username: string, site: string): Promise<Person>
  /** Both processes have it in force when this settles. */
  changeConfig(files: ConfigFiles, removed?: readonly string[]): Promise<void>
  /** The time of a session of `/brief` and `/idle` is over when this settles. */
  passTime(): Promise<void>
  /** `gatehouse sessions revoke` with these arguments, as a process of its own on the first gateway's configuration. */
  readonly revoke: (...args: readonly string[]) => Promise<void>
  /** Causes that were audited for sessions of this name, wherever. */
  causes(username: string): readonly string[]
  close(): Promise<void>
}

export function urlAt(rig: OwnRig, name: string, path = '/'): string {
  return `http://${name}.acme.test:${rig.port}${path}`
}

export function policiesYaml(doors: 'allow' | 'deny'): string {
  const pair = (site: string, path: string): string[] => [
    `*://${site}.acme.test:*${path}`,
    `*://${site}.acme.test:*${path}?*`,
  ]
  const anybody = { type: 'AuthenticatedUsers' }
  const strong = { type: 'AuthLevel', authLevel: 2 }
  return JSON.stringify({
    policies: [
      {
        name: 'staff',
        resources: [...pair('app', '/'), ...pair('app', '/clock')],
        actions: { GET: 'allow' },
        subject: { type: 'Group', groups: ['staff'] },
      },
      { name: 'door', resources: pair('door', '/*'), actions: { GET: doors }, subject: anybody },
      {
        name: 'strong',
        resources: pair('app', '/strong'),
        actions: { GET: 'allow' },
        subject: anybody,
        condition: strong,
      },
    ],
  })
}

const STAFF = {
  session: { quota: { limit: 9 }, quotas: [{ user: 'quin', limit: 1 }] },
  authentication: {
    modules: { password: { type: 'password' }, strong: { type: 'password', authLevel: 2 } },
    chains: {
      default: [{ module: 'password', criteria: 'REQUIRED' }],
      strong: [{ module: 'strong', criteria: 'REQUIRED' }],
    },
  },
}

interface Setting {
  readonly store: string
  readonly upstream: string
  readonly users: string
  readonly mode: Kind['mode']
  readonly briefMs: number
}

function configuration({ store, upstream, users, mode, briefMs }: Setting): ConfigFiles {
  const site = (realm: string): string => agentYaml('site', upstream).replace('/staff', realm)
  const named = (name: string, realm: string): string => site(realm).replace('//site.', `//${name}.`)
  return {
    'agent-config/gatehouse.yaml': gatehouseYaml().replace('store: { path: .gatehouse/cts.db }', store),
    'agent-config/app.yaml': agentYaml('app', upstream, ''),
    'agent-config/door.yaml': agentYaml('door', upstream, ''),
    ...Object.fromEntries(
      ['wiki:/staff', 'guest:/guests', 'brief:/brief', 'idle:/idle', 'club:/club', 'doomed:/doomed'].map((pair) => {
        const [name = '', realm = ''] = pair.split(':')
        return [`agent-config/${name}.yaml`, named(name, realm)]
      }),
    ),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': JSON.stringify({ ...STAFF, session: { ...STAFF.session, mode } }),
    'realms/staff/policies.yaml': policiesYaml('allow'),
    'realms/brief/realm.yaml': JSON.stringify({ session: { mode, maxLife: `${briefMs}ms` } }),
    'realms/guests/realm.yaml': '',
    'realms/club/realm.yaml': JSON.stringify({ session: { mode, endOnGroupChange: true } }),
    'realms/doomed/realm.yaml': '',
    'realms/idle/realm.yaml': JSON.stringify({ session: { mode, maxIdle: `${briefMs}ms` } }),
    ...Object.fromEntries(
      ['staff', 'guests', 'brief', 'idle', 'club', 'doomed'].map((realm) => [`realms/${realm}/users.yaml`, users]),
    ),
  }
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** The audit events that it tells. */
async function commandLine(args: readonly string[], env: NodeJS.ProcessEnv): Promise<readonly AuditEvent[]> {
  const all = { ...process.env, PORT: '1', ...env }
  const { stderr } = await promisify(execFile)(process.execPath, [...NODE_FLAGS, MAIN, ...args], { env: all })
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent)
}

const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

/** What fails on the way takes down what is there already: a test that cannot start must end. */
export async function startScene(kind: Kind): Promise<Scene> {
  const closers: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne()
  }
  try {
    return await assemble(kind, closers, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function assemble(
  { driver, mode }: Kind,
  closers: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<Scene> {
  const data = await startStoreData(driver)
  closers.push(() => data.dispose())
  const app = await startEchoApp()
  closers.push(() => app.close())
  const hash = await hashOf('a-password')
  const briefMs = BRIEF_MS[driver]
  const users = new Map<string, TestUser>(PEOPLE.map((username) => [username, { username, hash, groups: ['staff'] }]))
  const usersOf = (): string => usersYaml([...users.values()])
  const files = configuration({ store: `store: ${data.yaml}`, upstream: app.url, users: usersOf(), mode, briefMs })
  const env = { MASTER_KEY: randomBytes(32).toString('base64url') }
  const clocks: ((ms: number) => Promise<void>)[] = []
  const start = async (): Promise<OwnRig> => {
    const clock = createMovableClock()
    closers.push(() => {
      clock.dispose()
      return Promise.resolve()
    })
    const rig = await startOwnRig({ files, env: { ...env, ...clock.env, NODE_OPTIONS: clock.flag } })
    closers.push(async () => assert.equal(await rig.stop(), 0))
    clocks.push((ms) => clock.move(rig.pid, ms))
    return rig
  }
  let ahead = 0
  const [first, second] = [await start(), await start()]
  const rigs = [first, second] as const

  const audited: AuditEvent[] = []
  const config = storeSchema.parse(JSON.parse(data.yaml))
  const { store } = await openStore({ config, clock: systemClock, log: silent })
  closers.push(() => store.close())
  const outside = createSessionService({
    ...{ store, clock: systemClock, log: silent, place: { siteId: '01', serverId: '09' } },
    audit: { record: (event) => void audited.push(event) },
  })
  closers.push(() => outside.close())

  const signIn = async (username: string, site: string): Promise<Person> => {
    const client = new Client()
    const home = await client.signIn(await client.open(urlAt(first, site)), username, 'a-password')
    assert.equal(home.status, 200)
    const siteCookies = client.cookiesFor(urlAt(first, site))
    const loginCookies = client.cookiesFor(urlAt(first, 'login'))
    const socket = await openSocket({ url: urlAt(second, site, '/clock'), cookie: siteCookies })
    return { username, site, client, siteCookies, loginCookies, socket }
  }
  return {
    ...{ rigs, outside, users, signIn },
    usersFile: (realm = 'staff', groups) => {
      const file =
        groups === undefined ? usersOf() : usersYaml([...users.values()].map((user) => ({ ...user, groups })))
      return { [`realms/${realm}/users.yaml`]: file }
    },
    changeConfig: async (changed, removed = []) => {
      const settled = rigs.map((rig) => {
        const from = rig.log().length
        rig.write(changed)
        for (const path of removed) rig.remove(path)
        rig.kill('SIGHUP')
        return until('the change is in force', () => rig.log().slice(from).includes('is in force'))
      })
      await Promise.all(settled)
    },
    passTime: async () => {
      if (driver === 'redis') return pause(briefMs)
      // Twice: a use that was noted by the clock of the first time is over with the second.
      for (let times = 0; times < 2; times++) {
        ahead += briefMs
        await Promise.all(clocks.map((move) => move(ahead)))
      }
    },
    revoke: async (...args) => {
      const told = await commandLine(['sessions', 'revoke', ...args, '--config', first.root], env)
      audited.push(...told)
    },
    causes: (username) =>
      [...rigs.flatMap((rig) => rig.lines()), ...audited].flatMap((line) =>
        'event' in line && line.event === 'SessionEnded' && line['username' as keyof typeof line] === username
          ? [String(line['cause' as keyof typeof line])]
          : [],
      ),
    close,
  }
}
