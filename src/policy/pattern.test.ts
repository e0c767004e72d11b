import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { covers as coversAs, matches } from './coverage.fixture.ts'
import { checkPattern, parsePattern, targetOf } from './pattern.ts'
import type { Precision } from './precision.ts'

const covers = (pattern: string, url: string, precision: Precision = 'exact'): boolean =>
  coversAs(pattern, url, { precision })

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8'))
}

suite('components', () => {
  test('a host wildcard never reaches into the path: policy bypass through a path that looks like a host', () => {
    assert.ok(!covers('http://*.example.com/*', 'http://evil.test/x.example.com/secret'))
    assert.ok(!covers('http://*/public/*', 'http://a.test/admin/public/x'))
    assert.ok(covers('http://*.example.com/*', 'http://a.b.example.com/secret'))
  })

  test('a path wildcard never reaches into the query', () => {
    assert.ok(!covers('http://h/*.css', 'http://h/admin?x=.css'))
    assert.ok(covers('http://h/*.css', 'http://h/a/b.css'))
  })

  test('host and scheme fold ASCII case, the path does not', () => {
    assert.ok(covers('HTTP://App.Example.COM/a', 'http://app.example.com/a'))
    assert.ok(!covers('http://h/A', 'http://h/a'))
  })

  test('an explicit default port equals none, for each scheme its own', () => {
    assert.ok(covers('http://h:80/', 'http://h/') && covers('http://h/', 'http://h:80/'))
    assert.ok(covers('https://h:443/', 'https://h/') && covers('https://h/', 'https://h:443/'))
    assert.ok(!covers('https://h/', 'https://h:80/'))
    assert.ok(!covers('http://h/', 'http://h:8080/'))
  })

  test('a wildcard scheme without a port stands for any port', () => {
    assert.ok(covers('*://h/', 'http://h:8080/') && covers('http*://h/', 'https://h/'))
    assert.ok(!covers('*://h:443/', 'https://h:8443/'))
  })

  test('an IPv6 host is compared without its brackets', () => {
    for (const host of ['::1', '[::1]']) {
      assert.ok(
        matches('http://[::1]:8080/*', { scheme: 'http', host, port: 8080, path: '/x', query: undefined }),
        host,
      )
    }
  })

  test('a pattern without a path is the root and nothing below', () => {
    assert.ok(covers('http://h', 'http://h/'))
    assert.ok(!covers('http://h', 'http://h/x'))
  })
})

suite('query', () => {
  test('a pattern without ? covers no resource with a query, so allows come in pairs as in OpenAM', () => {
    assert.ok(!covers('http://h/*', 'http://h/a?b=c'))
    assert.ok(covers('http://h/*?*', 'http://h/a?b=c'))
    assert.ok(!covers('http://h/*?*', 'http://h/a'))
  })

  test('?* covers an empty query too', () => {
    assert.ok(covers('http://h/a?*', 'http://h/a?'))
  })

  test('only the first ? starts the query', () => {
    assert.ok(covers('http://h/a?b?c', 'http://h/a?b?c'))
    assert.ok(covers('http://h/a?action=*', 'http://h/a?action=run?now'))
  })
})

