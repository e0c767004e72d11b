import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { openEmbeddedStore } from '../store/embedded/open.ts'
import { writerInThisThread } from '../store/embedded/same-thread.fixture.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { delayAfter } from './delays.ts'
import { createThrottle, type Reservation, type Throttle, type ThrottleRules } from './throttle.ts'

const RULES: ThrottleRules = { freeFailures: 5, maxDelay: 300_000, networkFailures: 100, window: 900_000 }
const HERE = '192.0.2.1'
const ELSEWHERE = '198.51.100.7'
const silent: Log = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

interface Bench {
  readonly throttle: Throttle
  readonly store: Store
  readonly time: { now: number }
  /** One try that fails; true when it was judged. */
  readonly fail: (username: string, clientIp?: string) => Promise<boolean>
  readonly succeed: (username: string, clientIp?: string) => Promise<boolean>
}

async function bench(t: TestContext, rules: Partial<ThrottleRules> = {}): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-throttle-'))
  const time = { now: 1_800_000_000_000 }
  const clock = (): EpochMs => time.now as EpochMs
  const path = join(directory, 'cts.db')
  const store = await openEmbeddedStore({ path, clock, log: silent, spawn: writerInThisThread(path) })
  t.after(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
  })
  const throttle = createThrottle({ realm: '/employees' as RealmName, rules: { ...RULES, ...rules }, store, clock })
  const attempt = async (username: string, clientIp: string, outcome: 'passed' | 'failed'): Promise<boolean> => {
    const reservation = await throttle.reserve({ username, clientIp })
    if (reservation.kind === 'throttled') return false
    await reservation.settle(outcome)
    return true
  }
  return {
    throttle,
    store,
    time,
    fail: (username, clientIp = HERE) => attempt(username, clientIp, 'failed'),
    succeed: (username, clientIp = HERE) => attempt(username, clientIp, 'passed'),
  }
}

function throttled(reservation: Reservation): Extract<Reservation, { kind: 'throttled' }> {
  assert.ok(reservation.kind === 'throttled')
  return reservation
}

