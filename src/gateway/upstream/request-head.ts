import { headerNames } from '../../http/header-names.ts'
import type { HeaderList, OutgoingRequest } from './upstream.ts'

/**
 * Names that never come from the caller's list: they belong to one connection (RFC 9110 §7.6.1), are framing, which is
 * decided by the body alone, or are `Expect`, whose obfuscated forms desynchronise proxies and servers.
 */
const isOurs = headerNames([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
  'content-length',
])

const isHost = headerNames(['host'])
const isAuthorization = headerNames(['authorization'])
const CONNECTION_BOUND = /^(ntlm|negotiate)\b/i

export interface RequestHead {
  readonly headers: string[]
  /**
   * The credentials log in a connection, not a request (NTLM, Negotiate): a pooled connection would then answer the
   * next person as this one, so it is closed after the answer.
   */
  readonly connectionBound: boolean
}

/** The header list as it goes to the upstream: framing from `length`, Host from `host` where that is given. */
export function requestHead(
  outgoing: OutgoingRequest,
  length: number | undefined,
  host: string | undefined,
): RequestHead {
  const { headers: list } = outgoing
  const headers: string[] = []
  let connectionBound = false
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = list[at] ?? ''
    const value = list[at + 1] ?? ''
    if (isOurs(name)) continue
    if (host !== undefined && isHost(name)) continue
    if (isAuthorization(name) && CONNECTION_BOUND.test(value)) connectionBound = true
    headers.push(name, value)
  }
  if (host !== undefined) headers.push('host', host)
  if (length !== undefined) headers.push('content-length', String(length))
  return { headers, connectionBound }
}

/** The only value of a header, whatever its case; `undefined` where it is missing or there are two. */
export function singleHeader(headers: HeaderList, wanted: string): string | undefined {
  let found: string | undefined
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at]?.toLowerCase() !== wanted) continue
    if (found !== undefined) return undefined
    found = headers[at + 1]
  }
  return found
}
