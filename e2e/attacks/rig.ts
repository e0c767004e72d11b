import { hashSync } from '@node-rs/argon2'
import { randomUUID } from 'node:crypto'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from '../../scripts/node-flags.ts'
import type { PasswordHasher } from '../../src/crypto/password-hash.ts'
import { freePort } from '../../src/free-port.fixture.ts'
import { askAgain, type AskedAgain } from '../asked-again.ts'
import { Browser } from './browser.ts'
import { startEchoUpstream, type EchoUpstream, type Received } from './echo-upstream.ts'
import { ORIGINS, PASSWORDS, writeRigConfig, type RigConfig, type SiteName, type User } from './rig-config.ts'
import type { Vitals, VitalsQuestion } from './vitals.ts'
import { ask, type Dial, type WireAnswer } from './wire.ts'

export interface RigOptions extends Partial<
  Pick<RigConfig, 'trustedProxies' | 'app' | 'employees' | 'customers' | 'realms' | 'clients' | 'idleTimeout' | 'store'>
> {
  /** Passwords cost what the product makes them cost; else next to nothing, because most attacks only need somebody signed in. */
  readonly hashes?: 'costly'
  /** Not the common one: what becomes of it would be in the way of other files. */
  readonly own?: true
  /** Requests below this address come from it, not from 127.0.0.1. */
  readonly from?: string
}

/** Who attacks: a browser with cookies, or nobody. */
export interface Attacker {
  readonly user: User | undefined
  /** `Cookie` header lines for a site, CRLF at the end; empty without any. */
  cookie(site: keyof typeof ORIGINS): string
}

/** The real gateway as a process, an application that believes everything behind it, and a listener nobody may ever dial. */
export interface Rig {
  readonly port: number
  readonly root: string
  readonly dial: Dial
  readonly upstream: EchoUpstream
  readonly canaryPort: number
  readonly canaryDialled: () => number
  /** What was sent and what was looked at, so that no attack is empty. */
  readonly tally: { sent: number; checks: number }
  /** Secrets that must not appear anywhere but where they belong. */
  readonly canaries: Set<string>
  /** What stands in the log lines of faults that were brought about on purpose. */
  readonly faults: Set<string>
  /** Everything the gateway has written to its standard output and error since this file began. */
  log(): string
  /** Everything the application has seen since then. */
  received(): readonly Received[]
  /** The same processes for another attack, which has sent, seen and looked at nothing yet, and may come from elsewhere. */
  anew(from?: string): Rig
  /** Settles when everything that was answered so far stands in the log. */
  logged(): Promise<void>
  running(): boolean
  vitals(collected?: 'collected'): Promise<Vitals>
  /** When the process was fresh. */
  readonly fresh: Vitals
  /** From now on the process takes the time to be this much later, or earlier. */
  shiftClock(ms: number): Promise<void>
  /** From now on time stands still for the process, or goes on as if it never had. */
  holdClock(at: number | 'not'): Promise<void>
  /** Another process on the same store, whose clock is wrong by so much. */
  second(clockOffsetMs?: number): Promise<Rig>
  pause(): void
  resume(): void
  /** Raw bytes on a new connection; `undefined` when it was closed without an answer. */
  ask(bytes: string, from?: string): Promise<WireAnswer | undefined>
  /** Requests the application has seen since `mark()`. */
  mark(): number
  since(mark: number): readonly Received[]
  /** `from`: another loopback address to come from. */
  browser(from?: string): Browser
  /** Signed in at the site, tokens noted as canaries. */
  signIn(user: User, site?: SiteName): Promise<SignedIn>
  signal(name: 'SIGHUP'): void
  stop(): Promise<number | null>
}

export interface SignedIn extends Attacker {
  readonly user: User
  readonly client: Browser
}

export const NOBODY: Attacker = { user: undefined, cookie: () => '' }

const repository = fileURLToPath(new URL('../..', import.meta.url))

export const TOKEN_COOKIE = '__Host-SSOTokenID'

/** Argon2id still, and accepted: a hash says its own cost. */
const CHEAP = { memoryCost: 8, timeCost: 1, parallelism: 1, outputLen: 32 } as const

/** Loaded where it is used: most rigs do without. */
async function productHasher(): Promise<PasswordHasher> {
  const { createPasswordHasher } = await import('../../src/crypto/password-hash.ts')
  return createPasswordHasher()
}

async function passwordHashes(cost: RigOptions['hashes']): Promise<Record<User, string>> {
  const costly = cost === 'costly' ? await productHasher() : undefined
  const pairs = Object.entries(PASSWORDS).map(
    async ([name, password]) => [name, (await costly?.hash(password)) ?? hashSync(password, CHEAP)] as const,
  )
  return Object.fromEntries(await Promise.all(pairs)) as Record<User, string>
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-attack-'))
  const upstream = await startEchoUpstream()
  let dialled = 0
  const canary = createServer((socket) => {
    dialled++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(canary, 'listening')
  const port = await freePort()
  writeRigConfig(root, {
    port,
    upstream: upstream.url,
    trustedProxies: [],
    app: '',
    employees: '',
    customers: '',
    realms: {},
    idleTimeout: '20s',
    ...options,
    hashes: await passwordHashes(options.hashes),
  })
  const gateway = await startGateway(root)
  const fresh = await vitalsOf(gateway, { collect: true })
  const close = async (): Promise<void> => {
    canary.close()
    await upstream.close()
    rmSync(root, { recursive: true, force: true })
  }
  const { from } = options
  const dial = { port, ...(from === undefined ? {} : { from }) }
  return rigOf({
    root,
    upstream,
    gateway,
    fresh,
    dial,
    canaryPort: (canary.address() as AddressInfo).port,
    close,
    dialled: () => dialled,
  })
}

interface Gateway {
  readonly child: ChildProcess
  readonly output: () => string
  readonly ended: Promise<number | null>
  readonly again: AskedAgain
}

async function startGateway(root: string, clockOffsetMs = 0): Promise<Gateway> {
  const vitals = join(repository, 'e2e/attacks/vitals.ts')
  const again = askAgain()
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, '--import', vitals, again.flag, join(repository, 'src/main.ts'), 'serve', '--config', root],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...again.env, CLOCK_OFFSET_MS: String(clockOffsetMs) },
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const code = await Promise.race([once(child, 'message').then(() => 'listening' as const), ended])
  if (code !== 'listening') throw new Error(`the gateway ended with ${code}\n${output}`)
  return { child, output: () => output, ended, again }
}

