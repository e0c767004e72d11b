import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startCluster, type RedisCluster } from '../../src/store/redis/cluster.fixture.ts'
import { groupTable } from '../../src/store/redis/groups.ts'
import type { RedisServer } from '../../src/store/redis/redis-server.fixture.ts'
import { startSentinelSet, type SentinelSet } from '../../src/store/redis/sentinel-set.fixture.ts'
import type { RedisSettings } from '../../src/store/redis/settings.ts'
import { until } from '../until.ts'
import { startGateways, type Gateways } from './gateways.ts'
import { startPeople, type People } from './load.ts'
import { openSignIn } from './sign-in.ts'

const PEOPLE = Number(process.env['FAULT_CLIENTS'] ?? 60)
const ALL = process.env['FAULTS'] === 'all'

interface Fault {
  readonly title: string
  /** Breaks something, and puts it right again. */
  readonly happen: (gateways: Gateways, people: People) => Promise<void>
}

interface Data {
  readonly settings: RedisSettings
  dispose(): Promise<void>
}

async function underLoad(t: TestContext, data: Data, faults: readonly Fault[]): Promise<void> {
  t.after(() => data.dispose())
  const usernames = Array.from({ length: PEOPLE }, (_, i) => `person-${i}`)
  const gateways = await startGateways(data.settings, usernames)
  t.after(() => gateways.stop())
  const signIn = await openSignIn(data.settings)
  t.after(() => signIn.close())
  const people = await startPeople({ usernames, ports: gateways.ports, signIn })
  await pause(2_000)
  for (const { title, happen } of faults) {
    const before = { ...people.counts }
    people.quiet = true
    await pause(100)
    people.quiet = false
    const began = performance.now()
    await happen(gateways, people)
    await gateways.ready()
    await pause(1_500)
    const told = Object.entries(people.counts).map(
      ([name, count]) => `${name} ${count - before[name as keyof typeof before]}`,
    )
    t.diagnostic(`${title}, ${((performance.now() - began) / 1_000).toFixed(1)} s: ${told.join(', ')}`)
  }
  const isLoad = (): boolean => {
    const { passed, refused, signedOut } = people.counts
    return passed > PEOPLE && refused > 0 && signedOut > 5
  }
  await until('there was a load', isLoad)
  const lost = await people.stop()
  t.diagnostic(`altogether: ${JSON.stringify(people.counts)}, lost ${lost.length}, wrong ${people.wrongs.length}`)
  assert.deepEqual(lost, [], 'sessions that were answered and not ended')
  assert.deepEqual([...new Set(people.wrongs)], [])
}

function sentinelFaults(set: SentinelSet): readonly [Fault, ...Fault[]] {
  const config = async (server: RedisServer, name: string, value: string): Promise<void> => {
    const client = server.client()
    await client.config('SET', name, value)
    client.disconnect()
  }
  const kill: Fault = {
    title: 'the primary dies',
    happen: async () => {
      const old = await set.primary()
      await old.kill()
      await set.promoted(old)
      await pause(1_000)
      await old.restart()
    },
  }
  const hang: Fault = {
    title: 'the primary hangs',
    happen: async () => {
      const old = await set.primary()
      old.signal('SIGSTOP')
      await set.promoted(old)
      await pause(1_000)
      old.signal('SIGCONT')
    },
  }
  const fill: Fault = {
    title: 'the memory is full',
    happen: async () => {
      const primary = await set.primary()
      await config(primary, 'maxmemory', '1')
      await pause(4_000)
      await config(primary, 'maxmemory', '0')
    },
  }
  const readOnly: Fault = {
    title: 'the primary takes no writes',
    happen: async () => {
      const primary = await set.primary()
      await config(primary, 'min-replicas-to-write', '9')
      await pause(4_000)
      await config(primary, 'min-replicas-to-write', '0')
    },
  }
  const cut: Fault = {
    title: 'the revocation log is cut off again and again',
    happen: async () => {
      const client = (await set.primary()).client()
      const until = performance.now() + 4_000
      while (performance.now() < until) {
        const lines = String(await client.client('LIST')).split('\n')
        const readers = lines.filter((line) => line.includes('cmd=xread'))
        for (const line of readers) await client.client('KILL', 'ID', /id=(\d+)/.exec(line)?.[1] ?? '0').catch(() => 0)
        await pause(20)
      }
      client.disconnect()
    },
  }
  const restart: Fault = {
    title: 'gateways are replaced, one properly and one by a crash',
    happen: async (gateways, people) => {
      people.replacing = true
      await gateways.restart(0, 'SIGTERM')
      await gateways.restart(1, 'SIGKILL')
      await pause(500)
      people.replacing = false
    },
  }
  const plan: Fault = {
    title: 'the sentinels are told to fail over, and one gateway starts before the old primary is told',
    happen: async (gateways, people) => {
      const old = await set.primary()
      await set.failOver()
      await set.promoted(old)
      people.replacing = true
      await gateways.restart(0, 'SIGTERM')
      people.replacing = false
      await pause(10_000)
    },
  }
  return [kill, hang, fill, readOnly, cut, restart, plan]
}

test('with Sentinel: what breaks loses nobody’s session and lets nothing through', { timeout: 300_000 }, async (t) => {
  const set = await startSentinelSet()
  const [first, ...others] = sentinelFaults(set)
  await underLoad(t, set, ALL ? [first, ...others] : [first])
})

function clusterFaults(cluster: RedisCluster): readonly [Fault, ...Fault[]] {
  const [slot = 0, other = 0] = groupTable('').slots
  const move: Fault = {
    title: 'two slots move to another primary',
    happen: async () => {
      await cluster.moveSlot(slot, 20)
      await cluster.moveSlot(other, 200)
    },
  }
  const kill: Fault = {
    title: 'a primary dies',
    happen: async () => {
      const old = await cluster.primaryOf(slot)
      await old.kill()
      await cluster.primaryOf(slot, old)
      await pause(1_000)
      await old.restart()
    },
  }
  const hang: Fault = {
    title: 'a primary hangs',
    happen: async () => {
      const old = await cluster.primaryOf(slot)
      old.signal('SIGSTOP')
      await cluster.primaryOf(slot, old)
      await pause(1_000)
      old.signal('SIGCONT')
    },
  }
  return [move, kill, hang]
}

test(
  'with Redis Cluster: a slot that moves, a primary that dies or hangs, likewise',
  { timeout: 200_000 },
  async (t) => {
    const cluster = await startCluster()
    const [first, ...others] = clusterFaults(cluster)
    await underLoad(t, cluster, ALL ? [first, ...others] : [first])
  },
)
