import type { Log } from '../../telemetry/log.ts'
import { connectionOptions } from './connect.ts'
import { Connection } from './connection.ts'
import { asText } from './faults.ts'
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
}

/** Sentinel has no quorum among data nodes: a primary cut off from its replicas must not answer for a write. */
function durabilityOf({ mode, replicas, timeout }: RedisSettings): Durability {
  return {
    replicas: replicas === 'auto' ? 1 : replicas,
    strict: replicas !== 'auto' || mode === 'sentinel',
    patience: Math.floor(timeout / 2),
  }
}

/** One primary: a connection for what is quick, and one for writes that wait for replicas. */
export class PrimaryNode {
  readonly #quick: Connection
  readonly #slow: Connection
  readonly #queue: WriteQueue

  constructor({ settings, address, log, onReady }: NodeDeps) {
    const options = connectionOptions(settings, address)
    this.#quick = new Connection({ options, purpose: 'reading', log, onReady })
    this.#slow = new Connection({
      options,
      purpose: 'writing',
      log,
      onReady: (replicas) => this.#queue.connected(replicas),
    })
    this.#queue = new WriteQueue(this.#slow, durabilityOf(settings))
  }

  get isReady(): boolean {
    return this.#quick.isReady && this.#slow.isReady
  }

  /** For what may be lost in a fail-over, and for reading. */
  run(script: Script, base: string, args: readonly string[]): Promise<unknown> {
    return this.#quick.run(script, base, args)
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

  /** What was accepted is written first. */
  async close(): Promise<void> {
    await this.#queue.drain()
    this.#quick.close()
    this.#slow.close()
  }
}
