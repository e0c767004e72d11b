import fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passableTrailers, takesTrailers } from './trailers.ts'

/** RFC 9110 §6.5.1: what frames, routes, authenticates, caches, redirects or describes the content, and what browsers keep. */
const FORBIDDEN = [
  'set-cookie',
  'cookie',
  'authorization',
  'www-authenticate',
  'proxy-authenticate',
  'location',
  'content-length',
  'content-type',
  'content-security-policy',
  'transfer-encoding',
  'connection',
  'host',
  'cache-control',
  'expires',
  'vary',
  'if-none-match',
  'access-control-allow-origin',
  'strict-transport-security',
  'clear-site-data',
  'x-gatehouse-assertion',
  'x-remote-user',
  'x-forwarded-for',
] as const
const PASSABLE = ['grpc-status', 'server-timing', 'content-digest', 'x-checksum', 'signature'] as const

const name = (names: readonly string[]): fc.Arbitrary<string> => fc.mixedCase(fc.constantFrom(...names))
const trailer = fc.record({
  name: fc.oneof(name(FORBIDDEN), name(PASSABLE)),
  value: fc.constantFrom('1', '', 'a, b', '\u00e9'),
  bytes: fc.boolean(),
})

test('trailers that mean nothing before the body pass in their order, and no spelling of the others does', () => {
  fc.assert(
    fc.property(fc.array(trailer, { maxLength: 10 }), (trailers) => {
      const raw = trailers.flatMap(({ name: text, value, bytes }): (Buffer | string)[] =>
        bytes ? [Buffer.from(text, 'latin1'), Buffer.from(value, 'latin1')] : [text, value],
      )
      const expected = trailers.filter(({ name: text }) => PASSABLE.some((known) => known === text.toLowerCase()))
      assert.deepEqual(
        passableTrailers(raw),
        expected.flatMap(({ name: text, value }) => [text, value]),
      )
    }),
    { numRuns: 2_000 },
  )
})

test('RFC 9110 §10.1.4: only a client whose TE lists trailers is sent any', () => {
  for (const te of ['trailers', 'Trailers', 'gzip, trailers', 'trailers , deflate;q=0.5'])
    assert.ok(takesTrailers(te), te)
  for (const te of [undefined, '', 'trailer', 'xtrailers', 'trailersx', 'gzip']) assert.ok(!takesTrailers(te), te)
})
