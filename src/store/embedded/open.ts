import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../base/clock.ts'
import { fault, GatehouseError } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Store } from '../store.ts'
import { openForReading } from './connection.ts'
import type { WriteInput, WriteName, WriteOutput } from './operations.ts'
import {
  counterReads,
  denylistReads,
  documentReads,
  epochReads,
  probeRead,
  sessionReads,
  versionedReads,
} from './reads.ts'
import { createRevocationTail, revocationSource, type RevocationTail } from './revocation-tail.ts'
import { sameFileCheck } from './same-file.ts'
import { createWriter, spawnWriter, type Writer } from './writer.ts'

/** About a second of writing at full speed; whoever comes later is told so instead of waiting longer than a browser would. */
const MAX_OUTSTANDING = 10_000

export interface EmbeddedStoreDeps {
  /** The database file; created with its directory when missing, readable by its owner alone. */
  readonly path: string
  readonly clock: Clock
  readonly log: Log
}

type Write = <K extends WriteName>(name: K, input: WriteInput<K>) => Promise<WriteOutput<K>>

interface Parts {
  readonly path: string
  readonly db: DatabaseSync
  readonly writer: Writer
  readonly tail: RevocationTail
  readonly clock: Clock
}

function sessionsOf(db: DatabaseSync, clock: Clock, write: Write): Store['sessions'] {
  return {
    ...sessionReads(db, clock),
    create: (session, token, quota) => write('createSession', { session, token, quota }),
    upgrade: (sid, expectedGen, patch, token) => write('upgradeSession', { sid, expectedGen, patch, token }),
    addToken: (token) => write('addToken', token),
    touch: (seen) => write('touchSessions', seen),
    end: (sid, cause) => write('endSession', { sid, cause }),
  }
}

/** What outlives a session that has ended. */
function endingsOf(db: DatabaseSync, clock: Clock, write: Write): Pick<Store, 'denylist' | 'epochs' | 'outbox'> {
  return {
    denylist: denylistReads(db, clock),
    epochs: { ...epochReads(db), raise: (key) => write('raiseEpoch', { key }) },
    outbox: {
      claim: (limit, leaseMs) => write('claimOutbox', { limit, leaseMs }),
      done: (ids) => write('finishOutbox', ids),
    },
  }
}

function recordsOf(
  db: DatabaseSync,
  clock: Clock,
  write: Write,
): Pick<Store, 'oneTime' | 'versioned' | 'counters' | 'leases' | 'documents'> {
  return {
    oneTime: {
      put: (namespace, key, value, ttlMs) => write('putOneTime', { namespace, key, value, ttlMs }),
      take: (namespace, key) => write('takeOneTime', { namespace, key }),
    },
    versioned: {
      ...versionedReads(db, clock),
      create: (namespace, key, value, ttlMs) => write('createVersioned', { namespace, key, value, ttlMs }),
      replace: (namespace, key, expectedVersion, value, ttlMs) =>
        write('replaceVersioned', { namespace, key, expectedVersion, value, ttlMs }),
      remove: (namespace, key) => write('removeVersioned', { namespace, key }),
    },
    counters: {
      ...counterReads(db, clock),
      add: (key, amount, windowMs) => write('addCount', { key, amount, windowMs }),
      clear: (key) => write('clearCount', { key }),
    },
    leases: {
      acquire: (name, owner, ttlMs) => write('acquireLease', { name, owner, ttlMs }),
      release: (name, owner) => write('releaseLease', { name, owner }),
    },
    documents: {
      ...documentReads(db),
      putIfAbsent: (collection, id, value) => write('putDocument', { collection, id, value }),
      replace: (collection, id, expectedVersion, value) =>
        write('replaceDocument', { collection, id, expectedVersion, value }),
      remove: (collection, id) => write('removeDocument', { collection, id }),
    },
  }
}

/** The reading connection goes first: the last one to leave cleans up the write-ahead log, and that is work for the thread. */
async function close({ db, writer, tail }: Parts): Promise<void> {
  await writer.drain()
  tail.stop()
  db.close()
  await writer.stop()
}

function assemble(parts: Parts): Store {
  const { db, writer, tail, clock } = parts
  const checkFile = sameFileCheck(parts.path)
  const write: Write = (name, input) => writer.write(name, input, clock())
  const readProbe = probeRead(db)
  let closing: Promise<void> | undefined
  return {
    sessions: sessionsOf(db, clock, write),
    revocations: {
      subscribe: (listener, onGap) => tail.subscribe(listener, onGap),
      tailedAt: () => tail.tailedAt(),
    },
    ...endingsOf(db, clock, write),
    ...recordsOf(db, clock, write),
    ping: async () => {
      checkFile()
      await write('probe', undefined)
      await readProbe()
    },
    close: () => (closing ??= close(parts)),
  }
}

/**
 * Opens the store of this machine: one SQLite file that any number of processes share. Rejects with GH_STORE_UNAVAILABLE, whose
 * detail says why, when the file cannot be written, belongs to another program or was written by a newer Gatehouse.
 */
export async function openEmbeddedStore({ path, clock, log }: EmbeddedStoreDeps): Promise<Store> {
  let tail: RevocationTail | undefined
  const writer = createWriter({
    spawn: () => spawnWriter(path),
    maxOutstanding: MAX_OUTSTANDING,
    onCommit: () => tail?.pull(),
    log,
  })
  try {
    await writer.write('probe', undefined, clock())
    const db = openForReading(path)
    tail = createRevocationTail({ source: revocationSource(db), clock, log })
    return assemble({ path, db, writer, tail, clock })
  } catch (error) {
    await writer.stop()
    throw error instanceof GatehouseError ? error : fault('GH_STORE_UNAVAILABLE', { cause: error })
  }
}
