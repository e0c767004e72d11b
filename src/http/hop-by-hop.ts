/** Header fields that concern one connection only and never travel further (RFC 9110 §7.6.1), in lower case. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
])

/**
 * Fields that `Connection` may not take away: naming them there is how a client has a proxy drop what the application relies
 * on (hop-by-hop header stripping). RFC 9110 §7.6.1 forbids it for fields that are meant for the recipient.
 */
const END_TO_END: ReadonlySet<string> = new Set([
  'host',
  'cookie',
  'set-cookie',
  'authorization',
  'origin',
  'referer',
  'cache-control',
  'content-length',
  'content-type',
  'content-encoding',
  'range',
  'location',
  'vary',
  'user-agent',
  'accept',
  'accept-encoding',
  'accept-language',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
])

/** `name` in lower case. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name)
}

const NOTHING: ReadonlySet<string> = new Set()

/**
 * Names, in lower case, that a `Connection` header asks to remove besides the well-known ones; end-to-end fields stay. Most
 * connections say `keep-alive` or `close`, for which nothing is built.
 */
export function namedByConnection(header: string | undefined): ReadonlySet<string> {
  if (header === undefined || header === 'keep-alive' || header === 'close' || header === 'Keep-Alive') return NOTHING
  const names = new Set<string>()
  for (const part of header.toLowerCase().split(',')) {
    const name = part.trim()
    if (name !== '' && !END_TO_END.has(name) && !name.startsWith('sec-')) names.add(name)
  }
  return names
}

/** Whether a list header such as `Connection` contains a token, without regard to case. */
export function hasToken(header: string | undefined, token: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((part) => part.trim().toLowerCase() === token)
}
