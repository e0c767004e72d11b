import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, nearest } from './suggest.ts'

const KEYS = ['url', 'realm', 'upstream', 'ssoOnly', 'policySet', 'notEnforced']

test('a typing mistake is recognised: missing, swapped, doubled letters, other case, other separators', () => {
  const meant = ['upsteam', 'raelm', 'sso_only', 'policy-set', 'NotEnforced', 'urll'].map((key) => nearest(key, KEYS))
  assert.deepEqual(meant, ['upstream', 'realm', 'ssoOnly', 'policySet', 'notEnforced', 'url'])
})

test('what resembles nothing gets no suggestion but the list', () => {
  assert.equal(nearest('colour', KEYS), undefined)
  assert.equal(didYouMean('colour', ['url', 'realm']), '; known here: url, realm')
  assert.equal(didYouMean('realms', KEYS), '; did you mean "realm"?')
  assert.equal(didYouMean('x', []), '')
})
