import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { CUSTOMERS, EMPLOYEES } from '../../authn/login.fixture.ts'
import { verificationName } from '../../crypto/x509/authority.ts'
import { readCertificate } from '../../crypto/x509/certificate.ts'
import { CN, issue, nameOf } from '../../authn/modules/x509/certificates.fixture.ts'
import { addApiToken, apiTokenOf, newApiTokenStem } from '../../session/api-token.ts'
import { CLIENT, MANAGEMENT, openZiti, text, type Data } from './ziti.fixture.ts'

const NOW = 1_800_000_000_000

test('errors have the form of Ziti’s, with the id of the request', async (t) => {
  const { ask } = await openZiti(t)
  const { status, body } = await ask('GET', `${CLIENT}/current-api-session`)
  const message = 'The request could not be completed. The session is not authorized or the credentials are invalid'
  assert.deepEqual(
    [status, body],
    [
      401,
      {
        error: { code: 'UNAUTHORIZED', message, requestId: 'r-1', args: { urlVars: {} } },
        meta: { apiEnrollmentVersion: '0.0.1', apiVersion: '0.0.1' },
      },
    ],
  )
})

test('no method, an unknown one, two of them, and a body that is none are 400', async (t) => {
  const { ask } = await openZiti(t)
  const good = { username: 'alice', password: 'alice' }
  for (const [query, body, code] of [
    ['', good, 'INVALID_AUTH_METHOD'],
    ['?method=', good, 'INVALID_AUTH_METHOD'],
    ['?method=toString', good, 'INVALID_AUTH_METHOD'],
    ['?method=password&method=password', good, 'INVALID_AUTH_METHOD'],
    ['?method=password', {}, 'COULD_NOT_VALIDATE'],
    ['?method=password', { username: 'alice' }, 'COULD_NOT_VALIDATE'],
    ['?method=password', { username: ['alice'], password: 'alice' }, 'COULD_NOT_VALIDATE'],
    ['?method=password', '{"username":', 'COULD_NOT_PARSE_BODY'],
  ] as const) {
    const answer = await ask('POST', `${CLIENT}/authenticate${query}`, { body })
    assert.deepEqual([answer.status, answer.code], [400, code], query)
  }
})

test('a form of another site is no request of ours, and no cookie speaks for anybody', async (t) => {
  const { ask, tokenOf } = await openZiti(t)
  const form = { headers: { 'content-type': 'text/plain' }, body: '{"username":"alice","password":"alice"}' }
  const answer = await ask('POST', `${CLIENT}/authenticate?method=password`, form)
  assert.deepEqual([answer.status, answer.code], [400, 'INVALID_CONTENT_TYPE'])
  const token = await tokenOf('alice')
  for (const cookie of [`zt-session=${token}`, `SSOTokenID=${token}`]) {
    assert.equal((await ask('GET', `${CLIENT}/current-api-session`, { headers: { cookie } })).status, 401)
  }
  const login = await ask('POST', `${CLIENT}/authenticate?method=password`, {
    body: { username: 'alice', password: 'alice' },
  })
  assert.equal(login.headers.get('set-cookie'), null)
  assert.equal(login.headers.get('access-control-allow-origin'), null)
})

test('a token that is not one, is spelt otherwise, or comes twice is nobody’s', async (t) => {
  const { ask, tokenOf } = await openZiti(t)
  const token = await tokenOf('alice')
  const current = (value: string) => ask('GET', `${CLIENT}/current-api-session`, { token: value })
  for (const value of [
    '',
    'x',
    token.toUpperCase(),
    `${token}, ${token}`,
    `${token.slice(0, -1)}0`.replace(token, 'x'),
  ])
    assert.equal((await current(value)).status, 401, value)
  assert.equal((await current(token)).status, 200)
})

