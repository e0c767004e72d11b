/** What a masked value reads as. */
export const MASK = '[masked]'

const SECRET_NAME =
  /cookie|authorization|passw|passphrase|token|secret|credential|assertion|samlre|apikey|privatekey|masterkey|authid|csrf/
const CODE_NAME = /^(?:code|otp|totp)$|(?:auth|authorization|verification|recovery|one ?time|handshake|totp)code$/

/** Codes of faults and of Node's own errors are not secrets: `GH_STORE_UNAVAILABLE`, `ECONNREFUSED`, `ERR_INVALID_ARG_TYPE`. */
const ERROR_CODE = /^(?:(?:GH|ERR|UND_ERR|SQLITE|CERT|UNABLE|DEPTH|SELF)_[A-Z0-9_]+|E[A-Z][A-Z0-9]{2,18})$/

/*
 * Attackers choose what is logged, so no pattern may be entered anew at every character of one long run: each begins where a run
 * begins, or is bounded.
 */
const SSO_TOKEN = /(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43,}(?:\*|%2A)[^\s"'<>,;]*/gi
const JWT = /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g
const QUERY_SECRET =
  /([?&;#](?:[\w.-]{0,64}?(?:token|secret|passw(?:or)?d|assertion|tokenid)|code|authid|samlresponse|samlrequest|lares)=)[^&;#\s"'<>]+/gi
const SCHEME_CREDENTIALS = /\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}/gi
const URL_CREDENTIALS = /((?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,31}:\/\/[^\s/:@]{0,256}:)[^\s/@]{1,1024}@/gi

/** Whether any of the patterns below could match; one cheap look for the texts that are most of a log. */
const SUSPICIOUS = /[*=@]|%2A|eyJ|bearer|basic/i

/**
 * A text without what looks like a secret: SSO tokens, JWTs, `code=` and `token=` in URLs, credentials in URLs and after `Bearer`.
 * The second line of defence: the first is that secrets have types that no log call takes.
 */
export function maskText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text
  return text
    .replace(SSO_TOKEN, MASK)
    .replace(JWT, MASK)
    .replace(QUERY_SECRET, `$1${MASK}`)
    .replace(SCHEME_CREDENTIALS, `$1${MASK}`)
    .replace(URL_CREDENTIALS, `$1${MASK}@`)
}

/** What stands where OpenAM's REST 1.x has a token, whatever it looks like: one with a typing mistake is nearly one, too. */
const TOKEN_IN_PATH = /^((?:\/(?:am|openam))?\/json\/(?:[^/]+\/)*?sessions\/).+/

/** Tokens of Ziti's clients have no place in an address, and are soon mistaken for the ids that have. */
const API_TOKEN = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi

/** A path of the login host as it may be logged. */
export function maskLoginPath(path: string): string {
  if (path.startsWith('/edge/')) return path.replace(API_TOKEN, MASK)
  return path.includes('/sessions/') ? path.replace(TOKEN_IN_PATH, `$1${MASK}`) : path
}

function isMaskedName(name: string, value: unknown): boolean {
  const plain = name.toLowerCase().replace(/[^a-z0-9 ]/g, '')
  if (SECRET_NAME.test(plain)) return true
  return CODE_NAME.test(plain) && !(typeof value === 'string' && ERROR_CODE.test(value))
}

const MAX_DEPTH = 8
const MAX_ITEMS = 100
const MAX_TEXT = 8_192

function maskValue(value: unknown, depth: number, above: readonly object[]): unknown {
  if (typeof value === 'string') return maskText(value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (above.includes(value)) return '[circular]'
  if (depth >= MAX_DEPTH) return '[too deep]'
  const path = [...above, value]
  if (value instanceof Date || value instanceof URL) return maskText(String(value))
  if (ArrayBuffer.isView(value)) return '[bytes]'
  if (Array.isArray(value) || value instanceof Set) {
    return [...value].slice(0, MAX_ITEMS).map((item) => maskValue(item, depth + 1, path))
  }
  const entries = value instanceof Map ? [...value].map(([k, v]) => [String(k), v] as const) : fieldsOf(value)
  return maskEntries(entries, depth + 1, path)
}

function fieldsOf(value: object): readonly (readonly [string, unknown])[] {
  if (!(value instanceof Error)) return Object.entries(value)
  const { name, message, stack, cause } = value
  return [['type', name], ['message', message], ['stack', stack], ['cause', cause], ...Object.entries(value)]
}

function maskEntries(
  entries: readonly (readonly [string, unknown])[],
  depth: number,
  above: readonly object[],
): Record<string, unknown> {
  const masked: Record<string, unknown> = {}
  for (const [name, value] of entries.slice(0, MAX_ITEMS)) {
    if (value === undefined) continue
    // defineProperty, not assignment: a field called `__proto__` is data (prototype pollution).
    Object.defineProperty(masked, maskText(name), {
      value: isMaskedName(name, value) ? MASK : maskValue(value, depth, above),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return masked
}

/** A copy of the fields in which no secret-looking name or text is left, at any depth; errors become plain objects. */
export function maskFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return maskEntries(Object.entries(fields), 0, [fields])
}
