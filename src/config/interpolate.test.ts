import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { interpolate, type FileAnswer } from './interpolate.ts'

const env = { HOST: 'app.example', PORT: '8443', EMPTY: '', DIR: 'keys', TRICK: '${env:HOST} ${file:/etc/passwd}' }
const files: Readonly<Record<string, string>> = { 'keys/master.key': 'from-file', 'a b.txt': 'spaced' }
const file = (path: string): FileAnswer => {
  const text = files[path]
  return text === undefined ? { kind: 'failed', why: 'does not exist' } : { kind: 'read', text, worldReadable: false }
}
const fill = (text: string) => interpolate(text, { env, file })

test('several references in one value, between other text', () => {
  assert.equal(fill('https://${env:HOST}:${env:PORT}/x').text, 'https://app.example:8443/x')
})

test('a default stands in for a variable that is not set or empty, and may be empty itself', () => {
  const texts = ['${env:NONE:-one}', '${env:EMPTY:-two}', '${env:HOST:-three}', '[${env:NONE:-}]'].map(
    (text) => fill(text).text,
  )
  assert.deepEqual(texts, ['one', 'two', 'app.example', '[]'])
})

test('paths and defaults may hold references', () => {
  const filled = fill('${file:${env:DIR:-.gatehouse}/master.key} ${env:NONE:-${env:PORT}}')
  assert.deepEqual(filled, { text: 'from-file 8443', files: ['keys/master.key'], problems: [] })
  assert.equal(fill('${file:a b.txt}').text, 'spaced')
})

test('$${ stands for ${ and other dollars for themselves', () => {
  assert.equal(fill('$${env:HOST} $5 $$ {}').text, '${env:HOST} $5 $$ {}')
  assert.equal(fill('$argon2id$v=19$m=1').text, '$argon2id$v=19$m=1')
})

test('what was put in is not looked into again: a value cannot name another secret', () => {
  assert.equal(fill('${env:TRICK}').text, env.TRICK)
})

test('a missing or empty variable and a missing file are problems that say what to do', () => {
  const { problems } = fill('${env:NONE} ${env:EMPTY} ${file:gone} ${file:${env:NONE}/x}')
  assert.deepEqual(problems, [
    'environment variable NONE is not set; set it, or write a default: ${env:NONE:-default}',
    'environment variable EMPTY is empty; set it, or write a default: ${env:EMPTY:-default}',
    '${file:gone} does not exist',
    'environment variable NONE is not set; set it, or write a default: ${env:NONE:-default}',
  ])
})

test('only env and file can be named, and malformed references are refused', () => {
  const bad = [
    '${SECRET}',
    '${env:}',
    '${env:A',
    '${env:A-b}',
    '${env:1A}',
    '${file:}',
    '${file:x',
    '${exec:id}',
    '${env:A:-x',
    '${',
  ]
  for (const text of bad) assert.equal(fill(text).problems.length, 1, text)
  assert.match(fill('${env:A:-'.repeat(9) + '}'.repeat(9)).problems.join(), /nested too deeply/)
})

test('no value that came from outside is part of a problem', () => {
  const { problems } = interpolate('${env:SECRET}${env:NONE}${file:${env:SECRET}}', {
    env: { SECRET: 'hunter2' },
    file,
  })
  assert.equal(problems.length, 2)
  assert.doesNotMatch(problems.join(), /hunter2/)
})

test('property: text without ${ comes back as it is, and anything comes back or is a problem', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { text: filled, problems } = fill(text)
      if (!text.includes('${')) assert.equal(filled, text)
      assert.ok(problems.length > 0 || typeof filled === 'string')
    }),
  )
  fc.assert(fc.property(fc.string(), (text) => assert.equal(fill(text.replaceAll('${', () => '$${')).text, text)))
})