suite('spellings', () => {
  test('percent-encoded letters are the letters: /%61dmin is /admin', () => {
    assert.ok(covers('http://h/admin/*', 'http://h/%61dmin/x'))
    assert.ok(covers('http://h/%61dmin/*', 'http://h/admin/x'))
  })

  test('hexadecimal digits compare in either case', () => {
    assert.ok(covers('http://h/%c3%bc', 'http://h/%C3%BC'))
  })

  test('an encoded slash is no slash: -*- may cover it, a literal slash does not', () => {
    assert.ok(covers('http://h/-*-', 'http://h/a%2Fb'))
    assert.ok(!covers('http://h/a/b', 'http://h/a%2Fb'))
  })

  test('%2A in a pattern is a star that stands for itself', () => {
    assert.ok(covers('http://h/%2A', 'http://h/*'))
    assert.ok(!covers('http://h/%2A', 'http://h/a'))
  })

  test('an encoded & or = in a query is data, not structure', () => {
    assert.ok(!covers('http://h/?a=1&b=2', 'http://h/?a=1%26b=2'))
  })

  test('the loose reading takes every letter case, the exact one only its own', () => {
    assert.ok(covers('http://h/admin/*', 'http://h/ADMIN/x', 'loose'))
    assert.ok(!covers('http://h/admin/*', 'http://h/ADMIN/x', 'exact'))
    assert.ok(covers('http://h/do?action=delete*', 'http://h/do?Action=DELETE', 'loose'))
  })

  test('the loose reading of a pattern without ? takes every query: /admin?x is not a way around /admin', () => {
    assert.ok(covers('http://h/admin', 'http://h/admin?x=1', 'loose'))
    assert.ok(covers('http://h/admin', 'http://h/admin', 'loose'))
  })

  test('the loose reading takes path parameters away: /admin;x=1/y is not a way around /admin/*', () => {
    assert.ok(covers('http://h/admin/*', 'http://h/admin;x=1/y', 'loose'))
    assert.ok(covers('http://h/admin;x=1/*', 'http://h/admin;x=1/y', 'loose'))
    assert.ok(!covers('http://h/admin/*', 'http://h/admin;x=1/y', 'exact'))
  })

  test('to the loose reading a slash at the end is all one: neither /admin nor /admin/ is a way around the other', () => {
    assert.ok(covers('http://h/admin', 'http://h/admin/', 'loose'))
    assert.ok(covers('http://h/admin', 'http://h/admin;x/', 'loose'))
    assert.ok(!covers('http://h/admin', 'http://h/admin/', 'exact'))
    assert.ok(covers('http://h/admin/', 'http://h/admin', 'loose'))
    assert.ok(covers('http://h/admin/*', 'http://h/admin', 'loose'))
    assert.ok(!covers('http://h/admin/*', 'http://h/administration', 'loose'))
    assert.ok(!covers('http://h/admin/', 'http://h/admin', 'exact'))
  })

  test('folding is ASCII only: a Kelvin sign is no k', () => {
    assert.ok(!covers('http://h/keys', 'http://h/\u212aeys', 'loose'))
    // A capital before it, so that there is something to fold.
    assert.ok(!covers('http://h/a/keys', 'http://h/A/\u212aeys', 'loose'))
  })
})

suite('what config check says', () => {
  const problems: readonly (readonly [pattern: string, said: RegExp])[] = [
    ['app.example.com/*', /^write scheme, host and path/],
    ['/abc/*', /^write scheme, host and path/],
    ['://h/', /^write scheme, host and path/],
    ['ftp://h/*', /scheme matches neither/],
    ['http:///x', /^name the host/],
    ['http://?x', /^name the host/],
    ['http://user@h/', /^a user name is not part/],
    ['http://a_b(c)/', /is no host/],
    ['http://[::1/', /is no host/],
    ['http://h:/', /is no port/],
    ['http://h:0/', /is no port/],
    ['http://h:65536/', /is no port/],
    ['http://h:080/', /is no port/],
    ['http://h:8x*/', /^write the port in digits/],
    ['http://h/a b', /percent-encode/],
    ['http://h/ü', /percent-encode/],
    ['http://h/a#b', /fragment/],
    ['http://h/a\\b', /backslash/],
    ['http://h/100%', /starts an encoded byte/],
    ['http://h/?a=%zz', /starts an encoded byte/],
    ['http://h/a/../b', /a request with \.\./],
    ['http://h/./b', /a request with \. /],
    [`http://h/${'a'.repeat(2_048)}`, /longer than 2048/],
  ]
  for (const [pattern, said] of problems) {
    test(`${pattern.slice(0, 40)} is refused`, () => {
      assert.match(checkPattern(pattern) ?? 'no problem', said)
      assert.equal(parsePattern(pattern).kind, 'problem')
    })
  }

  for (const pattern of [
    '*://*:*/*',
    '*://*:*/*?*',
    'http*://app.acme.localhost:8*0/a/-*-/b',
    'http://[2001:db8::1]/',
    'https://xn--bcher-kva.example/%C3%BC?a=b',
  ]) {
    test(`${pattern} is fine`, () => assert.equal(checkPattern(pattern), undefined))
  }
})

