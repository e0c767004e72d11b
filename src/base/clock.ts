import type { EpochMs } from './brand.ts'

/** Where a component reads the time; injected so that tests decide what time it is. */
export type Clock = () => EpochMs

/** The machine's wall clock. */
export const systemClock: Clock = () => Date.now() as EpochMs

// Node looks for a global of its own at every use.
const { performance } = globalThis

/** Milliseconds by a clock that nobody sets, with fractions: only the difference of two readings means something. */
export function monotonicMs(): number {
  return performance.now()
}
