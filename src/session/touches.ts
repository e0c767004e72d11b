import { LRUCache } from 'lru-cache'
import type { EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import type { SessionWriter } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Session } from './session.ts'

const MINUTE_MS = 60_000
const TICK_MS = 1_000
const BATCH = 500
/** Sessions whose use is remembered while the store is away. Beyond it the use of further ones is not noted. */
const MAX_PENDING = 200_000

export interface TouchesDeps {
  readonly sessions: Pick<SessionWriter, 'touch'>
  readonly clock: Clock
  readonly log: Log
  /** Sessions of which the last write is remembered. */
  readonly maxCached: number
}

export interface Touches {
  /** Notes that the session was used now. Synchronous and cheap; written later. */
  note(session: Session): void
  /** Writes what is due; with `all`, everything. Never rejects: what could not be written is tried again. */
  flush(all?: boolean): Promise<void>
  /** Writes what is left. */
  close(): Promise<void>
}

interface Pending {
  readonly at: EpochMs
  /** When it may be written: `everyMs` after the write before. */
  readonly due: number
  readonly everyMs: number
}

/**
 * Coalesces uses: one write a minute per session, in batches, with the last use of that minute, so that idle time counts from
 * it. Sessions that may idle for less than four minutes are written more often, or use would not keep them alive.
 */
export function createTouches(deps: TouchesDeps): Touches {
  return new CoalescedTouches(deps)
}

class CoalescedTouches implements Touches {
  readonly #deps: TouchesDeps
  readonly #pending = new Map<string, Pending>()
  /** When this process last wrote a session: a caller may hold a session whose `lastSeenAt` is long out of date. */
  #written: LRUCache<string, EpochMs> | undefined
  #timer: NodeJS.Timeout | undefined
  #flushing = Promise.resolve()
  #failing = false
  #closed = false

  constructor(deps: TouchesDeps) {
    this.#deps = deps
  }

  note(session: Session): void {
    const at = this.#deps.clock()
    const pending = this.#pending.get(session.sid)
    // Noted a moment ago: of a minute between two writes, one second more or less.
    if (pending !== undefined && at >= pending.at && at - pending.at < pending.everyMs / 60) return
    const last = Math.max(session.lastSeenAt, this.#written?.get(session.sid) ?? 0)
    if (at <= last || this.#closed) return
    if (pending === undefined && this.#pending.size >= MAX_PENDING) return
    const everyMs = Math.min(MINUTE_MS, (session.idleExpiresAt - session.lastSeenAt) / 4)
    this.#pending.set(session.sid, { at, due: pending?.due ?? last + everyMs, everyMs })
    this.#timer ??= setTimeout(() => this.#tick(), TICK_MS).unref()
  }

  flush(all = false): Promise<void> {
    // One at a time: what is being written must not be written twice.
    this.#flushing = this.#flushing.then(() => this.#write(all))
    return this.#flushing
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.flush(true)
  }

  #tick(): void {
    void this.flush().then(() => {
      const more = this.#pending.size > 0 && !this.#closed
      this.#timer = more ? setTimeout(() => this.#tick(), TICK_MS).unref() : undefined
    })
  }

  async #write(all: boolean): Promise<void> {
    const now = this.#deps.clock()
    const due: [string, Pending][] = []
    for (const [sid, pending] of this.#pending) if (all || pending.due <= now) due.push([sid, pending])
    for (let i = 0; i < due.length; i += BATCH) {
      const batch = due.slice(i, i + BATCH)
      try {
        await this.#deps.sessions.touch(batch.map(([sid, { at }]) => ({ sid, at })))
      } catch (error) {
        this.#reportOnce(error)
        return
      }
      this.#failing = false
      for (const [sid, pending] of batch) this.#settled(sid, pending)
    }
  }

  #settled(sid: string, pending: Pending): void {
    // Room for all of them is made at once, so not before there is one.
    this.#written ??= new LRUCache({ max: this.#deps.maxCached })
    this.#written.set(sid, pending.at)
    const latest = this.#pending.get(sid)
    if (latest === pending) this.#pending.delete(sid)
    else if (latest !== undefined) this.#pending.set(sid, { ...latest, due: pending.at + latest.everyMs })
  }

  /** Once per outage: the tick comes every second. */
  #reportOnce(error: unknown): void {
    if (!this.#failing) this.#deps.log.warn({ err: error }, 'the use of sessions cannot be written; it is tried again')
    this.#failing = true
  }
}
