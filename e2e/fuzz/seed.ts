import { randomInt } from 'node:crypto'

/** Milliseconds of fuzzing for each input. */
export const FUZZ_MS = Number(process.env['FUZZ_SECONDS'] ?? 2) * 1_000

/** Given, what a run did it does again. */
export const SEED = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31))

/** Choices that one seed determines: mulberry32, which is small and mixes well; nothing secret depends on it. */
export class Choices {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)]
    if (picked === undefined) throw new Error('there is nothing to pick from')
    return picked
  }

  /** `make()` so many times, between none and `most`. */
  some(most: number, make: () => string): string {
    return Array.from({ length: this.below(most + 1) }, make).join('')
  }
}
