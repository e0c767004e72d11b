import type { Separator } from './identity.schema.ts'

/** Writes values so that none can end its header or its cookie, or be read as two. */
export interface Encoder {
  readonly separator: Separator
  /** The only value there is. */
  readonly value: (value: string) => string
  /** One of a list. */
  readonly item: (value: string) => string
}

/** What may stand as it is; `%` never does, or nobody could decode it. */
const PLAIN = {
  // Neither controls (response splitting) nor anything beyond ASCII.
  header: /^[\x20-\x24\x26-\x7e]$/,
  // RFC 6265 §4.1.1, cookie-octet.
  cookie: /^[\x21\x23\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]$/,
} as const

const DEFAULT_SEPARATOR = { header: ',', cookie: '|' } as const

/** Percent-encodes as UTF-8, as little as it has to. Made at load. */
export function encoderFor(place: 'header' | 'cookie', separator: Separator = DEFAULT_SEPARATOR[place]): Encoder {
  const value = tableOf(place, '')
  const item = tableOf(place, separator)
  return { separator, value: (text) => encode(text, value), item: (text) => encode(text, item) }
}

/** What each byte becomes. */
function tableOf(place: 'header' | 'cookie', separator: string): readonly string[] {
  return Array.from({ length: 256 }, (_, byte) => {
    const char = String.fromCharCode(byte)
    if (PLAIN[place].test(char) && char !== separator) return char
    return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  })
}

function encode(text: string, table: readonly string[]): string {
  let out = ''
  for (const byte of Buffer.from(text.toWellFormed().trim(), 'utf8')) out += table[byte] ?? ''
  return out
}
