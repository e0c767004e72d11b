import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFilter } from './session-query.ts'

test('a filter names a realm, and a user of it in either order', () => {
  assert.deepEqual(readFilter('realm eq "/alpha"'), { realm: '/alpha', username: undefined })
  const both = { realm: '/alpha', username: 'bjensen' }
  assert.deepEqual(readFilter('username eq "bjensen" and realm eq "/alpha"'), both)
  assert.deepEqual(readFilter(' /realm eq "/alpha" and /username eq "bjensen" '), both)
  assert.equal(readFilter('username eq "a\\"b" and realm eq "/"')?.username, 'a"b')
})

test('every other filter is refused', () => {
  for (const text of [
    '',
    'true',
    'username eq "bjensen"',
    'realm eq "/alpha" or username eq "bjensen"',
    'realm eq "/alpha" and realm eq "/beta"',
    'realm sw "/"',
    'realm eq /alpha',
    '(realm eq "/alpha")',
    'realm eq "/alpha" and',
    'realm eq "/alpha" username eq "x"',
    'sid eq "x" and realm eq "/"',
    `realm eq "/${'a'.repeat(2_000)}"`,
  ])
    assert.equal(readFilter(text), undefined, text)
})
