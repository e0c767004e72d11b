import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWK } from 'jose'
import {
  asked,
  context,
  createBench,
  DESTINATION,
  done,
  EMPLOYEES,
  NO_DEMAND,
  user,
  type Bench,
} from '../login.fixture.ts'
import { NOTHING_PRESENTED } from '../../http/presented.ts'
import { requestTokensOf } from '../request-tokens.ts'
import { externalJwtSchema } from './external-jwt.schema.ts'

const NOW = 1_800_000_000
const ISSUER = 'https://idp.example'
const AUDIENCE = 'gatehouse-employees'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const other = await generateKeyPair('ES256', { extractable: true })
const rsa = await generateKeyPair('RS256', { extractable: true })

type Key = typeof privateKey

async function jwk(key: Key, more: JWK = {}): Promise<JWK> {
  return { ...(await exportJWK(key)), kid: 'one', ...more }
}

interface KeyServer {
  readonly url: string
  asked: number
  keys: readonly JWK[]
  status: number
  text?: string
}

async function keyServer(t: TestContext, keys: readonly JWK[]): Promise<KeyServer> {
  const server = createServer((_request, response) => {
    state.asked++
    response.writeHead(state.status, { location: '/other' }).end(state.text ?? JSON.stringify({ keys: state.keys }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  const state: KeyServer = { url, asked: 0, keys, status: 200 }
  return state
}

function benchFor(
  t: TestContext,
  signers: readonly object[],
  more: object = {},
  authentication: object = {},
): Promise<Bench> {
  return createBench(t, {
    users: [user('alice', { id: 'u-1', attributes: { externalId: ['E-1'] } }), user('gone', { disabled: true })],
    authentication: {
      modules: { password: { type: 'password' }, jwt: { type: 'externalJwt', signers, ...more } },
      chains: { default: [{ module: 'jwt', criteria: 'REQUIRED' }] },
      ...authentication,
    },
  })
}

interface Made {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: Key | Uint8Array
}

function token({ claims = {}, header = {}, key = privateKey }: Made = {}): Promise<string> {
  return new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'u-1', exp: NOW + 60, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
    .sign(key, { crit: { exp: true } })
}

/** Who it signs in; else the reason that is in the audit trail. */
async function outcome(bench: Bench, bearer: string | undefined): Promise<string> {
  bench.audited.length = 0
  const request = { realm: EMPLOYEES, demand: NO_DEMAND, destination: DESTINATION }
  const presented = { ...NOTHING_PRESENTED, bearer }
  const step = await bench.authn.begin(request, context(undefined, { presented }))
  if (step.kind === 'done') return step.issued.session.username
  const failed = bench.audited.find(({ event }) => event === 'AuthnFailed')
  return failed?.event === 'AuthnFailed' ? failed.reason : step.kind
}

test('a token of the signer signs in by id or by an attribute, and no other token does', async (t) => {
  const server = await keyServer(t, [await jwk(publicKey)])
  const signer = { issuer: ISSUER, jwks: server.url, audience: AUDIENCE }
  const bench = await benchFor(t, [signer])
  assert.equal(await outcome(bench, await token()), 'alice')
  assert.equal(await outcome(bench, undefined), 'no-token')
  const refused: readonly (readonly [why: string, made: Made])[] = [
    ['iss-wrong', { claims: { iss: 'https://other.example' } }],
    ['iss-case', { claims: { iss: ISSUER.toUpperCase() } }],
    ['iss-array', { claims: { iss: [ISSUER] } }],
    ['aud-wrong', { claims: { aud: 'other' } }],
    ['aud-substring', { claims: { aud: `${AUDIENCE}-evil` } }],
    ['aud-array-plus-evil', { claims: { aud: [AUDIENCE, 'evil'] } }],
    ['exp-missing', { claims: { exp: undefined } }],
    ['exp-string', { claims: { exp: '9999999999' } }],
    ['nbf-future', { claims: { nbf: NOW + 3_600 } }],
    ['typ-header', { header: { typ: 'logout+jwt' } }],
    ['logout-token', { claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } } }],
    ['crit', { header: { crit: ['exp'], exp: 1 } }],
    ['signature', { key: other.privateKey }],
    ['rs-as-ps', { header: { alg: 'PS256' }, key: (await generateKeyPair('PS256')).privateKey }],
    ['jwk', { header: { jwk: await jwk(other.publicKey) }, key: other.privateKey }],
    ['jku', { header: { jku: server.url }, key: other.privateKey }],
  ]
  for (const [why, made] of refused) {
    assert.equal(await outcome(bench, await token(made)), 'token-refused', why)
  }
  assert.equal(await outcome(bench, await token({ claims: { exp: NOW - 6 } })), 'token-expired')
  assert.equal(await outcome(bench, await token({ claims: { exp: NOW - 4 } })), 'alice', 'within the tolerance')
  assert.equal(await outcome(bench, await token({ claims: { aud: [AUDIENCE, 'x'], azp: AUDIENCE } })), 'alice')
})

test('none, a secret made of a public key, and another spelling are refused', async (t) => {
  const long = await generateKeyPair('ES384', { extractable: true })
  const keys = [
    await jwk(publicKey),
    await jwk(rsa.publicKey, { kid: 'rsa' }),
    await jwk(long.publicKey, { kid: 'long' }),
  ]
  const server = await keyServer(t, keys)
  const bench = await benchFor(t, [{ issuer: ISSUER, jwks: server.url, audience: AUDIENCE }])
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'u-1', exp: NOW + 60 }
  assert.equal(await outcome(bench, new UnsecuredJWT(claims).encode()), 'token-refused', 'none')
  for (const key of [await jwk(publicKey), await jwk(rsa.publicKey)]) {
    const secret = new TextEncoder().encode(JSON.stringify(key))
    assert.equal(await outcome(bench, await token({ header: { alg: 'HS256' }, key: secret })), 'token-refused', 'hs')
  }
  const unlisted = await token({ header: { alg: 'ES384', kid: 'long' }, key: long.privateKey })
  assert.equal(await outcome(bench, unlisted), 'token-refused', 'an algorithm that is not on the list')
  const good = await token()
  const [head = '', body = '', mark = ''] = good.split('.')
  const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const spare = `${mark.slice(0, -1)}${last[last.indexOf(mark.at(-1) ?? 'A') + 1] ?? 'B'}`
  for (const text of [`${good}=`, `${head}.${body}.${spare}`, `${good}.x`, `${head}.${body}.`, `${head}.${body}`, '..'])
    assert.equal(await outcome(bench, text), 'token-refused', text.slice(-20))
})

test('the claim is a plain text and that of one enabled user', async (t) => {
  const server = await keyServer(t, [await jwk(publicKey)])
  const signer = { issuer: ISSUER, jwks: server.url, audience: AUDIENCE }
  const bench = await benchFor(t, [signer])
  for (const sub of [1, { $ne: 1 }, 'u-1 ', 'u-1\0x', '', ['u-1'], 'gone', 'nobody'])
    assert.equal(await outcome(bench, await token({ claims: { sub } })), 'token-of-nobody', JSON.stringify(sub))
  const byAttribute = await benchFor(t, [{ ...signer, user: { claim: 'ext', is: 'externalId' } }])
  assert.equal(await outcome(byAttribute, await token({ claims: { ext: 'E-1' } })), 'alice')
  assert.equal(await outcome(byAttribute, await token()), 'token-of-nobody')
  const inherited = await benchFor(t, [{ ...signer, user: { claim: 'constructor' } }])
  assert.equal(await outcome(inherited, await token()), 'token-of-nobody')
})

test('kid-other-issuer, kid-dup, wrong-use: a signer’s own keys count, each for signatures, each kid once', async (t) => {
  const [one, two] = [
    await keyServer(t, [await jwk(publicKey)]),
    await keyServer(t, [await jwk(other.publicKey, { kid: 'two' })]),
  ]
  const second = 'https://second.example'
  const bench = await benchFor(t, [
    { issuer: ISSUER, jwks: one.url, audience: AUDIENCE },
    { issuer: second, jwks: two.url, audience: AUDIENCE },
  ])
  const cross = { header: { kid: 'two' }, key: other.privateKey }
  assert.equal(await outcome(bench, await token(cross)), 'token-refused')
  assert.equal(await outcome(bench, await token({ ...cross, claims: { iss: second } })), 'alice')
  const keys = [await jwk(publicKey), await jwk(other.publicKey)]
  for (const [why, set] of [
    ['kid-dup', keys],
    ['wrong-use', [await jwk(publicKey, { use: 'enc' })]],
    ['key_ops', [await jwk(publicKey, { key_ops: ['sign'] })]],
  ] as const) {
    const server = await keyServer(t, set)
    const strict = await benchFor(t, [{ issuer: ISSUER, jwks: server.url, audience: AUDIENCE }])
    assert.equal(await outcome(strict, await token()), 'token-refused', why)
  }
})

test('kid-flood: unknown keys and an address that fails cost one request', async (t) => {
  const server = await keyServer(t, [await jwk(publicKey)])
  const signer = { issuer: ISSUER, jwks: server.url, audience: AUDIENCE }
  const bench = await benchFor(t, [signer])
  assert.equal(await outcome(bench, await token()), 'alice')
  for (let i = 0; i < 50; i++)
    assert.equal(await outcome(bench, await token({ header: { kid: `k${i}` } })), 'token-refused')
  assert.ok(server.asked <= 2, `${server.asked} requests`)
  for (const broken of [{ status: 302 }, { status: 500 }, { text: 'no' }, { text: ' '.repeat(300_000) }]) {
    const failing = Object.assign(await keyServer(t, []), broken)
    const closed = await benchFor(t, [{ ...signer, jwks: failing.url }])
    for (let i = 0; i < 5; i++) assert.equal(await outcome(closed, await token()), 'token-keys-unavailable')
    assert.equal(failing.asked, 1)
  }
})

test('a configuration that would believe anybody is refused', () => {
  const signer = { issuer: ISSUER, audience: AUDIENCE, jwks: 'https://idp.example/jwks' }
  const parse = (more: object, module: object = {}): boolean =>
    externalJwtSchema.safeParse({ type: 'externalJwt', signers: [{ ...signer, ...more }], ...module }).success
  assert.ok(parse({}))
  for (const more of [
    { algorithms: ['HS256'] },
    { algorithms: ['none'] },
    { jwks: 'http://idp.example/jwks' },
    { jwks: undefined },
  ])
    assert.equal(parse(more), false, JSON.stringify(more))
  assert.equal(parse({}, { clockTolerance: '6m' }), false)
})

test('a policy that demands a token with every request demands it at the login as well', async (t) => {
  const server = await keyServer(t, [await jwk(publicKey)])
  const signer = { issuer: ISSUER, jwks: server.url, audience: AUDIENCE }
  const policies = [{ name: 'all', everyRequest: 'jwt' }]
  const chains = { default: [{ module: 'password', criteria: 'REQUIRED' }] }
  const bench = await benchFor(t, [signer], {}, { policies, chains })
  const signIn = async (bearer: string | undefined): Promise<string> => {
    const begun = await bench.authn.begin({ realm: EMPLOYEES, demand: NO_DEMAND, destination: DESTINATION }, context())
    const presented = { ...NOTHING_PRESENTED, bearer }
    const answer = { realm: EMPLOYEES, authId: asked(begun).authId, answers: ['alice', 'alice'] }
    const step = await bench.authn.submit(answer, context(undefined, { presented }))
    return step.kind === 'done' ? step.issued.session.authModules.join() : step.kind
  }
  assert.equal(await signIn(undefined), 'ask')
  assert.equal(await signIn(await token({ key: other.privateKey })), 'ask')
  assert.equal(await signIn(await token()), 'password,jwt')
})

test('what is demanded with every request is judged as at a login: signature, signer, audience, life and user', async (t) => {
  const server = await keyServer(t, [await jwk(publicKey)])
  const signer = { issuer: ISSUER, jwks: server.url, audience: AUDIENCE }
  const bench = await benchFor(t, [signer], {}, { policies: [{ name: 'all', everyRequest: 'jwt' }] })
  const realm = bench.realms.get(EMPLOYEES)
  const clock = (): never => bench.time.now as never
  const tokens = realm && requestTokensOf(realm, { clock, maxEntries: 10 })
  const alice = await realm?.directory.find('u-1')
  assert.ok(alice)
  const demand = tokens?.demandOn(alice, alice)
  const faultOf = async (made: Made, userId = 'u-1'): Promise<unknown> =>
    demand?.faultOf(`Bearer ${await token(made)}`, { userId })
  const good = `Bearer ${await token()}`
  assert.equal(await demand?.faultOf(good, { userId: 'u-1' }), undefined)
  assert.equal(tokens?.carries(good), true)
  assert.equal(await faultOf({}, 'u-2'), 'token-refused')
  assert.equal(await faultOf({ key: other.privateKey }), 'token-refused')
  assert.equal(await faultOf({ claims: { iss: 'https://other.example' } }), 'token-refused')
  assert.equal(await faultOf({ claims: { aud: 'other' } }), 'token-refused')
  assert.equal(await faultOf({ claims: { exp: NOW - 6 } }), 'token-expired')
  // Believed since: until it has expired, and what clocks may be off.
  bench.time.now = (NOW + 60) * 1_000 + 4_999
  assert.equal(await demand?.faultOf(good, { userId: 'u-1' }), undefined)
  bench.time.now += 1
  assert.equal(await demand?.faultOf(good, { userId: 'u-1' }), 'token-expired')
  const failing = Object.assign(await keyServer(t, []), { status: 500 })
  const closed = await benchFor(
    t,
    [{ ...signer, jwks: failing.url }],
    {},
    { policies: [{ name: 'all', everyRequest: 'jwt' }] },
  )
  const unknown = closed.realms.get(EMPLOYEES)
  const theirs = unknown && requestTokensOf(unknown, { clock, maxEntries: 10 })?.demandOn(alice, alice)
  await assert.rejects(async () => theirs?.faultOf(good, { userId: 'u-1' }), { code: 'GH_KEYS_UNAVAILABLE' })
})

test('a token proves who it is and never that anybody was there: no session gets young by it', async (t) => {
  const server = await keyServer(t, [await jwk(publicKey)])
  const signer = { issuer: ISSUER, jwks: server.url, audience: AUDIENCE }
  const withPassword = {
    default: [
      { module: 'jwt', criteria: 'SUFFICIENT' },
      { module: 'password', criteria: 'REQUIRED' },
    ],
    typed: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'jwt', criteria: 'REQUIRED' },
    ],
  }
  const presented = { ...NOTHING_PRESENTED, bearer: await token() }
  const aged = { ...NO_DEMAND, maxAgeMs: 300_000 }
  const start = { realm: EMPLOYEES, destination: DESTINATION }
  const alone = await benchFor(t, [signer])
  const signedIn = async (bench: Bench) =>
    done(await bench.authn.begin({ ...start, demand: NO_DEMAND }, context(undefined, { presented }))).issued.session
  const silent = await signedIn(alone)
  assert.equal(silent.authInstant, 0, 'nobody has done anything')
  const again = asked(await alone.authn.begin({ ...start, demand: aged }, context(silent, { presented })))
  assert.equal(again.stage, 'password', 'the default chain is not one to be fresh by')
  const forced = done(
    await alone.authn.begin(
      { ...start, demand: { ...NO_DEMAND, level: 1, force: true } },
      context(silent, { presented }),
    ),
  )
  assert.equal(forced.issued.session.authInstant, 0, 'however often it is shown')

  const bench = await benchFor(t, [signer], { authLevel: 3 }, { chains: withPassword })
  const before = await signedIn(bench)
  assert.equal(before.authInstant, 0)
  const { authId, stage } = asked(await bench.authn.begin({ ...start, demand: aged }, context(before, { presented })))
  assert.equal(stage, 'password', 'a chain that cannot be passed without the person')
  const answer = { realm: EMPLOYEES, authId, answers: ['alice', 'alice'] }
  const { session } = done(await bench.authn.submit(answer, context(before, { presented }))).issued
  assert.equal(session.authInstant, bench.time.now)
  bench.time.now += 300_000
  const later = asked(await bench.authn.begin({ ...start, demand: aged }, context(session, { presented })))
  assert.equal(later.stage, 'password', 'asked again, and not carried over beside a token')
})
