import fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileResponseRewrites, type ResponseRules } from './response-head.ts'
import type { HeaderList } from './upstream/upstream.ts'

const RULES: ResponseRules = {
  site: 'https://app.test',
  internalOrigins: ['http://10.0.0.5:8080'],
  rewriteLocation: true,
  caching: 'protect',
  cookieDomain: 'keep',
  reservedCookies: new Set(['ssotokenid', 'gatehouse-handshake']),
  remove: ['X-Powered-By'],
  maxNames: 100,
  onDroppedCookie: () => undefined,
}

type Line = readonly [name: string, value: string]

const PASSED: readonly Line[] = [
  ['ETag', '"1"'],
  ['X-Own', 'a'],
  ['x-own', 'b'],
  ['Content-Type', 'image/png'],
  ['Set-Cookie', 'app=1; Path=/'],
  ['Set-Cookie', 'SSOTokenID2=1'],
  ['Location', 'https://elsewhere.test/x'],
  ['Location', 'http://10.0.0.5:8080.evil.test/'],
]
const DROPPED: readonly Line[] = [
  ['Alt-Svc', 'h3=":443"'],
  ['x-powered-by', 'PHP/5'],
  ['X-Gatehouse-Assertion', 'eyJ.x.y'],
  ['Set-Cookie', 'SSOTokenID=evil; Path=/'],
  ['set-cookie', ' __host-ssotokenID =evil'],
  ['SET-COOKIE', '=SSOTokenID=evil'],
  ['Set-Cookie', '__Secure-gatehouse-handshake=evil; Secure'],
  ['Clear-Site-Data', '"cookies"'],
]
const CACHING: readonly Line[] = [
  ['Cache-Control', 'public, max-age=60'],
  ['cache-control', 's-maxage=600'],
  ['CDN-Cache-Control', 'max-age=600'],
  ['Surrogate-Control', 'max-age=600'],
  ['Vary', 'Accept'],
  ['vary', 'Accept-Encoding'],
  ['Expires', 'Thu, 01 Jan 2037 00:00:00 GMT'],
  ['Pragma', 'x'],
]

const lines = fc.array(fc.constantFrom(...PASSED, ...DROPPED, ...CACHING), { maxLength: 12 })
const status = fc.constantFrom(200, 206, 302, 304, 404, 500)

function linesOf(list: HeaderList): readonly Line[] {
  return list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? ''] as const] : []))
}

const isAmong = (known: readonly Line[], [name, value]: Line): boolean =>
  known.some((line) => line[0] === name && line[1] === value)

test('of an answer that needed no session all but what is ours goes on, in its order', () => {
  const { open } = compileResponseRewrites(RULES)
  fc.assert(
    fc.property(status, lines, (code, given) => {
      assert.deepEqual(
        linesOf(open(code, given.flat())),
        given.filter((line) => !isAmong(DROPPED, line)),
      )
    }),
  )
})

test('of an answer that needed a session the rest goes on, too, with one word about caches, and it is ours', () => {
  const rewrites = compileResponseRewrites(RULES)
  fc.assert(
    fc.property(status, lines, (code, given) => {
      const sent = linesOf(rewrites.protected(code, given.flat()))
      assert.deepEqual(
        sent.slice(0, -2),
        given.filter((line) => isAmong(PASSED, line)),
      )
      const [caching, vary] = sent.slice(-2)
      assert.equal(caching?.[0], 'Cache-Control')
      assert.match(caching[1], /^(?:no-store|private(?:, max-age=60)*)$/)
      if (given.some(([name]) => name.toLowerCase() === 'set-cookie') && sent.some(([name]) => name === 'Set-Cookie'))
        assert.equal(caching[1], 'no-store')
      assert.equal(vary?.[0], 'Vary')
      assert.match(vary[1], /(?:^|, )Cookie$/)
    }),
  )
})

test('Location leads to the site or stays as it is, whatever is put behind the application’s own origin', () => {
  const { open } = compileResponseRewrites(RULES)
  const piece = fc.constantFrom('/', '?', '#', '.', ':', '@', 'evil.test', '80', 'x', '\\', '%2f', ' ')
  fc.assert(
    fc.property(
      fc.constantFrom('http://10.0.0.5:8080', 'HTTP://10.0.0.5:8080'),
      fc.array(piece, { maxLength: 5 }),
      (origin, pieces) => {
        const location = origin + pieces.join('')
        const sent = open(302, ['Location', location])[1] ?? ''
        if (sent === location) return
        assert.equal(URL.parse(sent)?.origin, RULES.site, sent)
        assert.equal(URL.parse(location)?.origin, RULES.internalOrigins[0], location)
      },
    ),
    { numRuns: 3_000 },
  )
})
