import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { coverageFaults, pendingIds, readPending, readVectors, vectorFiles } from './pending.ts'

const pending = readPending()
const files = vectorFiles().map((name) => {
  const all = readVectors(name).map(({ id }) => id)
  return { name, all, waiting: pendingIds(pending, name, all) }
})

test('every file of vectors is replayed by a test of its name, unless all of it is pending', () => {
  for (const { name, all, waiting } of files) {
    const path = join(import.meta.dirname, `${name}.test.ts`)
    const whole = waiting.length === all.length
    assert.equal(existsSync(path), !whole, name)
    // `runVectors` itself holds that its runners and the pending ids are the ids of the file, each once.
    if (!whole) assert.match(readFileSync(path, 'utf8'), new RegExp(`runVectors<\\w+>\\(\\s*'${name}'`), name)
  }
})

test('what is pending exists, stands there once, and says which part of the product will empty it', (t) => {
  for (const { part, reason, vectors } of pending) {
    assert.ok(part.length > 3 && reason.length > 10, part)
    assert.ok(Object.keys(vectors).length > 0, `${part} holds nothing`)
    for (const name of Object.keys(vectors))
      assert.ok(
        files.some((file) => file.name === name),
        `there is no ${name}`,
      )
  }
  const parts = pending.map(({ part }) => part)
  assert.equal(new Set(parts).size, parts.length, 'one entry for each part')
  for (const { name, all, waiting } of files)
    assert.deepEqual(coverageFaults({ all, pending: waiting, only: [], every: true }), [], name)
  const count = (of: 'all' | 'waiting'): number => files.reduce((sum, file) => sum + file[of].length, 0)
  t.diagnostic(`${count('all')} vectors: ${count('all') - count('waiting')} replayed, ${count('waiting')} pending`)
})

test('a vector that is run and pending, neither, twice or unknown is refused', () => {
  const sound = { all: ['a', 'b'], pending: ['b'], only: ['a'], every: false }
  const faults = (change: Partial<typeof sound>): readonly string[] => coverageFaults({ ...sound, ...change })
  assert.deepEqual(faults({}), [])
  assert.deepEqual(faults({ only: ['a', 'b'] }), ['b is pending and has a runner'])
  assert.deepEqual(faults({ only: [] }), ['a has neither a runner nor a reason'])
  assert.deepEqual(faults({ only: [], every: true }), [])
  assert.deepEqual(faults({ pending: ['b', 'b'] }), ['b is pending twice'])
  assert.deepEqual(faults({ pending: ['b', 'c'] }), ['there is no c'])
  assert.deepEqual(faults({ only: ['a', 'd'] }), ['there is no d'])
  assert.deepEqual(faults({ all: ['a', 'b', 'a'] }), ['a is there twice'])
  const whole = [{ part: 'x', reason: 'y', vectors: { file: '*' } }]
  assert.deepEqual(pendingIds(whole, 'file', ['a', 'b']), ['a', 'b'])
  assert.deepEqual(pendingIds(whole, 'other', ['a']), [])
})
