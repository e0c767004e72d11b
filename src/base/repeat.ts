export interface RepeatOptions {
  readonly everyMs: number
  /** Told why a run failed; the next one comes at its time. */
  readonly failed: (error: unknown) => void
}

/**
 * Runs work again and again, never twice at once: a run that takes longer than the time between two is waited for, and nothing piles
 * up behind it. Does not keep the process alive.
 */
export function repeat(work: () => Promise<unknown>, { everyMs, failed }: RepeatOptions): { close(): Promise<void> } {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= work()
      .then(() => undefined, failed)
      .finally(() => {
        running = undefined
      })
  }, everyMs).unref()
  return {
    /** Stops, and waits for a run under way. */
    async close() {
      clearInterval(timer)
      await running
    },
  }
}
