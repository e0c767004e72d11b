import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../base/clock.ts'
import { fault, GatehouseError } from '../../errors.ts'
import {
  CLOCK_SKEW_MS,
  type Counters,
  type Denylist,
  type Document,
  type Documents,
  type Epochs,
  type SessionReader,
  type VersionedRecords,
} from '../store.ts'
import {
  instantOf,
  numberOf,
  SESSION_COLUMNS,
  textOf,
  toDenied,
  toSession,
  toToken,
  TOKEN_COLUMNS,
  type Row,
} from './rows.ts'

/*
 * Reads run on the main thread: a lookup by key takes a few microseconds, less than a message to another thread. Each is one
 * statement, so each sees one state of the database and holds no lock afterwards.
 */

export interface ReadDeps {
  readonly db: DatabaseSync
  readonly clock: Clock
  readonly answer: Answer
}

type Answer = <T>(read: () => T) => Promise<T>

/**
 * A read that fails rejects with GH_STORE_UNAVAILABLE: it must never look like "no such session".
 * @param check throws where nothing may be read; asked before every read
 */
export function createAnswer(check: () => void): Answer {
  return (read) => {
    try {
      check()
      return Promise.resolve(read())
    } catch (caught) {
      return Promise.reject(
        caught instanceof GatehouseError ? caught : fault('GH_STORE_UNAVAILABLE', { cause: caught }),
      )
    }
  }
}

type SessionReads = SessionReader & {
  expired(limit: number): Promise<readonly { readonly sid: string; readonly cause: 'idle' | 'max-life' }[]>
}

function toDue(row: Row): { readonly sid: string; readonly cause: 'idle' | 'max-life' } {
  const byMaxLife = numberOf(row, 'expires_at') === numberOf(row, 'max_expires_at')
  return { sid: textOf(row, 'sid'), cause: byMaxLife ? 'max-life' : 'idle' }
}

export function sessionReads({ db, clock, answer }: ReadDeps): SessionReads {
  const resolve = db.prepare(`SELECT ${SESSION_COLUMNS}, ${TOKEN_COLUMNS} FROM tokens t JOIN sessions s ON s.sid = t.sid
    WHERE t.hash = ? AND s.bucket = ? AND s.expires_at > ?`)
  const confirm = db.prepare(`SELECT 1 FROM tokens t JOIN sessions s ON s.sid = t.sid
    WHERE t.hash = ? AND s.bucket = ? AND s.expires_at > ? AND s.gen = ? AND s.last_seen_at = ?`)
  const find = db.prepare(`SELECT ${SESSION_COLUMNS} FROM sessions s WHERE sid = ? AND expires_at > ?`)
  const ofUser = db.prepare(`SELECT ${SESSION_COLUMNS} FROM sessions s
    WHERE realm = ? AND user_id = ? AND bucket = ? AND expires_at > ? ORDER BY created_at, sid`)
  const list = db.prepare(
    `SELECT ${SESSION_COLUMNS} FROM sessions s WHERE sid > ? AND expires_at > ? ORDER BY sid LIMIT ?`,
  )
  const listRealm = db.prepare(`SELECT ${SESSION_COLUMNS} FROM sessions s
    WHERE realm = ? AND sid > ? AND expires_at > ? ORDER BY sid LIMIT ?`)
  const expired = db.prepare(`SELECT sid, expires_at, max_expires_at FROM sessions
    WHERE expires_at <= ? ORDER BY expires_at, sid LIMIT ?`)
  return {
    resolve: (hash, bucket) =>
      answer(() => {
        const row = resolve.get(hash, bucket, clock())
        return row === undefined ? undefined : { session: toSession(row), token: toToken(row) }
      }),
    confirms: (hash, bucket, { gen, lastSeenAt }) => {
      try {
        return confirm.get(hash, bucket, clock(), gen, lastSeenAt) !== undefined
      } catch {
        // `resolve` meets the same fault and tells it.
        return false
      }
    },
    find: (sid) =>
      answer(() => {
        const row = find.get(sid, clock())
        return row === undefined ? undefined : toSession(row)
      }),
    ofUser: ({ bucket, realm, userId }) => answer(() => ofUser.all(realm, userId, bucket, clock()).map(toSession)),
    list: ({ realm, after = '', limit }) =>
      answer(() => {
        const rows = realm === undefined ? list.all(after, clock(), limit) : listRealm.all(realm, after, clock(), limit)
        return rows.map(toSession)
      }),
    expired: (limit) => answer(() => expired.all(clock(), limit).map(toDue)),
  }
}

