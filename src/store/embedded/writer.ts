import { Worker } from 'node:worker_threads'
import type { EpochMs } from '../../base/brand.ts'
import { fault } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { FromWriter, Operation, Outcome, ToWriter, WriteInput, WriteName, WriteOutput } from './operations.ts'

/** Small enough that other processes get the lock between two batches. */
const MAX_BATCH = 512
/** A thread that cannot start (a full disk, a missing directory) is tried again with the writes that come, this often. */
const MAX_STARTS = 3
const START_WINDOW_MS = 2_000

/** What is used of a writer thread. */
export type WriterThread = Pick<Worker, 'on' | 'once' | 'postMessage' | 'ref' | 'unref'>

export interface WriterDeps {
  /** Starts a writer thread. */
  readonly spawn: () => WriterThread
  /** Writes that may wait or be under way at once; one more is refused with GH_BUSY. */
  readonly maxOutstanding: number
  /** Called after each commit and before its callers hear of it. */
  readonly onCommit: () => void
  readonly log: Log
}

/** The main thread's end of the writer thread. */
export interface Writer {
  /**
   * Settles after the commit. Rejects with GH_BUSY, or with GH_STORE_UNAVAILABLE when the write failed or nobody can say
   * whether it was done.
   */
  write<K extends WriteName>(name: K, input: WriteInput<K>, now: EpochMs): Promise<WriteOutput<K>>
  /** Accepts no more writes; settles when those accepted are done. */
  drain(): Promise<void>
  /** Ends the thread; call after `drain`. */
  stop(): Promise<void>
}

interface Pending {
  readonly operation: Operation
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

/** The worker's file beside this one: source under type stripping, JavaScript when built. */
export function spawnWriter(path: string): Worker {
  const url = import.meta.url.endsWith('.ts')
    ? new URL('./writer-worker.ts', import.meta.url)
    : new URL('./writer-worker.js', import.meta.url)
  return new Worker(url, { name: 'store-writer', workerData: { path }, execArgv: [] })
}

function unavailable(cause: unknown) {
  return fault('GH_STORE_UNAVAILABLE', cause instanceof Error ? { cause, detail: cause.message } : { cause })
}

class WriterClient implements Writer {
  readonly #deps: WriterDeps
  #worker: WriterThread | undefined
  #inFlight: readonly Pending[] = []
  #waiting: Pending[] = []
  #starts: number[] = []
  #flushPlanned = false
  #accepting = true
  #onIdle: (() => void)[] = []

  constructor(deps: WriterDeps) {
    this.#deps = deps
  }

  write<K extends WriteName>(name: K, input: WriteInput<K>, now: EpochMs): Promise<WriteOutput<K>> {
    if (!this.#accepting) return Promise.reject(unavailable(new Error('the store is closed')))
    if (this.#inFlight.length + this.#waiting.length >= this.#deps.maxOutstanding) {
      return Promise.reject(fault('GH_BUSY', { detail: 'too many writes wait for the store' }))
    }
    const operation = { name, input, now } as Operation
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operation, resolve: (value) => resolve(value as WriteOutput<K>), reject })
      this.#planFlush()
    })
  }

  async drain(): Promise<void> {
    this.#accepting = false
    if (this.#isIdle()) return
    await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  async stop(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    this.#worker = undefined
    worker.ref()
    await new Promise<void>((resolve) => {
      worker.once('exit', () => resolve())
      worker.postMessage({ kind: 'close' } satisfies ToWriter)
    })
  }

  #isIdle(): boolean {
    return this.#inFlight.length === 0 && this.#waiting.length === 0
  }

  /** Writes of one turn of the event loop share a batch, and so do all that come while a batch is under way. */
  #planFlush(): void {
    if (this.#flushPlanned || this.#inFlight.length > 0) return
    this.#flushPlanned = true
    setImmediate(() => {
      this.#flushPlanned = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#inFlight.length > 0 || this.#waiting.length === 0) return
    try {
      this.#worker ??= this.#start()
      this.#inFlight = this.#waiting.splice(0, MAX_BATCH)
      const operations = this.#inFlight.map(({ operation }) => operation)
      this.#worker.ref()
      this.#worker.postMessage({ kind: 'batch', operations } satisfies ToWriter)
    } catch (error) {
      this.#rejectAll(error)
    }
  }

  #start(): WriterThread {
    const now = performance.now()
    this.#starts = this.#starts.filter((at) => now - at < START_WINDOW_MS)
    if (this.#starts.length >= MAX_STARTS) throw new Error('the writer thread keeps failing')
    this.#starts.push(now)
    const worker = this.#deps.spawn()
    let cause: unknown = new Error('the writer thread ended')
    worker.on('message', (answer: FromWriter) => this.#settle(answer))
    worker.on('error', (error: unknown) => (cause = error))
    worker.on('exit', () => {
      if (this.#worker === worker) this.#lost(cause)
    })
    return worker
  }

  #settle(answer: FromWriter): void {
    const done = this.#inFlight
    this.#inFlight = []
    this.#flush()
    if (answer.kind === 'failed') {
      this.#deps.log.error({ err: answer.error, operations: done.length }, 'the store could not write')
      for (const pending of done) pending.reject(unavailable(answer.error))
    } else {
      this.#deps.onCommit()
      done.forEach((pending, index) => settleOne(pending, answer.outcomes[index]))
    }
    this.#rest()
  }

  #lost(cause: unknown): void {
    this.#worker = undefined
    this.#deps.log.error({ err: cause }, 'the writer thread of the store ended; the next write starts a new one')
    this.#rejectAll(cause)
  }

  #rejectAll(cause: unknown): void {
    const lost = [...this.#inFlight, ...this.#waiting]
    this.#inFlight = []
    this.#waiting = []
    for (const pending of lost) pending.reject(unavailable(cause))
    this.#rest()
  }

  /** An idle writer does not keep the process alive. */
  #rest(): void {
    if (!this.#isIdle()) return
    this.#worker?.unref()
    for (const resolve of this.#onIdle.splice(0)) resolve()
  }
}

function settleOne(pending: Pending, outcome: Outcome | undefined): void {
  if (outcome?.ok === true) pending.resolve(outcome.value)
  else pending.reject(unavailable(outcome?.error))
}

export function createWriter(deps: WriterDeps): Writer {
  return new WriterClient(deps)
}
