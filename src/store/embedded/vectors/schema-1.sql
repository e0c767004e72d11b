-- A store file as schema version 1 left it: one session, and a log whose newest cursor was 7.
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

INSERT INTO sessions VALUES ('s1', 5, '/employees', 'u-alice', 'alice', 1, 1, '["password"]', 1750000000000, 1750000000000,
  1750000000000, 3600000, 1750007200000, 1750003600000, '{}');
INSERT INTO tokens VALUES ('h1', 's1', 'login', 1, 1, 1750000000000, 1750000000000);
INSERT INTO revocations VALUES (7, 1749999999000, 'session-ended', 's0', 'logout', '["h0"]');
INSERT INTO documents VALUES ('store', 'epoch', 1, 'the-epoch-of-this-store');
PRAGMA user_version = 1;