test('wrong names and passwords are slowed and audited as at the login page, and look alike', async (t) => {
  const { authenticate, bench } = await openZiti(t)
  const [unknown, wrong] = [await authenticate('nobody', 'x'), await authenticate('alice', 'x')]
  assert.deepEqual([wrong.status, wrong.code, wrong.body], [401, 'INVALID_AUTH', unknown.body])
  const reasons = bench.audited.flatMap((event) => (event.event === 'AuthnFailed' ? [event.reason] : []))
  assert.deepEqual(reasons, ['unknown-user', 'wrong-password'])
  let answer = wrong
  for (let i = 0; i < 20 && answer.status === 401; i++) answer = await authenticate('alice', 'x')
  assert.deepEqual([answer.status, answer.code], [429, 'RATE_LIMITED'])
  assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/)
})

test('every answer to a token counts as use of its session', async (t) => {
  const { ask, authenticate, touched } = await openZiti(t)
  const { data } = await authenticate('alice')
  await ask('GET', `${CLIENT}/services`, { token: text(data, 'token') })
  assert.deepEqual(touched, [data['id']])
  await ask('GET', `${CLIENT}/services`, { token: 'x' })
  assert.equal(touched.length, 1)
})

test('a session that idles too long is over', async (t) => {
  const { ask, tokenOf, bench } = await openZiti(t)
  const token = await tokenOf('alice')
  bench.time.now += 1_801_000
  assert.equal((await ask('GET', `${CLIENT}/current-api-session`, { token })).status, 401)
})

test('the quota of the realm holds here, too', async (t) => {
  const { authenticate } = await openZiti(t, { quota: { limit: 1, action: 'DENY_ACCESS' } })
  await authenticate('alice')
  const second = await authenticate('alice')
  assert.deepEqual([second.status, second.code], [409, 'SESSION_QUOTA_REACHED'])
})

test('what is not there, and methods that are not, are told as Ziti tells them', async (t) => {
  const { ask } = await openZiti(t)
  const wrong = await ask('GET', `${CLIENT}/authenticate`)
  assert.deepEqual([wrong.status, wrong.code, wrong.headers.get('allow')], [405, 'METHOD_NOT_ALLOWED', 'POST'])
  for (const path of [
    CLIENT,
    `${CLIENT}/`,
    `${CLIENT}/authenticate/`,
    `${CLIENT}/api-sessions`,
    `${MANAGEMENT}/enroll`,
    `${CLIENT}/identities/%ff`,
  ])
    assert.deepEqual([(await ask('GET', path)).status, (await ask('GET', path)).code], [404, 'NOT_FOUND'], path)
  for (const path of [
    '/edge',
    '/edge/client',
    '/edge/client/v2/version',
    '/edge/client/v1x',
    '/Edge/client/v1/version',
  ])
    assert.equal((await ask('GET', path)).status, 418, path)
})

test('clients learn where the APIs are without a token', async (t) => {
  const { ask } = await openZiti(t)
  for (const path of ['/version', `${CLIENT}/version`, `${MANAGEMENT}/version`]) {
    const { status, data } = await ask('GET', path)
    assert.deepEqual([status, data['version']], [200, 'v1.2.3'])
    const { v1 } = (data['apiVersions'] as Record<string, { v1: Data }>)['edge-management'] ?? { v1: {} }
    assert.deepEqual(v1, { apiBaseUrls: [`https://login.acme.example${MANAGEMENT}`], path: MANAGEMENT })
  }
})

test('no store: 503 with Retry-After, and nobody is told that a token is bad', async (t) => {
  const { ask, authenticate, tokenOf, bench, logged } = await openZiti(t)
  const token = await tokenOf('alice')
  await bench.store.close()
  const answers = [
    await authenticate('alice'),
    await ask('GET', `${CLIENT}/services`, { token: token.replace(/.{3}$/, '001') }),
  ]
  for (const { status, code, headers } of answers)
    assert.deepEqual([status, code, headers.get('retry-after')], [503, 'UNAVAILABLE', '5'])
  assert.ok(!logged.join().includes(token))
})

