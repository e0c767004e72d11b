export interface RecentOptions {
  /** Longer texts are worked out each time. */
  readonly maxLength: number
  /** Most texts that are kept. */
  readonly maxEntries: number
}

/**
 * Works the answer for a text out once and remembers it as long as it is asked for. Bounded in entries and in bytes, and what
 * strangers invent pushes out only what nobody asks for: two halves take turns, and whatever is used in one turn is in the next.
 * `undefined` is not remembered.
 */
export function rememberRecent<T>(work: (text: string) => T, options: RecentOptions): (text: string) => T {
  const { maxLength } = options
  const half = Math.max(1, Math.floor(options.maxEntries / 2))
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  return (text) => {
    const found = young.get(text)
    if (found !== undefined) return found
    if (text.length > maxLength) return work(text)
    const value = old.get(text) ?? work(text)
    if (value === undefined) return value
    if (young.size >= half) {
      old = young
      young = new Map()
    }
    young.set(own(text), value)
    return value
  }
}

/** A copy that stands for itself: V8 cuts by reference, and a token cut out of a Cookie header would keep all 32 KB of it alive. */
function own(text: string): string {
  return ` ${text}`.slice(1)
}
