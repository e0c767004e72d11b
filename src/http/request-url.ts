/*
 * One reading of a request target, decided on and forwarded alike. Whatever two servers could read differently (encoded
 * separators, dot segments, backslashes, path parameters on dot segments, double encoding, overlong UTF-8) is refused, because a
 * gateway that judges one reading while the application serves another has been the commonest bypass of such products.
 */

/** Why a target was refused; for the log, never echoed. */
export type TargetFault =
  | 'not-origin-form'
  | 'raw-character'
  | 'fragment'
  | 'backslash'
  | 'empty-segment'
  | 'dot-segment'
  | 'path-parameter'
  | 'bad-escape'
  | 'encoded-separator'
  | 'encoded-dot'
  | 'encoded-control'
  | 'double-encoding'
  | 'bad-utf8'
  | 'look-alike'
  | 'too-long'

export interface Target {
  /** Canonical path: unreserved characters plain, other percent-encoding kept with capital digits (RFC 3986 §6.2.2). */
  readonly path: string
  /** As received, without `?`; `undefined` when there is none. */
  readonly query: string | undefined
  /** `path` and `query` joined: the bytes to forward. */
  readonly target: string
  /** Other paths an application may read this one as; only below a prefix that opted in. All of them must be allowed. */
  readonly alternatives: readonly string[]
}

/** Opt-in for paths below `prefix` (which ends with `/`). */
export interface EncodedPathRule {
  readonly prefix: string
  readonly allow: readonly ('encoded-slash' | 'empty-segment')[]
}

const NO_RULES: readonly EncodedPathRule[] = []
const NO_ALTERNATIVES: readonly string[] = []
const MAX_TARGET = 16_384

const SLASH = 0x2f
const DOT = 0x2e
const PERCENT = 0x25
const SEMICOLON = 0x3b
const QUESTION = 0x3f

/** What one character of a raw target calls for; 0: nothing. */
const REFUSED = 1
const SPECIAL = 2
const CLASS = classify()

function classify(): Uint8Array {
  const table = new Uint8Array(128)
  for (let code = 0; code < 128; code++) if (code <= 0x20 || code === 0x7f) table[code] = REFUSED
  for (const char of '%;.\\#?') table[char.charCodeAt(0)] = SPECIAL
  return table
}

/**
 * Reads a request target (RFC 9112 §3.2) in origin form; any other form, and any target that could be read in two ways, is
 * refused with the reason. Plain ASCII paths cost one scan.
 */
export function parseTarget(raw: string, rules: readonly EncodedPathRule[] = NO_RULES): Target | TargetFault {
  if (raw.charCodeAt(0) !== SLASH) return 'not-origin-form'
  if (raw.length > MAX_TARGET) return 'too-long'
  // `//host/path` is an authority to every URL parser (undici CVE-2022-35949): no opt-in changes that.
  if (raw.charCodeAt(1) === SLASH) return 'empty-segment'
  let end = raw.length
  let special = false
  for (let i = 1, before = SLASH; i < raw.length; i++) {
    const code = raw.charCodeAt(i)
    const kind = code < 128 ? CLASS[code] : REFUSED
    if (kind === REFUSED) return 'raw-character'
    if (code === QUESTION) {
      end = i
      break
    }
    if (code === SLASH ? before === SLASH : kind === SPECIAL && (code !== DOT || endsSegment(raw, i + 1)))
      special = true
    before = code
  }
  const fault = end < raw.length ? queryFault(raw, end + 1) : undefined
  if (fault !== undefined) return fault
  const query = end < raw.length ? raw.slice(end + 1) : undefined
  const path = query === undefined ? raw : raw.slice(0, end)
  if (!special) return { path, query, target: raw, alternatives: NO_ALTERNATIVES }
  return parseSpecial(path, query, rules)
}

/** Only a dot before the end of a segment, or before its parameters, makes it more than a letter. */
function endsSegment(raw: string, at: number): boolean {
  const next = raw.charCodeAt(at)
  return Number.isNaN(next) || next === SLASH || next === QUESTION || next === SEMICOLON
}

/** In a query only what ends it early or breaks the request line is refused: its meaning is the application's own. */
function queryFault(raw: string, start: number): TargetFault | undefined {
  for (let i = start; i < raw.length; i++) {
    const code = raw.charCodeAt(i)
    if (code === 0x23) return 'fragment'
    if (code >= 128 || CLASS[code] === REFUSED) return 'raw-character'
  }
  return undefined
}

function parseSpecial(
  rawPath: string,
  query: string | undefined,
  rules: readonly EncodedPathRule[],
): Target | TargetFault {
  const rule = rules.length === 0 ? undefined : rules.find(({ prefix }) => rawPath.startsWith(prefix))
  const slashes = rule?.allow.includes('encoded-slash') === true
  const empties = rule?.allow.includes('empty-segment') === true
  const path = canonicalEscapes(rawPath, slashes)
  if (path === undefined) return escapeFault(rawPath, slashes)
  const fault = segmentsFault(path, empties) ?? (path.includes('%') ? decodedFault(path) : undefined)
  if (fault !== undefined) return fault
  const alternatives = slashes || empties ? readings(path, slashes, empties) : NO_ALTERNATIVES
  if (typeof alternatives === 'string') return alternatives
  return { path, query, target: query === undefined ? path : `${path}?${query}`, alternatives }
}

