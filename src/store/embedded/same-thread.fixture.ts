import { EventEmitter } from 'node:events'
import { createCommitter } from './committer.ts'
import { openForWriting } from './connection.ts'
import type { FromWriter, ToWriter } from './operations.ts'
import type { WriterThread } from './writer.ts'

/**
 * The writer of `writer-worker.ts` without a thread of its own, which takes more than all the rest of opening a store. For the many benches
 * of tests that are not about the store.
 */
export function writerInThisThread(path: string): () => WriterThread {
  return () => {
    const db = openForWriting(path)
    const commit = createCommitter(db)
    const apply = ({ operations }: Extract<ToWriter, { kind: 'batch' }>): FromWriter => {
      try {
        return { kind: 'committed', outcomes: commit(operations) }
      } catch (error) {
        return { kind: 'failed', error }
      }
    }
    const events = new EventEmitter()
    const postMessage = (message: ToWriter): void => {
      const sent = structuredClone(message)
      setImmediate(() => {
        if (sent.kind === 'batch') {
          events.emit('message', structuredClone(apply(sent)))
        } else {
          db.close()
          events.emit('exit', 0)
        }
      })
    }
    return Object.assign(events, { postMessage, ref: ignore, unref: ignore }) as unknown as WriterThread
  }
}

const ignore = (): void => undefined