export function denylistReads({ db, clock, answer }: ReadDeps): Denylist {
  const load = db.prepare('SELECT sid, below_gen, expires_at FROM denylist WHERE expires_at > ?')
  return { load: () => answer(() => load.all(clock() - CLOCK_SKEW_MS).map(toDenied)) }
}

export function epochReads({ db, answer }: Omit<ReadDeps, 'clock'>): Pick<Epochs, 'read' | 'all'> {
  const read = db.prepare(`SELECT coalesce(e.value, 0) AS value FROM json_each(?) wanted
    LEFT JOIN epochs e ON e.key = wanted.value ORDER BY wanted.key`)
  const all = db.prepare('SELECT key, value FROM epochs')
  return {
    read: (keys) => answer(() => read.all(JSON.stringify(keys)).map((row) => numberOf(row, 'value'))),
    all: () => answer(() => new Map(all.all().map((row) => [textOf(row, 'key'), numberOf(row, 'value')]))),
  }
}

export function versionedReads({ db, clock, answer }: ReadDeps): Pick<VersionedRecords, 'load'> {
  const load = db.prepare('SELECT value, version FROM versioned WHERE namespace = ? AND key = ? AND expires_at > ?')
  return {
    load: (namespace, key) =>
      answer(() => {
        const row = load.get(namespace, key, clock())
        return row === undefined ? undefined : { value: textOf(row, 'value'), version: numberOf(row, 'version') }
      }),
  }
}

export function counterReads({ db, clock, answer }: ReadDeps): Pick<Counters, 'read'> {
  const read = db.prepare('SELECT count, expires_at FROM counters WHERE key = ? AND expires_at > ?')
  return {
    read: (key) =>
      answer(() => {
        const row = read.get(key, clock())
        return row === undefined ? undefined : { count: numberOf(row, 'count'), resetsAt: instantOf(row, 'expires_at') }
      }),
  }
}

function toDocument(row: Row): Document {
  return { id: textOf(row, 'id'), version: numberOf(row, 'version'), value: textOf(row, 'value') }
}

export function documentReads({ db, answer }: Omit<ReadDeps, 'clock'>): Pick<Documents, 'get' | 'list' | 'page'> {
  const get = db.prepare('SELECT id, version, value FROM documents WHERE collection = ? AND id = ?')
  const list = db.prepare('SELECT id, version, value FROM documents WHERE collection = ? ORDER BY id')
  const page = db.prepare(
    'SELECT id, version, value FROM documents WHERE collection = ? AND id > ? ORDER BY id LIMIT ?',
  )
  return {
    get: (collection, id) =>
      answer(() => {
        const row = get.get(collection, id)
        return row === undefined ? undefined : toDocument(row)
      }),
    list: (collection) => answer(() => list.all(collection).map(toDocument)),
    page: (collection, size, from = '') =>
      answer(() => {
        const documents = page.all(collection, from, size).map(toDocument)
        return { documents, next: documents.length < size ? undefined : documents.at(-1)?.id }
      }),
  }
}

export function probeRead({ db, answer }: Omit<ReadDeps, 'clock'>): () => Promise<void> {
  const probe = db.prepare('SELECT at FROM probe')
  return () => answer(() => void probe.get())
}
