import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../base/clock.ts'
import { fault, GatehouseError } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Store } from '../store.ts'
import { openForReading } from './connection.ts'
import type { WriteInput, WriteName, WriteOutput } from './operations.ts'
import {
  counterReads,
  createAnswer,
  denylistReads,
  documentReads,
  epochReads,
  probeRead,
  type ReadDeps,
  sessionReads,
  versionedReads,
} from './reads.ts'
import { createRevocationTail, revocationSource, type RevocationTail } from './revocation-tail.ts'
import { type SameFile, watchFile } from './same-file.ts'
import { createWriter, spawnWriter, type Writer, type WriterDeps } from './writer.ts'

/** About a second of writing at full speed; whoever comes later is told so instead of waiting longer than a browser would. */
const MAX_OUTSTANDING = 10_000

export interface EmbeddedStoreDeps {
  /** The database file; created with its directory when missing, readable by its owner alone. */
  readonly path: string
  readonly clock: Clock
  readonly log: Log
  /** Starts what writes; a thread without it. */
  readonly spawn?: WriterDeps['spawn']
}

type Write = <K extends WriteName>(name: K, input: WriteInput<K>) => Promise<WriteOutput<K>>

interface Parts {
  readonly file: SameFile
  readonly db: DatabaseSync
  readonly writer: Writer
  readonly tail: RevocationTail
  readonly clock: Clock
}

function sessionsOf(reading: ReadDeps, write: Write): Store['sessions'] {
  return {
    ...sessionReads(reading),
    create: (session, token, quota) => write('createSession', { session, token, quota }),
    upgrade: (sid, expectedGen, patch, token) => write('upgradeSession', { sid, expectedGen, patch, token }),
    addToken: (token) => write('addToken', token),
    removeTokens: (sid, audience) => write('removeTokens', { sid, audience }),
    touch: (seen) => write('touchSessions', seen),
    end: (sid, cause) => write('endSession', { sid, cause }),
  }
}

/** What outlives a session that has ended. */
function endingsOf(reading: ReadDeps, write: Write): Pick<Store, 'denylist' | 'epochs' | 'outbox'> {
  return {
    denylist: denylistReads(reading),
    epochs: { ...epochReads(reading), raise: (key) => write('raiseEpoch', { key }) },
    outbox: {
      claim: (limit, leaseMs) => write('claimOutbox', { limit, leaseMs }),
      done: (ids) => write('finishOutbox', ids),
    },
  }
}

function recordsOf(
  reading: ReadDeps,
  write: Write,
): Pick<Store, 'oneTime' | 'versioned' | 'counters' | 'leases' | 'documents'> {
  return {
    oneTime: {
      put: (namespace, key, value, ttlMs) => write('putOneTime', { namespace, key, value, ttlMs }),
      take: (namespace, key) => write('takeOneTime', { namespace, key }),
    },
    versioned: {
      ...versionedReads(reading),
      create: (namespace, key, value, ttlMs) => write('createVersioned', { namespace, key, value, ttlMs }),
      replace: (namespace, key, expectedVersion, value, ttlMs) =>
        write('replaceVersioned', { namespace, key, expectedVersion, value, ttlMs }),
      remove: (namespace, key) => write('removeVersioned', { namespace, key }),
    },
    counters: {
      ...counterReads(reading),
      add: (key, amount, windowMs) => write('addCount', { key, amount, windowMs }),
      clear: (key) => write('clearCount', { key }),
    },
    leases: {
      acquire: (name, owner, ttlMs) => write('acquireLease', { name, owner, ttlMs }),
      release: (name, owner) => write('releaseLease', { name, owner }),
    },
    documents: {
      ...documentReads(reading),
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
  const { file, db, writer, tail, clock } = parts
  const reading: ReadDeps = { db, clock, answer: createAnswer(file.check) }
  const write: Write = async (name, input) => {
    file.check()
    return writer.write(name, input, clock())
  }
  const readProbe = probeRead(reading)
  let closing: Promise<void> | undefined
  return {
    sessions: sessionsOf(reading, write),
    revocations: {
      subscribe: (listener, onGap) => tail.subscribe(listener, onGap),
      tailedAt: () => tail.tailedAt(),
    },
    ...endingsOf(reading, write),
    ...recordsOf(reading, write),
    ping: async () => {
      file.look()
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
export async function openEmbeddedStore({ path, clock, log, spawn }: EmbeddedStoreDeps): Promise<Store> {
  let tail: RevocationTail | undefined
  const writer = createWriter({
    spawn: spawn ?? (() => spawnWriter(path)),
    maxOutstanding: MAX_OUTSTANDING,
    onCommit: () => tail?.pull(),
    log,
  })
  try {
    await writer.write('probe', undefined, clock())
    const db = openForReading(path)
    const file = watchFile(path)
    tail = createRevocationTail({ source: revocationSource(db, file), clock, log })
    return assemble({ file, db, writer, tail, clock })
  } catch (error) {
    await writer.stop()
    throw error instanceof GatehouseError ? error : fault('GH_STORE_UNAVAILABLE', { cause: error })
  }
}
