import { hash } from '@node-rs/argon2'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from '../scripts/node-flags.ts'
import { freePort } from '../src/free-port.fixture.ts'
import { askAgain, type Compared } from './asked-again.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** Files of a configuration, by path below its root. */
export type ConfigFiles = Readonly<Record<string, string>>

/** A gateway with a configuration of its own, as a process of its own. */
export interface OwnRig {
  /** The configuration root. */
  readonly root: string
  readonly port: number
  readonly pid: number
  /** Everything written to standard output so far. */
  log(): string
  /** The lines of it, read. */
  lines(): readonly Readonly<Record<string, unknown>>[]
  /** Everything written to standard error so far. */
  errors(): string
  /** Replaces files as editors do: by renaming. */
  write(files: ConfigFiles): void
  remove(path: string): void
  kill(signal: NodeJS.Signals): void
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** Decisions that explain was asked about again, by kind; once it has stopped. */
  compared(): Compared
  /** Drains and stops, and removes the configuration; settles with the exit code. Rejects where explain says anything else than was enforced. */
  stop(): Promise<number | NodeJS.Signals | null>
}

export interface OwnRigOptions {
  readonly files: ConfigFiles
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
}

function newMasterKey(): string {
  return randomBytes(32).toString('base64url')
}

/** Argon2id still, and accepted: a hash says its own cost, and this one's is next to nothing. */
export function hashOf(password: string): Promise<string> {
  return hash(password, { memoryCost: 8, timeCost: 1, parallelism: 1 })
}

export function writeFiles(root: string, files: ConfigFiles): void {
  for (const [path, text] of Object.entries(files)) {
    const target = join(root, path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(`${target}~`, text, { mode: 0o600 })
    renameSync(`${target}~`, target)
  }
}

interface Launched extends Omit<OwnRig, 'port'> {
  readonly listening: Promise<'listening'>
}

/** `serve` on these files, whether or not it can start. */
export function launch(files: ConfigFiles, env: Readonly<Record<string, string>> = {}): Launched {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-own-'))
  writeFiles(root, files)
  const again = askAgain()
  const child = spawn(process.execPath, [...NODE_FLAGS, again.flag, MAIN, 'serve', '--config', root], {
    cwd: root,
    env: { ...process.env, MASTER_KEY: newMasterKey(), ...again.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let [out, err] = ['', '']
  let compared: Compared = {}
  const reader = createLineReader()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
    reader.add(text)
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  const listening = new Promise<'listening'>((resolve) => child.once('message', () => resolve('listening')))
  return {
    root,
    listening,
    pid: child.pid ?? 0,
    log: () => out,
    lines: () => reader.lines(),
    errors: () => err,
    write: (changed) => writeFiles(root, changed),
    remove: (path) => rmSync(join(root, path), { recursive: true }),
    kill: (signal) => void child.kill(signal),
    ended,
    compared: () => compared,
    async stop() {
      child.kill('SIGTERM')
      const code = await ended
      rmSync(root, { recursive: true, force: true })
      compared = again.check(out)
      return code
    },
  }
}

/** `serve` on these files; settles when it listens. */
export async function startOwnRig({ files, port, env }: OwnRigOptions): Promise<OwnRig> {
  const known = port ?? (await freePort())
  const rig = launch(files, { PORT: String(known), ...env })
  const first = await Promise.race([rig.listening, rig.ended])
  if (first !== 'listening') throw new Error(`serve ended with ${String(first)} before it listened\n${rig.errors()}`)
  return { ...rig, port: known }
}

/** Reads each line once, when somebody asks: tests ask again and again, while load writes thousands. */
function createLineReader() {
  const parsed: Readonly<Record<string, unknown>>[] = []
  let [whole, rest] = [[] as string[], '']
  return {
    add(text: string): void {
      const pieces = text.split('\n')
      pieces[0] = rest + (pieces[0] ?? '')
      rest = pieces.pop() ?? ''
      whole.push(...pieces)
    },
    lines(): typeof parsed {
      for (const line of whole) if (line !== '') parsed.push(JSON.parse(line) as Readonly<Record<string, unknown>>)
      whole = []
      return parsed
    },
  }
}

/** agent-config/gatehouse.yaml for plain http on `${env:PORT}`; `more` is appended. */
export function gatehouseYaml({ telemetry = '', more = '' } = {}): string {
  return `listeners: [{ address: 127.0.0.1, port: '\${env:PORT}' }]
login: { url: 'http://login.acme.test:\${env:PORT}' }
store: { path: .gatehouse/cts.db }
secrets: { masterKey: '\${env:MASTER_KEY}' }
telemetry: { level: debug${telemetry} }
${more}`
}

/** An agent profile at http://NAME.acme.test; `more` is appended. */
export function agentYaml(name: string, upstream: string, more = 'ssoOnly: true\n'): string {
  return `url: http://${name}.acme.test:\${env:PORT}
realm: /staff
upstream: { servers: ['${upstream}'] }
${more}`
}

export interface TestUser {
  readonly id?: string
  readonly username: string
  readonly hash: string
  readonly groups?: readonly string[]
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>
  readonly disabled?: boolean
}

export function usersYaml(users: readonly TestUser[]): string {
  return JSON.stringify({
    users: users.map(({ hash, ...user }) => ({ ...user, password: hash })),
  })
}
