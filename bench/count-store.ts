// Loaded before the gateway (`node --import`) in the one process whose store operations are counted; the processes whose time is
// measured run without it. Reads are SQLite statements of the main thread, writes are what is handed to the writer thread.
import { StatementSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import type { ToWriter } from '../src/store/embedded/operations.ts'

export interface StoreCounts {
  /** Look-ups of a session by its token. */
  sessionReads: number
  /** Everything else that is read: the tail of the revocation log, health, the reaper. */
  otherReads: number
  /** Sessions whose use was written, and in how many batches: one batch is one operation of the store. */
  touches: number
  touchBatches: number
  otherWrites: number
}

const counts: StoreCounts = { sessionReads: 0, otherReads: 0, touches: 0, touchBatches: 0, otherWrites: 0 }

function noteRead(statement: StatementSync): void {
  if (statement.sourceSQL.includes('FROM tokens t JOIN sessions s')) counts.sessionReads++
  else counts.otherReads++
}

function noteWrites(message: ToWriter): void {
  if (message.kind !== 'batch') return
  for (const { name, input } of message.operations) {
    if (name === 'touchSessions') {
      counts.touchBatches++
      counts.touches += input.length
    } else counts.otherWrites++
  }
}

/** Puts a function that looks at the arguments in front of a method. */
function before<K extends string>(
  prototype: Record<K, (...values: never[]) => unknown>,
  name: K,
  look: (self: unknown, values: readonly unknown[]) => void,
): void {
  const original: unknown = Reflect.get(prototype, name)
  if (typeof original !== 'function') throw new TypeError(`there is no ${name}`)
  Object.defineProperty(prototype, name, {
    value(this: unknown, ...values: unknown[]): unknown {
      look(this, values)
      return Reflect.apply(original, this, values)
    },
  })
}

for (const name of ['get', 'all'] as const) {
  before(StatementSync.prototype, name, (statement) => noteRead(statement as StatementSync))
}
before(Worker.prototype, 'postMessage', (_, [message]) => noteWrites(message as ToWriter))
process.on('message', () => process.send?.(counts))