/** Unreserved characters decoded, hexadecimal digits in capitals; `undefined` when an escape is not acceptable. */
function canonicalEscapes(path: string, slashes: boolean): string | undefined {
  let at = path.indexOf('%')
  if (at === -1) return path
  let out = ''
  let done = 0
  for (; at !== -1; at = path.indexOf('%', done)) {
    const byte = hexByte(path, at + 1)
    if (byte === undefined || escapeRefused(byte, slashes)) return undefined
    out += path.slice(done, at)
    out += isUnreserved(byte) ? String.fromCharCode(byte) : path.slice(at, at + 3).toUpperCase()
    done = at + 3
  }
  return out + path.slice(done)
}

function escapeRefused(byte: number, slashes: boolean): TargetFault | undefined {
  if (byte < 0x20 || byte === 0x7f) return 'encoded-control'
  if (byte === DOT) return 'encoded-dot'
  if (byte === PERCENT) return 'double-encoding'
  if (byte === SLASH) return slashes ? undefined : 'encoded-separator'
  // `\` is a slash to some servers; `;`, `?` and `#` end a segment, a path or a URL once decoded.
  return byte === 0x5c || byte === SEMICOLON || byte === QUESTION || byte === 0x23 ? 'encoded-separator' : undefined
}

function escapeFault(path: string, slashes: boolean): TargetFault {
  for (let at = path.indexOf('%'); at !== -1; at = path.indexOf('%', at + 3)) {
    const byte = hexByte(path, at + 1)
    if (byte === undefined) return 'bad-escape'
    const fault = escapeRefused(byte, slashes)
    if (fault !== undefined) return fault
  }
  return 'bad-escape'
}

/** Backslashes, fragments, empty and dot segments, and segments that some servers cut down to those. */
function segmentsFault(path: string, empties: boolean): TargetFault | undefined {
  let start = 1
  for (let i = 1; i <= path.length; i++) {
    const code = i === path.length ? SLASH : path.charCodeAt(i)
    if (code === 0x5c) return 'backslash'
    if (code === 0x23) return 'fragment'
    if (code !== SLASH) continue
    const fault = segmentFault(path, start, i, empties || i === path.length)
    if (fault !== undefined) return fault
    start = i + 1
  }
  return undefined
}

function segmentFault(path: string, start: number, end: number, mayBeEmpty: boolean): TargetFault | undefined {
  if (start === end) return mayBeEmpty ? undefined : 'empty-segment'
  const parameters = path.indexOf(';', start)
  const cut = parameters === -1 || parameters > end ? end : parameters
  // `/;x/` and `/..;x/`: servers that strip path parameters are left with an empty or a dot segment (Tomcat, CVE-2023-0511).
  if (cut === start) return 'path-parameter'
  const last = path.charCodeAt(cut - 1)
  // `admin.` and `admin%20` are `admin` to Windows file systems; `.` and `..` end with a dot themselves.
  if (last === DOT) return 'dot-segment'
  return last === 0x30 && path.startsWith('%20', cut - 3) && cut - 3 >= start ? 'look-alike' : undefined
}

/** Controls, invisible and reordering characters: dropped by some servers, so `/adm\u200din` could become `/admin`. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const STRUCTURAL = /[./\\%;?#]/g
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodedFault(path: string): TargetFault | undefined {
  let ascii = true
  const bytes = Buffer.alloc(path.length)
  let length = 0
  for (let i = 0; i < path.length; i++, length++) {
    const code = path.charCodeAt(i)
    const byte = code === PERCENT ? (hexByte(path, i + 1) ?? 0) : code
    if (code === PERCENT) i += 2
    if (byte >= 128) ascii = false
    bytes[length] = byte
  }
  if (ascii) return undefined
  let text: string
  try {
    text = utf8.decode(bytes.subarray(0, length))
  } catch {
    return 'bad-utf8'
  }
  if (INVISIBLE.test(text)) return 'look-alike'
  // Full-width dots and slashes become real ones where an application applies NFKC.
  const folded = text.normalize('NFKC')
  return folded !== text && count(folded) !== count(text) ? 'look-alike' : undefined
}

function count(text: string): number {
  return text.match(STRUCTURAL)?.length ?? 0
}

/** What an application may take an opted-in path for: encoded slashes decoded, runs of slashes merged, or both. */
function readings(path: string, slashes: boolean, empties: boolean): readonly string[] | TargetFault {
  const found = new Set<string>()
  const decoded = slashes ? path.replaceAll('%2F', '/') : path
  const fault = segmentsFault(decoded, empties)
  if (fault !== undefined) return fault
  found.add(decoded)
  if (empties) {
    found.add(mergeSlashes(path))
    found.add(mergeSlashes(decoded))
  }
  found.delete(path)
  return found.size === 0 ? NO_ALTERNATIVES : [...found]
}

function mergeSlashes(path: string): string {
  return path.replace(/\/{2,}/g, '/')
}

function hexByte(text: string, at: number): number | undefined {
  const high = hexDigit(text.charCodeAt(at))
  const low = hexDigit(text.charCodeAt(at + 1))
  return high < 0 || low < 0 ? undefined : high * 16 + low
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** RFC 3986 §2.3 without the dot, whose encoded form is refused. */
function isUnreserved(byte: number): boolean {
  const letter = byte | 0x20
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2d ||
    byte === 0x5f ||
    byte === 0x7e
  )
}
