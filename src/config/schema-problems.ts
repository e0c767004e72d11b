import type { z } from 'zod'
import type { Path } from './locator.ts'
import { problemAt } from './problems.ts'
import { jsonSchemaOf, memberOf, schemasAt, type JsonSchema } from './reference/json-schema.ts'
import type { ConfigProblem } from './snapshot.ts'
import type { SourceDocument } from './source-document.ts'
import { didYouMean, nearest } from './suggest.ts'

/** A file that met its schema, with the way back to the text. */
export interface Parsed<T> {
  readonly value: T
  readonly source: SourceDocument
}

export type SchemaOutcome<T> =
  | { readonly kind: 'parsed'; readonly parsed: Parsed<T> }
  | { readonly kind: 'refused'; readonly problems: readonly ConfigProblem[] }

type Issue = z.core.$ZodIssue

/** Parses a file's values with its owner's schema; every issue becomes a problem at its place. */
export function parseWith<S extends z.ZodType>(schema: S, source: SourceDocument): SchemaOutcome<z.output<S>> {
  let result = schema.safeParse(source.value)
  if (!result.success) {
    const converted = convertFilled(source, result.error.issues)
    if (converted !== undefined) result = schema.safeParse(converted)
  }
  if (result.success) return { kind: 'parsed', parsed: { value: result.data, source } }
  const issues = result.error.issues.filter((issue) => !isEcho(issue, source.unread))
  if (issues.length === 0) return { kind: 'refused', problems: [] }
  const json = jsonSchemaOf(schema)
  return { kind: 'refused', problems: issues.flatMap((issue) => describe(issue, { source, json })) }
}

/** What a schema says about a value that could not even be read. */
function isEcho(issue: Issue, unread: readonly Path[]): boolean {
  const within = (inner: Path, outer: Path): boolean => outer.every((step, index) => inner[index] === step)
  return unread.some((path) => within(issue.path, path) || (issue.code === 'invalid_union' && within(path, issue.path)))
}

const NUMBER = /^-?(0|[1-9]\d{0,14})$/

/** Numbers and switches that came through `${env:…}` are texts; where the schema wants the other, they become it. */
function convertFilled(source: SourceDocument, issues: readonly Issue[]): unknown {
  const value: unknown = structuredClone(source.value)
  let changed = false
  for (const { path, ...issue } of issues) {
    const parent = path.slice(0, -1).reduce(memberOf, value)
    const text = memberOf(parent, path.at(-1) ?? '')
    if (issue.code !== 'invalid_type' || typeof text !== 'string' || source.filled(path) === undefined) continue
    const other = issue.expected === 'boolean' ? toSwitch(text) : NUMBER.test(text) ? Number(text) : undefined
    if (other === undefined) continue
    Object.assign(parent as object, { [path.at(-1) ?? '']: other })
    changed = true
  }
  return changed ? value : undefined
}

function toSwitch(text: string): boolean | undefined {
  return text === 'true' || text === 'false' ? text === 'true' : undefined
}

interface Context {
  readonly source: SourceDocument
  readonly json: JsonSchema
}

function describe(issue: Issue, context: Context): ConfigProblem[] {
  const { source } = context
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(issue.path, key, context))
  const position = issue.code === 'invalid_key' ? source.locateKey(issue.path) : source.locate(issue.path)
  return [problemAt(source.file, position, `${shownPath(issue.path)}: ${words(issue, context)}`)]
}

function unknownKey(path: Path, key: string, { source, json }: Context): ConfigProblem {
  const known = schemasAt(json, path, source.value).flatMap((node) => Object.keys(node.properties ?? {}))
  const place = path.length === 0 ? '' : ` in ${shownPath(path)}`
  // Of several forms that what is written may have, it was taken for another than this key is of.
  const hint = known.includes(key)
    ? ' as it is: the key goes with another `type`'
    : didYouMean(key, [...new Set(known)])
  const message = `unknown key "${key}"${place}${hint}`
  return problemAt(source.file, source.locateKey([...path, key]), message)
}

/** What is wrong and what to do. Never the value itself, which may have come from a secret. */
function words(issue: Issue, context: Context): string {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue, context)
    case 'invalid_value':
      return oneOf(issue.values, issue.path, context)
    case 'invalid_union':
      return issue.discriminator === undefined ? issue.message : variant(issue, context)
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message
    case 'too_small':
      return `${subject(issue.origin)} at least ${issue.minimum}${unit(issue.origin, issue.minimum)}`
    case 'too_big':
      return `${subject(issue.origin)} at most ${issue.maximum}${unit(issue.origin, issue.maximum)}`
    default:
      return issue.message
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys',
  record: 'a mapping of keys',
}

function wrongType(issue: Issue & { code: 'invalid_type' }, { source, json }: Context): string {
  const expected = TYPE_NAMES[issue.expected] ?? issue.expected
  const value: unknown = issue.path.reduce<unknown>(memberOf, source.value)
  if (value === undefined) {
    const hint = schemasAt(json, issue.path, source.value)[0]?.description
    return `this is required; write ${expected}${hint === undefined ? '' : ` (${hint.replace(/\.$/, '')})`}`
  }
  if (issue.expected === 'string' && typeof value !== 'object') return 'expected a text; put it in quotes'
  if (issue.expected === 'number' && source.filled(issue.path) !== undefined) {
    return `expected a number, but the value of ${source.filled(issue.path)?.written ?? ''} is none`
  }
  return `expected ${expected}, found ${kindOf(value)}`
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return TYPE_NAMES[typeof value] ?? 'something else'
}

function oneOf(values: readonly unknown[], path: Path, { source }: Context): string {
  const value: unknown = path.reduce<unknown>(memberOf, source.value)
  // What may be left out is no word to write.
  const allowed = values.filter((each) => each !== undefined).map(String)
  const likely = source.filled(path) === undefined && typeof value === 'string' ? nearest(value, allowed) : undefined
  const choice = allowed.length === 1 ? `write ${allowed.join()}` : `write one of ${allowed.join(', ')}`
  return likely === undefined ? choice : `${choice}; did you mean ${likely}?`
}

function variant(issue: Issue & { code: 'invalid_union' }, context: Context): string {
  const options: unknown = 'options' in issue ? issue.options : undefined
  return Array.isArray(options) ? oneOf(options, issue.path, context) : issue.message
}

function subject(origin: string): string {
  return ['array', 'set', 'string', 'map'].includes(origin) ? 'write' : 'the number must be'
}

function unit(origin: string, count: number | bigint): string {
  if (origin === 'string') return count === 1 ? ' character' : ' characters'
  const isList = origin === 'array' || origin === 'set' || origin === 'map'
  return isList ? (count === 1 ? ' entry' : ' entries') : ''
}

/** `upstream.servers[0]`, as people write it. */
export function shownPath(path: Path): string {
  if (path.length === 0) return 'the file'
  return path.map((step, index) => shownStep(step, index)).join('')
}

function shownStep(step: PropertyKey, index: number): string {
  if (typeof step === 'number') return `[${step}]`
  return index === 0 ? String(step) : `.${String(step)}`
}
