import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import type { Documents } from '../store/store.ts'
import type { FactorOwners, OwnerStanding } from './factor-owners.ts'
import { createFactorSweep, type FactorSweep } from './factor-sweep.ts'
import { createFactorStore, FACTOR_COLLECTION, type FactorStore } from './factors.ts'
import { managedBench, REALM } from './managed/managed.fixture.ts'

const DAY = 86_400_000
const OTHERS = '/others' as RealmName
const KEY = { type: 'webauthn', name: 'key', data: 'd' }

interface Process {
  readonly sweep: FactorSweep
  readonly factors: FactorStore
  readonly others: FactorStore
  readonly documents: Documents
  readonly logged: string[]
  /** Parts of the collection that were read. */
  readonly reads: { count: number }
}

/** Two processes on one store, and their time. */
async function bench(t: TestContext) {
  const { time, process } = managedBench(t)
  time.now = Date.UTC(2026, 10, 29)
  const start = async (): Promise<Process> => {
    const { store, sealer } = await process()
    const { leases, documents: stored } = store
    const clock = (): EpochMs => time.now as EpochMs
    const logged: string[] = []
    const note = (_fields: object, message: string): void => void logged.push(message)
    const reads = { count: 0 }
    const page: Documents['page'] = (collection, ...rest) => {
      if (collection === FACTOR_COLLECTION) reads.count++
      return stored.page(collection, ...rest)
    }
    const documents: Documents = { ...stored, page }
    const log = { error: note, warn: note, info: note, debug: note }
    const sweep = createFactorSweep({ documents, leases, sealer, clock, log })
    t.after(() => sweep.close())
    const of = (realm: RealmName): FactorStore => createFactorStore({ realm, documents, sealer, clock })
    return { sweep, factors: of(REALM), others: of(OTHERS), documents, logged, reads }
  }
  const pass = (ms: number): void => void (time.now = (time.now ?? 0) + ms)
  return { here: await start(), there: await start(), pass }
}

type Answer = (userId: string, realm: RealmName) => OwnerStanding | Promise<OwnerStanding>

function owners(version: string, answer: Answer): FactorOwners {
  const ask = async ({ realm, userId }: { realm: RealmName; userId: string }) => answer(userId, realm)
  return { version, configured: ask, anywhere: ask }
}

const without = (version: string, ...gone: readonly string[]): FactorOwners =>
  owners(version, (userId) => (gone.includes(userId) ? 'gone' : 'there'))

test('the factors of users who are gone go, with their keys, and no others', async (t) => {
  const { here, there } = await bench(t)
  await here.factors.add('alice', { ...KEY, key: 'hers' })
  await here.factors.add('carol', { ...KEY, key: 'lost' })
  await here.others.add('carol', KEY)
  await there.sweep.configurationChanged(
    owners('1', (userId, realm) => (userId === 'carol' && realm === REALM ? 'gone' : 'unknown')),
  )
  assert.deepEqual(await here.factors.list('carol'), [])
  assert.equal((await here.others.list('carol')).length, 1)
  assert.equal((await here.factors.list('alice')).length, 1)
  assert.equal(await here.factors.ownerOf('lost'), undefined)
  assert.equal(await here.factors.ownerOf('hers'), 'alice')
})

test('one process looks for each change of users, and for each again that comes back', async (t) => {
  const { here, there } = await bench(t)
  await here.sweep.configurationChanged(without('fewer', 'alice'))
  await here.factors.add('alice', KEY)
  await here.sweep.configurationChanged(without('all'))
  const { count } = here.reads
  assert.ok(count > 0)
  await there.sweep.configurationChanged(without('all'))
  await here.sweep.configurationChanged(without('all'))
  assert.deepEqual([here.reads.count, there.reads.count], [count, 0])
  await there.sweep.configurationChanged(without('fewer', 'alice'))
  assert.deepEqual(await here.factors.list('alice'), [])
})

