import type { IncomingMessage } from 'node:http'
import { isWebSocketHandshake } from '../http/web-socket.ts'
import type { Site } from './site.ts'
import type { Refuse } from './verdict.ts'

const MALFORMED: Refuse = { kind: 'refuse', status: 400, reason: 'websocket-malformed' }
export const ORIGIN_REFUSED: Refuse = { kind: 'refuse', status: 403, reason: 'websocket-origin' }
export const TOO_MANY: Refuse = { kind: 'refuse', status: 429, reason: 'websocket-limit' }

/**
 * Checks a WebSocket handshake before anything is dialled: a server that answers a half-valid one with something else than 101
 * would be left with an open tunnel (WebSocket smuggling). A foreign Origin is refused on every path, since browsers send cookies
 * along whoever opens the socket (cross-site WebSocket hijacking).
 */
export function webSocketFault(request: IncomingMessage, site: Site): Refuse | undefined {
  if (!isWebSocketHandshake(request)) return MALFORMED
  const { origin } = request.headers
  return origin === undefined || site.webSocket.origins.has(origin) ? undefined : ORIGIN_REFUSED
}
