import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomName } from './random-id.ts'

test('a name can stand on a command line: it is no option', () => {
  // Each of base64url's characters comes first in one of 64.
  const names = Array.from({ length: 4_000 }, randomName)
  assert.deepEqual(
    names.filter((name) => !/^[A-Za-z0-9_][A-Za-z0-9_-]{15}$/.test(name)),
    [],
  )
  assert.equal(new Set(names).size, names.length)
})
