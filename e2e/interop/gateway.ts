import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../src/free-port.fixture.ts'
import { askAgain } from '../asked-again.ts'
import { scratchDirectory } from './program.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const START_TIMEOUT_MS = 20_000
const STOP_TIMEOUT_MS = 8_000

/** One agent profile as its file says it, but for `url` and `realm`, which the gateway's place decides. */
export type Profile = Readonly<Record<string, unknown>> & {
  readonly upstream?: Readonly<Record<string, unknown>>
}

export interface GatewayOptions {
  /** Agent id to profile. The site is `http://ID.acme.localhost:PORT`. */
  readonly agents: Readonly<Record<string, Profile>>
  /** Port in the URLs that people use, where something else stands in front; the gateway's own by default. */
  readonly publicPort?: number
  readonly trustedProxies?: readonly string[]
  readonly port?: number
  /** Where proxies ask about requests. */
  readonly forwardAuthPort?: number
  /** Where Envoy does. */
  readonly grpcPort?: number
  /** PEM texts: the gateway speaks TLS, under the `url`s that the options say. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** More about the login host. */
  readonly login?: Readonly<Record<string, unknown>>
  /** More of the realm's file, and its policies. */
  readonly realm?: Readonly<Record<string, unknown>>
  /** More of the root realm's. */
  readonly rootRealm?: Readonly<Record<string, unknown>>
  readonly policies?: readonly unknown[]
  /** The realm's `clients.yaml`; none by default. */
  readonly clients?: object
}

/** A gateway with a configuration of its own: realm `/staff`, and whatever agents the test is about. */
export interface Gateway {
  readonly port: number
  readonly login: string
  /** The origin of an agent's site. */
  site(agent: string): string
  /** What it has logged, access lines included. */
  log(): string
  /** Rejects where explain says anything else than was enforced. */
  stop(): Promise<void>
}

/** The people of realm `/staff`; the password is `NAME-interop-password`. */
const PEOPLE = { alice: ['operators'], bob: ['operators', 'auditors'] } as const

export const passwordOf = (name: keyof typeof PEOPLE): string => `${name}-interop-password`

/** Writes the configuration, starts the process, and settles when it listens. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const root = scratchDirectory('interop')
  const port = options.port ?? (await freePort())
  const origin = (name: string): string => `http://${name}.acme.localhost:${options.publicPort ?? port}`
  const files = configuration(options, port, origin)
  for (const [name, content] of Object.entries(files)) {
    const path = join(root.path, name)
    mkdirSync(dirname(path), { recursive: true })
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(content, null, 2))
  }
  const env = { ...process.env, GATEHOUSE_DATA: join(root.path, 'data') }
  run(['init', '--config', root.path], { env })
  const again = askAgain()
  const child = spawn(process.execPath, [again.flag, MAIN, 'serve', '--config', root.path], {
    env: { ...env, ...again.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let log = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (log += chunk))
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (log += chunk))
  try {
    await untilListening(child, () => log)
  } catch (error) {
    root.remove()
    throw error
  }
  return {
    port,
    login: origin('login'),
    site: origin,
    log: () => log,
    async stop() {
      await stopChild(child)
      root.remove()
      again.check(log)
    },
  }
}

function configuration(
  options: GatewayOptions,
  port: number,
  origin: (name: string) => string,
): Readonly<Record<string, unknown>> {
  const profiles = Object.entries(options.agents).map(([id, profile]) => [
    `agent-config/${id}.yaml`,
    { url: origin(id), realm: '/staff', ...profile },
  ])
  const users = people()
  return {
    'agent-config/gatehouse.yaml': {
      listeners: [{ address: '127.0.0.1', port, ...(options.tls && { tls: { certificates: [options.tls] } }) }],
      login: { url: origin('login'), ...options.login },
      store: { driver: 'embedded', path: '${env:GATEHOUSE_DATA}/cts.db' },
      trustedProxies: options.trustedProxies ?? [],
      ...(options.forwardAuthPort === undefined
        ? {}
        : {
            forwardAuth: {
              port: options.forwardAuthPort,
              ...(options.grpcPort && { grpc: { port: options.grpcPort } }),
            },
          }),
      secrets: { masterKey: '${file:${env:GATEHOUSE_DATA}/master.key}' },
      telemetry: { level: 'info', accessLog: true },
    },
    'realms/realm.yaml': { look: { title: 'Acme' }, ...options.rootRealm },
    'realms/staff/realm.yaml': { look: { title: 'Acme Staff' }, ...options.realm },
    'realms/staff/policies.yaml': { policies: options.policies ?? [] },
    'realms/staff/users.yaml': { users },
    ...(options.clients === undefined ? {} : { 'realms/staff/clients.yaml': options.clients }),
    // Administrators' programs sign in there, whatever realm they are about.
    'realms/users.yaml': { users },
    ...(Object.fromEntries(profiles) as Record<string, unknown>),
  }
}

function people(): readonly unknown[] {
  return (Object.keys(PEOPLE) as (keyof typeof PEOPLE)[]).map((username) => ({
    username,
    password: run(['hash-password'], { input: `${passwordOf(username)}\n` }).trim(),
    groups: PEOPLE[username],
    attributes: { displayName: `${username} Näme`, mail: `${username}@acme.example` },
  }))
}

/** One command of the product, to its end. */
function run(args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string }): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    ...options,
    encoding: 'utf8',
    timeout: START_TIMEOUT_MS,
  })
  if (status !== 0) throw new Error(`gatehouse ${args.join(' ')} ended with ${status}\n${stderr}`)
  return stdout
}

async function untilListening(child: ChildProcess, log: () => string): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  const [first] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown]
  clearTimeout(timer)
  if (typeof first !== 'object' || first === null) throw new Error(`the gateway did not start\n${log()}`)
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  child.kill('SIGTERM')
  await gone
  clearTimeout(timer)
}
