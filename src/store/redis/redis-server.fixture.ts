import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../../free-port.fixture.ts'
import type { ConnectionOptions } from './connect.ts'
import type { RedisSettings } from './settings.ts'

const PATIENCE_MS = 60_000

/** Asks again and again until it is so. Rejects after twenty seconds: what is waited for may never come. */
export async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`)
    await pause(20)
  }
}

/** What a cluster's members add to their port to talk among themselves. */
const BUS = 10_000

/** Redis takes no port 0. */
export function freePorts(count: number): Promise<readonly number[]> {
  return Promise.all(Array.from({ length: count }, () => freePort(BUS)))
}

/** A `redis-server` of its own, in a directory of its own. */
export interface RedisServer {
  readonly port: number
  readonly directory: string
  /** A client without any of our own care, for looking and for doing harm. Closed with the server. */
  client(options?: ConnectionOptions): Redis
  signal(signal: NodeJS.Signals): void
  /** SIGKILL, and settles when it is gone. */
  kill(): Promise<void>
  /** Starts it again on its port and data. */
  restart(): Promise<void>
  /** Ends it and removes its data. */
  dispose(): Promise<void>
}

export interface ServerOptions {
  readonly port: number
  /** Arguments as in redis.conf, without the leading dashes. */
  readonly args?: Readonly<Record<string, string>>
  /** Files to write into the directory first; `sentinel.conf` makes it a sentinel. */
  readonly prepare?: (directory: string) => Promise<void>
  readonly sentinel?: boolean
  /** For the connection that waits for it to answer. */
  readonly access?: ConnectionOptions
}

const BASE_ARGS = {
  bind: '127.0.0.1',
  save: '',
  appendonly: 'yes',
  appendfsync: 'everysec',
  'repl-diskless-sync-delay': '0',
}

function commandLine({ port, args, sentinel }: ServerOptions, directory: string): readonly string[] {
  if (sentinel === true) return [join(directory, 'sentinel.conf'), '--sentinel']
  const all = { port: String(port), dir: directory, ...BASE_ARGS, ...args }
  return Object.entries(all).flatMap(([name, value]) => [`--${name}`, ...(value === '' ? [''] : value.split(' '))])
}

/** It answers, and it is this process that does: another one may have been quicker to take the port. */
async function answers(client: Redis, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`redis-server exited with ${child.exitCode}`)
  const info = await client.info('server').catch(() => '')
  return info.includes(`process_id:${child.pid ?? 0}\r\n`)
}

export async function startServer(options: ServerOptions): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-redis-'))
  await options.prepare?.(directory)
  const clients: Redis[] = []
  let child: ChildProcess
  const client = (more: ConnectionOptions = {}): Redis => {
    const made = new Redis({
      port: options.port,
      host: '127.0.0.1',
      protocol: 2,
      retryStrategy: () => 20,
      ...options.access,
      ...more,
    })
    made.on('error', () => undefined)
    clients.push(made)
    return made
  }
  const start = async (): Promise<void> => {
    child = spawn('redis-server', commandLine(options, directory), { stdio: 'ignore', cwd: directory })
    const probe = client()
    await eventually('redis-server answers', () => answers(probe, child))
    probe.disconnect()
  }
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  await start()
  return {
    port: options.port,
    directory,
    client,
    signal: (signal) => void child.kill(signal),
    kill,
    restart: start,
    dispose: async () => {
      for (const one of clients) one.disconnect()
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export function settingsFor(port: number, over: Partial<RedisSettings> = {}): RedisSettings {
  return {
    mode: 'standalone',
    nodes: [{ host: '127.0.0.1', port }],
    sentinel: { tls: false },
    database: 0,
    keyPrefix: 'gh:',
    timeout: 1_000,
    replicas: 'auto',
    ...over,
  }
}
