import { parentPort, workerData } from 'node:worker_threads'
import type { EpochMs } from '../../base/brand.ts'
import { createCommitter } from './committer.ts'
import { openForWriting } from './connection.ts'
import type { FromWriter, Operation, ToWriter } from './operations.ts'
import { createSweep } from './sweep.ts'

/*
 * The writer thread: one batch at a time, answered only after its commit. What throws outside a batch ends the thread, and the
 * main thread starts a new one.
 */

const port = parentPort
if (port === null) throw new Error('the writer runs as a worker thread only')

const db = openForWriting((workerData as { readonly path: string }).path)
const commit = createCommitter(db)
const sweep = createSweep(db)

function apply(operations: readonly Operation[]): FromWriter {
  try {
    return { kind: 'committed', outcomes: commit(operations) }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

/** A sweep that found the database busy or the disk full loses nothing: the next one does its work. */
function sweepQuietly(now: EpochMs | undefined): void {
  if (now === undefined) return
  try {
    sweep(now)
  } catch {
    return
  }
}

port.on('message', (message: ToWriter) => {
  if (message.kind === 'close') {
    db.close()
    port.close()
    return
  }
  port.postMessage(apply(message.operations))
  sweepQuietly(message.operations.at(-1)?.now)
})
