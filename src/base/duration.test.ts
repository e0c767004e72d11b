import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from './duration.ts'

test('durations need a whole number and a unit', () => {
  assert.equal(parseDuration('500ms'), 500)
  assert.equal(parseDuration('30s'), 30_000)
  assert.equal(parseDuration('120m'), 7_200_000)
  assert.equal(parseDuration('1d'), 86_400_000)
})

for (const text of ['', '30', '1.5h', '-1s', '30 s', '30S', '1h30m', '9999999999s', 's']) {
  test(`"${text}" is not a duration`, () => {
    assert.equal(parseDuration(text), undefined)
  })
}
