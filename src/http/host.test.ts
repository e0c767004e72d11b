import fc from 'fast-check'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createHostParser, hasSeveralHosts, parseHost } from './host.ts'

interface Vector {
  readonly id: string
  readonly host?: string | null | readonly string[]
  readonly expect: string
}

const vectors = JSON.parse(readFileSync(new URL('vectors/host.json', import.meta.url), 'utf8')) as readonly Vector[]

for (const { id, host, expect } of vectors) {
  if (host === undefined) continue
  if (Array.isArray(host)) {
    test(`host vector ${id}: repeated headers are noticed`, () =>
      assert.ok(hasSeveralHosts(host.flatMap((value: string) => ['hOsT', value]))))
  } else if (expect.startsWith('400')) {
    test(`host vector ${id} is refused`, () => assert.equal(parseHost((host as string | null) ?? undefined), undefined))
  } else {
    test(`host vector ${id} is read`, () => assert.notEqual(parseHost(host as string), undefined))
  }
}

test('letters are folded, one trailing dot and the port are taken off the name', () => {
  assert.deepEqual(parseHost('App.Example.COM.:8443'), {
    name: 'app.example.com',
    port: 8443,
    authority: 'app.example.com:8443',
  })
  assert.deepEqual(parseHost('app.example.com'), {
    name: 'app.example.com',
    port: undefined,
    authority: 'app.example.com',
  })
  assert.deepEqual(parseHost('[::1]:80'), { name: '[::1]', port: 80, authority: '[::1]:80' })
})

for (const bad of [
  '',
  '.',
  'a..b',
  'a.b..',
  ':80',
  'a:',
  'a:0',
  'a:080',
  'a:65536',
  '-a',
  'a-',
  '[::1',
  '::1',
  '\u212Aeys.example',
  'a'.repeat(64),
]) {
  test(`refuses ${JSON.stringify(bad)}`, () => assert.equal(parseHost(bad), undefined))
}

test('the remembering parser reads like the plain one', () => {
  const parse = createHostParser(100)
  for (const host of ['A.test', 'a.test:80', 'a.test/evil', undefined]) {
    assert.deepEqual(parse(host), parseHost(host))
    assert.deepEqual(parse(host), parseHost(host))
  }
})

test('one Host is not several', () => assert.equal(hasSeveralHosts(['Host', 'a', 'X-Host', 'b']), false))

const HOST_PIECES = [
  'a',
  'B',
  'app',
  '.',
  '-',
  '_',
  ':',
  '80',
  '443',
  '0',
  '[::1]',
  '@',
  '/',
  '\\',
  '?',
  '#',
  '%41',
  ' ',
]
const STRANGE_PIECES = ['\t', '\u00e9', '\u212a', '\u3002', '*', ',', '"', '\r\n']

test('whatever is read is plain, reads as itself, and is what a browser reads', () => {
  const piece = fc.constantFrom(...HOST_PIECES, ...HOST_PIECES, ...STRANGE_PIECES)
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join('')
      const host = parseHost(text)
      if (host === undefined) return
      assert.match(text, /^[\x21-\x7e]+$/)
      assert.match(host.authority, /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d+)?$/)
      assert.deepEqual(parseHost(host.authority), host)
      const url = URL.parse(`http://${text}/`)
      // To a browser `80` and `a.80` are addresses, and some names are none.
      if (url === null || /(?:^|\.)\d+$/.test(host.name)) return
      assert.deepEqual(
        [url.hostname.replace(/\.$/, ''), Number(url.port === '' ? 80 : url.port), url.username, url.pathname],
        [host.name, host.port ?? 80, '', '/'],
      )
    }),
    { numRuns: 5_000 },
  )
})
