/** One type and value of a name: the type in lower case, the value without escapes. */
export interface NamePart {
  readonly type: string
  readonly value: string
}

/** One level of a name: more than one part where it is multi-valued (`cn=a+ou=b`). */
export type RelativeName = readonly NamePart[]

const MAX_LENGTH = 4_096
const TYPE = /^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)$/
const HEX_PAIR = /^[0-9A-Fa-f]{2}$/
const ESCAPABLE = new Set(' "#+,;<=>\\')

/**
 * The string form of a distinguished name, the entry itself first (RFC 4514 §3); `undefined` when it is none. The empty name is the
 * root, with no levels. Values in the form `#hex` stay as they are written.
 */
export function parseDn(text: string): readonly RelativeName[] | undefined {
  if (text.length > MAX_LENGTH) return undefined
  if (text === '') return []
  const names: RelativeName[] = []
  for (const level of splitAt(text, ',')) {
    const parts: NamePart[] = []
    for (const part of splitAt(level, '+')) {
      const read = parsePart(part)
      if (read === undefined) return undefined
      parts.push(read)
    }
    names.push(parts)
  }
  return names
}

/** Whether the entry lies below the base, at any depth. False for a name that cannot be read: nobody gains by it. */
export function isBelow(dn: string, base: string): boolean {
  const names = parseDn(dn)
  const above = parseDn(base)
  if (names === undefined || above === undefined || names.length <= above.length) return false
  return keyOf(names.slice(-above.length)) === keyOf(above) || above.length === 0
}

/** One text for all spellings of a name that differ in case, spaces or escapes only. */
export function dnKey(dn: string): string {
  const names = parseDn(dn)
  return names === undefined ? dn : keyOf(names)
}

function keyOf(names: readonly RelativeName[]): string {
  const levels = names.map((parts) =>
    parts
      .map(({ type, value }) => [type, value.trim().replace(/ +/g, ' ').normalize('NFKC').toLowerCase()])
      .sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  )
  return JSON.stringify(levels)
}

/** Splits where the separator stands unescaped. */
function splitAt(text: string, separator: string): string[] {
  const pieces: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === separator) {
      pieces.push(text.slice(start, i))
      start = i + 1
    }
  }
  return [...pieces, text.slice(start)]
}

function parsePart(part: string): NamePart | undefined {
  const equals = part.indexOf('=')
  const type = part.slice(0, equals).trim()
  if (equals < 1 || !TYPE.test(type)) return undefined
  const value = unescape(trimUnescaped(part.slice(equals + 1)))
  return value === undefined ? undefined : { type: type.toLowerCase(), value }
}

/** Without the spaces that only stand around the value. */
function trimUnescaped(text: string): string {
  const begun = text.trimStart()
  const ended = begun.trimEnd()
  return ended.endsWith('\\') && ended.length < begun.length ? `${ended} ` : ended
}

function unescape(text: string): string | undefined {
  if (text.startsWith('#')) return /^#(?:[0-9A-Fa-f]{2})+$/.test(text) ? text : undefined
  const bytes: Buffer[] = []
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i)
    if (char !== '\\') {
      if ('"+,;<>\0'.includes(char)) return undefined
      bytes.push(Buffer.from(char, 'utf16le'))
      continue
    }
    const next = text.charAt(++i)
    const pair = text.slice(i, i + 2)
    if (HEX_PAIR.test(pair)) {
      const run = hexRun(text, i - 1)
      bytes.push(Buffer.from(run.text, 'utf16le'))
      i = run.end - 1
    } else if (ESCAPABLE.has(next)) bytes.push(Buffer.from(next, 'utf16le'))
    else return undefined
  }
  return Buffer.concat(bytes).toString('utf16le')
}

/** Consecutive `\xx` are the bytes of UTF-8 text. */
function hexRun(text: string, start: number): { readonly text: string; readonly end: number } {
  const bytes: number[] = []
  let end = start
  while (text[end] === '\\' && HEX_PAIR.test(text.slice(end + 1, end + 3))) {
    bytes.push(Number.parseInt(text.slice(end + 1, end + 3), 16))
    end += 3
  }
  return { text: Buffer.from(bytes).toString('utf8'), end }
}
