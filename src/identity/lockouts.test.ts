import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { openEmbeddedStore } from '../store/embedded/open.ts'
import { writerInThisThread } from '../store/embedded/same-thread.fixture.ts'
import { recordedLog, scratchPath } from '../store/embedded/scratch.fixture.ts'
import { createLockouts } from './lockouts.ts'
import { createThrottle, type Attempt } from './throttle.ts'

const MINUTE = 60_000
const rules = { freeFailures: 2, maxDelay: 5 * MINUTE, networkFailures: 1_000, window: 15 * MINUTE }

/** `reopen` is another process after this one has ended. */
async function bench(t: TestContext) {
  const path = scratchPath(t)
  const clock = (): EpochMs => 1_800_000_000_000 as EpochMs
  const open = async () => {
    const store = await openEmbeddedStore({ path, clock, log: recordedLog(), spawn: writerInThisThread(path) })
    const deps = { realm: '/people' as RealmName, rules, store, clock }
    const throttle = createThrottle(deps)
    const fail = async (attempt: Partial<Attempt> = {}, times = 1): Promise<string> => {
      let kind = ''
      for (let n = 0; n < times; n++) {
        const reservation = await throttle.reserve({ username: 'alice', clientIp: '192.0.2.1', ...attempt })
        kind = reservation.kind
        if (reservation.kind === 'granted') await reservation.settle('failed')
      }
      return kind
    }
    return { fail, lockouts: createLockouts(deps), close: () => store.close() }
  }
  const first = await open()
  return {
    ...first,
    reopen: async () => {
      await first.close()
      const next = await open()
      t.after(() => next.close())
      return next
    },
  }
}

test('who has to wait, where and for how long, is seen in whatever spelling of the name, and outlives the process', async (t) => {
  const before = await bench(t)
  await before.fail({}, 3)
  await before.fail({ username: 'ALICE', clientIp: '2001:db8::1' }, 3)
  await before.fail({ clientIp: '198.51.100.7' }, 2)
  const { fail, lockouts } = await before.reopen()
  assert.equal(await fail(), 'throttled')
  const { waiting, failures } = await lockouts.of(' Alice ')
  assert.equal(failures, 8)
  assert.deepEqual(
    waiting.map(({ network, factor, failures: count, until }) => [network, factor, count, until > 1_800_000_000_000]),
    [
      ['2001:db8:0:0::/64', undefined, 3, true],
      ['192.0.2.1', undefined, 3, true],
    ],
  )
  assert.deepEqual(await lockouts.of('bob'), { waiting: [], failures: 0 })
})

test('an administrator lets the account try again, at the password and at second factors; another account waits on', async (t) => {
  const { fail, lockouts } = await (await bench(t)).reopen()
  await fail({}, 3)
  await fail({ factor: 'totp' }, 3)
  await fail({ username: 'bob' }, 3)
  assert.deepEqual([await fail(), await fail({ factor: 'totp' })], ['throttled', 'throttled'])
  await lockouts.clear('Alice')
  assert.deepEqual(await lockouts.of('alice'), { waiting: [], failures: 0 })
  assert.deepEqual([await fail(), await fail({ factor: 'totp' })], ['granted', 'granted'])
  assert.equal(await fail({ username: 'bob' }), 'throttled')
})
