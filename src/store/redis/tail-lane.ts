import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../telemetry/log.ts'
import { connectionOptions } from './connect.ts'
import { Connection } from './connection.ts'
import { asList, asText } from './faults.ts'
import type { Group } from './groups.ts'
import { newestIn, type Position } from './log-position.ts'
import { earlierOf, partsOf, toStreamEntry } from './revocation-entry.ts'
import { LOG_KEPT_MS } from './scripts/log-entry.ts'
import type { Address, RedisSettings } from './settings.ts'
import type { Read } from './subscribers.ts'

/** How long a reading waits for news; also how far `tailedAt` lags behind on a quiet day. A cache gives up after a second. */
const BLOCK_MS = 150
const SLICE = 1_000
const PAUSE_MS = 25
/**
 * How far a new connection goes back from where the reading was, or from where the log ends now if that is less: it may lead to another
 * primary, which lacks what it had not received yet and whose clock may be behind, so that its next entries sort before what was read
 * already.
 */
const REWIND_MS = 10_000
/** Who slept longer than this between two readings may have missed what was trimmed meanwhile. */
const LONGEST_SLEEP_MS = LOG_KEPT_MS / 2

export interface TailLaneDeps {
  readonly settings: RedisSettings
  readonly address: Address | undefined
  /** The streams that it reads. */
  readonly streams: ReadonlyMap<string, Group>
  /** Where each group's reading goes on; shared with the lane before and after this one. */
  readonly cursors: Map<Group, Position>
  readonly log: Log
  /** Called with what is new, oldest first. */
  readonly onEntries: (read: Read) => void
  /** A reading that began at this moment has been delivered whole. */
  readonly onComplete: (askedAt: number) => void
  /** The connection is a new one, or the process has slept: what comes may have gaps, and may be known already. */
  readonly onReconnect: () => void
  readonly onFailure: () => void
  readonly clock: () => number
}

/** Reads some streams on one connection until it is closed, each entry once but after a reconnect. */
export class TailLane {
  readonly #deps: TailLaneDeps
  readonly #connection: Connection
  /** Run id of the server that is read; `undefined` until the connection, which may lead to another one, was looked at. */
  #server: string | undefined
  #fresh: boolean
  #awakeAt: number
  #closed = false

  constructor(deps: TailLaneDeps, rewind: boolean) {
    this.#deps = deps
    this.#fresh = rewind
    this.#awakeAt = deps.clock()
    let first = true
    this.#connection = new Connection({
      options: connectionOptions(deps.settings, deps.address),
      purpose: 'reading the revocation log',
      log: deps.log,
      onReady: () => {
        this.#server = undefined
        if (!first) this.#fresh = true
        first = false
      },
    })
    void this.#loop()
  }

  close(): void {
    this.#closed = true
    this.#connection.close()
  }

  /** This server has just proved to be the primary: another one is left. */
  follow(server: string): void {
    if (this.#connection.isReady && this.#connection.server !== server) this.#connection.reconnect()
  }

  async #loop(): Promise<void> {
    while (!this.#closed) {
      try {
        if (this.#connection.isReady) await this.#read()
        else await pause(PAUSE_MS, undefined, { ref: false })
      } catch {
        if (this.#isOver()) return
        this.#fresh = true
        this.#deps.onFailure()
        await pause(PAUSE_MS, undefined, { ref: false })
      }
    }
  }

  #isOver(): boolean {
    return this.#closed
  }

  async #read(): Promise<void> {
    const { cursors, streams, clock, onComplete } = this.#deps
    const server = this.#fresh ? undefined : this.#server
    if (server === undefined) {
      await this.#lookAgain()
      return
    }
    const keys = [...streams.keys()]
    const from = keys.map((key) => cursors.get(streams.get(key) ?? 0)?.id ?? '0-0')
    const askedAt = clock()
    const reply = await this.#connection.call('XREAD', 'COUNT', SLICE, 'BLOCK', BLOCK_MS, 'STREAMS', ...keys, ...from)
    if (this.#isOver() || this.#isFresh()) return
    if (this.#hasSlept(clock())) return
    const isWhole = reply === null || this.#deliver(server, reply)
    if (isWhole) onComplete(askedAt)
  }

  /** Which server it is, and where its logs end. Goes back in them, unless it is the one that was read before and nothing happened. */
  async #lookAgain(): Promise<void> {
    const { cursors, streams, onReconnect } = this.#deps
    let goBack = this.#fresh
    this.#fresh = false
    const { server } = this.#connection
    const ends = await Promise.all([...streams.keys()].map((stream) => newestIn(this.#connection, stream)))
    if (this.#isOver() || this.#isFresh()) return
    goBack ||= [...streams.values()].some((group) => cursors.get(group)?.server !== server)
    if (goBack) {
      for (const [i, group] of [...streams.values()].entries()) {
        const [ms] = partsOf(earlierOf(cursors.get(group)?.id ?? '0-0', ends[i] ?? '0-0'))
        cursors.set(group, { server, id: `${Math.max(0, ms - REWIND_MS)}-0` })
      }
      onReconnect()
    }
    this.#server = server
  }

  #hasSlept(now: number): boolean {
    this.#fresh = now - this.#awakeAt > LONGEST_SLEEP_MS
    this.#awakeAt = now
    return this.#fresh
  }

  /** It became another connection while an answer was under way. */
  #isFresh(): boolean {
    return this.#fresh
  }

  /** False when there may be more than one slice of some stream. */
  #deliver(server: string, reply: unknown): boolean {
    let isWhole = true
    for (const stream of asList(reply)) {
      const [key, list] = asList(stream)
      const group = this.#deps.streams.get(asText(key))
      const entries = asList(list).map(toStreamEntry)
      const last = entries.at(-1)
      if (group === undefined || last === undefined) continue
      this.#deps.cursors.set(group, { server, id: last.id })
      this.#deps.onEntries({ group, server, entries })
      if (entries.length >= SLICE) isWhole = false
    }
    return isWhole
  }
}
