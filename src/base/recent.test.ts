import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { rememberRecent } from './recent.ts'

interface Counted {
  readonly ask: (text: string) => string
  /** How often the answer for a text was worked out. */
  readonly worked: (text: string) => number
}

function counted(): Counted {
  const times = new Map<string, number>()
  const work = (text: string): string => {
    times.set(text, (times.get(text) ?? 0) + 1)
    return text.toUpperCase()
  }
  return { ask: rememberRecent(work, { maxLength: 8, maxEntries: 10 }), worked: (text) => times.get(text) ?? 0 }
}

test('an answer is worked out once', () => {
  const { ask, worked } = counted()
  assert.deepEqual([ask('a'), ask('a'), ask('a')], ['A', 'A', 'A'])
  assert.equal(worked('a'), 1)
})

test('what is asked for all the time stays, however much strangers invent', () => {
  const { ask, worked } = counted()
  for (let i = 0; i < 1_000; i++) {
    ask('accept')
    ask(`x-${i}`)
  }
  assert.equal(worked('accept'), 1)
})

test('slots that strangers have filled are free again for what is asked for later', () => {
  const { ask, worked } = counted()
  for (let i = 0; i < 1_000; i++) ask(`x-${i}`)
  for (let i = 0; i < 3; i++) ask('accept')
  assert.equal(worked('accept'), 1)
})

test('no more texts are kept than there may be', () => {
  const { ask, worked } = counted()
  for (let i = 0; i < 20; i++) ask(`x-${i}`)
  for (let i = 0; i < 20; i++) ask(`x-${i}`)
  assert.equal(worked('x-0'), 2)
})

test('a text that is too long is never kept', () => {
  const { ask, worked } = counted()
  for (let i = 0; i < 3; i++) ask('a'.repeat(9))
  assert.equal(worked('a'.repeat(9)), 3)
})

test('undefined is asked for again', () => {
  let runs = 0
  const ask = rememberRecent(
    () => {
      runs++
      return undefined
    },
    { maxLength: 8, maxEntries: 10 },
  )
  ask('a')
  ask('a')
  assert.equal(runs, 2)
})

test('what is remembered is a copy: a short text cut out of a long one does not keep that alive', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const remember = rememberRecent((text) => text.length, { maxEntries: 2_000, maxLength: 64 })
  collect()
  const before = process.memoryUsage().heapUsed
  for (let nth = 0; nth < 1_000; nth++) remember(`token-of-browser-${nth};${'x'.repeat(30_000)}`.slice(0, 20))
  collect()
  assert.ok(process.memoryUsage().heapUsed - before < 5_000_000)
})
