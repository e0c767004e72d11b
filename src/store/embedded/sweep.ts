import type { DatabaseSync } from 'node:sqlite'
import type { EpochMs } from '../../base/brand.ts'
import { whileBusy } from './connection.ts'
import { OUTBOX_KEPT_MS } from './ending-writes.ts'

/** A process that slept longer than this through the log has no trusted session left either (a cache holds one for a second). */
const LOG_KEPT_MS = 3_600_000
/** Beyond the life of the sessions they end: a clock that ran ahead and is set back finds them again. */
const DENIED_KEPT_MS = 86_400_000
const EVERY_MS = 1_000
/** Rows per table and pass: about a millisecond of work, and more than one batch can add. */
const SLICE = 1_000
/** Less than a batch would notice: the sweep can wait, a revocation behind it cannot. */
const LOCK_PATIENCE_MS = 5

/**
 * Removes expired rows that nobody will ask for again, a bounded slice at a time. Sessions are not among them: their end has
 * consequences, so the reaper ends each one properly.
 */
export type Sweep = (now: EpochMs) => void

/** The returned function is called after each batch, and does something at most once a second unless a slice was full. */
export function createSweep(db: DatabaseSync): Sweep {
  const byKey = (table: string, key: string) =>
    db.prepare(
      `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE expires_at <= ? LIMIT ${SLICE})`,
    )
  const expired = [
    ...[byKey('one_time', 'namespace, key'), byKey('versioned', 'namespace, key')],
    byKey('counters', 'key'),
  ]
  const denied = byKey('denylist', 'sid')
  const leases = db.prepare('DELETE FROM leases WHERE expires_at <= ?')
  const log = db.prepare(`DELETE FROM revocations WHERE cursor IN
    (SELECT cursor FROM (SELECT cursor, at FROM revocations ORDER BY cursor LIMIT ${SLICE}) WHERE at <= ?)`)
  const outbox = db.prepare(`DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE at <= ? LIMIT ${SLICE})`)
  let nextAt = 0

  function pass(now: EpochMs): boolean {
    const removed = expired.map((statement) => statement.run(now).changes)
    removed.push(
      denied.run(now - DENIED_KEPT_MS).changes,
      log.run(now - LOG_KEPT_MS).changes,
      outbox.run(now - OUTBOX_KEPT_MS).changes,
    )
    leases.run(now)
    return removed.some((count) => count === SLICE)
  }

  return (now) => {
    if (now < nextAt) return
    whileBusy(() => db.exec('BEGIN IMMEDIATE'), LOCK_PATIENCE_MS)
    try {
      const more = pass(now)
      db.exec('COMMIT')
      nextAt = more ? now : now + EVERY_MS
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
}
