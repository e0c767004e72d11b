/** One configuration generation: compiled, frozen, self-contained. */
export interface Generation {
  readonly generation: number
  /** Releases what the generation holds (upstream pools, health checks). Called once, after its last user left. */
  close(): Promise<void>
}

export interface Held<G extends Generation> {
  readonly current: G
  /** Idempotent. */
  release(): void
}

interface Slot<G extends Generation> {
  readonly generation: G
  users: number
  retired: boolean
}

/**
 * Holds the configuration in force. A request calls `acquire()` exactly once, so it never sees two configurations;
 * a replaced generation is closed when the last request that holds it releases it.
 */
export class GenerationHolder<G extends Generation> {
  #slot: Slot<G>
  readonly #onCloseError: (error: unknown) => void

  constructor(first: G, onCloseError: (error: unknown) => void) {
    this.#slot = { generation: first, users: 0, retired: false }
    this.#onCloseError = onCloseError
  }

  acquire(): Held<G> {
    return new Holding(this.#slot, this.#close)
  }

  /** For work outside a request (health, metrics) that keeps no reference. */
  peek(): G {
    return this.#slot.generation
  }

  replace(next: G): void {
    const old = this.#slot
    this.#slot = { generation: next, users: 0, retired: false }
    old.retired = true
    if (old.users === 0) this.#close(old.generation)
  }

  readonly #close = (generation: G): void => {
    generation.close().catch(this.#onCloseError)
  }
}

/** One for each request, so without a closure of its own. */
class Holding<G extends Generation> implements Held<G> {
  readonly current: G
  readonly #slot: Slot<G>
  readonly #close: (generation: G) => void
  #released = false

  constructor(slot: Slot<G>, close: (generation: G) => void) {
    this.current = slot.generation
    this.#slot = slot
    this.#close = close
    slot.users++
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#slot.users--
    if (this.#slot.retired && this.#slot.users === 0) this.#close(this.current)
  }
}
