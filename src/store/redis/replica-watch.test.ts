import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HELD_MS, ReplicaWatch } from './replica-watch.ts'

test('a primary that a replica has left is held for a while, unless it comes back or another server is the primary', () => {
  let now = 0
  const watch = new ReplicaWatch(() => now)
  assert.equal(watch.hasLost('a', 1), false)
  assert.equal(watch.hasLost('a', 2), false)
  assert.equal(watch.hasLost('a', 1), true)
  now = HELD_MS - 1
  assert.equal(watch.hasLost('a', 1), true)
  assert.equal(watch.hasLost('a', 2), false, 'it is back')
  assert.equal(watch.hasLost('a', 1), true)
  now += HELD_MS
  assert.equal(watch.hasLost('a', 1), false, 'the others would have left, too')
  assert.equal(watch.hasLost('a', 0), true)
  assert.equal(watch.hasLost('b', 0), false, 'of another server nothing is known')
  assert.equal(watch.hasLost('b', 1), false)
})

test('each that leaves is waited for, though another one left before it', () => {
  let now = 0
  const watch = new ReplicaWatch(() => now)
  watch.hasLost('a', 3)
  assert.equal(watch.hasLost('a', 2), true)
  now = HELD_MS - 1
  assert.equal(watch.hasLost('a', 1), true)
  now += HELD_MS - 1
  assert.equal(watch.hasLost('a', 1), true)
  now += 1
  assert.equal(watch.hasLost('a', 1), false)
})
