import { eventually, freePorts, settingsFor, startServer, type RedisServer } from './redis-server.fixture.ts'
import type { RedisSettings } from './settings.ts'

/** Three primaries with a replica each. */
export interface RedisCluster {
  readonly settings: RedisSettings
  readonly members: readonly RedisServer[]
  /** The primary of the group's slot now; settles when there is one that is not `old`. */
  primaryOf(slot: number, old?: RedisServer): Promise<RedisServer>
  dispose(): Promise<void>
}

const SLOTS = 16_384
const PRIMARIES = 3

async function form(members: readonly RedisServer[]): Promise<void> {
  const [first] = members
  const clients = members.map((member) => member.client())
  await Promise.all(clients.map((client) => client.call('CLUSTER', 'MEET', '127.0.0.1', first?.port ?? 0)))
  await Promise.all(
    clients.slice(0, PRIMARIES).map((client, i) => {
      const from = Math.floor((SLOTS * i) / PRIMARIES)
      const to = Math.floor((SLOTS * (i + 1)) / PRIMARIES) - 1
      return client.call('CLUSTER', 'ADDSLOTSRANGE', from, to)
    }),
  )
  const everywhere = async (holds: (info: string) => boolean): Promise<void> => {
    await eventually('all members agree', async () =>
      (await Promise.all(clients.map((client) => client.cluster('INFO')))).every((info) => holds(info)),
    )
  }
  await everywhere((info) => info.includes(`cluster_known_nodes:${members.length}`))
  await Promise.all(
    clients.slice(PRIMARIES).map(async (client, i) => {
      const id = await clients[i]?.call('CLUSTER', 'MYID')
      await client.call('CLUSTER', 'REPLICATE', String(id))
    }),
  )
  await everywhere((info) => info.includes('cluster_state:ok'))
  for (const client of clients.slice(0, PRIMARIES)) {
    await eventually('its replica is in step', async () =>
      /slave0:.*state=online/.test(await client.info('replication')),
    )
  }
  for (const client of clients) client.disconnect()
}

export async function startCluster(): Promise<RedisCluster> {
  const ports = await freePorts(2 * PRIMARIES)
  const args = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '1000', 'cluster-replica-validity-factor': '0' }
  const members = await Promise.all(ports.map((port) => startServer({ port, args })))
  await form(members)
  const claims = async (member: RedisServer, slot: number): Promise<boolean> => {
    const client = member.client({ enableOfflineQueue: true, maxRetriesPerRequest: 0 })
    try {
      const info = await client.info('replication')
      const nodes = String(await client.cluster('NODES'))
      const mine = nodes.split('\n').find((line) => line.includes('myself')) ?? ''
      const ranges = mine
        .split(' ')
        .slice(8)
        .map((range) => range.split('-').map(Number))
      return info.includes('role:master') && ranges.some(([from = -1, to = from]) => from <= slot && slot <= to)
    } catch {
      return false
    } finally {
      client.disconnect()
    }
  }
  return {
    settings: settingsFor(0, {
      mode: 'cluster',
      nodes: ports.map((port) => ({ host: '127.0.0.1', port })),
    }),
    members,
    primaryOf: async (slot, old) => {
      let found: RedisServer | undefined
      await eventually('a primary of the slot', async () => {
        for (const member of members) if (member !== old && (await claims(member, slot))) found = member
        return found !== undefined
      })
      if (found === undefined) throw new Error('there is none')
      return found
    },
    dispose: async () => {
      await Promise.all(members.map((member) => member.dispose()))
    },
  }
}
