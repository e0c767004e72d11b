import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerNames } from './header-names.ts'

test('a name of the set is found in any case', () => {
  const isOurs = headerNames(['te', 'transfer-encoding'])
  for (const name of ['te', 'TE', 'Te', 'Transfer-Encoding', 'TRANSFER-ENCODING'])
    assert.equal(isOurs(name), true, name)
})

test('other names are not, whatever their length', () => {
  const isOurs = headerNames(['te', 'transfer-encoding'])
  for (const name of ['', 'tx', 't', 'transfer_encoding', ' te', 'te'.repeat(200)])
    assert.equal(isOurs(name), false, name)
})
