import type { Condition } from './condition.ts'
import type { ResourcePattern, Target } from './pattern.ts'
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

/** The policies of one set that may apply to a target; each candidate's pattern still has to be asked. */
export interface CandidateIndex {
  add(candidate: Candidate): void
  /** In the order of the configuration; a rule may come more than once, then in a row. */
  find(target: Target): readonly Candidate[]
}

interface Node {
  readonly here: Candidate[]
  children: Map<string, Node> | undefined
}

const NONE: readonly Candidate[] = []

/**
 * Hosts in a map (those with a wildcard apart), below each host a tree of path segments as far as a pattern is literal. A
 * look-up takes time in the depth of the tree, not in the number of policies.
 */
export function createCandidateIndex(): CandidateIndex {
  const byHost = new Map<string, Node>()
  const anyHost = newNode()
  return {
    add(candidate) {
      let node = rootFor(byHost, anyHost, candidate.pattern.host)
      for (const segment of candidate.pattern.segments) node = childOf(node, segment)
      node.here.push(candidate)
    },
    find(target) {
      const found: (readonly Candidate[])[] = []
      const host = byHost.get(target.host)
      for (const path of target.readings) {
        if (host !== undefined) collect(host, path, found)
        collect(anyHost, path, found)
      }
      return found.length < 2 ? (found[0] ?? NONE) : merged(found)
    },
  }
}

/** The lists are short and in order already, so each candidate moves a few places at most: cheaper than a sort. */
function merged(lists: readonly (readonly Candidate[])[]): readonly Candidate[] {
  const all: Candidate[] = []
  for (const list of lists) {
    for (const candidate of list) {
      let at = all.length
      for (; at > 0 && (all[at - 1]?.rule.order ?? 0) > candidate.rule.order; at--) all[at] = all[at - 1] ?? candidate
      all[at] = candidate
    }
  }
  return all
}

function newNode(): Node {
  return { here: [], children: undefined }
}

function rootFor(byHost: Map<string, Node>, anyHost: Node, host: string | undefined): Node {
  if (host === undefined) return anyHost
  const known = byHost.get(host)
  if (known !== undefined) return known
  const root = newNode()
  byHost.set(host, root)
  return root
}

function childOf(node: Node, segment: string): Node {
  node.children ??= new Map()
  const known = node.children.get(segment)
  if (known !== undefined) return known
  const child = newNode()
  node.children.set(segment, child)
  return child
}

function collect(root: Node, path: string, found: (readonly Candidate[])[]): void {
  let node: Node | undefined = root
  let from = 1
  while (node !== undefined) {
    if (node.here.length > 0) found.push(node.here)
    if (node.children === undefined) return
    if (from > path.length) {
      // `/admin/` is what an application may take `/admin` for.
      const slashed = node.children.get('')
      if (slashed !== undefined && slashed.here.length > 0) found.push(slashed.here)
      return
    }
    const slash = path.indexOf('/', from)
    const end = slash === -1 ? path.length : slash
    node = node.children.get(path.slice(from, end))
    from = end + 1
  }
}
