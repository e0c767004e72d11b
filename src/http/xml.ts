import { createRequire } from 'node:module'
import type { SaxesAttributeNS, SaxesTagNS } from 'saxes'
import type * as saxes from 'saxes'

/** An element of a document that was read whole. */
export interface XmlElement {
  /** Without a prefix. */
  readonly name: string
  /** Empty where it is in none. */
  readonly namespace: string
  /** By name; of another namespace by `{namespace}name`. Declarations of namespaces are none of them. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** All text directly in it, CDATA sections included. */
  readonly text: string
  /** A comment stands in it: its text is in pieces, and others may read the first alone (comment truncation). */
  readonly interrupted: boolean
  /** Where its tag begins, in UTF-16 code units of the text. */
  readonly offset: number
}

export type XmlReading =
  | { readonly kind: 'document'; readonly root: XmlElement }
  /** What is wrong, for whoever sent it, and how far the text was read. */
  | { readonly kind: 'refused'; readonly message: string; readonly offset: number }

/** What a document may have in it at most. */
export interface XmlLimits {
  readonly depth: number
  readonly elements: number
  /** Of one element. */
  readonly attributes: number
  /** Characters. */
  readonly length: number
}

/** Nothing that people exchange comes near these. */
const MOST: XmlLimits = { depth: 24, elements: 2_000, attributes: 32, length: 65_536 }

const XMLNS = 'http://www.w3.org/2000/xmlns/'

/** What is wrong, thrown out of the parser: what follows is not looked at. */
class Refusal extends Error {}

/**
 * The one way in for XML from outside. Well-formed XML 1.0 with namespaces in at most 64 KiB, or refused: document types, and with
 * them entities of any kind (XXE, entity bombs), processing instructions, other encodings than UTF-8, and what is deeper or has
 * more in it than messages have (`most`). Time grows with the length alone. The parser is loaded when something is first read.
 */
export function readXml(text: string, most = MOST): XmlReading {
  if (text.length > most.length) return { kind: 'refused', message: `more than ${most.length} characters`, offset: 0 }
  const { SaxesParser } = createRequire(import.meta.url)('saxes') as typeof saxes
  const parser = new SaxesParser({ xmlns: true })
  const tree = createTree(most, () => text.lastIndexOf('<', parser.position))
  parser.on('error', ({ message }) => refuse(message))
  parser.on('doctype', () => refuse('a document type: documents here have none, and no entities'))
  parser.on('processinginstruction', () => refuse('a processing instruction'))
  parser.on('xmldecl', ({ version, encoding = 'utf-8' }) => {
    if (version !== '1.0') refuse('this is not XML 1.0')
    if (encoding.toLowerCase() !== 'utf-8') refuse('the encoding has to be UTF-8')
  })
  parser.on('opentagstart', () => tree.begin())
  parser.on('attribute', () => tree.count())
  parser.on('opentag', (tag) => tree.open(tag))
  parser.on('text', (part) => tree.add(part))
  parser.on('cdata', (part) => tree.add(part))
  parser.on('comment', () => tree.interrupt())
  parser.on('closetag', () => tree.close())
  try {
    parser.write(text).close()
  } catch (caught) {
    if (caught instanceof Refusal) return { kind: 'refused', message: caught.message, offset: parser.position }
    throw caught
  }
  return { kind: 'document', root: tree.root() }
}

function refuse(message: string): never {
  throw new Refusal(message)
}

interface Building extends XmlElement {
  readonly children: XmlElement[]
  text: string
  interrupted: boolean
}

interface Tree {
  /** Before its attributes are read. */
  begin(): void
  /** One more attribute. */
  count(): void
  open(tag: SaxesTagNS): void
  add(text: string): void
  interrupt(): void
  close(): void
  root(): XmlElement
}

function createTree(most: XmlLimits, begunAt: () => number): Tree {
  const path: Building[] = []
  let root: XmlElement | undefined
  let elements = 0
  let attributes = 0
  let offset = 0
  return {
    begin() {
      attributes = 0
      offset = begunAt()
      elements += 1
      if (elements > most.elements) refuse(`more than ${most.elements} elements`)
      if (path.length >= most.depth) refuse(`elements in more than ${most.depth} others`)
    },
    count() {
      attributes += 1
      if (attributes > most.attributes) refuse(`more than ${most.attributes} attributes of one element`)
    },
    open({ local: name, uri: namespace, attributes: given }) {
      const read = { name, namespace, attributes: byName(given), offset }
      const element = { ...read, children: [], text: '', interrupted: false }
      path.at(-1)?.children.push(element)
      root ??= element
      path.push(element)
    },
    add(text) {
      const element = path.at(-1)
      if (element !== undefined) element.text += text
    },
    interrupt() {
      const element = path.at(-1)
      if (element !== undefined) element.interrupted = true
    },
    close: () => void path.pop(),
    root: () => root ?? refuse('no element at all'),
  }
}

function byName(given: Readonly<Record<string, SaxesAttributeNS>>): ReadonlyMap<string, string> {
  const attributes = Object.values(given).filter(({ uri }) => uri !== XMLNS)
  return new Map(attributes.map(({ local, uri, value }) => [uri === '' ? local : `{${uri}}${local}`, value]))
}
