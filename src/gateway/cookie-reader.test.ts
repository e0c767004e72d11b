import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AMBIGUOUS } from '../http/cookies.ts'
import { createCookieReader } from './cookie-reader.ts'

const read = createCookieReader({
  token: 'SSOTokenID',
  stripped: new Set(['SSOTokenID', '__Host-SSOTokenID']),
  maxEntries: 4,
})

test('the token is found and taken out, the first time as later', () => {
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(read('theme=dark; SSOTokenID=abc; cart=7'), { token: 'abc', forUpstream: 'theme=dark; cart=7' })
    assert.deepEqual(read('SSOTokenID=abc'), { token: 'abc', forUpstream: undefined })
    assert.deepEqual(read('theme=dark'), { token: undefined, forUpstream: 'theme=dark' })
  }
})

test('one header is never answered with what another one said', () => {
  for (let i = 0; i < 40; i++) {
    assert.equal(read(`SSOTokenID=t${i}`).token, `t${i}`)
    assert.equal(read(`SSOTokenID=t${i}; SSOTokenID=t`).token, AMBIGUOUS)
    assert.equal(read(`SSOTokenID=t${i}`).token, `t${i}`)
  }
})

test('a header too long to be remembered is read all the same', () => {
  const long = `a=${'x'.repeat(2_000)}; SSOTokenID=abc`
  assert.deepEqual(read(long), { token: 'abc', forUpstream: `a=${'x'.repeat(2_000)}` })
})
