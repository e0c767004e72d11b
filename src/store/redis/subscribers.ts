import type { Log } from '../../telemetry/log.ts'
import type { Revocation } from '../store.ts'
import type { Group } from './groups.ts'
import { isAfter, toRevocation, type StreamEntry } from './revocation-entry.ts'

/** What a group's log held last when somebody subscribed. */
export type Boundaries = ReadonlyMap<Group, string>

interface Subscriber {
  readonly listener: (entries: readonly Revocation[]) => void
  readonly onGap: () => void
  /** Until the boundaries are known, what comes is held back. */
  held: { readonly group: Group; readonly entries: readonly StreamEntry[] }[] | undefined
  boundaries: Boundaries
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
    boundaries: Promise<Boundaries>,
  ): { readonly close: () => void } {
    const subscriber: Subscriber = { listener, onGap, held: [], boundaries: new Map() }
    this.#all.add(subscriber)
    const begin = (known: Boundaries): void => {
      subscriber.boundaries = known
      const { held } = subscriber
      subscriber.held = undefined
      for (const { group, entries } of held ?? []) this.#deliver(subscriber, group, entries)
    }
    boundaries.then(begin, () => begin(new Map()))
    return { close: () => void this.#all.delete(subscriber) }
  }

  tell(group: Group, entries: readonly StreamEntry[]): void {
    for (const subscriber of [...this.#all]) {
      if (subscriber.held === undefined) this.#deliver(subscriber, group, entries)
      else subscriber.held.push({ group, entries })
    }
  }

  /** Several connections break together: they are one gap. */
  tellGap(): void {
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

  #deliver(subscriber: Subscriber, group: Group, entries: readonly StreamEntry[]): void {
    if (!this.#all.has(subscriber)) return
    const boundary = subscriber.boundaries.get(group) ?? ''
    const fresh = entries.filter(({ id }) => isAfter(id, boundary)).map(toRevocation)
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
