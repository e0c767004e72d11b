const squash = (text: string): string => text.toLowerCase().replaceAll(/[-_ ]/g, '')

/** Edits (insert, remove, replace, swap of neighbours) that lead from one text to the other. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1)
      row.push(best)
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}

/** The candidate that a typing mistake most probably meant; `undefined` when none is near. */
export function nearest(written: string, candidates: Iterable<string>): string | undefined {
  if (written.length > 64) return undefined
  const from = squash(written)
  let found: string | undefined
  let least = Math.max(1, Math.floor(from.length / 3)) + 1
  for (const candidate of candidates) {
    const edits = distance(from, squash(candidate))
    if (edits < least) {
      found = candidate
      least = edits
    }
  }
  return found
}

/** What to append to "there is no X": the likely meaning, or what there is. */
export function didYouMean(written: string, candidates: readonly string[]): string {
  const likely = nearest(written, candidates)
  if (likely !== undefined) return `; did you mean "${likely}"?`
  if (candidates.length === 0) return ''
  const shown = candidates.slice(0, 12).join(', ')
  return `; known here: ${shown}${candidates.length > 12 ? ' …' : ''}`
}
