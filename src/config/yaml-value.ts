import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type Document,
  type Pair,
  type ParsedNode,
  type Scalar,
} from 'yaml'
import { interpolate, type ReferenceSources } from './interpolate.ts'
import { isNode, keyText, type Path } from './locator.ts'
import { isTemplate } from './template.ts'

/** A scalar whose value came from outside. */
export interface FilledScalar {
  /** As it stands in the file: may be shown, the value may not. */
  readonly written: string
  readonly files: readonly string[]
}

export interface ReadFault {
  readonly node: ParsedNode | undefined
  readonly message: string
}

export interface ReadValue {
  readonly value: unknown
  readonly faults: readonly ReadFault[]
  readonly unread: readonly Path[]
  /** By {@link pathKey}. */
  readonly filled: ReadonlyMap<string, FilledScalar>
}

/** Nodes that may be reached through aliases: far more than anybody writes, far less than an alias bomb. */
const MAX_ALIASED_NODES = 10_000
const MAX_DEPTH = 64

export function pathKey(path: Path): string {
  return JSON.stringify(path.map(String))
}

/** The document as plain values: aliases resolved, references filled in, every fault collected. */
export function readValue(document: Document.Parsed, references: ReferenceSources): ReadValue {
  const reader = new ValueReader(references)
  const value = document.contents === null ? {} : reader.read(document.contents, [])
  return { value: value ?? {}, faults: reader.faults, unread: reader.unread, filled: reader.filled }
}

class ValueReader implements ReadValue {
  readonly value = undefined
  readonly faults: ReadFault[] = []
  readonly unread: Path[] = []
  readonly filled = new Map<string, FilledScalar>()
  readonly #references: ReferenceSources
  readonly #anchors = new Map<string, object>()
  /** Anchored nodes that are being read: an alias to one of them would never end. */
  readonly #open = new Set<object>()
  #aliased = 0
  #bomb = false
  #withinAlias = 0

  constructor(references: ReferenceSources) {
    this.#references = references
  }

  read(node: unknown, path: Path): unknown {
    if (isAlias(node)) return this.#alias(node, path)
    if (this.#withinAlias > 0) this.#aliased++
    if (isScalar(node)) return this.#anchored(node, () => this.#scalar(node, path))
    if (path.length > MAX_DEPTH) return this.#fault(node, path, 'this is nested too deeply')
    if (isMap(node)) return this.#anchored(node, () => this.#mapping(node.items, path))
    if (isSeq(node))
      return this.#anchored(node, () => node.items.map((item, index) => this.read(item, [...path, index])))
    return null
  }

  #anchored(node: { readonly anchor?: string }, read: () => unknown): unknown {
    if (node.anchor === undefined) return read()
    this.#anchors.set(node.anchor, node)
    this.#open.add(node)
    const value = read()
    this.#open.delete(node)
    return value
  }

  #alias(node: Alias, path: Path): unknown {
    const target = this.#anchors.get(node.source)
    if (target === undefined)
      return this.#fault(node, path, `there is no anchor &${node.source} above; add it or quote the text`)
    if (this.#open.has(target)) return this.#fault(node, path, `*${node.source} stands inside the value it refers to`)
    if (this.#aliased > MAX_ALIASED_NODES) return this.#refuseBomb(node, path)
    this.#withinAlias++
    const value = this.read(target, path)
    this.#withinAlias--
    return value
  }

  /** Once: everything after it is part of the same bomb. */
  #refuseBomb(node: Alias, path: Path): unknown {
    if (this.#bomb) return undefined
    this.#bomb = true
    return this.#fault(node, path.slice(0, 1), 'aliases multiply too much (alias bomb); write the values out')
  }

  #mapping(items: readonly Pair[], path: Path): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    for (const item of items) {
      const key = keyText(item) ?? ''
      const message = isScalar(item.key) ? keyFault(key, object) : 'a key must be a plain text'
      if (message === undefined) object[key] = this.read(item.value, [...path, key])
      else this.faults.push({ node: nodeOf(item.key), message })
    }
    return object
  }

  #scalar(node: Scalar, path: Path): unknown {
    const { value, source } = node
    if (typeof value === 'number' && /^[-+]?0[\d_]/.test(source ?? '')) {
      return this.#fault(node, path, 'a number that starts with 0 can be read in two ways; drop the 0, or quote it')
    }
    if (typeof value !== 'string' || !isTemplate(value)) return value
    const filled = interpolate(value, this.#references)
    this.filled.set(pathKey(path), { written: value, files: filled.files })
    for (const problem of filled.problems) this.#fault(node, path, problem)
    return filled.text
  }

  #fault(node: unknown, path: Path, message: string): unknown {
    this.faults.push({ node: nodeOf(node), message })
    this.unread.push(path)
    return undefined
  }
}

function nodeOf(value: unknown): ParsedNode | undefined {
  return isNode(value) ? value : undefined
}

/** Keys that would mean something else to another reader: refused wherever they stand. */
function keyFault(key: string, taken: Readonly<Record<string, unknown>>): string | undefined {
  if (key === '<<') return 'merge keys are not supported; write the keys out'
  if (key === '__proto__') return '__proto__ cannot be a key'
  if (key.includes('${')) return 'references are not filled in within keys; write the key out'
  return Object.hasOwn(taken, key) ? 'this key is there already; remove one of them' : undefined
}