interface Started {
  readonly root: string
  readonly upstream: EchoUpstream
  readonly gateway: Gateway
  readonly fresh: Vitals
  readonly dial: Dial
  readonly canaryPort: number
  readonly dialled: () => number
  readonly close: () => Promise<void>
}

/** How the gateway of this process feels. */
async function vitalsOf({ child }: Gateway, question: Partial<VitalsQuestion>): Promise<Vitals> {
  const answer = once(child, 'message') as Promise<[Vitals]>
  child.send({ kind: 'vitals?', ...question })
  return (await answer)[0]
}

/** The same configuration, applications and store on a port of its own. */
async function startSecond(first: Started, clockOffsetMs: number): Promise<Rig> {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-attack-second-'))
  cpSync(first.root, root, { recursive: true, filter: (path) => !path.includes('cts.db') })
  const port = await freePort()
  const file = join(root, 'agent-config/gatehouse.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace(`port: ${first.dial.port}`, `port: ${port}`))
  const gateway = await startGateway(root, clockOffsetMs)
  const fresh = await vitalsOf(gateway, { collect: true })
  const close = (): Promise<void> => {
    rmSync(root, { recursive: true })
    return Promise.resolve()
  }
  return rigOf({ ...first, root, gateway, fresh, dial: { ...first.dial, port }, close })
}

function rigOf(started: Started, from = { log: 0, received: 0 }): Rig {
  const { root, upstream, gateway, fresh, dial, canaryPort, dialled, close } = started
  const { child, output, ended } = gateway
  const tally = { sent: 0, checks: 0 }
  const canaries = new Set<string>(Object.values(PASSWORDS))
  const rig: Rig = {
    port: dial.port,
    root,
    dial,
    upstream,
    canaryPort,
    canaryDialled: dialled,
    tally,
    canaries,
    faults: new Set(),
    log: () => output().slice(from.log),
    received: () => upstream.received.slice(from.received),
    async logged() {
      const marker = `/public/logged-${randomUUID()}`
      const written = output().length
      await rig.ask(`GET ${marker} HTTP/1.1\r\nHost: app.example.com\r\n\r\n`)
      while (!output().includes(marker, written)) await once(child.stdout ?? child, 'data')
    },
    anew: (place) =>
      rigOf(place === undefined ? started : { ...started, dial: { ...dial, from: place } }, {
        log: output().length,
        received: upstream.received.length,
      }),
    running: () => child.exitCode === null && child.signalCode === null,
    vitals: (collected) => vitalsOf(gateway, { collect: collected === 'collected' }),
    fresh,
    shiftClock: (clockOffsetMs) => vitalsOf(gateway, { clockOffsetMs }).then(() => undefined),
    holdClock: (clockHeldAt) => vitalsOf(gateway, { clockHeldAt }).then(() => undefined),
    second: (clockOffsetMs = 0) => startSecond(started, clockOffsetMs),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    ask(bytes, from) {
      tally.sent++
      return ask(from === undefined ? dial : { ...dial, from }, bytes)
    },
    mark: () => upstream.received.length,
    since: (mark) => upstream.received.slice(mark),
    browser: (from) => new Browser(from === undefined ? dial : { ...dial, from }),
    signIn: (user, site = 'app') => signIn(rig, user, site),
    signal: (name) => void child.kill(name),
    async stop() {
      if (rig.running()) child.kill('SIGTERM')
      const code = await ended
      await close()
      gateway.again.check(output())
      return code
    },
  }
  return rig
}

const START: Readonly<Record<SiteName, string>> = { app: '/me', pay: '/', shop: '/', club: '/' }

async function signIn(rig: Rig, user: User, site: SiteName): Promise<SignedIn> {
  const client = rig.browser()
  rig.tally.sent++
  const page = await client.open(ORIGINS[site] + START[site])
  const home = await client.signIn(page, user, PASSWORDS[user])
  if (
    new URL(home.url).origin !== ORIGINS[site] ||
    client.cookie(new URL(ORIGINS[site]).hostname, TOKEN_COOKIE) === undefined
  )
    throw new Error(`${user} could not sign in at ${site}: ${home.status} ${home.url}\n${rig.log().slice(-1_000)}`)
  for (const name of [site, 'login'] as const) {
    const token = client.cookie(new URL(ORIGINS[name]).hostname, TOKEN_COOKIE)
    if (token !== undefined) rig.canaries.add(token.split('*', 1)[0] ?? token)
  }
  return {
    user,
    client,
    cookie: (name) => {
      const token = client.cookie(new URL(ORIGINS[name]).hostname, TOKEN_COOKIE)
      return token === undefined ? '' : `Cookie: ${TOKEN_COOKIE}=${token}\r\n`
    },
  }
}
