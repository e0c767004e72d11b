import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'

/** What becomes of a reply of Redis, or of a command before Redis sees it. */
export type Treatment =
  /** Everything passes. */
  | { readonly kind: 'pass' }
  /** A tarpit: what comes is taken, and nothing is ever answered. */
  | { readonly kind: 'swallow' }
  /** Redis sees nothing, and every command gets these bytes for a reply. */
  | { readonly kind: 'answer'; readonly reply: string }

/** Stands between a gateway and Redis and speaks for it. Connections of before are ended by a new treatment. */
export interface LyingRelay {
  readonly port: number
  treat(treatment: Treatment): void
  close(): void
}

const COMMAND = /\*\d+\r\n\$\d+\r\n[A-Za-z]/g

export async function startLyingRelay(redisPort: number): Promise<LyingRelay> {
  const open = new Set<Socket>()
  let treatment: Treatment = { kind: 'pass' }
  const server = createServer((client) => {
    const mine = treatment
    const redis = createConnection(redisPort, '127.0.0.1')
    client.on('data', (bytes) => {
      if (mine.kind === 'pass') redis.write(bytes)
      if (mine.kind !== 'answer') return
      const commands = bytes.toString('latin1').match(COMMAND)?.length ?? 0
      client.write(mine.reply.repeat(commands), 'latin1')
    })
    redis.on('data', (bytes) => client.write(bytes))
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      open.add(one)
      one
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(one)
          other.destroy()
        })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    treat(next) {
      treatment = next
      cut()
    },
    close() {
      server.close()
      cut()
    },
  }
}
