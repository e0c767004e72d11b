import type { SQLOutputValue } from 'node:sqlite'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { Audience, DenyEntry, OutboxEntry, Revocation, SecretHash, SessionRecord, TokenRecord } from '../store.ts'

/** A row as SQLite hands it out; the STRICT tables of migrations.ts vouch for the types of its columns. */
export type Row = Readonly<Record<string, SQLOutputValue>>

/** The columns of a session, as `SELECT` list of a table aliased `s`. */
export const SESSION_COLUMNS = `s.sid, s.bucket, s.kind, s.realm, s.user_id, s.username, s.gen, s.auth_level, s.auth_modules,
  s.auth_instant, s.created_at, s.last_seen_at, s.max_idle_ms, s.max_expires_at, s.address, s.device,
  s.properties`

/** The columns of a token, as `SELECT` list of a table aliased `t`, named apart from those of its session. */
export const TOKEN_COLUMNS = `t.hash, t.sid AS token_sid, t.audience, t.gen AS token_gen, t.auth_level AS token_level,
  t.auth_instant AS token_instant, t.issued_at`

export function textOf(row: Row | undefined, column: string): string {
  const value = row?.[column]
  if (typeof value !== 'string') throw new TypeError(`column ${column} holds no text`)
  return value
}

export function numberOf(row: Row | undefined, column: string): number {
  const value = row?.[column]
  if (typeof value !== 'number') throw new TypeError(`column ${column} holds no number`)
  return value
}

export function instantOf(row: Row | undefined, column: string): EpochMs {
  return numberOf(row, column) as EpochMs
}

export function toSession(row: Row): SessionRecord {
  return {
    sid: textOf(row, 'sid'),
    bucket: numberOf(row, 'bucket'),
    kind: textOf(row, 'kind') as SessionRecord['kind'],
    realm: textOf(row, 'realm') as RealmName,
    userId: textOf(row, 'user_id'),
    username: textOf(row, 'username'),
    gen: numberOf(row, 'gen'),
    authLevel: numberOf(row, 'auth_level'),
    authModules: JSON.parse(textOf(row, 'auth_modules')) as readonly string[],
    authInstant: instantOf(row, 'auth_instant'),
    createdAt: instantOf(row, 'created_at'),
    lastSeenAt: instantOf(row, 'last_seen_at'),
    maxIdleMs: numberOf(row, 'max_idle_ms'),
    maxExpiresAt: instantOf(row, 'max_expires_at'),
    origin: { address: textOf(row, 'address'), device: textOf(row, 'device') },
    properties: JSON.parse(textOf(row, 'properties')) as Readonly<Record<string, string>>,
  }
}

export function toToken(row: Row): TokenRecord {
  return {
    hash: textOf(row, 'hash'),
    sid: textOf(row, 'token_sid'),
    audience: textOf(row, 'audience') as Audience,
    gen: numberOf(row, 'token_gen'),
    authLevel: numberOf(row, 'token_level'),
    authInstant: instantOf(row, 'token_instant'),
    issuedAt: instantOf(row, 'issued_at'),
  }
}

/** The columns of a revocation, as `SELECT` list. */
export const REVOCATION_COLUMNS = 'cursor, at, kind, sid, cause, hashes, detail, realm, user_id'

type RaisedEpoch = Extract<Revocation, { readonly kind: 'epoch-raised' }>
type DeadSecrets = Exclude<Revocation, RaisedEpoch>

/** `detail` holds the epoch that was raised, or what the denylist gained. */
export function toRevocation(row: Row): Revocation {
  const logged = { cursor: numberOf(row, 'cursor'), at: instantOf(row, 'at') }
  const kind = textOf(row, 'kind') as Revocation['kind']
  const detail: unknown = row['detail'] === null ? undefined : JSON.parse(textOf(row, 'detail'))
  if (kind === 'epoch-raised') return { ...logged, kind, epoch: detail as RaisedEpoch['epoch'] }
  const dead = {
    ...{ ...logged, kind, sid: textOf(row, 'sid'), cause: textOf(row, 'cause') },
    hashes: JSON.parse(textOf(row, 'hashes')) as readonly SecretHash[],
    ...(row['realm'] === null ? {} : { owner: { realm: textOf(row, 'realm'), userId: textOf(row, 'user_id') } }),
    ...(detail === undefined ? {} : { deny: detail as DenyEntry }),
  }
  return dead as DeadSecrets
}

export function toDenied(row: Row): DenyEntry {
  return { sid: textOf(row, 'sid'), belowGen: numberOf(row, 'below_gen'), until: instantOf(row, 'expires_at') }
}

export function toOutboxEntry(row: Row): OutboxEntry {
  return {
    id: String(numberOf(row, 'id')),
    sid: textOf(row, 'sid'),
    realm: textOf(row, 'realm') as RealmName,
    userId: textOf(row, 'user_id'),
    cause: textOf(row, 'cause') as OutboxEntry['cause'],
    at: instantOf(row, 'at'),
  }
}
