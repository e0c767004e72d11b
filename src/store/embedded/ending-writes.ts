import type { DatabaseSync } from 'node:sqlite'
import type { DenyEntry, OutboxEntry, Revocation, SessionRecord } from '../store.ts'
import type { WriteHandlers } from './operations.ts'
import { numberOf, toOutboxEntry } from './rows.ts'

/** Whom nobody could tell of an ended session for a day is not told any more. */
export const OUTBOX_KEPT_MS = 86_400_000

type Unnumbered<R> = R extends unknown ? Omit<R, 'cursor'> : never

/** What is written down when secrets die, in the transaction in which they do. */
export interface EndingRecords {
  log(entry: Unnumbered<Revocation>): void
  /** A stateless session goes to the denylist with its gens below `belowGen`; of a session that lives in the store, nothing. */
  deny(session: SessionRecord, belowGen: number): { readonly deny?: DenyEntry }
  tell(entry: Omit<OutboxEntry, 'id'>): void
}

function detailOf(entry: Unnumbered<Revocation>): string | null {
  const detail = entry.kind === 'epoch-raised' ? entry.epoch : entry.deny
  return detail === undefined ? null : JSON.stringify(detail)
}

export function endingRecords(db: DatabaseSync): EndingRecords {
  const log = db.prepare(`INSERT INTO revocations (at, kind, sid, cause, hashes, detail, realm, user_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
  const deny = db.prepare(`INSERT INTO denylist (sid, below_gen, expires_at) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET below_gen = max(below_gen, excluded.below_gen)`)
  const tell = db.prepare('INSERT INTO outbox (sid, realm, user_id, cause, at) VALUES (?, ?, ?, ?, ?)')
  return {
    log: (entry) => {
      const { sid, cause, hashes } = entry.kind === 'epoch-raised' ? { sid: '', cause: '', hashes: [] } : entry
      const { realm, userId } = (entry.kind === 'session-ended' && entry.owner) || { realm: null, userId: null }
      log.run(entry.at, entry.kind, sid, cause, JSON.stringify(hashes), detailOf(entry), realm, userId)
    },
    deny: ({ kind, sid, maxExpiresAt }, belowGen) => {
      if (kind !== 'stateless') return {}
      deny.run(sid, belowGen, maxExpiresAt)
      return { deny: { sid, belowGen, until: maxExpiresAt } }
    },
    tell: ({ sid, realm, userId, cause, at }) => void tell.run(sid, realm, userId, cause, at),
  }
}

export function endingWrites(db: DatabaseSync): WriteHandlers<'raiseEpoch' | 'claimOutbox' | 'finishOutbox'> {
  const endings = endingRecords(db)
  const raise = db.prepare(
    'INSERT INTO epochs (key, value) VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value',
  )
  const claim = db.prepare(`UPDATE outbox SET held_until = :until
    WHERE id IN (SELECT id FROM outbox WHERE held_until <= :now AND at > :given_up ORDER BY id LIMIT :limit)
    RETURNING id, sid, realm, user_id, cause, at`)
  const finish = db.prepare('DELETE FROM outbox WHERE id = ?')
  return {
    raiseEpoch: ({ key }, now) => {
      const value = numberOf(raise.get(key), 'value')
      endings.log({ at: now, kind: 'epoch-raised', epoch: { key, value } })
      return value
    },
    claimOutbox: ({ limit, leaseMs }, now) =>
      // RETURNING keeps no order.
      claim
        .all({ until: now + leaseMs, now, given_up: now - OUTBOX_KEPT_MS, limit })
        .map(toOutboxEntry)
        .sort((a, b) => Number(a.id) - Number(b.id)),
    finishOutbox: (ids) => {
      for (const id of ids) finish.run(id)
      return undefined
    },
  }
}
