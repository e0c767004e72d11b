import { randomInt } from 'node:crypto'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { randomName } from '../../base/random-id.ts'
import { EPOCH } from '../epoch.ts'
import { migrate, schemaVersion } from './migrations.ts'

/** `SQLITE_BUSY` and `SQLITE_LOCKED`; extended codes carry them in the low byte. */
const BUSY_CODES = new Set([5, 6])
const OPEN_PATIENCE_MS = 10_000
/** A read waits only while another process recovers the log after a crash; longer would block the event loop. */
const READ_PATIENCE_MS = 250
/** The write-ahead log is cut back to this size after a burst. */
const LOG_BYTES = 64 * 1024 * 1024

const sleeper = new Int32Array(new SharedArrayBuffer(4))

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    BUSY_CODES.has(error.errcode & 255)
  )
}

/**
 * Blocks the calling thread and repeats `attempt` while another process holds the write lock, until `patienceMs` are over.
 * Short random pauses instead of SQLite's own back-off, which grows to 100 ms: a revocation must not queue that long behind a busy
 * neighbour.
 */
export function whileBusy<T>(attempt: () => T, patienceMs: number): T {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error
      Atomics.wait(sleeper, 0, 0, randomInt(1, 4))
    }
  }
}

/** Creates what is missing so that only the owner of the process can read it; SQLite gives its log files the same mode. */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
}

/** The one connection that writes; creates and migrates the file. Belongs to the writer thread: its calls block on disk. */
export function openForWriting(path: string): DatabaseSync {
  createFile(path)
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    whileBusy(() => schemaVersion(db), OPEN_PATIENCE_MS) // before the first change: the file may not be ours
    whileBusy(() => db.exec('PRAGMA journal_mode = WAL'), OPEN_PATIENCE_MS)
    db.exec(`PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = ${LOG_BYTES}`)
    whileBusy(() => db.exec('BEGIN IMMEDIATE'), OPEN_PATIENCE_MS)
    migrate(db)
    db.prepare('INSERT INTO documents (collection, id, version, value) VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING').run(
      EPOCH.collection,
      EPOCH.id,
      randomName(),
    )
    db.exec('COMMIT')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** The one connection of the main thread; it refuses every write. The file must have been opened for writing before. */
export function openForReading(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: READ_PATIENCE_MS })
  db.exec('PRAGMA query_only = ON')
  return db
}
