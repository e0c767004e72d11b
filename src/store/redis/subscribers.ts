import type { Log } from '../../telemetry/log.ts'
import type { Revocation } from '../store.ts'
import type { Group } from './groups.ts'
import type { Positions } from './log-position.ts'
import { isAfter, toRevocation, type StreamEntry } from './revocation-entry.ts'

/** Entries of one group's log, as one server has them. */
export interface Read {
  readonly group: Group
  readonly server: string
  readonly entries: readonly StreamEntry[]
}

const EVERYTHING: Positions = new Map()

interface Subscriber {
  readonly listener: (entries: readonly Revocation[]) => void
  readonly onGap: () => void
  /** Until the boundaries are known, what comes is held back. */
  held: Read[] | undefined
  /**
   * What each group's log held last when it subscribed. Good for the server that said so, and until the next gap: what takes over may use
   * smaller ids. The tail tells nothing twice, so all that comes without a boundary is new.
   */
  boundaries: Positions | undefined
}

/** Hands entries to subscribers, to each from its own beginning. A listener that throws takes nothing from the others. */
export class Subscribers {
  readonly #log: Log
  readonly #all = new Set<Subscriber>()
  #gapTold = true

  constructor(log: Log) {
    this.#log = log
  }

  /** `boundaries` says what was before the subscription; when that cannot be known, everything is taken for new. */
  add(
    listener: Subscriber['listener'],
    onGap: () => void,
    boundaries: Promise<Positions>,
  ): { readonly close: () => void } {
    const subscriber: Subscriber = { listener, onGap, held: [], boundaries: undefined }
    this.#all.add(subscriber)
    const begin = (known: Positions): void => {
      subscriber.boundaries ??= known
      const { held } = subscriber
      subscriber.held = undefined
      for (const read of held ?? []) this.#deliver(subscriber, read)
    }
    boundaries.then(begin, () => begin(EVERYTHING))
    return { close: () => void this.#all.delete(subscriber) }
  }

  tell(read: Read): void {
    for (const subscriber of [...this.#all]) {
      if (subscriber.held === undefined) this.#deliver(subscriber, read)
      else subscriber.held.push(read)
    }
  }

  /** What comes from now on may be another's log. Several connections break together: they are one gap. */
  tellGap(): void {
    for (const subscriber of this.#all) subscriber.boundaries = EVERYTHING
    if (!this.#gapTold) return
    this.#gapTold = false
    setImmediate(() => {
      this.#gapTold = true
      for (const { onGap } of [...this.#all]) this.#guard(onGap)
    })
  }

  clear(): void {
    this.#all.clear()
  }

  #deliver(subscriber: Subscriber, { group, server, entries }: Read): void {
    if (!this.#all.has(subscriber)) return
    const boundary = subscriber.boundaries?.get(group)
    const isBefore = (id: string): boolean => boundary?.server === server && !isAfter(id, boundary.id)
    const fresh = entries.filter(({ id }) => !isBefore(id)).map(toRevocation)
    if (fresh.length > 0) this.#guard(() => subscriber.listener(fresh))
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#log.error({ err: error }, 'a listener failed on revocations')
    }
  }
}
