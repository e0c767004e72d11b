import type { EpochMs } from './brand.ts'

/** Where a component reads the time; injected so that tests decide what time it is. */
export type Clock = () => EpochMs

/** The machine's wall clock. */
export const systemClock: Clock = () => Date.now() as EpochMs
