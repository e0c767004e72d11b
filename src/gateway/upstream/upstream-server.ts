import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../telemetry/log.ts'
import type { UpstreamConfig } from '../agent-profile.schema.ts'
import { LinesClient } from './checked-lines.ts'
import { type Connectors, createConnectors, parseAddress, type ServerAddress } from './connector.ts'
import { Pool } from '../../http/undici.ts'

/** How long a server is passed over after a connection to it failed. */
const EJECTION_MS = 5_000
/** Most bytes of an answer's head; two of Node's own default of 16 KiB would already be unusual. */
export const MAX_HEAD_BYTES = 65_536

export interface ServerDeps {
  /** Id of the agent; names the upstream in the log. */
  readonly name: string
  readonly log: Log
  readonly clock: Clock
}

/** One server of an application: its pool of keep-alive connections and what is known of its health. */
export class UpstreamServer {
  readonly address: ServerAddress
  readonly connectors: Connectors
  readonly pool: Pool
  /** Requests handed to the pool and not ended, those that wait for a connection included. */
  inFlight = 0
  readonly #config: UpstreamConfig
  readonly #deps: ServerDeps
  readonly #tunnels = new Set<Promise<unknown>>()
  #checkedHealthy = true
  #ejectedUntil = 0

  constructor(server: string, config: UpstreamConfig, deps: ServerDeps) {
    this.address = parseAddress(server)
    this.connectors = createConnectors(this.address, config)
    this.#config = config
    this.#deps = deps
    this.pool = new Pool(this.address.origin, {
      factory: (origin, options) => new LinesClient(origin, options),
      connections: config.connections,
      pipelining: 1,
      connect: this.connectors.pooled,
      allowH2: false,
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: config.responseTimeout,
      bodyTimeout: config.idleTimeout,
    })
  }

  /** Host header to put in place of the site's own, where the profile says so. */
  get hostOverride(): string | undefined {
    return this.#config.hostHeader === 'upstream' ? this.address.host : undefined
  }

  /** Another request would get a connection without waiting. */
  get hasRoom(): boolean {
    return this.inFlight < this.#config.connections
  }

  /** As many wait already as are being served. */
  get overrun(): boolean {
    return this.inFlight >= this.#config.connections * 2
  }

  healthy(now: number): boolean {
    return this.#checkedHealthy && now >= this.#ejectedUntil
  }

  connectFailed(error: unknown): void {
    const { name, log, clock } = this.#deps
    const now = clock()
    if (now >= this.#ejectedUntil) {
      log.warn({ upstream: name, server: this.address.name, err: error }, 'upstream server cannot be reached')
    }
    this.#ejectedUntil = now + EJECTION_MS
  }

  /** Result of an active health check. */
  checked(healthy: boolean, reason: string): void {
    if (healthy) this.#ejectedUntil = 0
    if (healthy === this.#checkedHealthy) return
    this.#checkedHealthy = healthy
    const { name, log } = this.#deps
    const fields = { upstream: name, server: this.address.name, reason }
    if (healthy) log.info(fields, 'upstream server is healthy again')
    else log.warn(fields, 'upstream server failed its health check')
  }

  /** Keeps `close` waiting for a WebSocket. */
  track<T>(tunnel: Promise<T>): Promise<T> {
    const done = tunnel.finally(() => this.#tunnels.delete(done))
    this.#tunnels.add(done)
    return done
  }

  /** Settles when the exchanges in flight have ended and the connections are closed. */
  async close(): Promise<void> {
    await Promise.all([this.pool.close(), Promise.allSettled(this.#tunnels)])
  }
}
