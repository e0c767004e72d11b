import { fault } from '../../errors.ts'
import type { Connection } from './connection.ts'
import { asList, asNumber, replyCode, unavailable } from './faults.ts'
import { ReplicaWatch } from './replica-watch.ts'
import type { Script } from './scripts/script.ts'

/** Small enough that a batch is answered within milliseconds. */
const MAX_BATCH = 256
const MAX_WAITING = 10_000

/** How many replicas must have a write before it is answered. */
export interface Durability {
  readonly replicas: number
  /** Also when the primary says that it has none: where a primary that was cut off would go on by itself (Sentinel). */
  readonly strict: boolean
  /** Milliseconds that replicas have. */
  readonly patience: number
}

interface Write {
  readonly script: Script
  readonly base: string
  readonly args: readonly string[]
  readonly resolve: (reply: unknown) => void
  readonly reject: (reason: unknown) => void
  /** The server did not know the script: send its text. */
  whole: boolean
}

type Reply = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

function settle(promise: Promise<unknown>): Promise<Reply> {
  return promise.then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  )
}

/**
 * Writes that are safe when they are answered. Those that come together go out together on a connection of their own, followed by
 * one WAIT on that same connection, which covers exactly what it wrote before; the next batch leaves when that is answered.
 */
export class WriteQueue {
  readonly #connection: Connection
  readonly #durability: Durability
  readonly #onProved: (server: string) => void
  readonly #waiting: Write[] = []
  readonly #watch = new ReplicaWatch()
  #replicas: number
  #flushing: Promise<void> | undefined
  /** Batches in a row that too few replicas had. */
  #doubts = 0

  /** `onProved`: replicas have what this server (a run id) wrote, so it is the primary. Called before the writes are answered. */
  constructor(connection: Connection, durability: Durability, onProved: (server: string) => void) {
    this.#connection = connection
    this.#durability = durability
    this.#onProved = onProved
    this.#replicas = durability.replicas
  }

  /** Rejects when it was not done, or when nobody can say whether it is safe. */
  write(script: Script, base: string, args: readonly string[]): Promise<unknown> {
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(fault('GH_BUSY'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ script, base, args, resolve, reject, whole: false })
      this.#flushing ??= Promise.resolve().then(() => this.#flush())
    })
  }

  /** The connection is another one, to a primary that has this many replicas. */
  connected(replicas: number): void {
    this.#replicas = replicas
    this.#watch.hasLost(this.#connection.server, replicas)
  }

  /** Settles when nothing is under way. */
  async drain(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) await this.#send(this.#waiting.splice(0, MAX_BATCH))
    this.#flushing = undefined
  }

  async #send(batch: readonly Write[]): Promise<void> {
    const { server } = this.#connection
    const sent = batch.map((write) => settle(this.#sendOne(write)))
    const safe = this.#confirm(server)
    const replies = await Promise.all(sent)
    const doubt = await safe
    if (doubt === undefined && replies.some(({ ok }) => ok)) {
      this.#doubts = 0
      this.#onProved(server)
    }
    const again: Write[] = []
    batch.forEach((write, i) => {
      const reply = replies[i]
      if (reply?.ok === true) {
        if (doubt === undefined) write.resolve(reply.value)
        else write.reject(doubt)
      } else if (!write.whole && replyCode(reply?.error) === 'NOSCRIPT') {
        again.push({ ...write, whole: true })
      } else write.reject(reply?.error)
    })
    this.#waiting.unshift(...again)
  }

  #sendOne({ script, base, args, whole }: Write): Promise<unknown> {
    return whole
      ? this.#connection.call('EVAL', script.lua, 1, base, ...args)
      : this.#connection.call('EVALSHA', script.sha, 1, base, ...args)
  }

  /** Why the batch cannot be called safe; `undefined` when it is. Sent in the same turn as the batch. */
  async #confirm(server: string): Promise<unknown> {
    const { replicas, strict, patience } = this.#durability
    if (replicas === 0) return undefined
    const asked = strict || this.#replicas > 0
    const wait = asked ? settle(this.#connection.call('WAIT', replicas, patience)) : undefined
    const role = settle(this.#connection.call('ROLE'))
    try {
      const known = await role
      if (known.ok) this.#replicas = asList(asList(known.value)[2]).length
      else if (strict) return known.error
      const waited = await wait
      // None was known when the batch left: the next one waits for those that have joined since.
      if (waited === undefined) return undefined
      if (!waited.ok) return waited.error
      const isConfirmed = asNumber(waited.value) >= replicas
      if (strict) return this.#doubtOf(server, isConfirmed)
      return isConfirmed || this.#replicas === 0 ? undefined : this.#tooFew()
    } catch (error) {
      return error
    }
  }

  /**
   * Perhaps another one is the primary by now and this one has not been told: its replicas have left it, or are out of its reach, or are
   * merely slow once. A new connection asks who the primary is.
   */
  #doubtOf(server: string, isConfirmed: boolean): unknown {
    const hasLost = this.#watch.hasLost(server, this.#replicas)
    if (isConfirmed && !hasLost) return undefined
    if (hasLost || this.#replicas < this.#durability.replicas || ++this.#doubts > 1) this.#connection.reconnect()
    return isConfirmed ? unavailable(new Error('a replica has left, perhaps to be the primary')) : this.#tooFew()
  }

  #tooFew(): unknown {
    return unavailable(new Error(`fewer than ${this.#durability.replicas} replicas have the write`))
  }
}
