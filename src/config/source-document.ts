import { LineCounter, parseDocument, type Document, type ParsedNode, type YAMLError } from 'yaml'
import type { ReferenceSources } from './interpolate.ts'
import { createLocator, type Locator, type Path } from './locator.ts'
import { FILE_START, problemAt, type Position } from './problems.ts'
import type { ConfigProblem } from './snapshot.ts'
import { pathKey, readValue, type FilledScalar } from './yaml-value.ts'

/** One YAML file as plain values, with the way back from each value to its place in the text. */
export interface SourceDocument extends Locator {
  /** Relative to the configuration root. */
  readonly file: string
  /** `undefined` when the syntax is broken. */
  readonly value: unknown
  readonly problems: readonly ConfigProblem[]
  /** Values that could not be read; what a schema says about them is noise. */
  readonly unread: readonly Path[]
  /** The scalar at the path as it was written, when references were filled in. */
  filled(path: Path): FilledScalar | undefined
}

/** A YAML text parsed but not yet read: the files it names are still to be fetched. */
export interface ParsedSource {
  readonly file: string
  readonly document: Document.Parsed
  readonly lines: LineCounter
  readonly problems: readonly ConfigProblem[]
}

/** Broken syntax stops here; these can be reported together with everything else. */
const HARMLESS = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED'])

/**
 * Parses YAML 1.2 (core schema: `no` is a text, `<<` merges nothing) with all syntax errors. What a reader could take for
 * something else, such as unknown tags, a second document or a `%YAML` directive, is an error.
 */
export function parseSource(file: string, bytes: Uint8Array): ParsedSource {
  const lines = new LineCounter()
  const text = new TextDecoder('utf-8').decode(bytes)
  const options = { version: '1.2', schema: 'core', merge: false, resolveKnownTags: false } as const
  const document = parseDocument(text, { ...options, lineCounter: lines, prettyErrors: false })
  const at = (offset: number): Position => positionAt(lines, offset)
  const problems = [...document.errors, ...document.warnings].map((error) => syntaxProblem(file, error, at))
  const damaged = text.indexOf('\uFFFD')
  if (damaged >= 0) problems.push(problemAt(file, at(damaged), 'this is not UTF-8; save the file as UTF-8'))
  if (document.directives.yaml.explicit === true) {
    problems.push(problemAt(file, FILE_START, 'remove the %YAML directive; files are YAML 1.2'))
  }
  return { file, document, lines, problems }
}

export function isBroken(source: ParsedSource): boolean {
  return source.document.errors.some((error) => !HARMLESS.has(error.code))
}

/** Reads the values of a parsed text, references filled in. */
export function readSource(source: ParsedSource, references: ReferenceSources): SourceDocument {
  const { file, document, lines } = source
  const at = (node: ParsedNode | undefined): Position =>
    node === undefined ? FILE_START : positionAt(lines, node.range[0])
  const locator = createLocator(document, at)
  if (isBroken(source)) return { ...locator, ...source, value: undefined, unread: [], filled: () => undefined }
  const read = readValue(document, references)
  return {
    ...locator,
    file,
    value: read.value,
    problems: [...source.problems, ...read.faults.map(({ node, message }) => problemAt(file, at(node), message))],
    unread: read.unread,
    filled: (path) => read.filled.get(pathKey(path)),
  }
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return line === 0 ? FILE_START : { line, column: col }
}

const PLAIN_WORDS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key is there already; remove one of them',
  TAB_AS_INDENT: 'a tab indents this line; use spaces',
  MULTIPLE_DOCS: 'a second YAML document starts here; a file holds one',
  TAG_RESOLVE_FAILED: 'this tag is not supported; remove it',
}

/** The parser's own words may quote the text, so only their first line is kept. */
function syntaxProblem(file: string, error: YAMLError, at: (offset: number) => Position): ConfigProblem {
  const [offset] = error.pos
  const words = PLAIN_WORDS[error.code] ?? `not valid YAML: ${error.message.split('\n')[0] ?? error.code}`
  return problemAt(file, at(offset), words)
}
