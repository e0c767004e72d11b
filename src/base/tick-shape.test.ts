import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { keepTickShape } from './tick-shape.ts'

test('keeps an object of each form that nextTick makes, and leaves no hook behind', async () => {
  const kept = keepTickShape()
  await new Promise<void>((resolve) => process.nextTick(resolve))
  assert.equal(kept.length, 2)
  for (const object of kept) assert.equal(typeof (object as { callback?: unknown }).callback, 'function')
})

test('is called before anything that a full collection could come in between: reading a configuration is enough', () => {
  const main = readFileSync(new URL('../main.ts', import.meta.url), 'utf8')
  const called = main.search(/^keepTickShape\(\)$/m)
  assert.notEqual(called, -1)
  assert.ok(called < main.search(/^await runProgram\(/m))
})
