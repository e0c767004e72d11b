import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../telemetry/log.ts'
import { connectionOptions } from './connect.ts'
import { Connection } from './connection.ts'
import { asList, asText } from './faults.ts'
import type { Group } from './groups.ts'
import { partsOf, toStreamEntry, type StreamEntry } from './revocation-entry.ts'
import { LOG_KEPT_MS } from './scripts/log-entry.ts'
import type { Address, RedisSettings } from './settings.ts'

/** How long a reading waits for news; also how far `tailedAt` lags behind on a quiet day. A cache gives up after a second. */
const BLOCK_MS = 150
const SLICE = 1_000
const PAUSE_MS = 25
/**
 * How far a new connection goes back: it may lead to another primary, which lacks what it had not received yet and whose clock may be
 * behind, so that its next entries sort before what was read already.
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
  readonly cursors: Map<Group, string>
  readonly log: Log
  /** Called with what is new, oldest first. */
  readonly onEntries: (group: Group, entries: readonly StreamEntry[]) => void
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
    if (this.#fresh) {
      this.#rewind()
      this.#fresh = false
    }
    const keys = [...streams.keys()]
    const from = keys.map((key) => cursors.get(streams.get(key) ?? 0) ?? '0-0')
    const askedAt = clock()
    const reply = await this.#connection.call('XREAD', 'COUNT', SLICE, 'BLOCK', BLOCK_MS, 'STREAMS', ...keys, ...from)
    if (this.#isOver() || this.#isStale()) return
    if (this.#hasSlept(clock())) return
    const isWhole = reply === null || this.#deliver(reply)
    if (isWhole) onComplete(askedAt)
  }

  #hasSlept(now: number): boolean {
    this.#fresh = now - this.#awakeAt > LONGEST_SLEEP_MS
    this.#awakeAt = now
    return this.#fresh
  }

  /** It became another connection while the reading was under way. */
  #isStale(): boolean {
    return this.#fresh
  }

  /** False when there may be more than one slice of some stream. */
  #deliver(reply: unknown): boolean {
    let isWhole = true
    for (const stream of asList(reply)) {
      const [key, list] = asList(stream)
      const group = this.#deps.streams.get(asText(key))
      const entries = asList(list).map(toStreamEntry)
      const last = entries.at(-1)
      if (group === undefined || last === undefined) continue
      this.#deps.cursors.set(group, last.id)
      this.#deps.onEntries(group, entries)
      if (entries.length >= SLICE) isWhole = false
    }
    return isWhole
  }

  #rewind(): void {
    const { cursors, streams, onReconnect } = this.#deps
    for (const group of streams.values()) {
      const [ms] = partsOf(cursors.get(group) ?? '0-0')
      cursors.set(group, `${Math.max(0, ms - REWIND_MS)}-0`)
    }
    onReconnect()
  }
}
