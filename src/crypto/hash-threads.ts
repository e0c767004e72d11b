import { Worker } from 'node:worker_threads'
import type { Options } from '@node-rs/argon2'

export type HashJob =
  | { readonly kind: 'hash'; readonly bytes: Uint8Array; readonly cost: Options }
  | { readonly kind: 'verify'; readonly stored: string; readonly bytes: Uint8Array }

export type HashAnswer = { readonly value: string | boolean } | { readonly error: Error }

/** Threads that compute password hashes, out of the way of libuv's, which files and DNS need. They keep no process alive. */
export interface HashThreads {
  hash(bytes: Uint8Array, cost: Options): Promise<string>
  verify(stored: string, bytes: Uint8Array): Promise<boolean>
}

/** They hold little beside the hash itself. In MiB. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 } as const

/** Threads are started when they are first needed, one job at a time each; whoever calls sees to it that no more jobs run than needed. */
export function createHashThreads(): HashThreads {
  const idle: Worker[] = []

  const run = (job: HashJob): Promise<string | boolean> => {
    const worker = idle.pop() ?? startWorker()
    worker.ref()
    return new Promise((resolve, reject) => {
      const done = (answer: HashAnswer): void => {
        worker.off('error', died).off('exit', died)
        worker.unref()
        idle.push(worker)
        if ('error' in answer) reject(answer.error)
        else resolve(answer.value)
      }
      // Of itself a thread never ends: the next job starts another.
      const died = (reason: unknown): void => {
        worker.off('message', done)
        reject(reason instanceof Error ? reason : new Error(`a hash thread ended with ${String(reason)}`))
      }
      worker.once('message', done).once('error', died).once('exit', died)
      worker.postMessage(job)
    })
  }
  return {
    hash: async (bytes, cost) => (await run({ kind: 'hash', bytes, cost })) as string,
    verify: async (stored, bytes) => (await run({ kind: 'verify', stored, bytes })) as boolean,
  }
}

function startWorker(): Worker {
  const url = import.meta.url.endsWith('.ts')
    ? new URL('./hash-worker.ts', import.meta.url)
    : new URL('./hash-worker.js', import.meta.url)
  const worker = new Worker(url, { name: 'password-hash', execArgv: [], resourceLimits: LIMITS })
  // One that dies while it has nothing to do is noticed by the next job; without a listener it would end the process.
  worker.on('error', () => undefined)
  return worker
}
