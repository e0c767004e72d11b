/** `*` runs over everything; `-*-` stops at a slash. */
type Reach = 'any' | 'segment'

/** `literals[0] reaches[0] literals[1] reaches[1] … literals[n]`: only the first and the last literal may be empty. */
interface Pieces {
  readonly literals: readonly string[]
  readonly reaches: readonly Reach[]
}

export type Matcher = (text: string) => boolean

/** One component of a pattern, compiled. Few fields, since a realm has ten thousands of them and a decision waits for each that it reads. */
export interface Wildcard {
  /** What a text starts with. */
  readonly head: string
  /** What it ends with; `undefined` where it has to be the head and nothing else. */
  readonly tail: string | undefined
  /** All of it, where there is more than a `*` between the two. */
  readonly pieces: Pieces | undefined
}

/**
 * Compiles one component of a resource pattern. `read` turns literal text into the form that will be compared (percent-decoding,
 * case folding), so that a `%2A` is a star that stands for itself. No RegExp is built, and matching takes time linear in the
 * text for a given pattern, so that neither a pattern nor a path can be made to backtrack (ReDoS).
 */
export function parseWildcard(pattern: string, read: (literal: string) => string): Wildcard {
  const { literals, reaches } = split(pattern, read)
  const [head = ''] = literals
  const isOneStar = reaches.length === 1 && reaches[0] === 'any'
  return {
    head,
    tail: reaches.length === 0 ? undefined : (literals.at(-1) ?? ''),
    pieces: reaches.length === 0 || isOneStar ? undefined : { literals, reaches },
  }
}

export function matchesWildcard({ head, tail, pieces }: Wildcard, text: string): boolean {
  if (tail === undefined) return text === head
  if (!text.startsWith(head)) return false
  if (pieces !== undefined) return text.endsWith(tail) && matchPieces(text, pieces)
  return tail === '' || (text.length >= head.length + tail.length && text.endsWith(tail))
}

/** The same for whoever asks about a single component. */
export function compileWildcard(pattern: string, read: (literal: string) => string): Matcher {
  const wildcard = parseWildcard(pattern, read)
  return (text) => matchesWildcard(wildcard, text)
}

function split(pattern: string, read: (literal: string) => string): Pieces {
  const literals: string[] = []
  const reaches: Reach[] = []
  let literal = ''
  for (let at = 0; at < pattern.length;) {
    const reach = wildcardAt(pattern, at)
    if (reach === undefined) {
      literal += pattern.charAt(at)
      at += 1
      continue
    }
    // Neighbouring wildcards are one, and it reaches as far as the farthest of them.
    if (literal === '' && reaches.length > 0) reaches[reaches.length - 1] = wider(reach, reaches.at(-1))
    else {
      literals.push(read(literal))
      reaches.push(reach)
    }
    literal = ''
    at += reach === 'any' ? 1 : 3
  }
  literals.push(read(literal))
  return { literals, reaches }
}

function wildcardAt(pattern: string, at: number): Reach | undefined {
  if (pattern.startsWith('-*-', at)) return 'segment'
  return pattern.charAt(at) === '*' ? 'any' : undefined
}

function wider(a: Reach, b: Reach | undefined): Reach {
  return a === 'any' || b === 'any' ? 'any' : 'segment'
}

/**
 * Carries, from literal to literal, the sorted positions where a match of everything so far can end. Before a `*` only the
 * first of them matters; before a `-*-` all do. Every step walks the text once, forwards.
 */
function matchPieces(text: string, { literals, reaches }: Pieces): boolean {
  let ends = [literals[0]?.length ?? 0]
  const last = literals.length - 1
  for (let i = 1; i < last && ends.length > 0; i++) {
    ends = endsOf(text, {
      literal: literals[i] ?? '',
      reach: reaches[i - 1] ?? 'any',
      after: ends,
      firstOnly: reaches[i] === 'any',
    })
  }
  const start = text.length - (literals[last]?.length ?? 0)
  return reaches[last - 1] === 'any' ? (ends[0] ?? Infinity) <= start : reachesWithinSegment(text, ends, start)
}

interface Step {
  readonly literal: string
  readonly reach: Reach
  /** Sorted positions where the pieces before may end; not empty. */
  readonly after: readonly number[]
  readonly firstOnly: boolean
}

function endsOf(text: string, { literal, reach, after, firstOnly }: Step): number[] {
  const ends: number[] = []
  let from = 0
  let slash = -1
  for (let at = text.indexOf(literal, after[0]); at !== -1; at = text.indexOf(literal, at + 1)) {
    if (reach === 'segment') {
      while ((after[from + 1] ?? Infinity) <= at) from++
      const start = after[from] ?? 0
      if (slash < start) slash = slashFrom(text, start)
      if (slash < at) {
        if (from === after.length - 1) break
        continue
      }
    }
    ends.push(at + literal.length)
    if (firstOnly) break
  }
  return ends
}

function reachesWithinSegment(text: string, ends: readonly number[], start: number): boolean {
  // The last end before `start` is the nearest: if a slash lies between, one lies between for all others too.
  const nearest = ends.findLast((end) => end <= start)
  return nearest !== undefined && slashFrom(text, nearest) >= start
}

function slashFrom(text: string, at: number): number {
  const slash = text.indexOf('/', at)
  return slash === -1 ? Infinity : slash
}
