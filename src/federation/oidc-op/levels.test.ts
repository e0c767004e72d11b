import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLevels, methodsOf } from './levels.ts'

const levels = createLevels(
  [
    { name: 'silver', level: 1 },
    { name: 'gold', level: 2 },
    { name: 'far', level: 7 },
  ],
  3,
)

test('a level is called what was asked for as far as it is that, and never more than it is', () => {
  assert.equal(levels.nameOf(2), 'gold')
  assert.equal(levels.nameOf(2, ['silver']), 'silver')
  assert.equal(levels.nameOf(1, ['gold']), 'silver')
  assert.equal(levels.nameOf(0, ['gold', '0']), '0')
  assert.equal(levels.nameOf(6, ['unheard-of', 'far']), 'gold')
})

test('what is missing is the first level that is asked for and can be reached', () => {
  assert.equal(levels.missing(['gold', 'silver'], 0), 2)
  assert.equal(levels.missing(['gold', 'silver'], 1), undefined, 'one of them is there')
  assert.equal(levels.missing(['far', '3'], 2), 3)
  assert.equal(levels.missing(['far'], 2), undefined, 'no login of the realm comes to it')
  assert.equal(levels.missing(['toString', '-1', '1e3'], 0), undefined)
  assert.deepEqual(createLevels([], 2).names, ['0', '1', '2'])
})

test('how it was proved is told in the words of RFC 8176 where it has them', () => {
  const types: Readonly<Record<string, string>> = { pw: 'password', app: 'totp', door: 'x509' }
  const methods = (authModules: readonly string[]) => methodsOf({ authModules }, (module) => types[module])
  assert.deepEqual(methods(['pw']), ['pwd'])
  assert.deepEqual(methods(['pw', 'app']), ['pwd', 'otp', 'mfa'])
  assert.deepEqual(methods(['door']), ['door'])
})
