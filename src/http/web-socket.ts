import type { IncomingMessage } from 'node:http'
import { hasToken } from './hop-by-hop.ts'

/** 16 bytes in base64: 22 characters, the last of which has four slack bits, and the padding. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/**
 * Whether a request is a whole WebSocket handshake (RFC 6455 §4.2.1) and nothing beside it. Half of one must never be answered with
 * 101 or passed on: somebody behind or before us may read it as an ordinary request (WebSocket smuggling).
 */
export function isWebSocketHandshake(request: IncomingMessage): boolean {
  const { headers } = request
  return (
    request.method === 'GET' &&
    request.httpVersionMajor === 1 &&
    request.httpVersionMinor === 1 &&
    hasToken(headers.connection, 'upgrade') &&
    headers.upgrade?.trim().toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    KEY.test(headers['sec-websocket-key'] ?? '') &&
    !hasBody(request)
  )
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0)
}
