import type { Socket } from 'node:net'
import { Redis } from 'ioredis'
import { fault } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { ConnectionOptions } from './connect.ts'
import { asList, asText, replyCode, unavailable } from './faults.ts'
import type { Script } from './scripts/script.ts'

/** About a second of work; whoever comes later is told so instead of waiting longer than a browser would. */
const MAX_OUTSTANDING = 10_000
/** Before a server that is a replica is left for another one: until then nobody may have been promoted. */
const REPLICA_PAUSE_MS = 100

export interface ConnectionDeps {
  readonly options: ConnectionOptions
  /** What it is for, in log lines. */
  readonly purpose: string
  readonly log: Log
  /** Called whenever it is ready, the first time and after each outage, with the number of the primary's replicas. */
  readonly onReady?: (replicas: number) => void
  /** Called when it is given up (it is not while its options name a retry strategy that goes on). */
  readonly onEnd?: () => void
  /** A replica will do. */
  readonly anyRole?: boolean
}

const ignore = () => undefined

type Words = readonly (string | number)[]

/** The client hangs the whole command on its errors, passwords and what sessions hold included: none of it may reach a log. */
function forgetWords(error: unknown): void {
  if (error instanceof Error && 'command' in error) delete error.command
}

function runIdIn(about: string): string {
  const [, id] = /^run_id:(\w+)/m.exec(about) ?? []
  if (id === undefined) throw unavailable(new Error('the server does not say which one it is'))
  return id
}

/**
 * One connection to a primary. It fails at once while there is none, and a command that is not answered in time breaks it: a server
 * that hangs is asked no further, but left for whoever is the primary by then.
 */
export class Connection {
  readonly #redis: Redis
  readonly #deps: ConnectionDeps
  #outstanding = 0
  /** The server has said that it is a primary. Until then even a reading may be stale. */
  #checked = false
  #server = ''
  #down = false
  #why: unknown = new Error('there is no connection to Redis')
  #closed = false

  constructor(deps: ConnectionDeps) {
    this.#deps = deps
    this.#redis = new Redis(deps.options)
    this.#redis.on('ready', () => void this.#checkRole())
    this.#redis.on('close', () => (this.#checked = false))
    this.#redis.on('error', (error: Error) => this.#reportOnce(error))
    this.#redis.on('end', () => deps.onEnd?.())
    this.#redis.connect().catch(() => undefined) // told by the error event
  }

  get isReady(): boolean {
    return this.#checked && this.#redis.status === 'ready'
  }

  /** Run id of the server that it leads to, another one for each start of a server; empty while it is not ready. */
  get server(): string {
    return this.isReady ? this.#server : ''
  }

  /** Rejects with GH_STORE_UNAVAILABLE or GH_BUSY when it was not sent, otherwise with what Redis or the network said. */
  async call(command: string, ...args: Words): Promise<unknown> {
    if (this.#closed) throw unavailable(new Error('the store is closed'))
    if (!this.#checked) throw unavailable(this.#why)
    if (this.#outstanding >= MAX_OUTSTANDING) throw fault('GH_BUSY')
    return this.#send(command, args)
  }

  /** Sends the text of a script only where the server does not know it (yet, or any more). */
  async run(script: Script, base: string, args: readonly string[]): Promise<unknown> {
    try {
      return await this.call('EVALSHA', script.sha, 1, base, ...args)
    } catch (error) {
      if (replyCode(error) !== 'NOSCRIPT') throw error
      return this.call('EVAL', script.lua, 1, base, ...args)
    }
  }

  reconnect(): void {
    this.#checked = false
    if (this.#closed) return
    this.#guard()
    this.#redis.disconnect(true)
  }

  close(): void {
    this.#closed = true
    this.#guard()
    this.#redis.disconnect()
  }

  /**
   * The client listens for one error of a socket, but a TLS handshake that is refused may end in two, and an error that nobody listens for
   * ends the process.
   */
  #guard(): void {
    const { stream } = this.#redis as { readonly stream?: Socket } // none before the first attempt, whatever its type says
    if (stream !== undefined && !stream.listeners('error').includes(ignore)) stream.on('error', ignore)
  }

  async #send(command: string, args: Words): Promise<unknown> {
    this.#outstanding++
    try {
      return await this.#redis.call(command, [...args])
    } catch (error) {
      forgetWords(error)
      if (error instanceof Error && error.message === 'Command timed out') this.reconnect()
      throw error
    } finally {
      this.#outstanding--
    }
  }

  /** Sentinels may name for a moment a server that is a replica by now. */
  async #checkRole(): Promise<void> {
    try {
      const [answer, about] = await Promise.all([this.#send('ROLE', []), this.#send('INFO', ['server'])])
      const [role, , replicas] = asList(answer)
      if (role !== 'master' && this.#deps.anyRole !== true) {
        this.#reportOnce(new Error('the server is a replica'))
        setTimeout(() => this.reconnect(), REPLICA_PAUSE_MS).unref()
        return
      }
      this.#server = runIdIn(asText(about))
      this.#checked = true
      if (this.#down) this.#deps.log.info({ purpose: this.#deps.purpose }, 'the connection to Redis is back')
      this.#down = false
      this.#deps.onReady?.(Array.isArray(replicas) ? replicas.length : 0)
    } catch (error) {
      this.#reportOnce(error)
    }
  }

  /** Once per outage: it is tried again many times. */
  #reportOnce(error: unknown): void {
    this.#guard()
    const { log, purpose } = this.#deps
    forgetWords(error)
    this.#why = error
    if (!this.#down && !this.#closed)
      log.error({ err: error, purpose }, 'there is no connection to Redis; trying again')
    this.#down = true
  }
}
