import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands between gateways and Redis, so that what the revocation log says can be held back while all else goes on. */
export interface RedisRelay {
  readonly port: number
  /** While set, nothing comes back on connections that read the log: no event, no error, no end. */
  holdBack: boolean
  close(): void
}

export async function startRedisRelay(redisPort: number): Promise<RedisRelay> {
  const open = new Set<Socket>()
  const state = { holdBack: false }
  const server = createServer((client) => {
    const redis = createConnection(redisPort, '127.0.0.1')
    let readsLog = false
    client.setNoDelay(true)
    redis.setNoDelay(true)
    client.on('data', (bytes) => {
      readsLog ||= bytes.includes('XREAD')
      redis.write(bytes)
    })
    redis.on('data', (bytes) => {
      if (!(readsLog && state.holdBack)) client.write(bytes)
    })
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
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  })
}
