import type { DatabaseSync } from 'node:sqlite'
import { whileBusy } from './connection.ts'
import { endingWrites } from './ending-writes.ts'
import { isDurable, type Operation, type Outcome, type WriteHandlers, type WriteName } from './operations.ts'
import { recordWrites } from './record-writes.ts'
import { sessionWrites } from './session-writes.ts'

/** How long a batch waits for other processes' writes before it fails. */
const LOCK_PATIENCE_MS = 5_000

/** Applies a batch as one transaction. Throws when nothing of it was written. */
export type Commit = (operations: readonly Operation[]) => readonly Outcome[]

function perform<K extends WriteName>(handlers: WriteHandlers<K>, operation: Operation<K>): unknown {
  return handlers[operation.name](operation.input, operation.now)
}

/** Rolls back a transaction that SQLite has not given up by itself (it does on a full disk or an I/O error). */
function abandon(db: DatabaseSync): void {
  if (db.isTransaction) db.exec('ROLLBACK')
}

export function createCommitter(db: DatabaseSync): Commit {
  const handlers: WriteHandlers = { ...sessionWrites(db), ...endingWrites(db), ...recordWrites(db) }
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const mark = db.prepare('SAVEPOINT operation')
  const release = db.prepare('RELEASE operation')
  const undo = db.prepare('ROLLBACK TO operation')
  let durable: boolean | undefined

  function setDurable(wanted: boolean): void {
    if (wanted === durable) return
    db.exec(`PRAGMA synchronous = ${wanted ? 'FULL' : 'NORMAL'}`)
    durable = wanted
  }

  /** One operation that fails (a hash that is there already) does not take the others of its batch with it. */
  function attempt(operation: Operation): Outcome {
    mark.run()
    try {
      const value = perform(handlers, operation)
      release.run()
      return { ok: true, value }
    } catch (error) {
      if (!db.isTransaction) throw error
      undo.run()
      release.run()
      return { ok: false, error }
    }
  }

  return (operations) => {
    setDurable(operations.some(isDurable))
    whileBusy(() => begin.run(), LOCK_PATIENCE_MS)
    try {
      const outcomes = operations.map(attempt)
      commit.run()
      return outcomes
    } catch (error) {
      abandon(db)
      throw error
    }
  }
}
