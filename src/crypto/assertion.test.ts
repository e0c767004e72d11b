import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import type { EpochMs } from '../base/brand.ts'
import { ASSERTION_TYPE, createAssertionSigner } from './assertion.ts'
import { openKeyRing } from './key-ring.ts'
import { keysSchema } from './keys.schema.ts'

const ISSUER = 'https://login.example.org'
const AUDIENCE = 'https://app.example.org'

async function createBench() {
  const content = new Map<string, string>()
  const time = { now: 1_800_000_000_000 as EpochMs }
  const ring = await openKeyRing({
    documents: {
      list: () => Promise.resolve([...content].map(([id, value]) => ({ id, version: 1, value }))),
      putIfAbsent: (_, id, value) => Promise.resolve(!content.has(id) && content.set(id, value).size > 0),
      replace: () => Promise.resolve(false),
      remove: (_, id) => Promise.resolve(void content.delete(id)),
    },
    masterKey: randomBytes(32).toString('base64url'),
    clock: () => time.now,
    log: { error: () => undefined, info: () => undefined },
  })
  ring.close()
  const signer = createAssertionSigner({ keyRing: ring, clock: () => time.now, issuer: ISSUER })
  const sign = (claims = {}) => signer.sign({ audience: AUDIENCE, subject: 'u-1', claims })
  const verify = (jwt: string, options: { audience?: string; typ?: string } = {}) =>
    jwtVerify(jwt, createLocalJWKSet(ring.jwks() as JSONWebKeySet), {
      algorithms: ['ES256'],
      issuer: ISSUER,
      audience: AUDIENCE,
      typ: ASSERTION_TYPE,
      currentDate: new Date(time.now),
      requiredClaims: ['jti', 'iat', 'nbf', 'exp', 'sub'],
      ...options,
    })
  return { ring, time, sign, verify }
}

test('RFC 7515: an independent library verifies the assertion against the JWKS', async () => {
  const { sign, verify, time } = await createBench()
  const jwt = sign({ groups: ['staff', 'finance'], auth_level: 2, preferred_username: 'alice', nothing: undefined })
  const { payload, protectedHeader } = await verify(jwt)
  const iat = time.now / 1_000
  assert.deepEqual(protectedHeader.alg, 'ES256')
  const { jti, ...rest } = payload
  assert.match(jti ?? '', /^[\w-]{16}$/)
  assert.deepEqual(rest, {
    groups: ['staff', 'finance'],
    auth_level: 2,
    preferred_username: 'alice',
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'u-1',
    iat,
    nbf: iat,
    exp: iat + 60,
  })
})

test('an assertion is dead after a minute, and for another audience or type at once', async () => {
  const { sign, verify, time } = await createBench()
  const jwt = sign()
  await verify(jwt)
  await assert.rejects(verify(jwt, { audience: 'https://other.example.org' }), /aud/)
  await assert.rejects(verify(jwt, { typ: 'JWT' }), /typ/)
  time.now = (time.now + 60_000) as EpochMs
  await assert.rejects(verify(jwt), /exp/)
})

test('a changed payload or signature does not verify', async () => {
  const { sign, verify } = await createBench()
  const [header = '', payload = '', signature = ''] = sign({ auth_level: 1 }).split('.')
  const forged = Buffer.from(payload, 'base64url').toString().replace('"auth_level":1', '"auth_level":9')
  await assert.rejects(verify([header, Buffer.from(forged).toString('base64url'), signature].join('.')), /signature/)
  const zero = Buffer.alloc(64).toString('base64url')
  await assert.rejects(verify([header, payload, zero].join('.')), /signature/)
})

test('claims cannot replace the registered ones (audience and issuer injection)', async () => {
  const { sign, verify } = await createBench()
  const jwt = sign({ iss: 'evil', aud: 'evil', sub: 'root', exp: 9_999_999_999, nbf: 0, iat: 0, jti: 'same' })
  const { payload } = await verify(jwt)
  assert.equal(payload.sub, 'u-1')
  assert.notEqual(payload.jti, 'same')
})

test('two assertions for one request have two ids', async () => {
  const { sign, verify } = await createBench()
  const [one, two] = [await verify(sign()), await verify(sign())]
  assert.notEqual(one.payload.jti, two.payload.jti)
})

test('an assertion signed by the old key verifies after the rotation, and the next carries the new kid', async () => {
  const { ring, sign, time, verify } = await createBench()
  const kid = await ring.rotate('assertion')
  time.now = (time.now + keysSchema.parse({}).publishAhead - 1_000) as EpochMs
  const old = sign()
  time.now = (time.now + 1_000) as EpochMs
  await verify(old)
  assert.equal((await verify(sign())).protectedHeader.kid, kid)
})
