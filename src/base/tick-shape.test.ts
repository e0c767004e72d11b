import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepTickShape } from './tick-shape.ts'

test('keeps an object of each form that nextTick makes, and leaves no hook behind', async () => {
  const kept = keepTickShape()
  await new Promise<void>((resolve) => process.nextTick(resolve))
  assert.equal(kept.length, 2)
  for (const object of kept) assert.equal(typeof (object as { callback?: unknown }).callback, 'function')
})
