import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EpochMs } from '../../base/brand.ts'
import type { Revocation, SessionRecord, TokenRecord } from '../store.ts'
import type { WriteHandlers, WriteInput } from './operations.ts'
import { SESSION_COLUMNS, textOf, toSession } from './rows.ts'

type SessionWriteName = 'createSession' | 'upgradeSession' | 'addToken' | 'touchSessions' | 'endSession'

interface Statements {
  readonly insertSession: StatementSync
  readonly insertToken: StatementSync
  readonly anySession: StatementSync
  readonly liveSession: StatementSync
  readonly strengthen: StatementSync
  readonly touch: StatementSync
  readonly deleteSession: StatementSync
  readonly deleteToken: StatementSync
  readonly deleteTokens: StatementSync
  readonly log: StatementSync
}

function prepare(db: DatabaseSync): Statements {
  return {
    insertSession:
      db.prepare(`INSERT INTO sessions (sid, bucket, realm, user_id, username, gen, auth_level, auth_modules,
      auth_instant, created_at, last_seen_at, max_idle_ms, max_expires_at, expires_at, properties)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    insertToken: db.prepare(`INSERT INTO tokens (hash, sid, audience, gen, auth_level, auth_instant, issued_at)
      VALUES (?, ?, ?, ?, ?, ?, ?)`),
    anySession: db.prepare(`SELECT ${SESSION_COLUMNS} FROM sessions s WHERE sid = ?`),
    liveSession: db.prepare(`SELECT ${SESSION_COLUMNS} FROM sessions s WHERE sid = ? AND expires_at > ?`),
    strengthen:
      db.prepare(`UPDATE sessions SET gen = ?, auth_level = ?, auth_modules = ?, auth_instant = ?, properties = ?
      WHERE sid = ?`),
    touch: db.prepare(`UPDATE sessions SET last_seen_at = :at, expires_at = min(max_expires_at, :at + max_idle_ms)
      WHERE sid = :sid AND last_seen_at < :at AND expires_at > :now`),
    deleteSession: db.prepare('DELETE FROM sessions WHERE sid = ?'),
    deleteToken: db.prepare('DELETE FROM tokens WHERE sid = ? AND audience = ? RETURNING hash'),
    deleteTokens: db.prepare('DELETE FROM tokens WHERE sid = ? RETURNING hash'),
    log: db.prepare('INSERT INTO revocations (at, kind, sid, cause, hashes) VALUES (?, ?, ?, ?, ?)'),
  }
}

function insertSession(sql: Statements, session: SessionRecord): void {
  sql.insertSession.run(
    session.sid,
    session.bucket,
    session.realm,
    session.userId,
    session.username,
    session.gen,
    session.authLevel,
    JSON.stringify(session.authModules),
    session.authInstant,
    session.createdAt,
    session.lastSeenAt,
    session.maxIdleMs,
    session.maxExpiresAt,
    Math.min(session.maxExpiresAt, session.lastSeenAt + session.maxIdleMs),
    JSON.stringify(session.properties),
  )
}

function insertToken(sql: Statements, token: TokenRecord): void {
  const { hash, sid, audience, gen, authLevel, authInstant, issuedAt } = token
  sql.insertToken.run(hash, sid, audience, gen, authLevel, authInstant, issuedAt)
}

function log(sql: Statements, entry: Omit<Revocation, 'cursor'>): void {
  sql.log.run(entry.at, entry.kind, entry.sid, entry.cause, JSON.stringify(entry.hashes))
}

function upgrade(sql: Statements, input: WriteInput<'upgradeSession'>, now: EpochMs): SessionRecord | undefined {
  const { sid, expectedGen, patch } = input
  const row = sql.liveSession.get(sid, now)
  if (row === undefined) return undefined
  const old = toSession(row)
  if (old.gen !== expectedGen) return undefined
  const gen = old.gen + 1
  const { authLevel, authModules, authInstant, properties } = patch
  sql.strengthen.run(gen, authLevel, JSON.stringify(authModules), authInstant, JSON.stringify(properties), sid)
  const hashes = sql.deleteToken.all(sid, 'login').map((gone) => textOf(gone, 'hash'))
  log(sql, { at: now, kind: 'token-replaced', sid, cause: 'upgrade', hashes })
  insertToken(sql, { ...input.token, sid, gen })
  return { ...old, gen, authLevel, authModules, authInstant, properties }
}

/** Serial with `end` like every write, so a token is never added to a session that another process has just ended. */
function addToken(sql: Statements, token: TokenRecord, now: EpochMs): boolean {
  if (sql.liveSession.get(token.sid, now) === undefined) return false
  const hashes = sql.deleteToken.all(token.sid, token.audience).map((gone) => textOf(gone, 'hash'))
  if (hashes.length > 0) log(sql, { at: now, kind: 'token-replaced', sid: token.sid, cause: 'handshake', hashes })
  insertToken(sql, token)
  return true
}

/** Clamped to the store's clock: a process whose clock runs ahead must not stretch a session. An expired one stays expired. */
function touch(sql: Statements, seen: WriteInput<'touchSessions'>, now: EpochMs): void {
  for (const { sid, at } of seen) sql.touch.run({ sid, at: Math.min(at, now), now })
}

/** Takes expired sessions too: that is how the reaper ends them properly. */
function end(sql: Statements, { sid, cause }: WriteInput<'endSession'>, now: EpochMs): SessionRecord | undefined {
  const row = sql.anySession.get(sid)
  if (row === undefined) return undefined
  const hashes = sql.deleteTokens.all(sid).map((gone) => textOf(gone, 'hash'))
  sql.deleteSession.run(sid)
  log(sql, { at: now, kind: 'session-ended', sid, cause, hashes })
  return toSession(row)
}

export function sessionWrites(db: DatabaseSync): WriteHandlers<SessionWriteName> {
  const sql = prepare(db)
  return {
    createSession: ({ session, token }) => {
      insertSession(sql, session)
      insertToken(sql, token)
      return undefined
    },
    upgradeSession: (input, now) => upgrade(sql, input, now),
    addToken: (token, now) => addToken(sql, token, now),
    touchSessions: (seen, now) => {
      touch(sql, seen, now)
      return undefined
    },
    endSession: (input, now) => end(sql, input, now),
  }
}