suite('ReDoS', () => {
  interface RedosVector {
    readonly id: string
    readonly pattern: string
    readonly input?: string
  }
  const inputs = ['a', '/', ',', 'a/', 'ab'].map((part) => `/${part.repeat(50_000 / part.length)}!`)
  const hostile = [
    `/${'*a'.repeat(30)}`,
    `/${'-*-a'.repeat(30)}`,
    `/*a${'-*-a'.repeat(30)}*b`,
    `/*a-*-b${'*a-*-b'.repeat(10)}`,
    `/${'*/-*-'.repeat(20)}x`,
  ]
  const collected = (readJson('redos.json') as readonly RedosVector[]).map(({ id, pattern, input }) => ({
    id,
    path: `/${pattern}`,
    input: input?.startsWith('/') === true ? input : undefined,
  }))
  const all = [...collected, ...hostile.map((path) => ({ id: path.slice(0, 20), path, input: undefined }))]

  for (const { id, path, input } of all) {
    test(`${id}: refused at load, or under 50 ms on 50,000 characters`, () => {
      const parsed = parsePattern(`http://h${path}`)
      if (parsed.kind === 'problem') return
      for (const attack of input === undefined ? inputs : [input]) {
        const target = targetOf({ scheme: 'http', host: 'h', port: 80, path: attack, query: undefined })
        const best = Math.min(...[1, 2, 3, 4, 5].map(() => elapsed(() => parsed.pattern.matches(target, 'loose'))))
        // Less than half a millisecond where nothing else runs; what goes back for each character takes a thousand times as long.
        assert.ok(best < 50, `${best} ms on ${attack.slice(0, 10)}…`)
      }
    })
  }
})

function elapsed(work: () => unknown): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

suite('component by component', () => {
  /** A wildcard text as a regular expression: the definition of a component on its own. */
  const naive = (pattern: string): RegExp => {
    const parts = pattern.split(/(-\*-|\*)/)
    const source = parts.map((part) =>
      part === '*' ? '.*' : part === '-*-' ? '[^/]*' : part.replace(/[.?+^$()[\]{}|\\/-]/g, '\\$&'),
    )
    return new RegExp(`^${source.join('')}$`, 's')
  }
  const text = (...pieces: readonly string[]): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))
  const pattern = fc.record({
    scheme: fc.constantFrom('http', 'https', '*', 'http*', '*s'),
    host: fc.constantFrom('a.test', '*.test', '*', 'a.*', '-*-.test', 'b.a.test'),
    port: fc.constantFrom('80', '443', '*', '8*', '8080'),
    path: text('/', 'a', 'b', '*', '-*-', '-').map((tail) => `/${tail}`),
    query: fc.option(text('a', '=', 'b', '*', '&', '-*-'), { nil: undefined }),
  })
  const asked = fc.record({
    scheme: fc.constantFrom<'http' | 'https'>('http', 'https'),
    host: fc.constantFrom('a.test', 'b.a.test', 'test', 'a.test.evil', 'a.test-a'),
    port: fc.constantFrom(80, 443, 8080, 81),
    path: text('/', 'a', 'b', '-', '/a.test').map((tail) => `/${tail}`),
    query: fc.option(text('a', '=', 'b', '&', '/'), { nil: undefined }),
  })

  test('an exact match is a match of every component, and of no component with the text of another', () => {
    fc.assert(
      fc.property(pattern, asked, (drawn, resource) => {
        const whole = `${drawn.scheme}://${drawn.host}:${drawn.port}${drawn.path}${drawn.query === undefined ? '' : `?${drawn.query}`}`
        if (parsePattern(whole).kind === 'problem') return
        const expected =
          naive(drawn.scheme).test(resource.scheme) &&
          naive(drawn.host).test(resource.host) &&
          naive(drawn.port).test(String(resource.port)) &&
          naive(drawn.path).test(resource.path) &&
          (drawn.query === undefined
            ? resource.query === undefined
            : resource.query !== undefined && naive(drawn.query).test(resource.query))
        assert.equal(matches(whole, resource), expected, whole)
      }),
      { numRuns: 10_000 },
    )
  })
})
