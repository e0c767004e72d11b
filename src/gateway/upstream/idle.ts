/** Fires once when `touch` was not called for `ms`; started by its first `touch`. */
export class IdleTimer {
  readonly #ms: number
  readonly #onIdle: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number, onIdle: () => void) {
    this.#ms = ms
    this.#onIdle = onIdle
  }

  touch(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(this.#onIdle, this.#ms)
    else this.#timer.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
