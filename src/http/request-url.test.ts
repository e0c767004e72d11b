import fc from 'fast-check'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseTarget, type Target } from './request-url.ts'

interface Vector {
  readonly id: string
  readonly target: string
  readonly expect: string
}

const vectors = JSON.parse(readFileSync(new URL('vectors/path.json', import.meta.url), 'utf8')) as readonly Vector[]
const SLASHES = [{ prefix: '/files/', allow: ['encoded-slash'] }] as const
const EMPTIES = [{ prefix: '/files/', allow: ['empty-segment'] }] as const
const BOTH = [{ prefix: '/files/', allow: ['encoded-slash', 'empty-segment'] }] as const

function accepted(raw: string, rules: Parameters<typeof parseTarget>[1] = []): Target {
  const target = parseTarget(raw, rules)
  assert.ok(typeof target === 'object', `${raw} was refused: ${JSON.stringify(target)}`)
  return target
}

for (const { id, target, expect } of vectors) {
  if (expect.startsWith('400')) {
    test(`path vector ${id}: ${target} is refused`, () => assert.equal(typeof parseTarget(target), 'string'))
  } else if (expect.startsWith('200')) {
    test(`path vector ${id}: ${target} is accepted`, () => assert.equal(typeof parseTarget(target), 'object'))
  } else {
    test(`path vector ${id}: ${target} has one reading or none`, () => {
      const parsed = parseTarget(target)
      if (typeof parsed === 'string') return
      assert.ok(
        !/%(?:6[1-9a-f]|[57][0-9a]|4[1-9a-f]|3\d)/i.test(parsed.path.replace(/%[89A-F][0-9A-F]/g, '')),
        parsed.path,
      )
    })
  }
}

test('a plain target is forwarded byte for byte, its query apart', () => {
  assert.deepEqual(accepted('/a/b.css?x=1&y=/../%00z'), {
    path: '/a/b.css',
    query: 'x=1&y=/../%00z',
    target: '/a/b.css?x=1&y=/../%00z',
    alternatives: [],
  })
})

test('RFC 3986 §6.2.2: unreserved characters are decoded, digits of other escapes are capitals', () => {
  assert.equal(accepted('/%61dm%69n/%c3%a9%20x?%61').target, '/admin/%C3%A9%20x?%61')
})

test('an empty query is kept apart from none', () => {
  assert.equal(accepted('/a?').query, '')
  assert.equal(accepted('/a?').target, '/a?')
  assert.equal(accepted('/a').query, undefined)
})

test('percent signs and raw unusual characters in the query are the application’s business', () => {
  assert.equal(accepted('/a?q=100%&r="<>|').query, 'q=100%&r="<>|')
})

for (const raw of ['/a?x#y', '/a?x y', '/a?\u00e9', '/a\u0000', '/a?x\r\ny', '', '?x', 'a', '*', '//a', '/a//']) {
  test(`refuses ${JSON.stringify(raw)}`, () => assert.equal(typeof parseTarget(raw), 'string'))
}

test('dots inside names are letters', () => {
  for (const path of ['/.well-known/x', '/a..b', '/..a', '/.gatehouse/callback', '/a.b/c.d']) accepted(path)
})

test('an opted-in encoded slash gives the decoded reading too', () => {
  assert.deepEqual(accepted('/files/a%2fb', SLASHES).alternatives, ['/files/a/b'])
  assert.equal(accepted('/files/a%2fb', SLASHES).path, '/files/a%2Fb')
})

test('an opted-in empty segment gives the merged reading too', () => {
  assert.deepEqual(accepted('/files/a//b', EMPTIES).alternatives, ['/files/a/b'])
})

test('no opt-in admits a target that starts with two slashes', () => {
  const everywhere = [{ prefix: '/', allow: ['empty-segment'] }] as const
  assert.deepEqual(accepted('/a//b', everywhere).alternatives, ['/a/b'])
  assert.equal(parseTarget('//evil.test/a', everywhere), 'empty-segment')
})

test('both opt-ins give every combination', () => {
  assert.deepEqual([...accepted('/files/a%2F%2fb', BOTH).alternatives].sort(), ['/files/a//b', '/files/a/b'])
})

test('an opt-in never admits dot segments, other separators, or paths beside its prefix', () => {
  for (const raw of [
    '/files/..%2fadmin',
    '/files/a%2f..%2f..%2fadmin',
    '/files/%2e%2e%2fadmin',
    '/files/a%5cb',
    '/files/a%2f;/b',
    '/other/a%2fb',
    '/files%2fa',
    '//files/a',
  ]) {
    assert.equal(typeof parseTarget(raw, BOTH), 'string', raw)
  }
  assert.equal(parseTarget('/files/%2fa', SLASHES), 'empty-segment')
  assert.equal(parseTarget('/files//a', SLASHES), 'empty-segment')
  assert.equal(parseTarget('/files/a%2fb', EMPTIES), 'encoded-separator')
})

/** What lenient servers make of a path. */
function lenient(path: string): readonly string[] {
  const decode = (text: string): string =>
    text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  const once = decode(path)
  return [once, decode(once), once.replaceAll('\\', '/'), once.replace(/;[^/]*/g, ''), once.toLowerCase()].map(
    (reading) => new URL(`http://x${reading.replace(/\/{2,}/g, '/').split(/[\u0000?#\n]/)[0] ?? ''}`).pathname,
  )
}

test('no accepted spelling of random fragments climbs out of /public for a lenient server', () => {
  const fragments = [
    '/',
    'public',
    'admin',
    '..',
    '.',
    '%2e',
    '%2f',
    '%5c',
    '\\',
    ';',
    ';a=b',
    '%00',
    '%25',
    '//',
    'a',
    '%61',
    '#',
    '?',
    '%3b',
    '%252e%252e',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 9 }), (parts) => {
      const parsed = parseTarget(`/public/${parts.join('')}`)
      if (typeof parsed === 'string') return
      // RFC 3986 §2.3: no unreserved character is left encoded.
      assert.doesNotMatch(parsed.path, /%(?:2[de]|3\d|4[1-9a-f]|5[0-9a]|5f|6[1-9a-f]|7[0-9a]|7e)/i)
      for (const reading of lenient(parsed.path))
        assert.ok(reading.startsWith('/public'), `${parsed.path} -> ${reading}`)
    }),
    { numRuns: 5_000 },
  )
})

test('reading its own output changes nothing', () => {
  fc.assert(
    fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
      const once = parseTarget(`${path === '' ? '/' : path}?${query}`)
      if (typeof once === 'string') return
      assert.deepEqual(parseTarget(once.target), once)
    }),
    { numRuns: 2_000 },
  )
})
