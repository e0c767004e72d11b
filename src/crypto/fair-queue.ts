/** Who waits for a turn. */
interface Waiter {
  readonly go: () => void
  readonly refuse: (error: Error) => void
}

/** Jobs of many parties that want a few places. */
export interface FairQueue {
  /** Whether a job of this party would be run or wait now, and not be refused. */
  hasRoom(from: string): boolean
  /** Runs the job, at once or in its turn. Rejects with the refusal where too many wait, also later: when a party with fewer came. */
  run<T>(from: string, job: () => Promise<T>): Promise<T>
}

export interface FairQueueOptions {
  /** Jobs that run at once. */
  readonly running: number
  /** Jobs that wait, of all parties together. */
  readonly waiting: number
  readonly refusal: () => Error
}

/**
 * Places go round among the parties that wait, each party's jobs in order of arrival. While there is room one party may have all of it;
 * when there is none, the party with the most waiting jobs gives up its last one for a newcomer with fewer: who floods the queue as one
 * party keeps out nobody else. As many parties as there are places still can.
 */
export function createFairQueue(options: FairQueueOptions): FairQueue {
  return new Lines(options)
}

class Lines implements FairQueue {
  readonly #options: FairQueueOptions
  /** By party, the next one first; none is empty. */
  readonly #lines = new Map<string, Waiter[]>()
  #busy = 0
  #waiting = 0

  constructor(options: FairQueueOptions) {
    this.#options = options
  }

  hasRoom(from: string): boolean {
    const { running, waiting } = this.#options
    return this.#busy < running || this.#waiting < waiting || this.#giverFor(from) !== undefined
  }

  async run<T>(from: string, job: () => Promise<T>): Promise<T> {
    if (this.#busy < this.#options.running) this.#busy++
    else await this.#wait(from)
    try {
      return await job()
    } finally {
      // The place goes straight to the next in line, so that no newcomer can slip in between.
      const next = this.#next()
      if (next === undefined) this.#busy--
      else next.go()
    }
  }

  #wait(from: string): Promise<void> {
    if (this.#waiting >= this.#options.waiting) {
      const giver = this.#giverFor(from)
      if (giver === undefined) throw this.#options.refusal()
      giver.pop()?.refuse(this.#options.refusal())
      this.#waiting--
    }
    return new Promise((go, refuse) => {
      this.#waiting++
      const line = this.#lines.get(from)
      if (line === undefined) this.#lines.set(from, [{ go, refuse }])
      else line.push({ go, refuse })
    })
  }

  /** The longest line, where it stays as long as that of the newcomer at least when it gives up its last job. */
  #giverFor(from: string): Waiter[] | undefined {
    const own = this.#lines.get(from)?.length ?? 0
    let longest: Waiter[] = []
    for (const line of this.#lines.values()) if (line.length > longest.length) longest = line
    return longest.length > own + 1 ? longest : undefined
  }

  #next(): Waiter | undefined {
    for (const [from, line] of this.#lines) {
      const waiter = line.shift()
      this.#lines.delete(from)
      if (line.length > 0) this.#lines.set(from, line)
      this.#waiting--
      return waiter
    }
    return undefined
  }
}