test('a body that nobody asked for is not read to its end: the connection closes with the answer', async (t) => {
  const { port } = await openZiti(t)
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(`POST ${CLIENT}/sessions HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n`)
  const [head] = (await once(socket, 'data')) as [Buffer]
  assert.match(head.toString(), /^HTTP\/1\.1 401 /)
  assert.match(head.toString(), /^connection: close/im)
})

test('a session of another realm, or an SSO token, opens nothing here', async (t) => {
  const { ask, tokenOf, bench, clock } = await openZiti(t)
  const origin = { requestId: undefined, clientIp: undefined }
  const draft = { realm: CUSTOMERS, userId: 'alice', username: 'alice', authLevel: 1, authModules: ['password'] }
  const other = await bench.sessions.establish(
    { ...draft, properties: {}, maxIdleMs: 60_000, maxLifeMs: 60_000 },
    origin,
  )
  assert.ok(other.kind === 'established')
  const { session, token: ssoToken } = other.issued
  const token = apiTokenOf(newApiTokenStem(), session.bucket)
  await addApiToken({ store: bench.store, clock }, session, token)
  for (const value of [token, ssoToken]) {
    assert.equal((await ask('GET', `${CLIENT}/current-api-session`, { token: value })).status, 401)
  }
  const own = await ask('GET', `${CLIENT}/current-api-session`, { token: await tokenOf('alice') })
  assert.equal(own.status, 200)
})

test('whoever has to send a token of another issuer with every request does so here as well', async (t) => {
  const { ask, tokenOf } = await openZiti(t, {
    deps: (made) => ({
      ...made,
      requestTokens: {
        demandOn: ({ username }) =>
          username === 'alice'
            ? { issuers: [], faultOf: (sent) => (sent === 'Bearer good' ? undefined : 'token-missing') }
            : undefined,
        carries: () => false,
      },
    }),
  })
  const token = await tokenOf('alice')
  const get = (headers: Readonly<Record<string, string>>) => ask('GET', `${CLIENT}/services`, { token, headers })
  assert.equal((await get({})).code, 'UNAUTHORIZED')
  assert.equal((await get({ authorization: 'Bearer good' })).status, 200)
  assert.equal((await ask('GET', `${CLIENT}/services`, { token: await tokenOf('carol') })).status, 200)
})

/** An authority, and the module that takes its certificates by their CN. */
function smartCards() {
  const ca = issue({ authority: true, name: nameOf([CN, 'ca']) })
  const certificate = readCertificate(ca.der)
  assert.ok(certificate)
  const proof = issue({ by: ca, name: nameOf([CN, verificationName(certificate)]) }).pem
  const x509 = {
    ...{ type: 'x509', authorities: { corp: { certificate: ca.pem, proof } }, user: { from: 'subject:CN' } },
    revocation: { unknown: 'accept' },
  }
  const cardOf = (name: string, by?: typeof ca) => ({
    leaf: issue({ ...(by === undefined ? {} : { by }), name: nameOf([CN, name]) }).der,
    others: [],
  })
  return { x509, cardOf: (name: string) => cardOf(name, ca), strangersCardOf: (name: string) => cardOf(name) }
}

