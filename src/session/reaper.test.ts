import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ALICE, createMachine, FROM, revocationOf, type Process, established } from './processes.fixture.ts'
import { createReaper, type Reaper } from './reaper.ts'

const HOUR = 3_600_000

function createBench(t: TestContext) {
  const machine = createMachine(t)
  const reap = (process: Process, everyMs = HOUR): Reaper => {
    const { store, sessions } = process
    return createReaper({ expired: store.sessions, leases: store.leases, sessions, log: machine.log, everyMs })
  }
  return { ...machine, reap }
}

test('expired sessions are ended with their cause, and every process hears of it', async (t) => {
  const { audited, pass, reap, start } = createBench(t)
  const [here, there] = [await start(), await start()]
  const idle = await established(here.sessions.establish({ ...ALICE, maxIdleMs: 60_000 }, FROM))
  const old = await established(here.sessions.establish({ ...ALICE, maxIdleMs: 2 * HOUR, maxLifeMs: 90_000 }, FROM))
  const running = await established(here.sessions.establish(ALICE, FROM))
  pass(90_000)
  const heard = [idle, old].map(({ session }) => revocationOf(there, session.sid))
  const reaper = reap(here)
  assert.equal(await reaper.run(), 2)
  await Promise.all(heard)
  const causes = audited.flatMap((event) => (event.event === 'SessionEnded' ? [[event.sid, event.cause]] : []))
  assert.deepEqual(
    causes.sort(),
    [
      [idle.session.sid, 'idle'],
      [old.session.sid, 'max-life'],
    ].sort(),
  )
  assert.ok(await there.sessions.resolve(running.token, 'login'))
  assert.equal(await reaper.run(), 0)
  await reaper.close()
})

test('one process at a time reaps; another takes over when the first stops', async (t) => {
  const { pass, reap, start } = createBench(t)
  const [here, there] = [await start(), await start()]
  const [first, second] = [reap(here), reap(there)]
  assert.equal(await first.run(), 0)
  await established(here.sessions.establish({ ...ALICE, maxIdleMs: 1_000 }, FROM))
  pass(1_000)
  assert.equal(await second.run(), 0)
  await first.close()
  assert.equal(await second.run(), 1)
  await second.close()
})

test('another takes over when the first died without stopping', async (t) => {
  const { pass, reap, start } = createBench(t)
  const [here, there] = [await start(), await start()]
  const [first, second] = [reap(here), reap(there)]
  await first.run()
  await established(here.sessions.establish({ ...ALICE, maxIdleMs: 1_000 }, FROM))
  pass(30_000)
  assert.equal(await second.run(), 1)
  await Promise.all([first.close(), second.close()])
})

test('more than one batch is reaped in one run', async (t) => {
  const { pass, reap, start } = createBench(t)
  const process = await start()
  await Promise.all(
    Array.from({ length: 450 }, () => established(process.sessions.establish({ ...ALICE, maxIdleMs: 1_000 }, FROM))),
  )
  pass(1_000)
  const reaper = reap(process)
  assert.equal(await reaper.run(), 450)
  await reaper.close()
})

test('the timer reaps by itself', async (t) => {
  const { pass, reap, start } = createBench(t)
  const process = await start()
  const { session } = await established(process.sessions.establish({ ...ALICE, maxIdleMs: 1_000 }, FROM))
  const ended = revocationOf(process, session.sid)
  pass(1_000)
  const reaper = reap(process, 5)
  await ended
  await reaper.close()
})

test('without a time it looks every second: what is open for a session ends that soon after it', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { log } = createBench(t)
  let looked = 0
  const expired = (): Promise<[]> => {
    looked++
    return Promise.resolve([])
  }
  const leases = { acquire: () => Promise.resolve(true), release: () => Promise.resolve() }
  const reaper = createReaper({ expired: { expired }, leases, sessions: { end: () => Promise.resolve(true) }, log })
  t.mock.timers.tick(1_000)
  await reaper.close()
  assert.equal(looked, 1)
})
