import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Store } from '../store.ts'
import { startCluster } from './cluster.fixture.ts'
import { silentLog } from './contract-data.fixture.ts'
import { groupOfBucket, groupTable } from './groups.ts'
import { clock, isUnavailable, login, startLoad, untilItWorks, type Load } from './logins.fixture.ts'
import { openRedisStore } from './open.ts'
import { startSentinelSet } from './sentinel-set.fixture.ts'

/** It is back within 2 s of the promotion where nothing else runs. */
const BACK_MS = 30_000

async function assertNothingLost(store: Store, load: Load): Promise<void> {
  await load.stop()
  const lost: string[] = []
  for (const { sid } of load.answered) {
    // A connection may hear of the fail-over later than the one that was asked first: what cannot be said yet is not lost.
    await untilItWorks(async () => {
      if ((await store.sessions.find(sid)) === undefined) lost.push(sid)
    })
  }
  assert.deepEqual(lost, [], `of ${load.answered.length} answered logins`)
  assert.ok(load.answered.length > 50, 'the load was none')
  assert.ok(load.refused.every(isUnavailable), 'a login failed in another way than by an unavailable store')
}

suite('with Sentinel', async () => {
  const set = await startSentinelSet()
  const store = await openRedisStore({ settings: set.settings, clock, log: silentLog })
  after(async () => {
    await store.close()
    await set.dispose()
  })

  test('a write that no replica has is refused, and nothing is kept waiting for long', async (t) => {
    const settings = { ...set.settings, timeout: 300 } // over before the sentinels call the replicas down
    const hasty = await openRedisStore({ settings, clock, log: silentLog })
    t.after(() => hasty.close())
    const primary = await set.primary()
    const replicas = set.data.filter((server) => server !== primary)
    for (const replica of replicas) replica.signal('SIGSTOP')
    const began = performance.now()
    await assert.rejects(login(hasty), isUnavailable)
    for (const replica of replicas) replica.signal('SIGCONT')
    assert.ok(performance.now() - began < 20_000)
    await untilItWorks(() => login(hasty))
  })

  test('a killed primary loses no answered login; the store is back soon after the promotion; later revocations are heard', async (t) => {
    const epoch = await store.documents.get('store', 'epoch')
    const heard: string[] = []
    let gaps = 0
    const session = await login(store)
    store.revocations.subscribe(
      (entries) => entries.forEach((entry) => 'sid' in entry && heard.push(entry.sid)),
      () => gaps++,
    )
    const load = startLoad(store, t.signal)
    await load.goesOn(50)
    const old = await set.primary()
    await old.kill()
    await set.promoted(old)
    const back = await untilItWorks(() => login(store))
    assert.ok(back <= BACK_MS, `back after ${back} ms`)
    await load.goesOn(20)
    await assertNothingLost(store, load)
    assert.deepEqual(await store.documents.get('store', 'epoch'), epoch)
    await store.sessions.end(session.sid, 'logout')
    while (!heard.includes(session.sid) || gaps === 0) await pause(10)
    assert.deepEqual(heard, [session.sid])
  })
})

suite('with Redis Cluster', async () => {
  const cluster = await startCluster()
  const store = await openRedisStore({ settings: cluster.settings, clock, log: silentLog })
  after(async () => {
    await store.close()
    await cluster.dispose()
  })

  test('a killed primary loses no answered login, others go on meanwhile, and it is back soon', async (t) => {
    const { slots } = groupTable('')
    const slot = slots[groupOfBucket(17)] ?? 0
    const old = await cluster.primaryOf(slot)
    const elsewhere = await bucketElsewhere(cluster, old.port)
    const load = startLoad(store, t.signal)
    const others = startLoad(store, t.signal, { bucket: elsewhere })
    await Promise.all([load, others].map((each) => each.goesOn(50)))
    await old.kill()
    // Whatever becomes of the part that died, the others go on.
    await others.goesOn(20)
    await cluster.primaryOf(slot, old)
    const back = await untilItWorks(() => login(store))
    assert.ok(back <= BACK_MS, `back after ${back} ms`)
    await load.goesOn(20)
    await assertNothingLost(store, load)
    await assertNothingLost(store, others)
    await untilItWorks(() => store.ping())
    await old.restart()
  })
})

async function bucketElsewhere(cluster: Awaited<ReturnType<typeof startCluster>>, port: number): Promise<number> {
  const { slots } = groupTable('')
  for (let bucket = 0; bucket < 1_024; bucket += 64) {
    const primary = await cluster.primaryOf(slots[groupOfBucket(bucket)] ?? 0)
    if (primary.port !== port) return bucket
  }
  throw new Error('one member has every slot')
}
