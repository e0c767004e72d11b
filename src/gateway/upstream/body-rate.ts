import type { RequestBody } from './request-body.ts'

/** How fast a client has to send. A few bytes a minute would keep a connection to the upstream for ever (slow-body attack). */
export interface BodyRate {
  /** Least bytes a second on average; 0 asks for none. */
  readonly bytesPerSecond: number
  /** Milliseconds before which nothing is asked for. */
  readonly allowanceMs: number
}

/** Calls back once, when the client is behind the rate. Time in which the upstream did not take what had come is not the client's. */
export class BodyRateWatch {
  readonly #body: RequestBody
  readonly #rate: BodyRate
  readonly #onSlow: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(body: RequestBody, rate: BodyRate, onSlow: () => void) {
    this.#body = body
    this.#rate = rate
    this.#onSlow = onSlow
    if (rate.bytesPerSecond > 0) this.#lookIn(rate.allowanceMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  readonly #look = (): void => {
    if (this.#body.arrived) return
    const { bytesPerSecond, allowanceMs } = this.#rate
    const left = allowanceMs + (this.#body.received / bytesPerSecond) * 1_000 - this.#body.waitedMs
    if (left <= 0) this.#onSlow()
    else this.#lookIn(left)
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(this.#look, Math.min(Math.max(Math.ceil(ms), 1), LONGEST_MS))
  }
}

/** A timer takes no more than 31 bits of milliseconds. */
const LONGEST_MS = 3_600_000
