import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { compactDecrypt, CompactEncrypt } from 'jose'
import { jweForm } from './jwe.ts'

const TYP = 'gatehouse-session+jwt'
const form = jweForm(TYP)
const kid = 'AbCdEfGhIjKlMnOp'
const key = createSecretKey(randomBytes(32))
const claims = { sub: 'u-älice', exp: 1_800_000_000.5 }
const jwt = form.seal({ kid, key }, claims)

const encrypted = (header: object, plain = JSON.stringify(claims), secret = key) =>
  new CompactEncrypt(Buffer.from(plain)).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', ...header }).encrypt(secret)

test('RFC 7516 §7.1: another library reads what is sealed, and we read what it seals in our form', async () => {
  const { plaintext, protectedHeader } = await compactDecrypt(jwt, key)
  assert.deepEqual(JSON.parse(Buffer.from(plaintext).toString('utf8')), claims)
  assert.deepEqual(protectedHeader, { alg: 'dir', enc: 'A256GCM', kid, typ: TYP })
  const theirs = await encrypted({ kid, typ: TYP })
  assert.equal(form.kidOf(theirs), kid)
  assert.deepEqual(form.open(key, theirs), claims)
})

test('no two JWTs of the same claims are alike, and none shows its claims', () => {
  assert.notEqual(form.seal({ kid, key }, claims), jwt)
  assert.equal(Buffer.from(jwt, 'base64url').includes('lice'), false)
})

test('another header is another kind of JWT, whatever it asks for', async () => {
  const headers = [
    { kid, typ: 'JWT' },
    { kid, typ: 'logout+jwt' },
    { typ: TYP },
    { kid: '__proto__', typ: TYP },
    { kid, typ: TYP, cty: 'JWT' },
    { kid, typ: TYP, jku: 'http://127.0.0.1:9/jwks' },
    { kid, typ: TYP, jwk: { kty: 'oct', k: 'AAAA' } },
    { kid, typ: TYP, x5c: ['AAAA'] },
    { typ: TYP, kid },
  ]
  for (const header of headers) assert.equal(form.kidOf(await encrypted(header)), undefined, JSON.stringify(header))
  for (const header of ['{"alg":"none"}', '{"alg":"dir","enc":"A256GCM","zip":"DEF"}', '', 'x'])
    assert.equal(form.kidOf(`${Buffer.from(header).toString('base64url')}..a.b.c`), undefined, header)
})

test('another key, a changed byte and another number of segments open nothing', () => {
  const parts = jwt.split('.')
  const swapped = (index: number): string =>
    parts.map((part, i) => (i === index ? (part.startsWith('A') ? 'B' : 'A') + part.slice(1) : part)).join('.')
  assert.equal(form.open(createSecretKey(randomBytes(32)), jwt), undefined)
  for (const index of [0, 2, 3, 4]) assert.equal(form.open(key, swapped(index)), undefined, String(index))
  for (const text of [`${jwt}.x`, parts.slice(0, 4).join('.'), jwt.replace('..', '.AAAA.'), '....', ''])
    assert.equal(form.open(key, text), undefined, text)
})

test('what is sealed and is no JSON in UTF-8 has no claims', async () => {
  for (const plain of ['', '{', '\u0000'.repeat(9)])
    assert.equal(form.open(key, await encrypted({ kid, typ: TYP }, plain)), undefined)
  const latin1 = new CompactEncrypt(Buffer.from('{"a":"\xe4"}', 'latin1')).setProtectedHeader({
    alg: 'dir',
    enc: 'A256GCM',
    kid,
    typ: TYP,
  })
  assert.equal(form.open(key, await latin1.encrypt(key)), undefined)
})

test('one JWT has one spelling (a denylist keyed on spellings is walked around)', () => {
  const last = jwt.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const lowBits = jwt.slice(0, -1) + (alphabet[alphabet.indexOf(last) ^ 1] ?? '')
  const spellings = [`${jwt}=`, `${jwt}==`, `${jwt} `, ` ${jwt}`, `${jwt}\n`, jwt.replace('..', '.. '), lowBits]
  for (const text of spellings) assert.equal(form.open(key, text), undefined, JSON.stringify(text))
  const short = jwt
    .split('.')
    .with(4, jwt.split('.')[4]?.slice(0, 16) ?? '')
    .join('.')
  assert.equal(form.open(key, short), undefined, 'a tag cut to 12 bytes')
})
