import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, freePorts, settingsFor, startServer, type RedisServer } from './redis-server.fixture.ts'
import type { RedisSettings } from './settings.ts'

/** One primary, two replicas and three sentinels that take half a second to call a server down. */
export interface SentinelSet {
  readonly settings: RedisSettings
  readonly data: readonly RedisServer[]
  /** The server that the sentinels name now. */
  primary(): Promise<RedisServer>
  /** Settles when they name another one than `old`, and it is a primary. */
  promoted(old: RedisServer): Promise<RedisServer>
  /** The sentinels are told to promote another one, as for maintenance. The old one is told seconds later. */
  failOver(): Promise<void>
  dispose(): Promise<void>
}

const NAME = 'gatehouse'

function sentinelConf(port: number, primary: number): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${NAME} 127.0.0.1 ${primary} 2`,
    `sentinel down-after-milliseconds ${NAME} 500`,
    `sentinel failover-timeout ${NAME} 3000`,
    `sentinel parallel-syncs ${NAME} 2`,
    '',
  ].join('\n')
}

/** The sentinels have found each other and both replicas, which are in step. */
async function whole(sentinels: readonly RedisServer[]): Promise<void> {
  const clients = sentinels.map((sentinel) => sentinel.client())
  await eventually('the sentinels know each other and both replicas', async () => {
    const seen = await Promise.all(clients.map((client) => client.info('sentinel')))
    return seen.every((info) => /status=ok,.*slaves=2,sentinels=3/.test(info))
  })
  for (const client of clients) client.disconnect()
}

export async function startSentinelSet(): Promise<SentinelSet> {
  const ports = await freePorts(6)
  const [first = 0, ...replicas] = ports.slice(0, 3)
  const sentinelPorts = ports.slice(3)
  const data = await Promise.all([
    startServer({ port: first }),
    ...replicas.map((port) => startServer({ port, args: { replicaof: `127.0.0.1 ${first}` } })),
  ])
  const sentinels = await Promise.all(
    sentinelPorts.map((port) =>
      startServer({
        port,
        sentinel: true,
        prepare: (directory) => writeFile(join(directory, 'sentinel.conf'), sentinelConf(port, first)),
      }),
    ),
  )
  await whole(sentinels)
  const asker = sentinels[0]?.client()
  const primary = async (): Promise<RedisServer> => {
    const reply = await asker?.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
    const port = Number(Array.isArray(reply) ? reply[1] : 0)
    const found = data.find((server) => server.port === port)
    if (found === undefined) throw new Error('the sentinels name a server that is none of ours')
    return found
  }
  return {
    settings: settingsFor(0, {
      mode: 'sentinel',
      nodes: sentinelPorts.map((port) => ({ host: '127.0.0.1', port })),
      primary: NAME,
    }),
    data,
    primary,
    promoted: async (old) => {
      await eventually('another primary', async () => {
        const now = await primary()
        return now !== old && String(await now.client().role()).startsWith('master')
      })
      return primary()
    },
    failOver: () =>
      // Refused as long as a replica is not known to be well, or another one is under way.
      eventually(
        'a fail-over begins',
        async () => (await asker?.call('SENTINEL', 'FAILOVER', NAME).catch(() => '')) === 'OK',
      ),
    dispose: async () => {
      await Promise.all([...sentinels, ...data].map((server) => server.dispose()))
    },
  }
}
