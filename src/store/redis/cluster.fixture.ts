import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { eventually, freePorts, settingsFor, startServer, type RedisServer } from './redis-server.fixture.ts'
import type { RedisSettings } from './settings.ts'

/** Three primaries with a replica each. */
export interface RedisCluster {
  readonly settings: RedisSettings
  readonly members: readonly RedisServer[]
  /** The primary of the group's slot now; settles when there is one that is not `old`. */
  primaryOf(slot: number, old?: RedisServer): Promise<RedisServer>
  /** Moves the slot to another primary as an operator does, a few keys at a time, with so long a pause after each time. */
  moveSlot(slot: number, pauseMs: number): Promise<void>
  dispose(): Promise<void>
}

const KEYS_AT_ONCE = 10

async function nodeId(client: Redis): Promise<string> {
  return String(await client.call('CLUSTER', 'MYID'))
}

/** Redis Cluster Specification, "Live reconfiguration": the same steps as `redis-cli --cluster reshard`. */
async function moveSlot(slot: number, [from, to]: readonly [RedisServer, RedisServer], pauseMs: number): Promise<void> {
  const [source, target] = [from.client(), to.client()]
  const [sourceId, targetId] = [await nodeId(source), await nodeId(target)]
  await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId)
  await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId)
  for (;;) {
    const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, KEYS_AT_ONCE)) as string[]
    if (keys.length === 0) break
    await source.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'KEYS', ...keys)
    await pause(pauseMs)
  }
  await target.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId)
  await source.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId)
  for (const client of [source, target]) client.disconnect()
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
  const primaryOf = async (slot: number, old?: RedisServer): Promise<RedisServer> => {
    let found: RedisServer | undefined
    await eventually('a primary of the slot', async () => {
      for (const member of members) if (member !== old && (await claims(member, slot))) found = member
      return found !== undefined
    })
    if (found === undefined) throw new Error('there is none')
    return found
  }
  return {
    settings: settingsFor(0, {
      mode: 'cluster',
      nodes: ports.map((port) => ({ host: '127.0.0.1', port })),
    }),
    members,
    primaryOf,
    moveSlot: async (slot, pauseMs) => {
      const from = await primaryOf(slot)
      const to = await primaryOf((slot + SLOTS / 2) % SLOTS)
      if (from === to) throw new Error('both slots are of one primary')
      await moveSlot(slot, [from, to], pauseMs)
    },
    dispose: async () => {
      await Promise.all(members.map((member) => member.dispose()))
    },
  }
}
