import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readPending, readVectors } from './suite.ts'

const here = import.meta.dirname
const files = readdirSync(join(here, 'vectors')).map((name) => name.replace(/\.json$/, ''))

test('every file of vectors is replayed by a test of its name or pending with a reason', () => {
  const pending = readPending()
  for (const name of Object.keys(pending)) assert.ok(files.includes(name), `${name} is pending and does not exist`)
  for (const name of files) {
    const path = join(here, `${name}.test.ts`)
    const whole = typeof pending[name] === 'string'
    assert.equal(existsSync(path), !whole, name)
    // `runVectors` itself holds that its runners and the pending ids are all ids of the file, each once.
    if (!whole) assert.match(readFileSync(path, 'utf8'), new RegExp(`runVectors<\\w+>\\(\\s*'${name}'`), name)
  }
})

test('every reason says something', (t) => {
  const pending = readPending()
  let [all, waiting] = [0, 0]
  for (const name of files) {
    const ids = readVectors(name).map(({ id }) => id)
    const reasons = pending[name] ?? {}
    all += ids.length
    waiting += typeof reasons === 'string' ? ids.length : Object.keys(reasons).length
    for (const reason of typeof reasons === 'string' ? [reasons] : Object.values(reasons))
      assert.ok(reason.length > 10, name)
  }
  t.diagnostic(`${all} vectors: ${all - waiting} replayed, ${waiting} pending`)
})
