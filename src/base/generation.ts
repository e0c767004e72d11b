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
    const slot = this.#slot
    let held = true
    slot.users++
    return {
      current: slot.generation,
      release: () => {
        if (!held) return
        held = false
        slot.users--
        if (slot.retired && slot.users === 0) this.#close(slot.generation)
      },
    }
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

  #close(generation: G): void {
    generation.close().catch(this.#onCloseError)
  }
}
