import { setTimeout as pause } from 'node:timers/promises'

/** Waits for something that can be seen from outside only by looking; rejects when it has not come about in time. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { withinMs = 30_000 }: { readonly withinMs?: number } = {},
): Promise<number> {
  const started = performance.now()
  while (!(await isSo())) {
    if (performance.now() - started > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
    await pause(10)
  }
  return performance.now() - started
}
