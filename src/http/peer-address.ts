import type { Socket } from 'node:net'

/** The kernel writes addresses in canonical form already, except that it may map IPv4 into IPv6. */
export function peerAddress(socket: Socket): string {
  const address = socket.remoteAddress ?? ''
  const zone = address.indexOf('%')
  const bare = zone === -1 ? address : address.slice(0, zone)
  return bare.startsWith('::ffff:') && bare.includes('.') ? bare.slice(7) : bare
}
