import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import { createCrew } from './crew.ts'
import type { Ending, ListenerAddress, Member } from './member.ts'

const LISTENERS = [{ address: '127.0.0.1', port: 8080 }]

interface Fake extends Member {
  readonly signals: NodeJS.Signals[]
  listens(): Promise<void>
  ends(how: Ending): Promise<void>
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Workers of whom the test says what becomes of them; a signal ends them well. */
function createBench(t: TestContext) {
  t.after(() => mock.timers.reset())
  mock.timers.enable({ apis: ['setTimeout'] })
  const members: Fake[] = []
  const logged: Readonly<Record<string, unknown>>[] = []
  const start = (): Fake => {
    const listening = Promise.withResolvers<readonly ListenerAddress[]>()
    const ended = Promise.withResolvers<Ending>()
    const signals: NodeJS.Signals[] = []
    const member: Fake = {
      id: members.length + 1,
      pid: 0,
      listening: listening.promise,
      ended: ended.promise,
      signals,
      signal(name) {
        signals.push(name)
        if (name === 'SIGTERM') ended.resolve(0)
      },
      async listens() {
        listening.resolve(LISTENERS)
        await settled()
      },
      async ends(how) {
        ended.resolve(how)
        await settled()
      },
    }
    members.push(member)
    return member
  }
  const log = (fields: Readonly<Record<string, unknown>>): void => void logged.push(fields)
  const crew = createCrew({ start, log: { error: log, info: log } })
  /** The newest worker, which has to be the nth. */
  const nth = (n: number): Fake => {
    const member = members.at(-1)
    assert.equal(members.length, n)
    assert.ok(member)
    return member
  }
  const startTwo = async (): Promise<readonly [Fake, Fake]> => {
    const started = crew.start(2)
    const first = nth(1)
    await first.listens()
    const second = nth(2)
    await second.listens()
    assert.deepEqual(await started, LISTENERS)
    return [first, second]
  }
  return { crew, logged, members, nth, startTwo }
}

test('the first worker starts alone; one that ends before it listens ends the start and the others', async (t) => {
  const { crew, members, nth } = createBench(t)
  const started = crew.start(3)
  await settled()
  await nth(1).listens()
  assert.equal(members.length, 3)
  await members[1]?.listens()
  await members[2]?.ends(1)
  assert.equal(await started, undefined)
  assert.deepEqual(
    members.map(({ signals }) => signals),
    [['SIGTERM'], ['SIGTERM'], []],
  )
})

test('a worker that dies is replaced after 100 ms, then after twice as long each time, ten seconds at most', async (t) => {
  const { logged, nth, startTwo } = createBench(t)
  let [, last] = await startTwo()
  const pauses: number[] = []
  for (let death = 0; death < 9; death++) {
    await last.ends('SIGKILL')
    const inMs = Number(logged.at(-1)?.['inMs'])
    pauses.push(inMs)
    mock.timers.tick(inMs - 1)
    nth(2 + death)
    mock.timers.tick(1)
    last = nth(3 + death)
  }
  assert.deepEqual(pauses, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
})

test('a roll starts each new worker before the old one is told to drain', async (t) => {
  const { crew, nth, startTwo } = createBench(t)
  const [first, second] = await startTwo()
  const rolled = crew.roll(2)
  await settled()
  const third = nth(3)
  assert.deepEqual([first.signals, second.signals], [[], []])
  await third.listens()
  assert.deepEqual([first.signals, second.signals], [['SIGTERM'], []])
  await nth(4).listens()
  assert.equal(await rolled, true)
  assert.deepEqual(second.signals, ['SIGTERM'])
  nth(4)
})

test('a roll stops where a new worker cannot start, and the rest stay', async (t) => {
  const { crew, nth, startTwo } = createBench(t)
  const [first, second] = await startTwo()
  const rolled = crew.roll(2)
  await settled()
  await nth(3).ends(1)
  assert.equal(await rolled, false)
  assert.deepEqual([first.signals, second.signals], [[], []])
})

test('a roll to another number of workers starts more, or ends those that are too many', async (t) => {
  const { crew, members, nth, startTwo } = createBench(t)
  await startTwo()
  const more = crew.roll(3)
  for (const n of [3, 4, 5]) {
    await settled()
    await nth(n).listens()
  }
  assert.equal(await more, true)
  const fewer = crew.roll(1)
  await settled()
  await nth(6).listens()
  assert.equal(await fewer, true)
  const ended = members.map(({ signals }) => signals.includes('SIGTERM'))
  assert.deepEqual(ended, [true, true, true, true, true, false])
})

test('stop drains all, replaces nobody, and has the exit code of the one that failed', async (t) => {
  const { crew, members, startTwo } = createBench(t)
  const [, second] = await startTwo()
  await second.ends(7)
  assert.equal(await crew.stop(), 0)
  mock.timers.tick(60_000)
  assert.equal(members.length, 2)
})