test('method=cert: the certificate of the connection signs in, and no name in a body does', async (t) => {
  const { x509, cardOf, strangersCardOf } = smartCards()
  const { ask, state, code } = await openZiti(t, {
    authentication: {
      modules: { password: { type: 'password' }, totp: { type: 'totp' }, x509 },
      chains: {
        default: [{ module: 'password', criteria: 'REQUIRED' }],
        card: [{ module: 'x509', criteria: 'REQUIRED' }],
      },
    },
  })
  const cert = (body: object = {}) => ask('POST', `${MANAGEMENT}/authenticate?method=cert`, { body })
  assert.deepEqual([(await cert()).status, (await cert()).code], [401, 'INVALID_AUTH'])
  state.certificate = cardOf('alice')
  const { status, data } = await cert({ username: 'carol', password: 'carol' })
  assert.deepEqual([status, data['identityId'], data['authenticatorId']], [200, 'alice', 'cert.alice'])
  state.certificate = cardOf('bob')
  const half = await cert()
  assert.equal((half.data['authQueries'] as unknown[]).length, 1)
  const token = text(half.data, 'token')
  assert.equal((await ask('POST', `${CLIENT}/authenticate/mfa`, { token, body: { code: code() } })).status, 200)
  state.certificate = strangersCardOf('alice')
  assert.equal((await cert()).code, 'INVALID_AUTH')
})

test('whoever types a password is not signed in by the certificate that their program shows besides', async (t) => {
  const { x509, cardOf } = smartCards()
  const { authenticate, state, bench } = await openZiti(t, {
    authentication: {
      modules: { password: { type: 'password' }, x509 },
      chains: {
        default: [
          { module: 'x509', criteria: 'SUFFICIENT' },
          { module: 'password', criteria: 'REQUIRED' },
        ],
      },
    },
  })
  state.certificate = cardOf('alice')
  assert.equal((await authenticate('carol')).data['identityId'], 'carol')
  assert.equal((await authenticate('carol', 'wrong')).code, 'INVALID_AUTH')
  assert.deepEqual(await bench.sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' }), [])
})

test('what another proof than that of the method brings about is refused, and leaves nothing', async (t) => {
  const { x509, cardOf } = smartCards()
  const signers = [{ issuer: 'https://idp.example', audience: 'gatehouse', jwks: 'http://127.0.0.1:9/jwks' }]
  const { ask, state, bench } = await openZiti(t, {
    authentication: {
      modules: { password: { type: 'password' }, x509, jwt: { type: 'externalJwt', signers } },
      chains: {
        default: [
          { module: 'x509', criteria: 'SUFFICIENT' },
          { module: 'jwt', criteria: 'REQUIRED' },
        ],
      },
    },
  })
  state.certificate = cardOf('alice')
  const answer = await ask('POST', `${CLIENT}/authenticate?method=ext-jwt`, { body: {} })
  assert.deepEqual([answer.status, answer.code], [401, 'INVALID_AUTH'])
  assert.deepEqual(await bench.sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' }), [])
})

async function keyServer(t: TestContext, keys: readonly object[]): Promise<string> {
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys }))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
}

test('method=ext-jwt: a token of a signer of the realm signs in', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwks = await keyServer(t, [{ ...(await exportJWK(publicKey)), kid: 'one' }])
  const signers = [{ issuer: 'https://idp.example', audience: 'gatehouse', jwks }]
  const { ask } = await openZiti(t, {
    authentication: {
      modules: { password: { type: 'password' }, jwt: { type: 'externalJwt', signers } },
      chains: { default: [{ module: 'password', or: ['jwt'], criteria: 'REQUIRED' }] },
    },
  })
  const sign = (sub: string, exp = NOW / 1_000 + 60) =>
    new SignJWT({ iss: 'https://idp.example', aud: 'gatehouse', sub, exp })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(privateKey)
  const signIn = (bearer: string) =>
    ask('POST', `${CLIENT}/authenticate?method=ext-jwt`, { body: {}, headers: { authorization: `Bearer ${bearer}` } })
  const { status, data } = await signIn(await sign('alice'))
  assert.deepEqual([status, data['identityId'], data['authenticatorId']], [200, 'alice', 'ext-jwt.alice'])
  assert.equal((await signIn(await sign('alice', NOW / 1_000 - 600))).code, 'INVALID_AUTH')
  assert.equal((await signIn(await sign('nobody'))).code, 'INVALID_AUTH')
  assert.equal((await signIn('x.y.z')).code, 'INVALID_AUTH')
})
