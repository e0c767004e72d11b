import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flawOf } from './password-rules.ts'
import { passwordRulesSchema } from './passwords.schema.ts'

const flaw = (password: string, rules: object = {}, username = 'alice'): string | undefined =>
  flawOf(password, username, passwordRulesSchema.parse(rules))?.kind

test('NIST SP 800-63B §3.1.1.2: fifteen characters, counted as people count them, and any kind of them', () => {
  assert.equal(flaw('fourteen chars'), 'too-short')
  assert.equal(flaw('only low letters'), undefined)
  assert.equal(flaw('🐙🦑🐠🐟🐡🐬🐳🐋🦈🐊🐅🐆🦓🦍'), 'too-short')
  assert.equal(flaw('🐙🦑🐠🐟🐡🐬🐳🐋🦈🐊🐅🐆🦓🦍🐘'), undefined)
  assert.equal(flaw('e\u0301'.repeat(14)), 'too-short')
  assert.equal(flaw('a tree is green', { minLength: 16 }), 'too-short')
})

test('long ones are taken as they are, up to what the realm says', () => {
  const long = Array.from({ length: 40 }, (_, n) => `w${n * 7} `).join('')
  assert.equal(flaw(long), undefined)
  assert.equal(flaw(long.repeat(2)), 'too-long')
  assert.equal(flaw(`${'ō ü'.repeat(300)} x`, { maxLength: 1_024 }), 'unusable')
  assert.equal(flaw('\ud800 is half a character'), 'unusable')
})

test('the own name counts for nothing, in whatever spelling', () => {
  assert.equal(flaw('alicealicealice'), 'name')
  assert.equal(flaw('Alice in a wood'), 'name')
  assert.equal(flaw('ＡＬＩＣＥ in a wood'), 'name')
  assert.equal(flaw('alice in a very deep wood'), undefined)
  assert.equal(flaw('al gathers nuts', {}, 'al'), undefined)
})

test('what is tried first is refused, also with something after it', () => {
  const eight = { minLength: 8 }
  for (const password of [
    'password',
    'PASSWORD',
    'password123!',
    'qwertyuiop',
    'Password2024!!!',
    'abcabcabcabcabc',
    'aaaaaaaaaaaaaaaa',
    '123456789012345',
    '987654321098765',
    'abcdefghijklmnopqrst',
  ])
    assert.equal(flaw(password, eight), 'common', password)
  assert.equal(flaw('password', { ...eight, refuseCommon: false }), undefined)
  assert.equal(flaw('winter tyres', eight), undefined)
})
