import type { IncomingMessage } from 'node:http'
import { hasSeveralHosts } from './host.ts'

/** Beyond it, 431. Node itself would drop the rest in silence, and with it whatever a rule depends on. */
const MAX_HEADERS = 200

/**
 * The status of a request that no handler shall see; `undefined` for the others. What Node's parser lets through although a
 * gateway must not: too many headers, two Hosts, transfer codings besides chunked, and protocol versions without a Host.
 */
export function refusedAtOnce(request: IncomingMessage): number | undefined {
  const { httpVersionMajor: major, httpVersionMinor: minor, rawHeaders, headers } = request
  if (major !== 1) return major > 1 ? 505 : 400
  if (rawHeaders.length > MAX_HEADERS * 2) return 431
  if (headers.host === undefined || hasSeveralHosts(rawHeaders)) return 400
  const coding = headers['transfer-encoding']
  if (coding === undefined) return undefined
  // RFC 9112 §6.1: chunked in HTTP/1.0 is faulty framing, and a request smuggler's tool.
  if (minor === 0) return 400
  return coding.trim().toLowerCase() === 'chunked' ? undefined : 501
}

/** Whether the client waits for `100 Continue` before it sends its body. Any other expectation is refused with 417. */
export function expectation(request: IncomingMessage): 'none' | 'continue' | 'unknown' {
  const { expect } = request.headers
  if (expect === undefined) return 'none'
  return expect.trim().toLowerCase() === '100-continue' && request.httpVersionMinor === 1 ? 'continue' : 'unknown'
}
