import { setTimeout as pause } from 'node:timers/promises'
import type { Counters } from '../store/store.ts'
import { LOOK_AGAIN_MS, PATIENCE_MS } from './delays.ts'
import { createTurns } from './turns.ts'

export interface NetworkLimitRules {
  readonly networkFailures: number
  readonly window: number
}

export type Entry =
  | { readonly kind: 'entered' }
  /** Over the limit, and not counted: it was said that this one is not to be kept out. */
  | { readonly kind: 'spared' }
  | { readonly kind: 'full'; readonly resetsAt: number }

export interface NetworkLimit {
  /**
   * Counts one try of a network ahead of its outcome. Where the limit is reached only by tries that may still turn out to be right, as of
   * a class that signs in at once, it waits for them, up to five seconds.
   */
  enter(key: string, isSpared: () => Promise<boolean>): Promise<Entry>
  /** When a network that has failed too often may try again; a look, before anything is counted or waited for. */
  closedUntil(key: string): Promise<number | undefined>
  /** What came of a try that had entered. A try of a process that died stays counted until the window is over. */
  leave(key: string, hasFailed: boolean): Promise<void>
}

/** Failures of one network, over any number of accounts, within a window. Tries that are being judged count as failures. */
export function createNetworkLimit(
  counters: Counters,
  { networkFailures: limit, window }: NetworkLimitRules,
): NetworkLimit {
  const inTurn = createTurns()
  const failures = (key: string): string => `${key}:failed`
  const countOf = async (key: string): Promise<number> => (await counters.read(key))?.count ?? 0

  const attempt = async (key: string): Promise<Entry> => {
    const { count, resetsAt } = await counters.add(key, 1, window)
    if (count <= limit) return { kind: 'entered' }
    await counters.add(key, -1, window)
    return { kind: 'full', resetsAt }
  }

  /** Nothing can come any more of those that are being judged. */
  const isDecided = async (key: string): Promise<boolean> => (await countOf(failures(key))) >= limit

  const wait = async (key: string, deadline: number): Promise<Entry> => {
    for (;;) {
      const isOver = performance.now() > deadline || (await isDecided(key))
      if (isOver || (await countOf(key)) < limit) {
        const entry = await attempt(key)
        if (isOver || entry.kind === 'entered') return entry
      }
      await pause(LOOK_AGAIN_MS)
    }
  }

  return {
    async enter(key, isSpared) {
      const entry = await attempt(key)
      if (entry.kind === 'entered') return entry
      if (await isSpared()) return { kind: 'spared' }
      if (await isDecided(key)) return entry
      const deadline = performance.now() + PATIENCE_MS
      return inTurn(key, () => wait(key, deadline))
    },

    async closedUntil(key) {
      const found = await counters.read(key)
      return found !== undefined && found.count >= limit && (await isDecided(key)) ? found.resetsAt : undefined
    },

    async leave(key, hasFailed) {
      await (hasFailed ? counters.add(failures(key), 1, window) : counters.add(key, -1, window))
    },
  }
}
