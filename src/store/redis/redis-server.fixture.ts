import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import type { ConnectionOptions } from './connect.ts'
import type { RedisSettings } from './settings.ts'

/** Ports that were free a moment ago, all different. `alsoPlus`: another port that far above each has to be free too. */
export async function freePorts(count: number, alsoPlus = 0): Promise<readonly number[]> {
  const servers = new Map<number, ReturnType<typeof createServer>[]>()
  while (servers.size < count) {
    const first = createServer().listen(0, '127.0.0.1')
    await once(first, 'listening')
    const address = first.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const held = [first]
    if (alsoPlus > 0 && !(await holdAlso(port + alsoPlus, held))) {
      first.close()
      continue
    }
    servers.set(port, held)
  }
  await Promise.all([...servers.values()].flat().map((server) => once(server.close(), 'close')))
  return [...servers.keys()]
}

async function holdAlso(port: number, held: ReturnType<typeof createServer>[]): Promise<boolean> {
  if (port > 65_535) return false
  const second = createServer().listen(port, '127.0.0.1')
  try {
    await once(second, 'listening')
    held.push(second)
    return true
  } catch {
    return false
  }
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

async function answers(client: Redis): Promise<void> {
  for (;;) {
    try {
      await client.ping()
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
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
    await answers(probe)
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
