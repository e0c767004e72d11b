import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basicCredentials } from './basic-credentials.ts'

const basic = (text: string | Buffer): string => `Basic ${Buffer.from(text).toString('base64')}`

test('RFC 7617 §2: the first colon parts name and password', () => {
  assert.deepEqual(basicCredentials(basic('alice:pass:word')), { username: 'alice', password: 'pass:word' })
  assert.deepEqual(basicCredentials(basic(':')), { username: '', password: '' })
  assert.deepEqual(basicCredentials(basic('élan:pässword')), { username: 'élan', password: 'pässword' })
  assert.deepEqual(basicCredentials(basic('a:b').replace('Basic', 'bAsIc')), { username: 'a', password: 'b' })
})

test('anything else is no credentials', () => {
  const bad = [undefined, '', 'Basic', 'Basic ', basic('alice'), `${basic('a:b')} x`, basic('a:b').replace(' ', '  ')]
  const other = [
    `Bearer ${basic('a:b').slice(6)}`,
    basic(Buffer.from([0x61, 0x3a, 0xc3, 0x28])),
    basic(`a:${'b'.repeat(4_000)}`),
  ]
  for (const header of [...bad, ...other]) assert.equal(basicCredentials(header), undefined, header)
})
