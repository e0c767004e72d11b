import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { repeat } from './repeat.ts'

function setUp(t: TestContext): {
  readonly ends: (() => void)[]
  readonly errors: unknown[]
  readonly repeated: ReturnType<typeof repeat>
} {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const ends: (() => void)[] = []
  const errors: unknown[] = []
  const work = (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    ends.push(ends.length === 1 ? () => reject(new Error('away')) : resolve)
    return promise
  }
  return { ends, errors, repeated: repeat(work, { everyMs: 1_000, failed: (error) => errors.push(error) }) }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('work is never under way twice, and what fails comes again', async (t) => {
  const { ends, errors } = setUp(t)
  t.mock.timers.tick(5_000)
  assert.equal(ends.length, 1)
  ends[0]?.()
  await settled()
  t.mock.timers.tick(1_000)
  assert.equal(ends.length, 2)
  ends[1]?.()
  await settled()
  t.mock.timers.tick(1_000)
  assert.equal(ends.length, 3)
  assert.deepEqual(errors.map(String), ['Error: away'])
})

test('close waits for the run under way and starts none', async (t) => {
  const { ends, repeated } = setUp(t)
  t.mock.timers.tick(1_000)
  let isClosed = false
  const closing = repeated.close().then(() => (isClosed = true))
  await settled()
  assert.equal(isClosed, false)
  ends[0]?.()
  await closing
  t.mock.timers.tick(5_000)
  assert.equal(ends.length, 1)
})
