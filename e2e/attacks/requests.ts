/** A complete WebSocket handshake from the site's own page, without its request line, Host and last line. */
export const WEB_SOCKET = webSocket('https://app.example.com')

/** The same with another Origin, or none. */
export function webSocket(origin: string | undefined, key = 'dGhlIHNhbXBsZSBub25jZQ=='): string {
  const from = origin === undefined ? '' : `Origin: ${origin}\r\n`
  return `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${from}`
}
