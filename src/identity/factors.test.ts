import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { openKeyRing } from '../crypto/key-ring.ts'
import { createSealer } from '../crypto/seal.ts'
import { GatehouseError } from '../errors.ts'
import { openEmbeddedStore } from '../store/embedded/open.ts'
import { writerInThisThread } from '../store/embedded/same-thread.fixture.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { createFactorStore, FACTOR_COLLECTION, type DeclaredFactor, type FactorStore } from './factors.ts'

const EMPLOYEES = '/employees' as RealmName
const CUSTOMERS = '/customers' as RealmName
const SECRET = 'JBSWY3DPEHPK3PXP'
const silent: Log = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

interface Bench {
  readonly store: Store
  /** Another process on the same file. */
  readonly other: () => Promise<FactorStore>
  readonly factors: (realm?: RealmName, declared?: readonly DeclaredFactor[]) => FactorStore
}

async function bench(t: TestContext): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-factors-'))
  const clock = (): EpochMs => 1_800_000_000_000 as EpochMs
  const masterKey = randomBytes(32).toString('base64url')
  const closers: (() => Promise<void>)[] = []
  const process = async () => {
    const path = join(directory, 'cts.db')
    const store = await openEmbeddedStore({ path, clock, log: silent, spawn: writerInThisThread(path) })
    const ring = await openKeyRing({ documents: store.documents, masterKey, clock, log: silent })
    closers.push(async () => {
      ring.close()
      await store.close()
    })
    return { store, sealer: createSealer(ring, clock) }
  }
  t.after(async () => {
    for (const close of closers) await close()
    rmSync(directory, { recursive: true })
  })
  const { store, sealer } = await process()
  const of = (from: { store: Store; sealer: typeof sealer }, realm: RealmName, declared: readonly DeclaredFactor[]) =>
    createFactorStore({
      realm,
      documents: from.store.documents,
      sealer: from.sealer,
      clock,
      declared: new Map(declared.length === 0 ? [] : [['bob', declared]]),
    })
  return {
    store,
    other: async () => of(await process(), EMPLOYEES, []),
    factors: (realm = EMPLOYEES, declared = []) => of({ store, sealer }, realm, declared),
  }
}

const totp = { type: 'totp', name: 'telephone', data: { secret: SECRET, lastStep: 0 } }

suite('factors', () => {
  test('of everybody of a realm are listed, declared ones with the others, those of other realms not', async (t) => {
    const { factors } = await bench(t)
    const store = factors(EMPLOYEES, [totp])
    const all = async (): Promise<Readonly<Record<string, readonly string[]>>> => {
      const found: Record<string, readonly string[]> = {}
      for await (const { userId, factors: own } of store.ofAll()) found[userId] = own.map(({ type }) => type)
      return found
    }
    assert.deepEqual(await all(), { bob: ['totp'] })
    await store.add('alice', totp)
    await store.add('bob', { type: 'webauthn', name: 'key', data: 'k' })
    await factors('/customers' as RealmName).add('dave', totp)
    assert.deepEqual(await all(), { alice: ['totp'], bob: ['totp', 'webauthn'] })
  })

  test('are listed in order, changed and removed, each user and realm apart', async (t) => {
    const { factors } = await bench(t)
    const store = factors()
    const first = await store.add('alice', totp)
    await store.add('alice', { type: 'webauthn', name: 'key', data: 'k' })
    assert.deepEqual(
      (await store.list('alice')).map(({ type, name }) => [type, name]),
      [
        ['totp', 'telephone'],
        ['webauthn', 'key'],
      ],
    )
    assert.deepEqual(await store.list('bob'), [])
    assert.deepEqual(await factors(CUSTOMERS).list('alice'), [])
    assert.ok(first !== undefined)
    assert.equal(await store.change('alice', first.id, (factor) => ({ ...factor, name: 'old one' })), true)
    assert.equal((await store.list('alice'))[0]?.name, 'old one')
    assert.equal(await store.remove('bob', first.id), false)
    assert.equal(await store.remove('alice', first.id), true)
    assert.equal(await store.remove('alice', first.id), false)
    await store.removeAll('alice')
    assert.deepEqual(await store.list('alice'), [])
  })

  test('a dump of the store holds neither secrets nor names, and one record put in the place of another opens nothing', async (t) => {
    const { factors, store } = await bench(t)
    await factors().add('alice', totp)
    await factors().add('bob', { ...totp, name: 'other' })
    const documents = await store.documents.list(FACTOR_COLLECTION)
    assert.equal(documents.length, 2)
    assert.doesNotMatch(JSON.stringify(documents), /alice|bob|telephone|JBSWY3/)
    const [one, two] = documents
    assert.ok(one !== undefined && two !== undefined)
    assert.ok(await store.documents.replace(FACTOR_COLLECTION, one.id, one.version, two.value))
    const outcomes = await Promise.allSettled(['alice', 'bob'].map((name) => factors().list(name)))
    const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected')
    // Not an empty list: that would invite whoever knows a password to set up a factor.
    assert.ok(refused?.reason instanceof GatehouseError && refused.reason.code === 'GH_KEYS_UNAVAILABLE')
  })

  test('of 60 claims of one thing from two processes one wins', async (t) => {
    const { factors, other } = await bench(t)
    const here = factors()
    const there = await other()
    const added = await here.add('alice', totp)
    assert.ok(added !== undefined)
    const claims = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        (i % 2 === 0 ? here : there).change('alice', added.id, (factor) => {
          const { lastStep } = factor.data as { lastStep: number }
          return lastStep < 7 ? { name: factor.name, data: { secret: SECRET, lastStep: 7 } } : undefined
        }),
      ),
    )
    assert.equal(claims.filter(Boolean).length, 1)
  })

  test('of two that set up the first one at once, one does', async (t) => {
    const { factors, other } = await bench(t)
    const stores = [factors(), await other()]
    const none = (present: readonly unknown[]): boolean => present.length === 0
    const added = await Promise.all(stores.map((store) => store.add('alice', totp, none)))
    assert.equal(added.filter((each) => each !== undefined).length, 1)
    assert.equal((await factors().list('alice')).length, 1)
  })

  test('a new set takes the place of the old one of its type', async (t) => {
    const { factors } = await bench(t)
    const store = factors()
    await store.add('alice', totp)
    await store.replaceAll('alice', 'recovery', [{ type: 'recovery', name: '', data: 'one' }])
    await store.replaceAll('alice', 'recovery', [{ type: 'recovery', name: '', data: 'two' }])
    assert.deepEqual(
      (await store.list('alice')).map(({ data }) => data),
      [totp.data, 'two'],
    )
  })

  test('what the configuration declares is there, remembers its uses, cannot be removed, and goes with its line', async (t) => {
    const { factors } = await bench(t)
    const declared = [totp]
    const store = factors(EMPLOYEES, declared)
    const [factor] = await store.list('bob')
    assert.ok(factor?.declared === true)
    assert.equal(
      await store.change('bob', factor.id, () => ({ name: '', data: { secret: SECRET, lastStep: 9 } })),
      true,
    )
    assert.deepEqual((await factors(EMPLOYEES, declared).list('bob'))[0]?.data, { secret: SECRET, lastStep: 9 })
    assert.equal(await store.remove('bob', factor.id), false)
    assert.deepEqual(await factors(EMPLOYEES, []).list('bob'), [])
    const other = await factors(EMPLOYEES, [{ ...totp, data: { secret: 'OTHER', lastStep: 0 } }]).list('bob')
    assert.deepEqual(other[0]?.data, { secret: 'OTHER', lastStep: 0 })
  })
})
