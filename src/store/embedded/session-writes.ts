import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EpochMs } from '../../base/brand.ts'
import { EVERY_GEN, TOKEN_OVERLAP, type CreateOutcome, type SessionRecord, type TokenRecord } from '../store.ts'
import { endingRecords, type EndingRecords } from './ending-writes.ts'
import type { WriteHandlers, WriteInput } from './operations.ts'
import { expiryOf, makeRoom } from './quota.ts'
import { SESSION_COLUMNS, textOf, toSession } from './rows.ts'

type SessionWriteName =
  | 'createSession'
  | 'upgradeSession'
  | 'addToken'
  | 'removeTokens'
  | 'touchSessions'
  | 'endSession'

interface Statements {
  readonly insertSession: StatementSync
  readonly insertToken: StatementSync
  readonly ofUser: StatementSync
  readonly anySession: StatementSync
  readonly liveSession: StatementSync
  readonly strengthen: StatementSync
  readonly touch: StatementSync
  readonly deleteSession: StatementSync
  readonly deleteToken: StatementSync
  readonly deleteSuperseded: StatementSync
  readonly deleteTokens: StatementSync
}

function prepare(db: DatabaseSync): Statements {
  return {
    insertSession:
      db.prepare(`INSERT INTO sessions (sid, bucket, kind, realm, user_id, username, gen, auth_level, auth_modules,
      auth_instant, created_at, last_seen_at, max_idle_ms, max_expires_at, expires_at, address, device, properties)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    insertToken: db.prepare(`INSERT INTO tokens (hash, sid, audience, gen, auth_level, auth_instant, issued_at)
      VALUES (?, ?, ?, ?, ?, ?, ?)`),
    ofUser: db.prepare(`SELECT ${SESSION_COLUMNS} FROM sessions s
      WHERE realm = ? AND user_id = ? AND bucket = ? AND expires_at > ? ORDER BY created_at, sid`),
    anySession: db.prepare(`SELECT ${SESSION_COLUMNS} FROM sessions s WHERE sid = ?`),
    liveSession: db.prepare(`SELECT ${SESSION_COLUMNS} FROM sessions s WHERE sid = ? AND expires_at > ?`),
    strengthen:
      db.prepare(`UPDATE sessions SET gen = ?, auth_level = ?, auth_modules = ?, auth_instant = ?, properties = ?
      WHERE sid = ?`),
    touch: db.prepare(`UPDATE sessions SET last_seen_at = :at, expires_at = min(max_expires_at, :at + max_idle_ms)
      WHERE sid = :sid AND last_seen_at < :at AND expires_at > :now`),
    deleteSession: db.prepare('DELETE FROM sessions WHERE sid = ?'),
    deleteToken: db.prepare('DELETE FROM tokens WHERE sid = ? AND audience = ? RETURNING hash'),
    deleteSuperseded: db.prepare(`DELETE FROM tokens WHERE sid = :sid AND audience = :audience AND hash NOT IN (
      SELECT hash FROM tokens WHERE sid = :sid AND audience = :audience AND gen = :gen AND issued_at > :since
      ORDER BY issued_at DESC, hash LIMIT ${TOKEN_OVERLAP.atMost - 1}) RETURNING hash`),
    deleteTokens: db.prepare('DELETE FROM tokens WHERE sid = ? RETURNING hash'),
  }
}

function insertSession(sql: Statements, session: SessionRecord): void {
  sql.insertSession.run(
    session.sid,
    session.bucket,
    session.kind,
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
    expiryOf(session),
    session.origin.address,
    session.origin.device,
    JSON.stringify(session.properties),
  )
}

function insertToken(sql: Statements, token: TokenRecord): void {
  const { hash, sid, audience, gen, authLevel, authInstant, issuedAt } = token
  sql.insertToken.run(hash, sid, audience, gen, authLevel, authInstant, issuedAt)
}

interface Tools {
  readonly sql: Statements
  readonly endings: EndingRecords
}

/** The quota and the login are one write, and writes are serial within the database: parallel logins never overshoot. */
function create(tools: Tools, input: WriteInput<'createSession'>, now: EpochMs): CreateOutcome {
  const { session, token, quota } = input
  const { bucket, realm, userId } = session
  const running = quota === undefined ? [] : tools.sql.ofUser.all(realm, userId, bucket, now).map(toSession)
  const room = makeRoom(running, quota)
  if (room === 'none') return { kind: 'quota-reached', running }
  const ended = room.flatMap(({ sid }) => end(tools, { sid, cause: 'quota' }, now) ?? [])
  insertSession(tools.sql, session)
  if (token !== undefined) insertToken(tools.sql, token)
  return { kind: 'created', ended }
}

function upgrade({ sql, endings }: Tools, input: WriteInput<'upgradeSession'>, now: EpochMs) {
  const { sid, expectedGen, patch, token } = input
  const row = sql.liveSession.get(sid, now)
  if (row === undefined) return undefined
  const old = toSession(row)
  if (old.gen !== expectedGen) return undefined
  const gen = old.gen + 1
  const { authLevel, authModules, authInstant, properties } = patch
  sql.strengthen.run(gen, authLevel, JSON.stringify(authModules), authInstant, JSON.stringify(properties), sid)
  const hashes = sql.deleteToken.all(sid, 'login').map((gone) => textOf(gone, 'hash'))
  const denied = endings.deny(old, gen)
  endings.log({ at: now, kind: 'token-replaced', sid, cause: 'upgrade', hashes, ...denied })
  if (token !== undefined) insertToken(sql, { ...token, sid, gen })
  return { ...old, gen, authLevel, authModules, authInstant, properties }
}

/** Serial with `end` like every write, so a token is never added to a session that another process has just ended. */
function addToken({ sql, endings }: Tools, token: TokenRecord, now: EpochMs): boolean {
  if (sql.liveSession.get(token.sid, now) === undefined) return false
  const { sid, audience, gen } = token
  const since = token.issuedAt - TOKEN_OVERLAP.withinMs
  const hashes = sql.deleteSuperseded.all({ sid, audience, gen, since }).map((gone) => textOf(gone, 'hash'))
  if (hashes.length > 0) {
    endings.log({ at: now, kind: 'token-replaced', sid, cause: 'handshake', hashes })
  }
  insertToken(sql, token)
  return true
}

function removeTokens({ sql, endings }: Tools, { sid, audience }: WriteInput<'removeTokens'>, now: EpochMs): boolean {
  const hashes = sql.deleteToken.all(sid, audience).map((gone) => textOf(gone, 'hash'))
  if (hashes.length > 0) endings.log({ at: now, kind: 'token-replaced', sid, cause: 'removed', hashes })
  return hashes.length > 0
}

/** Clamped to the store's clock: a process whose clock runs ahead must not stretch a session. An expired one stays expired. */
function touch(sql: Statements, seen: WriteInput<'touchSessions'>, now: EpochMs): void {
  for (const { sid, at } of seen) sql.touch.run({ sid, at: Math.min(at, now), now })
}

/** Takes expired sessions too: that is how the reaper ends them properly. */
function end({ sql, endings }: Tools, { sid, cause }: WriteInput<'endSession'>, now: EpochMs) {
  const row = sql.anySession.get(sid)
  if (row === undefined) return undefined
  const session = toSession(row)
  const hashes = sql.deleteTokens.all(sid).map((gone) => textOf(gone, 'hash'))
  sql.deleteSession.run(sid)
  const denied = endings.deny(session, EVERY_GEN)
  const { realm, userId } = session
  endings.log({ at: now, kind: 'session-ended', sid, cause, owner: { realm, userId }, hashes, ...denied })
  endings.tell({ sid, realm, userId, cause, at: now })
  return session
}

export function sessionWrites(db: DatabaseSync): WriteHandlers<SessionWriteName> {
  const tools: Tools = { sql: prepare(db), endings: endingRecords(db) }
  return {
    createSession: (input, now) => create(tools, input, now),
    upgradeSession: (input, now) => upgrade(tools, input, now),
    addToken: (token, now) => addToken(tools, token, now),
    removeTokens: (input, now) => removeTokens(tools, input, now),
    touchSessions: (seen, now) => {
      touch(tools.sql, seen, now)
      return undefined
    },
    endSession: (input, now) => end(tools, input, now),
  }
}
