/** Printable characters that mean something else once decoded, so their encoded form is kept. */
const KEPT_IN_PATH = new Set('%/?#\\')
const KEPT_IN_QUERY = new Set('%&=+;#')

/**
 * One spelling for a path that can be spelt in many ways: percent-encoded printable characters decoded, but for those that
 * would change the structure, and hexadecimal digits in capitals (RFC 3986 §6.2.2). Without it `/%61dmin` would slip past
 * a policy for `/admin`.
 */
export function canonicalPath(path: string): string {
  return path.includes('%') ? decode(path, KEPT_IN_PATH) : path
}

/** The same for a query; separators of parameters stay encoded. */
export function canonicalQuery(query: string): string {
  return query.includes('%') ? decode(query, KEPT_IN_QUERY) : query
}

function decode(text: string, kept: ReadonlySet<string>): string {
  const parts = text.split('%')
  let out = parts[0] ?? ''
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i] ?? ''
    const code = hexPair(part)
    if (code === undefined) {
      out += `%${part}`
      continue
    }
    const char = String.fromCharCode(code)
    const plain = code > 0x20 && code < 0x7f && !kept.has(char)
    out += (plain ? char : `%${part.slice(0, 2).toUpperCase()}`) + part.slice(2)
  }
  return out
}

function hexPair(text: string): number | undefined {
  const high = hexDigit(text.charCodeAt(0))
  const low = hexDigit(text.charCodeAt(1))
  return high < 0 || low < 0 ? undefined : high * 16 + low
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** ASCII letters only: a Kelvin sign must never become a `k`. */
export function foldCase(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x41 && code <= 0x5a) return foldFrom(text, i)
  }
  return text
}

function foldFrom(text: string, start: number): string {
  let out = text.slice(0, start)
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i)
    out += code >= 0x41 && code <= 0x5a ? String.fromCharCode(code + 32) : text.charAt(i)
  }
  return out
}

/** Whether every `%` starts an encoded byte. */
export function isWellEncoded(text: string): boolean {
  return text
    .split('%')
    .slice(1)
    .every((part) => hexPair(part) !== undefined)
}
