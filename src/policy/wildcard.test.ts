import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileWildcard } from './wildcard.ts'

const matches = (pattern: string, text: string) => compileWildcard(pattern, (literal) => literal)(text)

/** The definition itself, slow and plain: try every length of every wildcard. */
function reference(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern.startsWith('-*-')) return anyLength(pattern.slice(3), text, '/')
  if (pattern.startsWith('*')) return anyLength(pattern.slice(1), text, undefined)
  return text !== '' && text[0] === pattern[0] && reference(pattern.slice(1), text.slice(1))
}

function anyLength(rest: string, text: string, barrier: string | undefined): boolean {
  for (let taken = 0; taken <= text.length; taken++) {
    if (reference(rest, text.slice(taken))) return true
    if (text[taken] === barrier) return false
  }
  return false
}

const pattern = fc
  .array(fc.oneof(fc.constantFrom('*', '-*-', '/', '-', 'a', 'b', 'ab', 'aa'), fc.constantFrom('*', '-*-', 'a')), {
    maxLength: 9,
  })
  .map((parts) => parts.join(''))
const text = fc.array(fc.constantFrom('a', 'b', '/', '-', 'a', 'ab'), { maxLength: 12 }).map((parts) => parts.join(''))

test('every pattern matches what its definition says, wildcards of both kinds mixed', () => {
  fc.assert(
    fc.property(pattern, text, (p, t) => {
      assert.equal(matches(p, t), reference(p, t), `${p} on ${t}`)
    }),
    { numRuns: 20_000 },
  )
})

test('a pattern made from a text by putting wildcards in place of parts matches that text', () => {
  const cuts = fc.array(fc.tuple(fc.nat(12), fc.nat(12)), { maxLength: 3 })
  fc.assert(
    fc.property(text, cuts, (drawn, positions) => {
      const t = drawn.replaceAll('-', 'c')
      const p = positions.reduce((cut, [a, b]) => cut.slice(0, Math.min(a, b)) + '*' + cut.slice(Math.max(a, b)), t)
      assert.ok(matches(p, t), `${p} on ${t}`)
    }),
    { numRuns: 5_000 },
  )
})

test('* crosses slashes and -*- does not', () => {
  assert.ok(matches('/a*c', '/a/b/c'))
  assert.ok(matches('/a-*-c', '/abc'))
  assert.ok(!matches('/a-*-c', '/a/c'))
})

test('head and tail of a pattern never share characters of the text', () => {
  assert.ok(!matches('/aba*aba', '/aba'))
  assert.ok(!matches('ab-*-ba', 'aba'))
  assert.ok(matches('/aba*aba', '/abaaba'))
})

test('literal text is read before it is compared, wildcards are not', () => {
  const upper = compileWildcard('a*b', (literal) => literal.toUpperCase())
  assert.ok(upper('A-B'))
  assert.ok(!upper('a-b'))
})

test('overlapping occurrences of a literal all count', () => {
  assert.ok(matches('*a/a-*-b', 'a/a/ab'))
  assert.ok(!matches('*a/a-*-b', 'a/a/cb'))
})
