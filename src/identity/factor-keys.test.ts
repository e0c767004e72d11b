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
import type { Documents } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { createFactorKeys, type FactorKeys } from './factor-keys.ts'
import { createFactorStore, type FactorStore } from './factors.ts'

const EMPLOYEES = '/employees' as RealmName
const CUSTOMERS = '/customers' as RealmName
const MINUTE = 60_000
const silent: Log = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

interface Process {
  readonly documents: Documents
  readonly keys: (realm?: RealmName) => FactorKeys
  readonly factors: FactorStore
}

/** Two processes on one file, and their time. */
async function bench(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-factor-keys-'))
  const time = { now: 1_800_000_000_000 }
  const clock = (): EpochMs => time.now as EpochMs
  const masterKey = randomBytes(32).toString('base64url')
  const closers: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const close of closers) await close()
    rmSync(directory, { recursive: true })
  })
  const process = async (): Promise<Process> => {
    const path = join(directory, 'cts.db')
    const store = await openEmbeddedStore({ path, clock, log: silent, spawn: writerInThisThread(path) })
    const { documents } = store
    const ring = await openKeyRing({ documents, masterKey, clock, log: silent })
    closers.push(async () => {
      ring.close()
      await store.close()
    })
    const deps = { documents, sealer: createSealer(ring, clock), clock }
    return {
      documents,
      keys: (realm = EMPLOYEES) => createFactorKeys({ ...deps, realm }),
      factors: createFactorStore({ ...deps, realm: EMPLOYEES }),
    }
  }
  return { time, here: await process(), there: await process() }
}

const held = () => Promise.resolve(true)
const notHeld = () => Promise.resolve(false)
const security = { type: 'webauthn', name: 'key', data: 'd', key: 'credential-1' }

suite('the owner of a key', () => {
  test('is one of the realm, for both processes, whoever asks at once', async (t) => {
    const { here, there } = await bench(t)
    const people = Array.from({ length: 20 }, (_, i) => `user-${i}`)
    const claims = await Promise.all(
      people.map((userId, i) => (i % 2 === 0 ? here : there).keys().claim('one', userId, notHeld)),
    )
    assert.equal(claims.filter(Boolean).length, 1)
    const owner = people[claims.indexOf(true)]
    assert.equal(await here.keys().ownerOf('one'), owner)
    assert.equal(await there.keys().ownerOf('one'), owner)
    assert.equal(await there.keys().ownerOf('two'), undefined)
  })

  test('may claim it again; in another realm it is another key', async (t) => {
    const { here, there } = await bench(t)
    assert.ok(await here.keys().claim('one', 'alice', held))
    assert.ok(await there.keys().claim('one', 'alice', held))
    assert.equal(await there.keys(CUSTOMERS).ownerOf('one'), undefined)
    assert.ok(await there.keys(CUSTOMERS).claim('one', 'bob', held))
    assert.equal(await here.keys().ownerOf('one'), 'alice')
  })

  test('gives it back; nobody else can', async (t) => {
    const { here, there } = await bench(t)
    await here.keys().claim('one', 'alice', held)
    await there.keys().release('one', 'bob')
    await there.keys(CUSTOMERS).release('one', 'alice')
    assert.equal(await here.keys().ownerOf('one'), 'alice')
    await there.keys().release('one', 'alice')
    assert.equal(await here.keys().ownerOf('one'), undefined)
    assert.ok(await here.keys().claim('one', 'bob', held))
  })

  test('loses it when nothing came of the claim, ten minutes later and not before; to one of two', async (t) => {
    const { here, there, time } = await bench(t)
    await here.keys().claim('one', 'alice', notHeld)
    time.now += 10 * MINUTE - 1
    assert.equal(await there.keys().claim('one', 'bob', notHeld), false)
    time.now += 1
    assert.equal(await there.keys().claim('one', 'bob', held), false, 'alice has the factor')
    const claims = await Promise.all([
      here.keys().claim('one', 'bob', notHeld),
      there.keys().claim('one', 'carol', notHeld),
    ])
    assert.equal(claims.filter(Boolean).length, 1)
    assert.equal(await here.keys().ownerOf('one'), claims[0] ? 'bob' : 'carol')
  })

  test('is not readable in a dump, and one record put in the place of another names nobody', async (t) => {
    const { here, there } = await bench(t)
    await here.keys().claim('one', 'alice', held)
    await here.keys().claim('two', 'bob', held)
    const [first, second, ...more] = await here.documents.list('factor-keys')
    assert.ok(first !== undefined && second !== undefined && more.length === 0)
    assert.doesNotMatch(JSON.stringify([first, second]), /alice|bob|"one"|"two"/)
    await here.documents.replace('factor-keys', first.id, first.version, second.value)
    const outcomes = await Promise.allSettled(['one', 'two'].map((key) => there.keys().ownerOf(key)))
    const [refused, ...others] = outcomes.filter((outcome) => outcome.status === 'rejected')
    assert.ok(refused?.reason instanceof GatehouseError && refused.reason.code === 'GH_KEYS_UNAVAILABLE')
    assert.equal(others.length, 0)
  })
})

suite('a factor with a key', () => {
  test('is set up by one of two users who bring it at once, in two processes', async (t) => {
    const { here, there } = await bench(t)
    const added = await Promise.all([here.factors.add('alice', security), there.factors.add('bob', security)])
    assert.equal(added.filter((each) => each !== undefined).length, 1)
    const lists = await Promise.all(['alice', 'bob'].map((userId) => there.factors.list(userId)))
    assert.equal(lists.flat().length, 1)
    assert.equal(await here.factors.ownerOf(security.key), added[0] === undefined ? 'bob' : 'alice')
  })

  test('is set up once by its owner, in two tabs', async (t) => {
    const { here, there } = await bench(t)
    const added = await Promise.all([here, there].map(({ factors }) => factors.add('alice', security)))
    assert.equal(added.filter((each) => each !== undefined).length, 1)
    assert.equal((await here.factors.list('alice')).length, 1)
    assert.equal(await there.factors.ownerOf(security.key), 'alice')
  })

  test('that may not be added leaves its key free', async (t) => {
    const { here, there } = await bench(t)
    assert.equal(await here.factors.add('alice', security, () => false), undefined)
    assert.notEqual(await there.factors.add('bob', security), undefined)
  })

  test('gives its key back when it is removed: one, or all of a user', async (t) => {
    const { here, there } = await bench(t)
    const added = await here.factors.add('alice', security)
    assert.ok(added !== undefined)
    assert.equal(await there.factors.add('bob', security), undefined)
    assert.equal(await there.factors.remove('alice', added.id), true)
    assert.notEqual(await here.factors.add('bob', security), undefined)
    await there.factors.removeAll('bob')
    assert.equal(await here.factors.ownerOf(security.key), undefined)
    assert.notEqual(await here.factors.add('alice', security), undefined)
  })
})
