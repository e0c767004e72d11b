import type { Log } from '../../telemetry/log.ts'
import { connectionOptions } from './connect.ts'
import { Connection } from './connection.ts'
import { asText, unavailable } from './faults.ts'
import { PROBE } from './scripts/news.ts'
import type { Script } from './scripts/script.ts'
import type { Address, RedisSettings } from './settings.ts'
import { WriteQueue, type Durability } from './write-queue.ts'

export interface NodeDeps {
  readonly settings: RedisSettings
  /** Absent: whatever the settings name. */
  readonly address?: Address
  readonly log: Log
  /** A connection to it is ready, the first time and after each outage. */
  readonly onReady: () => void
  /** This server (a run id) has just proved to be the primary. */
  readonly onProved?: (server: string) => void
}

/** Sentinel has no quorum among data nodes: a primary cut off from its replicas must not answer for a write. */
function durabilityOf({ mode, replicas, timeout }: RedisSettings): Durability {
  return {
    replicas: replicas === 'auto' ? 1 : replicas,
    strict: replicas !== 'auto' || mode === 'sentinel',
    patience: Math.floor(timeout / 2),
  }
}

/**
 * One primary: a connection for what is quick, and one for writes that wait for replicas. A primary that was replaced and has not been
 * told goes on answering, and nothing in its answers shows it; but its replicas have left, so no write of it is confirmed any more. The
 * connection for writes leaves it then, and the one for readings follows to whoever confirms.
 */
export class PrimaryNode {
  readonly #quick: Connection
  readonly #slow: Connection
  readonly #queue: WriteQueue
  /** A confirmed write proves something: where there may be no replica, it does not. */
  readonly #proves: boolean
  #proved = ''
  #proving: Promise<unknown> = Promise.resolve()
  #next: Promise<string> | undefined

  constructor({ settings, address, log, onReady, onProved }: NodeDeps) {
    const options = connectionOptions(settings, address)
    this.#quick = new Connection({ options, purpose: 'reading', log, onReady })
    this.#slow = new Connection({
      options,
      purpose: 'writing',
      log,
      onReady: (replicas) => this.#queue.connected(replicas),
    })
    const durability = durabilityOf(settings)
    this.#proves = durability.strict && durability.replicas > 0
    this.#queue = new WriteQueue(this.#slow, durability, (server) => {
      if (!this.#proves) return
      this.#proved = server
      if (this.#quick.isReady && this.#quick.server !== server) this.#quick.reconnect()
      onProved?.(server)
    })
  }

  /** Run id of the server that `run` and `call` ask. */
  get server(): string {
    return this.#quick.server
  }

  get isReady(): boolean {
    return this.#quick.isReady && this.#slow.isReady
  }

  /** For what may be lost in a fail-over, and for reading. */
  run(script: Script, base: string, args: readonly string[]): Promise<unknown> {
    return this.#quick.run(script, base, args)
  }

  /**
   * To be awaited before what `run` did not find is believed not to be: whatever was answered as safe elsewhere would have taken the
   * replicas away that confirm this. Rejects when the server was not the primary, or nobody can say.
   */
  async prove(base: string): Promise<void> {
    if (!this.#proves) return
    const { server } = this.#quick
    if ((await this.#proof(base)) !== server) throw unavailable(new Error('another server has become the primary'))
  }

  /** For what must be safe when it is answered. */
  write(script: Script, base: string, args: readonly string[]): Promise<unknown> {
    return this.#queue.write(script, base, args)
  }

  call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.#quick.call(command, ...args)
  }

  async info(section: string): Promise<ReadonlyMap<string, string>> {
    const lines = asText(await this.#quick.call('INFO', section)).split('\r\n')
    return new Map(
      lines
        .filter((line) => line.includes(':'))
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    )
  }

  /** The server that proves itself by a write which leaves later than now. All who come while one is under way share the next one. */
  #proof(base: string): Promise<string> {
    const probe = async (): Promise<string> => {
      this.#next = undefined
      const written = this.#queue.write(PROBE, base, [''])
      this.#proving = written.catch(() => undefined)
      await written
      return this.#proved
    }
    return (this.#next ??= this.#proving.then(probe))
  }

  /** What was accepted is written first. */
  async close(): Promise<void> {
    await this.#queue.drain()
    this.#quick.close()
    this.#slow.close()
  }
}