test('while one process looks the other waits, and a change that came meanwhile is looked at', async (t) => {
  const { here, there } = await bench(t)
  await here.factors.add('alice', KEY)
  await here.factors.add('bob', KEY)
  const asked = Promise.withResolvers<undefined>()
  const answer = Promise.withResolvers<OwnerStanding>()
  let asks = 0
  const slow = owners('1', () => {
    asks++
    asked.resolve(undefined)
    return answer.promise
  })
  const first = here.sweep.configurationChanged(slow)
  await asked.promise
  await there.sweep.configurationChanged(without('2', 'bob'))
  assert.equal(there.reads.count, 0)
  const second = here.sweep.configurationChanged(without('3', 'alice'))
  answer.resolve('unknown')
  await Promise.all([first, second])
  assert.equal(asks, 1, 'what is out of date is given up')
  assert.deepEqual(await here.factors.list('alice'), [])
  assert.equal((await here.factors.list('bob')).length, 1)
})

test('who is missing from a directory of others for thirty days is gone; whoever comes back is not', async (t) => {
  const { here, there, pass } = await bench(t)
  for (const name of ['alice', 'bob', 'carol']) await here.factors.add(name, KEY)
  const missing = new Set(['alice', 'bob', 'carol'])
  const outside = owners('1', (userId) => (missing.has(userId) ? 'missing' : 'there'))
  const left = async (): Promise<readonly string[]> => {
    const names: string[] = []
    for (const name of ['alice', 'bob', 'carol']) if ((await here.factors.list(name)).length > 0) names.push(name)
    return names
  }
  await here.sweep.configurationChanged({ ...outside, configured: () => Promise.resolve('unknown') })
  await here.sweep.takeTurn()
  pass(10 * DAY)
  missing.delete('bob')
  await here.sweep.takeTurn()
  missing.add('bob')
  // What somebody does themselves shows that they are there.
  await here.factors.add('carol', KEY)
  pass(DAY)
  await here.sweep.takeTurn()
  pass(19 * DAY - 1)
  await here.sweep.takeTurn()
  assert.deepEqual(await left(), ['alice', 'bob', 'carol'])
  pass(DAY)
  await here.sweep.takeTurn()
  assert.deepEqual(await left(), ['bob', 'carol'])
  pass(11 * DAY)
  await there.sweep.configurationChanged(without('1'))
  await here.sweep.takeTurn()
  assert.deepEqual(await left(), [])
})

test('one process of all asks the directories outside, every six hours; one that cannot say is asked once', async (t) => {
  const { here, there, pass } = await bench(t)
  for (const name of ['alice', 'bob']) await here.others.add(name, KEY)
  await here.factors.add('carol', KEY)
  const asked: string[] = []
  const outside = owners('1', (userId, realm) => {
    asked.push(realm === OTHERS ? 'others' : userId)
    if (realm === OTHERS) throw new Error('no answer')
    return 'there'
  })
  const quiet = { ...outside, configured: () => Promise.resolve('unknown' as const) }
  for (const { sweep } of [here, there]) await sweep.configurationChanged(quiet)
  const turns = async (): Promise<readonly string[]> => {
    asked.length = 0
    for (const { sweep } of [here, there, here]) await sweep.takeTurn()
    return [...asked].sort()
  }
  assert.deepEqual(await turns(), ['carol', 'others'])
  pass(6 * 3_600_000 - 1)
  assert.deepEqual(await turns(), [])
  pass(2)
  assert.deepEqual(await turns(), ['carol', 'others'])
  assert.equal(here.logged.filter((line) => line.includes('cannot say')).length, 2)
})

test('what is enrolled at that very moment stays, and a record that cannot be read stops nothing', async (t) => {
  const { here, there } = await bench(t)
  await here.factors.add('alice', KEY)
  await here.factors.add('carol', KEY)
  await here.documents.putIfAbsent(FACTOR_COLLECTION, '0', 'nonsense')
  const busy = owners('1', async (userId): Promise<OwnerStanding> => {
    if (userId === 'alice') await there.factors.add('alice', KEY)
    return 'gone'
  })
  await here.sweep.configurationChanged(busy)
  assert.equal((await here.factors.list('alice')).length, 2)
  assert.deepEqual(await here.factors.list('carol'), [])
  assert.ok(here.logged.some((line) => line.includes('cannot be read')))
})