suite('throttle', () => {
  test('per-account: five failures cost nothing, then delays double from one second to the longest', async (t) => {
    const { throttle, time, fail } = await bench(t)
    for (let i = 0; i < 6; i++) assert.equal(await fail('alice'), true, `try ${i + 1} comes at once`)
    for (const delay of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((s) => s * 1_000)) {
      const answer = throttled(await throttle.reserve({ username: 'alice', clientIp: HERE }))
      assert.deepEqual([answer.scope, answer.retryAfterMs], ['account', delay])
      time.now += delay - 1
      assert.equal(await fail('alice'), false)
      time.now += 1
      assert.equal(await fail('alice'), true)
    }
  })

  test('waiting costs nothing: hammering during a delay does not lengthen it', async (t) => {
    const { time, fail } = await bench(t)
    for (let i = 0; i < 6; i++) await fail('alice')
    for (let i = 0; i < 150; i++) assert.equal(await fail('alice'), false)
    time.now += 1_000
    assert.equal(await fail('alice'), true)
    assert.equal(await fail('bob'), true, 'nor does it use up what the network may do')
  })

  test('failures are forgotten a window after the last one, not after the first', async (t) => {
    const { time, fail } = await bench(t)
    for (let i = 0; i < 6; i++) {
      await fail('alice')
      time.now += 600_000
    }
    assert.equal(await fail('alice'), true)
    assert.equal(await fail('alice'), false, 'all of them are remembered')
    time.now += 900_000 + 2_000
    for (let i = 0; i < 6; i++) assert.equal(await fail('alice'), true)
  })

  test('parallel: of 200 guesses at once not more than the free ones and the first costly one are judged', async (t) => {
    const { fail } = await bench(t)
    const judged = await Promise.all(Array.from({ length: 200 }, () => fail('alice')))
    assert.equal(judged.filter(Boolean).length, RULES.freeFailures + 1)
  })

  test('parallel: the same, in several processes', async (t) => {
    const { store, time } = await bench(t)
    const deps = { realm: '/employees' as RealmName, rules: RULES, store, clock: () => time.now as EpochMs }
    const processes = Array.from({ length: 4 }, () => createThrottle(deps))
    const judged = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const reservation = await processes[i % 4]?.reserve({ username: 'alice', clientIp: HERE })
        if (reservation?.kind !== 'granted') return false
        await pause(1)
        await reservation.settle('failed')
        return true
      }),
    )
    assert.equal(judged.filter(Boolean).length, RULES.freeFailures + 1)
  })

  test('parallel: of 200 right passwords at once none is refused, and not more are judged at once than are free', async (t) => {
    // A turn that is long in coming on a busy machine is no turn that never comes.
    t.mock.method(performance, 'now', () => 0)
    const { throttle } = await bench(t)
    let [running, most, free] = [0, 0, RULES.freeFailures + 1]
    const signIn = async (username: string): Promise<boolean> => {
      const reservation = await throttle.reserve({ username, clientIp: HERE })
      if (reservation.kind === 'throttled') return false
      most = Math.max(most, ++running)
      // Nobody is judged before as many are being judged as may be, so that one too many would be seen.
      while (most < free) await pause(1)
      await pause(2)
      running--
      await reservation.settle('passed')
      return true
    }
    const one = await Promise.all(Array.from({ length: 200 }, () => signIn('alice')))
    assert.ok(one.every(Boolean))
    assert.equal(most, free)
    ;[most, free] = [0, RULES.networkFailures]
    const many = await Promise.all(Array.from({ length: 250 }, (_, i) => signIn(`pupil${i}`)))
    assert.ok(many.every(Boolean), 'a class behind one address')
    assert.equal(most, free)
  })

  test('a try waits for those that are open, and is refused when they were wrong', async (t) => {
    const { throttle, time } = await bench(t)
    const open = await Promise.all(
      Array.from({ length: 6 }, () => throttle.reserve({ username: 'alice', clientIp: HERE })),
    )
    const waiting = throttle.reserve({ username: 'alice', clientIp: HERE })
    for (const one of open) await (one.kind === 'granted' && one.settle('failed'))
    assert.equal(throttled(await waiting).retryAfterMs, 1_000)
    time.now += 1_000
    assert.equal((await throttle.reserve({ username: 'alice', clientIp: HERE })).kind, 'granted')
  })

  test('a process that dies with open tries gains none: they count as failures half a minute later', async (t) => {
    const { throttle, time, fail } = await bench(t)
    for (let i = 0; i < 6; i++) await throttle.reserve({ username: 'alice', clientIp: HERE })
    const waiting = throttle.reserve({ username: 'alice', clientIp: HERE })
    time.now += 30_000
    assert.equal(throttled(await waiting).retryAfterMs, 1_000)
    time.now += 1_000
    assert.equal(await fail('alice'), true)
    assert.equal(throttled(await throttle.reserve({ username: 'alice', clientIp: HERE })).retryAfterMs, 2_000)
  })

  test('parallel spray: of 200 guesses at once at 200 accounts not more than the network may are judged', async (t) => {
    const { fail } = await bench(t)
    const judged = await Promise.all(Array.from({ length: 200 }, (_, i) => fail(`user${i}`)))
    assert.equal(judged.filter(Boolean).length, RULES.networkFailures)
  })

  test('spray: one password for 500 users from one network is stopped until the window is over', async (t) => {
    const { throttle, time, fail } = await bench(t)
    let judged = 0
    for (let i = 0; i < 500; i++) if (await fail(`user${i}`)) judged++
    assert.equal(judged, 100)
    const answer = throttled(await throttle.reserve({ username: 'alice', clientIp: HERE }))
    assert.equal(answer.scope, 'network')
    assert.equal(await fail('alice', ELSEWHERE), true)
    time.now += answer.retryAfterMs
    assert.equal(await fail('alice'), true)
  })

  test('ipv6-64: addresses of one /64 share a count', async (t) => {
    const { fail } = await bench(t)
    let judged = 0
    for (let i = 0; i < 20; i++) if (await fail('alice', `2001:db8::${i.toString(16)}`)) judged++
    assert.equal(judged, 6)
    assert.equal(await fail('alice', '2001:db8:0:1::1'), true)
  })

  test('identifier variants: another spelling of the name is the same account', async (t) => {
    const { fail } = await bench(t)
    for (const name of ['josé', 'JOSÉ', 'jose\u0301', ' josé', 'ｊosé', 'José']) assert.equal(await fail(name), true)
    assert.equal(await fail('jOSé'), false)
  })

  test("reset-by-success: one's own good login between guesses resets nothing of the victim's", async (t) => {
    const { fail, succeed } = await bench(t)
    let judged = 0
    for (let i = 0; i < 30; i++) {
      if (await fail('victim')) judged++
      assert.equal(await succeed('attacker'), true)
    }
    assert.equal(judged, 6)
  })

  test('a success never counts: a thousand of them use up nothing', async (t) => {
    const { fail, succeed } = await bench(t, { networkFailures: 10 })
    for (let i = 0; i < 50; i++) assert.equal(await succeed('alice'), true)
    assert.equal(await fail('bob'), true)
  })

  test('a success clears the count of its own account and network only', async (t) => {
    const { fail, succeed } = await bench(t)
    for (let i = 0; i < 6; i++) {
      if (i < 5) await fail('alice')
      await fail('alice', ELSEWHERE)
    }
    assert.equal(await succeed('alice'), true)
    for (let i = 0; i < 6; i++) assert.equal(await fail('alice'), true)
    assert.equal(await fail('alice', ELSEWHERE), false)
  })

  test('lock-dos: an attacker on another network does not keep the owner out, however many guesses', async (t) => {
    const { fail, succeed } = await bench(t)
    for (let i = 0; i < 60; i++) await fail('alice', ELSEWHERE)
    assert.equal(await succeed('alice'), true)
  })

  test('one guesser behind a shared address does not keep out those who have signed in from it before', async (t) => {
    const { throttle, fail, succeed } = await bench(t)
    assert.equal(await succeed('alice', HERE), true)
    for (let i = 0; i < 150; i++) await fail(`user${i}`, HERE)
    assert.equal(throttled(await throttle.reserve({ username: 'carol', clientIp: HERE })).scope, 'network')
    assert.equal(await succeed('alice', HERE), true)
    let judged = 0
    for (let i = 0; i < 20; i++) if (await fail('alice', HERE)) judged++
    assert.equal(judged, 6, 'guesses at the known account are slowed as ever')
  })

  test('botnet: above the ceiling unknown networks queue for the account, known ones do not', async (t) => {
    const { throttle, time, fail, succeed } = await bench(t)
    assert.equal(await succeed('alice', HERE), true)
    let judged = 0
    for (let i = 0; i < 150; i++) if (await fail('alice', `203.0.113.${i}`)) judged++
    assert.equal(judged, 101, 'a hundred up to the ceiling, then one in ten seconds')
    const answer = throttled(await throttle.reserve({ username: 'alice', clientIp: '203.0.113.200' }))
    assert.deepEqual([answer.scope, answer.retryAfterMs], ['account', 10_000])
    assert.equal(await succeed('alice', HERE), true)
    assert.equal(await fail('bob', '203.0.113.201'), true, 'other accounts go on')
    time.now += 10_000
    assert.equal(await fail('alice', '203.0.113.200'), true)
  })

  test('a try that was not judged is given back', async (t) => {
    const { throttle, fail } = await bench(t)
    for (let i = 0; i < 20; i++) {
      const reservation = await throttle.reserve({ username: 'alice', clientIp: HERE })
      assert.ok(reservation.kind === 'granted')
      await reservation.settle('not-judged')
    }
    for (let i = 0; i < 6; i++) assert.equal(await fail('alice'), true)
    assert.equal(await fail('alice'), false)
  })

  for (const patience of [0, RULES.window + 1]) {
    test(`who knows the password gets few guesses a day at the second factor, waiting ${patience} ms more than they have to`, async (t) => {
      const { throttle, time } = await bench(t)
      const guessesOfOneDay = async (): Promise<number> => {
        const end = time.now + 86_400_000
        let judged = 0
        while (time.now < end) {
          const clientIp = `198.51.100.${judged}`
          const reservation = await throttle.reserve({ username: 'alice', clientIp, factor: 'totp' })
          if (reservation.kind === 'throttled') time.now += reservation.retryAfterMs + patience
          else {
            judged++
            await reservation.settle('failed')
          }
        }
        return judged
      }
      assert.ok((await guessesOfOneDay()) <= 45)
      assert.ok((await guessesOfOneDay()) <= 25)
    })
  }

  test('realms do not share counts', async (t) => {
    const { store, time, fail } = await bench(t)
    for (let i = 0; i < 7; i++) await fail('alice')
    const clock = (): EpochMs => time.now as EpochMs
    const other = createThrottle({ realm: '/customers' as RealmName, rules: RULES, store, clock })
    assert.equal((await other.reserve({ username: 'alice', clientIp: HERE })).kind, 'granted')
  })
})

test('delays never exceed the longest, however many failures', () => {
  for (const failures of [6, 100, 5_000, 1e9]) {
    const delay = delayAfter(failures, RULES)
    assert.ok(delay >= 1_000 && delay <= RULES.maxDelay, `${failures} → ${delay}`)
  }
})
