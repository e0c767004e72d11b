import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { settingsFor } from './redis-server.fixture.ts'
import type { RedisSettings } from './settings.ts'

/** A sentinel that names whomever it is told to, as one does that has not heard of a fail-over. */
export interface NamedPrimary {
  readonly settings: RedisSettings
  /** From now on it names the server at this port. */
  name(port: number): void
  close(): Promise<void>
}

function replyTo(command: string, port: number): string {
  if (!/get-master-addr-by-name/i.test(command)) return '+OK\r\n'
  return `*2\r\n$9\r\n127.0.0.1\r\n$${String(port).length}\r\n${port}\r\n`
}

export async function startNamedPrimary(first: number): Promise<NamedPrimary> {
  let named = first
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    // Commands are small: each comes whole.
    socket.on('data', (data) => {
      for (const command of String(data)
        .split(/^\*\d+\r\n/m)
        .slice(1))
        socket.write(replyTo(command, named))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    settings: settingsFor(0, { mode: 'sentinel', nodes: [{ host: '127.0.0.1', port }], primary: 'gatehouse' }),
    name: (next) => void (named = next),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await once(server.close(), 'close')
    },
  }
}
