import type { HeaderList } from './upstream.ts'

const CONNECTION_BOUND = /^(?:ntlm|negotiate)\b/i

/**
 * Whether credentials among the headers log in a connection, not a request (NTLM, Negotiate): a pooled connection would then answer the next person
 * as this one, so it is closed after the answer.
 */
export function isConnectionBound(headers: HeaderList): boolean {
  return headers.some(
    (value, at) => at % 2 === 1 && CONNECTION_BOUND.test(value) && headers[at - 1]?.toLowerCase() === 'authorization',
  )
}

/**
 * The header list as it goes to the upstream: framing from `length`, which the body alone decides, Host from `host` where that is
 * given. The list itself where nothing has to be changed.
 */
export function requestHead(list: HeaderList, length: number | undefined, host: string | undefined): HeaderList {
  if (length === undefined && host === undefined) return list
  const headers = host === undefined ? [...list] : withHost(list, host)
  if (length !== undefined) headers.push('content-length', String(length))
  return headers
}

function withHost(list: HeaderList, host: string): string[] {
  const headers: string[] = []
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = list[at] ?? ''
    if (name.toLowerCase() !== 'host') headers.push(name, list[at + 1] ?? '')
  }
  headers.push('host', host)
  return headers
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
