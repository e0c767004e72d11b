import type { DatabaseSync } from 'node:sqlite'
import type { EpochMs } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Revocation, RevocationLog } from '../store.ts'
import type { SameFile } from './same-file.ts'
import { numberOf, REVOCATION_COLUMNS, toRevocation } from './rows.ts'

const POLL_MS = 25
const SLICE = 1_000

/** Where the tail reads; every method throws when the database cannot be read. */
export interface RevocationSource {
  /** Differs from its last answer when any other connection, in this process or another, has committed in between. */
  version(): number
  /** The newest cursor ever given out; 0 for none. */
  last(): number
  /** Entries after the cursor, oldest first, at most `limit`. */
  after(cursor: number, limit: number): readonly Revocation[]
}

/** A log in a file that is no longer the store's cannot be read. */
export function revocationSource(db: DatabaseSync, file: Pick<SameFile, 'look'>): RevocationSource {
  const version = db.prepare('PRAGMA data_version')
  const last = db.prepare("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'revocations'), 0) AS newest")
  const after = db.prepare(`SELECT ${REVOCATION_COLUMNS} FROM revocations WHERE cursor > ? ORDER BY cursor LIMIT ?`)
  return {
    version: () => {
      file.look()
      return numberOf(version.get(), 'data_version')
    },
    last: () => numberOf(last.get(), 'newest'),
    after: (cursor, limit) => after.all(cursor, limit).map(toRevocation),
  }
}

export interface RevocationTail extends RevocationLog {
  /** Delivers what is new at once; never throws. */
  pull(): void
  stop(): void
}

type Listener = (entries: readonly Revocation[]) => void

class PollingTail implements RevocationTail {
  readonly #source: RevocationSource
  readonly #clock: Clock
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  readonly #listeners = new Set<{ readonly listener: Listener; readonly onGap: (() => void) | undefined }>()
  #seenVersion: number
  #cursor: number
  #tailedAt: EpochMs
  #pulling = false
  #failing = false

  constructor(deps: { readonly source: RevocationSource; readonly clock: Clock; readonly log: Log }) {
    this.#source = deps.source
    this.#clock = deps.clock
    this.#log = deps.log
    this.#tailedAt = deps.clock()
    this.#seenVersion = deps.source.version()
    this.#cursor = deps.source.last()
    this.#timer = setInterval(() => this.pull(), POLL_MS).unref()
  }

  /** What was committed before this call is not for the new listener, so the tail catches up first. */
  subscribe(listener: Listener, onGap?: () => void): { close(): void } {
    this.pull()
    const entry = { listener, onGap }
    this.#listeners.add(entry)
    return { close: () => void this.#listeners.delete(entry) }
  }

  tailedAt(): EpochMs {
    return this.#tailedAt
  }

  pull(): void {
    if (this.#pulling) return
    this.#pulling = true
    const asked = this.#clock()
    try {
      const version = this.#source.version()
      if (version !== this.#seenVersion) this.#catchUp()
      this.#seenVersion = version
      this.#tailedAt = asked
      this.#failing = false
    } catch (error) {
      this.#reportOnce(error)
    } finally {
      this.#pulling = false
    }
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#listeners.clear()
  }

  #catchUp(): void {
    for (;;) {
      // Before the entries: what is committed in between is read with them, and is no gap.
      const newest = this.#source.last()
      // Nearly every change of the database is another one.
      if (newest <= this.#cursor) return
      const entries = this.#source.after(this.#cursor, SLICE)
      const [first] = entries
      const last = entries.at(-1)
      if (first === undefined || last === undefined) {
        this.#skipTo(newest)
        return
      }
      this.#skipTo(first.cursor - 1)
      this.#cursor = last.cursor
      for (const { listener } of [...this.#listeners]) this.#deliver(() => listener(entries))
      if (entries.length < SLICE) return
    }
  }

  /** What lies before `cursor` and was not seen is gone for good. */
  #skipTo(cursor: number): void {
    if (cursor <= this.#cursor) return
    this.#log.warn({ from: this.#cursor, to: cursor }, 'revocations were trimmed before this process saw them')
    this.#cursor = cursor
    for (const { onGap } of [...this.#listeners]) if (onGap !== undefined) this.#deliver(onGap)
  }

  #deliver(tell: () => void): void {
    try {
      tell()
    } catch (error) {
      this.#log.error({ err: error }, 'a listener failed on revocations')
    }
  }

  /** Once per outage: a poll fails forty times a second. */
  #reportOnce(error: unknown): void {
    if (!this.#failing) this.#log.error({ err: error }, 'the revocation log cannot be read')
    this.#failing = true
  }
}

/** Polls every 25 ms; `tailedAt` stands still while that fails, so that caches stop trusting what they hold. */
export function createRevocationTail(deps: {
  readonly source: RevocationSource
  readonly clock: Clock
  readonly log: Log
}): RevocationTail {
  return new PollingTail(deps)
}
