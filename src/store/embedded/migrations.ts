import type { DatabaseSync } from 'node:sqlite'
import { numberOf } from './rows.ts'

/*
 * Sessions and tokens keep integers and text; `expires_at` is the earlier of the idle and the maximum end, so that one comparison
 * answers "is it live?" and one index finds what is due. The revocation cursor is AUTOINCREMENT: within one database writes are
 * serial, so cursors appear in the order of the commits and are never used twice.
 */
const FIRST = `
CREATE TABLE sessions (
  sid TEXT PRIMARY KEY, bucket INTEGER NOT NULL, realm TEXT NOT NULL, user_id TEXT NOT NULL, username TEXT NOT NULL,
  gen INTEGER NOT NULL, auth_level INTEGER NOT NULL, auth_modules TEXT NOT NULL, auth_instant INTEGER NOT NULL,
  created_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, max_idle_ms INTEGER NOT NULL, max_expires_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, properties TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (realm, user_id);
CREATE INDEX sessions_by_realm ON sessions (realm, sid);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE tokens (
  hash TEXT PRIMARY KEY, sid TEXT NOT NULL, audience TEXT NOT NULL, gen INTEGER NOT NULL, auth_level INTEGER NOT NULL,
  auth_instant INTEGER NOT NULL, issued_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tokens_by_session ON tokens (sid, audience);

CREATE TABLE revocations (
  cursor INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, sid TEXT NOT NULL, cause TEXT NOT NULL,
  hashes TEXT NOT NULL
) STRICT;

CREATE TABLE one_time (
  namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_by_expiry ON one_time (expires_at);

CREATE TABLE versioned (
  namespace TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL, expires_at INTEGER NOT NULL,
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX versioned_by_expiry ON versioned (expires_at);

CREATE TABLE counters (key TEXT PRIMARY KEY, count INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX counters_by_expiry ON counters (expires_at);

CREATE TABLE leases (name TEXT PRIMARY KEY, owner TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
  collection TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL) STRICT;
`

/** Only adds, so that a process of the version before may go on with the file until it is replaced. */
const SECOND = `
ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'cts';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE revocations ADD COLUMN detail TEXT;

CREATE TABLE denylist (sid TEXT PRIMARY KEY, below_gen INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX denylist_by_expiry ON denylist (expires_at);

CREATE TABLE epochs (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL, realm TEXT NOT NULL, user_id TEXT NOT NULL, cause TEXT NOT NULL,
  at INTEGER NOT NULL, held_until INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_by_age ON outbox (at);
`

/** Several tokens of one audience may live beside each other for a moment. */
const THIRD = `
DROP INDEX tokens_by_session;
CREATE INDEX tokens_by_session ON tokens (sid, audience);
`

/** Whose session ended, for those who listen for others. */
const FOURTH = `
ALTER TABLE revocations ADD COLUMN realm TEXT;
ALTER TABLE revocations ADD COLUMN user_id TEXT;
`

/** One script per schema version, oldest first; `PRAGMA user_version` says how many have run. Append, never edit. */
const MIGRATIONS: readonly string[] = [FIRST, SECOND, THIRD, FOURTH]

/** Throws on a file of a newer Gatehouse, whose rules this one does not know, and on a database that belongs to something else. */
export function schemaVersion(db: DatabaseSync): number {
  const row = db
    .prepare(
      'SELECT (SELECT user_version FROM pragma_user_version) AS version, (SELECT count(*) FROM sqlite_schema) AS entries',
    )
    .get()
  const found = numberOf(row, 'version')
  if (found > MIGRATIONS.length) {
    throw new Error(
      `the store file has schema version ${found}, this Gatehouse knows ${MIGRATIONS.length}: start the newer Gatehouse, or give another store path`,
    )
  }
  if (found === 0 && numberOf(row, 'entries') > 0) {
    throw new Error('the store file is a database of another program: give another store path')
  }
  return found
}

/** Brings the schema to this version, inside the caller's transaction. */
export function migrate(db: DatabaseSync): void {
  const found = schemaVersion(db)
  for (const script of MIGRATIONS.slice(found)) db.exec(script)
  if (found < MIGRATIONS.length) db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
}
