import fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSameOrigin } from './csrf.ts'
import { hasToken, isHopByHop, namedByConnection } from './hop-by-hop.ts'
import { requestKind } from './request-kind.ts'

const HTML = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }

test('a tab that is opened is a navigation', () => {
  assert.equal(
    requestKind('GET', { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', ...HTML }),
    'navigation',
  )
  assert.equal(requestKind('POST', { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }), 'navigation')
  assert.equal(requestKind('GET', HTML), 'navigation')
})

for (const destination of ['iframe', 'frame', 'embed', 'object']) {
  test(`a navigation of ${destination} is kept apart`, () =>
    assert.equal(requestKind('GET', { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': destination, ...HTML }), 'frame'))
}

test('everything else is a script', () => {
  assert.equal(requestKind('GET', { 'sec-fetch-mode': 'cors', ...HTML }), 'script')
  assert.equal(requestKind('GET', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }), 'script')
  assert.equal(requestKind('GET', { 'x-requested-with': 'XMLHttpRequest', ...HTML }), 'script')
  assert.equal(requestKind('GET', { accept: '*/*' }), 'script')
  assert.equal(requestKind('GET', {}), 'script')
  assert.equal(requestKind('PUT', HTML), 'script')
})

const SITE = 'https://gw.example.com'

const SAME: readonly (readonly [string, Record<string, string>, boolean])[] = [
  ['same-origin by Sec-Fetch-Site', { 'sec-fetch-site': 'same-origin', origin: SITE }, true],
  [
    'same-origin with the Origin hidden by a referrer policy',
    { 'sec-fetch-site': 'same-origin', origin: 'null' },
    true,
  ],
  ['same origin by Origin where the browser sends nothing better', { origin: SITE }, true],
  ['cross-site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, false],
  ['cross-site without Origin', { 'sec-fetch-site': 'cross-site' }, false],
  [
    'a sibling host: same-site is not same-origin',
    { 'sec-fetch-site': 'same-site', origin: 'https://app.example.com' },
    false,
  ],
  ['same-site without Origin', { 'sec-fetch-site': 'same-site' }, false],
  ['a lie in Origin does not outweigh Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site', origin: SITE }, false],
  ['disagreeing headers', { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' }, false],
  ['no initiator', { 'sec-fetch-site': 'none' }, false],
  ['Origin null', { origin: 'null' }, false],
  ['Origin with a suffix', { origin: 'https://gw.example.com.evil.example' }, false],
  ['Origin of another port', { origin: 'https://gw.example.com:444' }, false],
  ['only a Referer', { referer: 'https://gw.example.com/' }, false],
  ['nothing at all', {}, false],
]

for (const [what, headers, same] of SAME) {
  test(`csrf: ${what} is ${same ? 'accepted' : 'refused'}`, () => assert.equal(isSameOrigin(headers, SITE), same))
}

test('RFC 9110 §7.6.1: Connection names what goes no further, but never end-to-end fields', () => {
  assert.deepEqual([...namedByConnection('close, X-Remote-User,x-A')], ['close', 'x-remote-user', 'x-a'])
  assert.deepEqual(
    [...namedByConnection('close, Cookie, Host, Authorization, Origin, Cache-Control, Content-Length, Sec-Fetch-Site')],
    ['close'],
  )
  assert.equal(namedByConnection('keep-alive').size, 0)
  assert.equal(namedByConnection(undefined).size, 0)
})

test('the connection’s own fields are hop-by-hop', () => {
  for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'proxy-connection'])
    assert.ok(isHopByHop(name))
  assert.equal(isHopByHop('cookie'), false)
})

test('list headers are searched by whole tokens', () => {
  assert.ok(hasToken('keep-alive, UPGRADE', 'upgrade'))
  assert.equal(hasToken('upgraded', 'upgrade'), false)
  assert.equal(hasToken(undefined, 'upgrade'), false)
})

test('whatever stands in Connection, exactly its tokens are named, in lower case, but for end-to-end fields', () => {
  const named = ['x-remote-user', 'x-a', 'te', 'close', 'keep-alive', 'x-forwarded-for', 'cookies']
  const kept = ['cookie', 'authorization', 'host', 'origin', 'content-length', 'sec-fetch-site', 'sec-websocket-key']
  const token = fc.mixedCase(fc.constantFrom(...named, ...kept))
  const padded = fc.tuple(fc.constantFrom('', ' ', '\t'), fc.oneof(token, fc.constant('')), fc.constantFrom('', ' '))
  fc.assert(
    fc.property(fc.array(padded, { minLength: 1, maxLength: 8 }), (parts) => {
      const found = namedByConnection(parts.map((part) => part.join('')).join(','))
      const tokens = parts.map(([, text]) => text.toLowerCase())
      // A header of one word that browsers send all day is not looked into; dropping it once more would change nothing.
      const expected = new Set(tokens.filter((text) => named.includes(text)))
      if (found.size === 0 && /^(?:close|keep-alive)$/.test([...expected].join())) return
      assert.deepEqual(found, expected)
      for (const text of tokens)
        if (text !== '') assert.ok(hasToken(parts.map((part) => part.join('')).join(','), text))
    }),
    { numRuns: 2_000 },
  )
})
