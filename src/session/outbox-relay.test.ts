import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { EpochMs } from '../base/brand.ts'
import type { OutboxEntry } from '../store/store.ts'
import { createOutboxRelay, type EndListener, type OutboxRelay } from './outbox-relay.ts'
import { ALICE, createMachine, established, FROM, type Process } from './processes.fixture.ts'

const HOUR = 3_600_000
const LEASE_MS = 30_000
const RELAYING = fileURLToPath(new URL('./relaying-process.fixture.ts', import.meta.url))

function createBench(t: TestContext) {
  const machine = createMachine(t)
  const relay = ({ store }: Process, listeners: readonly EndListener[], everyMs = HOUR): OutboxRelay => {
    const made = createOutboxRelay({ outbox: store.outbox, listeners, log: machine.log, everyMs })
    t.after(() => made.close())
    return made
  }
  const end = async ({ sessions }: Process, count: number): Promise<readonly string[]> => {
    const sids: string[] = []
    for (let i = 0; i < count; i++) {
      const { session } = await established(sessions.establish({ ...ALICE, userId: `u-${i}` }, FROM))
      assert.ok(await sessions.end(session.sid, 'logout', FROM))
      sids.push(session.sid)
    }
    return sids.toSorted()
  }
  return { ...machine, relay, end }
}

function collect(): { readonly told: string[]; readonly listener: EndListener } {
  const told: string[] = []
  return { told, listener: ({ sid }) => Promise.resolve(void told.push(sid)) }
}

test('each session that ended is told once, though two processes relay', async (t) => {
  const { end, relay, start, pass } = createBench(t)
  const [here, there] = [await start(), await start()]
  const sids = await end(here, 250)
  const { told, listener } = collect()
  const counts = await Promise.all([relay(here, [listener]).run(), relay(there, [listener]).run()])
  assert.equal(counts[0] + counts[1], 250)
  assert.deepEqual(told.toSorted(), sids)
  pass(LEASE_MS)
  assert.equal(await relay(there, [listener]).run(), 0)
})

test('every listener is told who, and why it ended', async (t) => {
  const { end, relay, start, time } = createBench(t)
  const here = await start()
  const [sid = ''] = await end(here, 1)
  const heard: OutboxEntry[] = []
  const hear: EndListener = (entry) => Promise.resolve(void heard.push(entry))
  await relay(here, [hear, hear]).run()
  const [first, second] = heard
  assert.deepEqual(first, second)
  assert.deepEqual(first && { ...first, id: '' }, {
    ...{ id: '', sid, realm: ALICE.realm, userId: 'u-0' },
    ...{ cause: 'logout', at: time.now },
  })
})

test('with nobody to tell, what ended is done at once', async (t) => {
  const { end, relay, start, pass } = createBench(t)
  const here = await start()
  await end(here, 3)
  assert.equal(await relay(here, []).run(), 3)
  pass(LEASE_MS)
  assert.deepEqual(await here.store.outbox.claim(9, 1), [])
})

test('an entry whose listener failed is told again when its claim is over; the others are done', async (t) => {
  const { end, relay, start, pass, logged } = createBench(t)
  const here = await start()
  const [first = '', second = ''] = await end(here, 2)
  const { told, listener } = collect()
  let isDown = true
  const partner: EndListener = async (entry) => {
    if (isDown && entry.sid === first) throw new Error('the partner is down')
    await listener(entry)
  }
  assert.equal(await relay(here, [partner]).run(), 1)
  assert.match(logged.join('\n'), /could not be passed on/)
  isDown = false
  pass(LEASE_MS - 1)
  assert.equal(await relay(here, [partner]).run(), 0, 'still held')
  pass(1)
  assert.equal(await relay(here, [partner]).run(), 1)
  assert.deepEqual(told, [second, first])
})

test('what a killed process had claimed is told by another one', { timeout: 20_000 }, async (t) => {
  const { end, relay, start, time, directory } = createBench(t)
  time.now = Date.now() as EpochMs
  const here = await start()
  const sids = await end(here, 5)
  const child = spawn(process.execPath, [RELAYING, join(directory, 'cts.db')], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const claimed: string[] = []
  for await (const sid of createInterface({ input: child.stdout })) {
    if (claimed.push(sid) === sids.length) break
  }
  const { told, listener } = collect()
  assert.equal(await relay(here, [listener]).run(), 0, 'they are held')
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  time.now = (Date.now() + LEASE_MS) as EpochMs
  assert.equal(await relay(here, [listener]).run(), sids.length)
  assert.deepEqual([claimed.toSorted(), told.toSorted()], [sids, sids])
})

test('the timer relays by itself, and a store that is gone is survived', { timeout: 10_000 }, async (t) => {
  const { end, relay, start, log, logged } = createBench(t)
  const here = await start()
  const [sid] = await end(here, 1)
  const heard = new Promise<string>((resolve) => {
    relay(
      here,
      [
        ({ sid: told }) => {
          resolve(told)
          return Promise.resolve()
        },
      ],
      1,
    )
  })
  assert.equal(await heard, sid)
  const broken = {
    claim: () => Promise.reject(new Error('away')),
    done: () => Promise.resolve(),
  }
  const failing = createOutboxRelay({ outbox: broken, listeners: [], everyMs: 1, log })
  while (!logged.some((line) => line.includes('wait in the outbox'))) await new Promise(setImmediate)
  await failing.close()
})
