import type { Condition } from './condition.ts'
import type { Place, ResourcePattern, Target } from './pattern.ts'
import type { ResponseAttributes } from './response-attributes.ts'
import type { Subject } from './subjects.ts'

export type Effect = 'allow' | 'deny'

/** An active policy, compiled. */
export interface Rule {
  readonly name: string
  /** Place in the configuration, which is the order of names in a decision. */
  readonly order: number
  readonly effects: ReadonlyMap<string, Effect>
  readonly subject: Subject
  /** Whether it may allow anything to people without proof. */
  readonly admitsAnonymous: boolean
  readonly condition: Condition | undefined
  readonly attributes: ResponseAttributes | undefined
}

/** A rule and one of its patterns. */
export interface Candidate {
  readonly rule: Rule
  readonly pattern: ResourcePattern
}

export interface PlacedCandidate extends Candidate {
  readonly place: Place
}

/** The policies of one set that may apply to a target; each candidate's pattern still has to be asked. */
export interface CandidateIndex {
  /** In the order of the configuration; a rule may come more than once, then in a row. */
  find(target: Target): readonly Candidate[]
}

/** Numbers of a slot: the hash of a place, where its candidates begin in the list, how many there are (0 in an empty slot), and none. */
const SLOT = 4

/**
 * Where candidates are, by a hash of the host (or of any host) and of the leading path segments as far as a pattern is literal. A look-up
 * reads a slot for each segment, however many policies there are: one table of numbers in place of maps and strings all over the memory,
 * each of which the processor would wait for. Places of one hash share a slot, and their patterns tell them apart.
 */
export function createCandidateIndex(placed: readonly PlacedCandidate[]): CandidateIndex {
  const byHash = new Map<number, Candidate[]>()
  let deepest = 0
  for (const { place, rule, pattern } of placed) {
    const hash = hashOf(place)
    const here = byHash.get(hash) ?? []
    byHash.set(hash, here)
    here.push({ rule, pattern })
    deepest = Math.max(deepest, place.segments.length)
  }
  const all = [...byHash.values()].flat()
  const isAnyHost = placed.some(({ place }) => place.host === undefined)
  const table = tableOf(byHash)
  const mask = table.length / SLOT - 1

  /** Adds what is at one place. */
  function collect(hash: number, found: Candidate[]): void {
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const count = table[at * SLOT + 2] ?? 0
      if (count === 0) return
      if (table[at * SLOT] !== hash) continue
      const start = table[at * SLOT + 1] ?? 0
      for (let nth = start; nth < start + count; nth++) {
        const candidate = all[nth]
        if (candidate !== undefined) insert(found, candidate)
      }
      return
    }
  }

  return {
    find(target) {
      const found: Candidate[] = []
      const host = hashed(target.host, START)
      const at = (path: number): void => {
        collect(joined(host, path), found)
        if (isAnyHost) collect(joined(ANY_HOST, path), found)
      }
      for (const path of target.readings) eachPrefix(path, deepest, at)
      return found
    },
  }
}

/** The lists are short and in order already, so each moves a few places at most: cheaper than a sort. */
function insert(found: Candidate[], candidate: Candidate): void {
  let at = found.length
  while (at > 0 && (found[at - 1]?.rule.order ?? 0) > candidate.rule.order) at--
  if (at === found.length) found.push(candidate)
  else found.splice(at, 0, candidate)
}

/** Hashes of the path's leading segments: of none, of one, and so on, `deepest` at most. */
function eachPrefix(path: string, deepest: number, at: (hash: number) => void): void {
  let hash = START
  at(hash)
  let depth = 0
  // Each path begins with a slash.
  for (let i = 1; depth < deepest; i++) {
    hash = step(hash, SLASH)
    for (; i < path.length && path.charCodeAt(i) !== SLASH; i++) hash = step(hash, path.charCodeAt(i))
    at(hash)
    depth++
    if (i < path.length) continue
    // `/admin/` is what an application may take `/admin` for.
    if (depth < deepest) at(step(hash, SLASH))
    return
  }
}

const SLASH = 0x2f

/** FNV-1a, a character at a time. */
const START = 0x811c9dc5 | 0

function step(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193)
}

function hashed(text: string, start: number): number {
  let hash = start
  for (let i = 0; i < text.length; i++) hash = step(hash, text.charCodeAt(i))
  return hash
}

const ANY_HOST = hashed('*', START)

/** Its low bits depend on all of both. */
function joined(host: number, path: number): number {
  const mixed = Math.imul(host ^ Math.imul(path, 0x9e3779b1), 0x85ebca6b)
  return mixed ^ (mixed >>> 15)
}

function hashOf({ host, segments }: Place): number {
  const path = segments.reduce((hash, segment) => hashed(segment, step(hash, SLASH)), START)
  return joined(host === undefined ? ANY_HOST : hashed(host, START), path)
}

/** At most half full, so that a slot is found in a step or two. */
function tableOf(byHash: ReadonlyMap<number, readonly Candidate[]>): Int32Array {
  const slots = 2 ** Math.ceil(Math.log2(Math.max(2 * byHash.size, 2)))
  const table = new Int32Array(slots * SLOT)
  let start = 0
  for (const [hash, { length }] of byHash) {
    let at = hash & (slots - 1)
    while (table[at * SLOT + 2] !== 0) at = (at + 1) & (slots - 1)
    table.set([hash, start, length], at * SLOT)
    start += length
  }
  return table
}
