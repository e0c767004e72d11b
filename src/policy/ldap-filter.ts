import { foldCase } from './spelling.ts'

/** Attributes as a filter sees them. */
export type ValuesOf = (attribute: string) => readonly string[]

export type LdapFilter = (valuesOf: ValuesOf) => boolean

export type ParsedFilter =
  | { readonly kind: 'filter'; readonly filter: LdapFilter }
  /** What is wrong and what to do. */
  | { readonly kind: 'problem'; readonly message: string }

const LONGEST = 2_048
const DEEPEST = 16

/**
 * Compiles a search filter (RFC 4515) to a test of what is known about a user: and, or, not, `=`, `>=`, `<=`, `~=`, presence and
 * substrings. Values are compared without regard to case, as directories do; `~=` is `=`. No directory is asked.
 */
export function parseLdapFilter(text: string): ParsedFilter {
  if (text.length > LONGEST) return problem(`the filter is longer than ${LONGEST} characters`)
  const reader = { text, at: 0 }
  try {
    const filter = readFilter(reader, 0)
    return reader.at === text.length
      ? { kind: 'filter', filter }
      : problem(`what comes after character ${reader.at} is too much`)
  } catch (error) {
    if (error instanceof FilterProblem) return problem(error.message)
    throw error
  }
}

class FilterProblem extends Error {}

interface Reader {
  readonly text: string
  at: number
}

function problem(message: string): ParsedFilter {
  return { kind: 'problem', message: `${message}; write a filter such as (&(dept=sales)(!(title=intern)))` }
}

function expect(reader: Reader, character: string): void {
  if (reader.text.charAt(reader.at) !== character)
    throw new FilterProblem(`there should be ${character} at character ${reader.at + 1}`)
  reader.at++
}

function readFilter(reader: Reader, depth: number): LdapFilter {
  if (depth > DEEPEST) throw new FilterProblem(`the filter is nested more than ${DEEPEST} deep`)
  expect(reader, '(')
  const filter = readInner(reader, depth)
  expect(reader, ')')
  return filter
}

function readInner(reader: Reader, depth: number): LdapFilter {
  const sign = reader.text.charAt(reader.at)
  if (sign === '!') {
    reader.at++
    const inner = readFilter(reader, depth + 1)
    return (valuesOf) => !inner(valuesOf)
  }
  if (sign !== '&' && sign !== '|') return readItem(reader)
  reader.at++
  const members: LdapFilter[] = []
  while (reader.text.charAt(reader.at) === '(') members.push(readFilter(reader, depth + 1))
  // RFC 4526 lets an empty one be true or false; nobody who writes one in a policy means that.
  if (members.length === 0) throw new FilterProblem(`${sign} has no members`)
  return sign === '&'
    ? (valuesOf) => members.every((member) => member(valuesOf))
    : (valuesOf) => members.some((member) => member(valuesOf))
}

const ITEM = /([A-Za-z][A-Za-z0-9.;_-]{0,63})(~=|>=|<=|=)([^()\0]*)/y

function readItem(reader: Reader): LdapFilter {
  ITEM.lastIndex = reader.at
  const [whole, attribute = '', sign = '', value = ''] = ITEM.exec(reader.text) ?? []
  if (whole === undefined) throw new FilterProblem(`there is no comparison at character ${reader.at + 1}`)
  reader.at += whole.length
  const holds = compareWith(sign, value)
  return (valuesOf) => valuesOf(attribute).some(holds)
}

function compareWith(sign: string, written: string): (value: string) => boolean {
  const pieces = written.split('*').map(unescaped)
  if (sign === '>=' || sign === '<=') return ordered(sign, whole(pieces))
  if (sign === '~=') return equal(whole(pieces))
  const [head = '', ...rest] = pieces
  const tail = rest.pop()
  if (tail === undefined) return equal(head)
  return substrings(head, rest, tail)
}

function whole(pieces: readonly string[]): string {
  if (pieces.length > 1)
    throw new FilterProblem('a * stands for a part of a value after = alone; write \\2a for the character')
  return pieces[0] ?? ''
}

function equal(wanted: string): (value: string) => boolean {
  return (value) => fold(value) === wanted
}

/** Numbers by their size, all else by its characters. */
function ordered(sign: string, limit: string): (value: string) => boolean {
  const size = integerOf(limit)
  const holds = (difference: number): boolean => (sign === '>=' ? difference >= 0 : difference <= 0)
  return (value) => {
    const own = integerOf(value)
    if (size !== undefined && own !== undefined) return holds(own - size)
    const folded = fold(value)
    return holds(folded === limit ? 0 : folded < limit ? -1 : 1)
  }
}

function integerOf(text: string): number | undefined {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** Forwards only, and each piece at its first place: linear in the value. */
function substrings(head: string, middle: readonly string[], tail: string): (value: string) => boolean {
  return (value) => {
    const text = fold(value)
    if (!text.startsWith(head)) return false
    let at = head.length
    for (const piece of middle) {
      const found = text.indexOf(piece, at)
      if (found === -1) return false
      at = found + piece.length
    }
    return text.length - tail.length >= at && text.endsWith(tail)
  }
}

/** Values are compared as people write them; beyond ASCII their case is theirs. */
function fold(value: string): string {
  return foldCase(value)
}

const ESCAPE = /\\([0-9a-fA-F]{2})/g

/** `\28` for a bracket (RFC 4515 §3): bytes of UTF-8. */
function unescaped(text: string): string {
  if (text.replaceAll(ESCAPE, '').includes('\\'))
    throw new FilterProblem('a \\ starts the two digits of a byte, such as \\28')
  if (!text.includes('\\')) return fold(text)
  const parts: Buffer[] = []
  let from = 0
  for (const { 0: escape, 1: digits = '', index } of text.matchAll(ESCAPE)) {
    parts.push(Buffer.from(text.slice(from, index)), Buffer.from(digits, 'hex'))
    from = index + escape.length
  }
  parts.push(Buffer.from(text.slice(from)))
  return fold(Buffer.concat(parts).toString('utf8'))
}
