import type { IncomingMessage } from 'node:http'
import { hasToken } from '../http/hop-by-hop.ts'
import type { Site } from './site.ts'
import type { Refuse } from './verdict.ts'

const MALFORMED: Refuse = { kind: 'refuse', status: 400, reason: 'websocket-malformed' }
export const ORIGIN_REFUSED: Refuse = { kind: 'refuse', status: 403, reason: 'websocket-origin' }
export const TOO_MANY: Refuse = { kind: 'refuse', status: 429, reason: 'websocket-limit' }

/** 16 bytes in base64: 22 characters, the last of which has four slack bits, and the padding. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/**
 * Checks a WebSocket handshake (RFC 6455 §4.2.1) before anything is dialled: a server that answers a half-valid one with
 * something else than 101 would be left with an open tunnel (WebSocket smuggling). A foreign Origin is refused on every
 * path, since browsers send cookies along whoever opens the socket (cross-site WebSocket hijacking).
 */
export function webSocketFault(request: IncomingMessage, site: Site): Refuse | undefined {
  const { headers } = request
  const complete =
    request.method === 'GET' &&
    request.httpVersionMajor === 1 &&
    request.httpVersionMinor === 1 &&
    hasToken(headers.connection, 'upgrade') &&
    headers.upgrade?.trim().toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    KEY.test(headers['sec-websocket-key'] ?? '')
  if (!complete || hasBody(request)) return MALFORMED
  const { origin } = headers
  return origin === undefined || site.webSocket.origins.has(origin) ? undefined : ORIGIN_REFUSED
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0)
}
