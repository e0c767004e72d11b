import { isAlias, isMap, isScalar, isSeq, type Document, type Pair, type ParsedNode } from 'yaml'
import type { Position } from './problems.ts'

/** Keys and indexes from the top of a document down to a value. */
export type Path = readonly PropertyKey[]

export interface Locator {
  /** Where the value stands; what is not there is where it should be: at the nearest key above it. */
  locate(path: Path): Position
  /** Where the key of the value stands. */
  locateKey(path: Path): Position
}

type Node = ParsedNode | undefined

export function createLocator(document: Document.Parsed, at: (node: Node) => Position): Locator {
  const find = (path: Path, wanted: 'key' | 'value'): Node => {
    let node: Node = document.contents ?? undefined
    let shown: Node = undefined
    for (const [index, step] of path.entries()) {
      const next = child(resolve(document, node), step)
      if (next === undefined) return shown ?? firstOf(document)
      const last = index === path.length - 1
      shown = last && wanted === 'value' && !isImplied(next.value) ? next.value : (next.key ?? next.value)
      node = next.value
    }
    return shown ?? firstOf(document)
  }
  return {
    locate: (path) => at(find(path, 'value')),
    locateKey: (path) => at(find(path, 'key')),
  }
}

function firstOf(document: Document.Parsed): Node {
  const top = document.contents
  const first: unknown = isMap(top) ? top.items[0]?.key : undefined
  return isNode(first) ? first : (top ?? undefined)
}

function resolve(document: Document.Parsed, node: Node): Node {
  if (!isAlias(node)) return node
  const target: unknown = node.resolve(document)
  return isNode(target) ? target : undefined
}

function child(node: Node, step: PropertyKey): { readonly key: Node; readonly value: Node } | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step]
    return isNode(item) ? { key: undefined, value: item } : undefined
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find((item) => keyText(item) === String(step))
  if (pair === undefined) return undefined
  return { key: isNode(pair.key) ? pair.key : undefined, value: isNode(pair.value) ? pair.value : undefined }
}

/** A mapping key as text, spelled as in the file; `undefined` for a key that is no scalar. */
export function keyText(pair: Pair): string | undefined {
  const { key } = pair
  if (!isScalar(key)) return undefined
  return typeof key.value === 'string' ? key.value : (key.source ?? '')
}

/** A value that is not written down: `key:` with nothing after it. */
function isImplied(node: Node): boolean {
  return node === undefined || (isScalar(node) && node.value === null && node.source === '')
}

/** Whether it is a node that the parser made, with its place in the text. */
export function isNode(value: unknown): value is ParsedNode {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value)
}
