/** Entries of one call: what a script may do without anybody noticing that it held them up. */
export const PAGE = 1_000

/**
 * Reads a sorted set a page at a time, each from the position at which the one before ended, that one included: what has the same
 * position comes again, and nothing is left out while entries go or move on. A page of a single position is read again at twice the size.
 */
export async function* pagesOf<T>(
  read: (from: string, limit: number) => Promise<readonly T[]>,
  positionOf: (entry: T) => string,
): AsyncGenerator<readonly T[]> {
  let [from, limit] = ['', PAGE]
  for (;;) {
    const page = await read(from, limit)
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < limit) return
    const next = positionOf(last)
    limit = next === from ? 2 * limit : PAGE
    from = next
  }
}
