import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RealmName } from '../base/brand.ts'
import { bucketOf, BUCKETS, newSid } from './bucket.ts'
import { formatToken, hashSecret, newToken, parseToken } from './token.ts'

const PLACE = { siteId: '01', serverId: '02' }
const ALPHABET = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')

const place = fc.integer({ min: 0, max: 99 }).map((n) => String(n).padStart(2, '0'))
const parts = fc.record(
  { siteId: place, serverId: place, bucket: fc.integer({ min: 0, max: 1_023 }) },
  { noNullPrototype: true },
)

test('what is formatted parses to the same parts', () => {
  fc.assert(
    fc.property(parts, (given) => {
      const { token, hash } = newToken(given, given.bucket)
      const parsed = parseToken(token)
      assert.ok(parsed)
      const { secret, ...rest } = parsed
      assert.deepEqual(rest, given)
      assert.equal(hashSecret(secret), hash)
      assert.equal(formatToken(parsed), token)
    }),
  )
})

test('whatever parses has exactly one spelling', () => {
  const { token } = newToken(PLACE, 1_023)
  // The last character of the secret, whose slack bits have to be zero, more often than others.
  const at = fc.oneof(fc.nat(token.length - 1), fc.constant(42))
  fc.assert(
    fc.property(at, fc.constantFrom(...ALPHABET, '*', '=', '"', ' ', '+', '/'), (i, c) => {
      const changed = token.slice(0, i) + c + token.slice(i + 1)
      const parsed = parseToken(changed)
      if (parsed !== undefined) assert.equal(formatToken(parsed), changed)
      assert.equal(parseToken(token.slice(0, i) + c + token.slice(i)), undefined)
      assert.equal(parseToken(token.slice(0, i) + token.slice(i + 1)), undefined)
    }),
    { numRuns: 3_000 },
  )
})

test('slack bits of the secret, padding, quotes, white space, tails and site ids above 99 are refused', () => {
  const { token } = newToken(PLACE, 5)
  const secret = token.slice(0, 43)
  const others = ALPHABET.map((c) => `${secret.slice(0, 42)}${c}${token.slice(43)}`)
  assert.equal(others.filter((text) => parseToken(text) !== undefined).length, 16)
  const bad = ['', secret, `"${token}"`, `${token} `, `${token}\n`, `${token}x`, `${token}eyJ.x.y`, token.slice(0, -1)]
  for (const text of [...bad, `${secret}=*AAAA*`, `${secret}*____*`, 'x'.repeat(1_000_000)]) {
    assert.equal(parseToken(text), undefined, text.slice(0, 80))
  }
})

test('20,000 tokens have 43 characters of secret each, no repeats and no structure', () => {
  const secrets = Array.from({ length: 20_000 }, () => newToken(PLACE, 7).token.split('*')[0] ?? '')
  assert.ok(secrets.every((secret) => secret.length === 43))
  assert.equal(new Set(secrets).size, 20_000)
  assert.equal(new Set(secrets.map((secret) => secret.slice(0, 8))).size, 20_000)
  for (let i = 0; i < 42; i++) assert.equal(new Set(secrets.map((secret) => secret[i])).size, 64)
})

test('a user has one bucket of 1,024, and users spread over all of them', () => {
  const realm = '/employees' as RealmName
  const counts = new Array<number>(BUCKETS).fill(0)
  for (let i = 0; i < 50_000; i++) {
    const bucket = bucketOf(realm, `user-${i}`)
    assert.equal(bucket, bucketOf(realm, `user-${i}`))
    counts[bucket] = (counts[bucket] ?? 0) + 1
  }
  assert.ok(Math.min(...counts) > 10 && Math.max(...counts) < 120)
})

test('a sid starts with its bucket and repeats nothing', () => {
  assert.match(newSid(7), /^0007\.[\w-]{16}$/)
  assert.equal(new Set(Array.from({ length: 10_000 }, () => newSid(7))).size, 10_000)
})
