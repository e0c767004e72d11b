import { setTimeout as pause } from 'node:timers/promises'

/** Waits for something that can be seen from outside only by looking; rejects when it has not come about in time. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { withinMs = 60_000 }: { readonly withinMs?: number } = {},
): Promise<number> {
  const started = performance.now()
  while (!(await isSo())) {
    const waited = performance.now() - started
    if (waited > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
    // What takes long is looked at less often: to look takes a share of the machine, too.
    await pause(Math.min(100, 10 + waited / 20))
  }
  return performance.now() - started
}
