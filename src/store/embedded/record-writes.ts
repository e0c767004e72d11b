import type { DatabaseSync } from 'node:sqlite'
import type { WriteHandlers } from './operations.ts'
import { instantOf, numberOf, textOf } from './rows.ts'

/*
 * Each rule is one statement, so it holds whoever else writes. An expired row counts as absent wherever it is met; the sweep
 * only gives its space back.
 */

function oneTimeWrites(db: DatabaseSync): WriteHandlers<'putOneTime' | 'takeOneTime'> {
  const put =
    db.prepare(`INSERT INTO one_time (namespace, key, value, expires_at) VALUES (:namespace, :key, :value, :until)
    ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at WHERE expires_at <= :now`)
  const take = db.prepare('DELETE FROM one_time WHERE namespace = ? AND key = ? RETURNING value, expires_at')
  return {
    putOneTime: ({ namespace, key, value, ttlMs }, now) =>
      put.run({ namespace, key, value, until: now + ttlMs, now }).changes === 1,
    takeOneTime: ({ namespace, key }, now) => {
      const row = take.get(namespace, key)
      return row !== undefined && numberOf(row, 'expires_at') > now ? textOf(row, 'value') : undefined
    },
  }
}

function versionedWrites(db: DatabaseSync): WriteHandlers<'createVersioned' | 'replaceVersioned' | 'removeVersioned'> {
  const create = db.prepare(`INSERT INTO versioned (namespace, key, version, value, expires_at)
    VALUES (:namespace, :key, 1, :value, :until)
    ON CONFLICT DO UPDATE SET version = 1, value = excluded.value, expires_at = excluded.expires_at WHERE expires_at <= :now`)
  const replace = db.prepare(`UPDATE versioned SET version = version + 1, value = :value, expires_at = :until
    WHERE namespace = :namespace AND key = :key AND version = :version AND expires_at > :now`)
  const remove = db.prepare('DELETE FROM versioned WHERE namespace = ? AND key = ?')
  return {
    createVersioned: ({ namespace, key, value, ttlMs }, now) =>
      create.run({ namespace, key, value, until: now + ttlMs, now }).changes === 1,
    replaceVersioned: ({ namespace, key, expectedVersion: version, value, ttlMs }, now) =>
      replace.run({ namespace, key, version, value, until: now + ttlMs, now }).changes === 1,
    removeVersioned: ({ namespace, key }) => {
      remove.run(namespace, key)
      return undefined
    },
  }
}

function countWrites(db: DatabaseSync): WriteHandlers<'addCount' | 'clearCount'> {
  const add = db.prepare(`INSERT INTO counters (key, count, expires_at) VALUES (:key, :amount, :until)
    ON CONFLICT DO UPDATE SET
      count = CASE WHEN expires_at > :now THEN count + :amount ELSE :amount END,
      expires_at = CASE WHEN expires_at > :now THEN expires_at ELSE :until END
    RETURNING count, expires_at`)
  const clear = db.prepare('DELETE FROM counters WHERE key = ?')
  return {
    addCount: ({ key, amount, windowMs }, now) => {
      const row = add.get({ key, amount, until: now + windowMs, now })
      return { count: numberOf(row, 'count'), resetsAt: instantOf(row, 'expires_at') }
    },
    clearCount: ({ key }) => {
      clear.run(key)
      return undefined
    },
  }
}

function leaseWrites(db: DatabaseSync): WriteHandlers<'acquireLease' | 'releaseLease'> {
  const acquire = db.prepare(`INSERT INTO leases (name, owner, expires_at) VALUES (:name, :owner, :until)
    ON CONFLICT DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
    WHERE owner = :owner OR expires_at <= :now`)
  const release = db.prepare('DELETE FROM leases WHERE name = ? AND owner = ?')
  return {
    acquireLease: ({ name, owner, ttlMs }, now) => acquire.run({ name, owner, until: now + ttlMs, now }).changes === 1,
    releaseLease: ({ name, owner }) => {
      release.run(name, owner)
      return undefined
    },
  }
}

function documentWrites(db: DatabaseSync): WriteHandlers<'putDocument' | 'replaceDocument' | 'removeDocument'> {
  const put = db.prepare(
    'INSERT INTO documents (collection, id, version, value) VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING',
  )
  const replace = db.prepare(`UPDATE documents SET version = version + 1, value = ?
    WHERE collection = ? AND id = ? AND version = ?`)
  const remove = db.prepare('DELETE FROM documents WHERE collection = ? AND id = ?')
  return {
    putDocument: ({ collection, id, value }) => put.run(collection, id, value).changes === 1,
    replaceDocument: ({ collection, id, expectedVersion, value }) =>
      replace.run(value, collection, id, expectedVersion).changes === 1,
    removeDocument: ({ collection, id }) => {
      remove.run(collection, id)
      return undefined
    },
  }
}

function probeWrite(db: DatabaseSync): WriteHandlers<'probe'> {
  const probe = db.prepare('INSERT INTO probe (id, at) VALUES (1, ?) ON CONFLICT DO UPDATE SET at = excluded.at')
  return {
    probe: (_input, now) => {
      probe.run(now)
      return undefined
    },
  }
}

export function recordWrites(db: DatabaseSync) {
  return {
    ...oneTimeWrites(db),
    ...versionedWrites(db),
    ...countWrites(db),
    ...leaseWrites(db),
    ...documentWrites(db),
    ...probeWrite(db),
  }
}
