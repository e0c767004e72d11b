import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createBench, EMPLOYEES, type Bench, type BenchOptions } from '../../authn/login.fixture.ts'
import type { Authn } from '../../authn/authn.ts'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import { openKeyRing } from '../../crypto/key-ring.ts'
import { createBearerResolver } from '../../session/bearer.ts'
import { createTokenPairs } from '../../session/token-pairs.ts'
import { tokensSchema } from '../../session/tokens.schema.ts'
import { createVarnish } from './varnish.ts'

const ISSUER = 'https://login.example.com'
const log = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }
const RULES = tokensSchema.parse({})

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** The API on the real logins, sessions, keys and store, behind a real socket. bob administers. */
async function open(t: TestContext, options: BenchOptions = {}, authn?: (bench: Bench) => Authn) {
  const bench = await createBench(t, options)
  const { store, sessions, time } = bench
  const clock = (): EpochMs => time.now as EpochMs
  const keyRing = await openKeyRing({
    documents: store.documents,
    masterKey: Buffer.alloc(32, 7).toString('base64url'),
    clock,
    log,
  })
  const bearer = createBearerResolver({ store, keyRing, clock, issuer: ISSUER, maxCached: 100 })
  const answers = createVarnish({
    realm: EMPLOYEES,
    rules: RULES,
    authn: authn?.(bench) ?? bench.authn,
    pairs: createTokenPairs({ keyRing, store, sessions, clock, issuer: ISSUER }),
    bearer,
    sessions,
    people: {
      hasRealm: () => true,
      administratorsOf: () => ['admins'],
      groupsOf: ({ username }) => Promise.resolve(new Set(username === 'bob' ? ['admins'] : [])),
      userIdOf: () => undefined,
    },
    audit: { record: (event) => void bench.audited.push(event) },
    clock,
    log,
  })
  const facts = { requestId: 'r-1', client: { ip: '192.0.2.9', scheme: 'https', peer: '192.0.2.9' } } as const
  const server = createServer((request, response) => {
    if (!answers(request, response, facts)) response.writeHead(418).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
    bearer.close()
    keyRing.close()
  })
  const call = async (method: string, path: string, authorization?: string, cookie?: string): Promise<Answer> => {
    const headers = { ...(authorization && { authorization }), ...(cookie && { cookie }) }
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
    const response = await fetch(url, { method, headers })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
    }
  }
  const login = (username: string, password = username): Promise<Answer> =>
    call('POST', '/api/v1/auth/login', `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`)
  return { bench, call, login, bearer, port: (server.address() as AddressInfo).port }
}

const text = (answer: Answer, name: string): string => String(answer.body[name])

const sidOf = (answer: Answer): string =>
  (JSON.parse(Buffer.from(text(answer, 'accessToken').split('.')[1] ?? '', 'base64url').toString()) as { jti: string })
    .jti

test('name and password as HTTP Basic give a pair of tokens of one session, and no cookie', async (t) => {
  const { login, bench } = await open(t)
  const answer = await login('alice')
  assert.equal(answer.status, 200)
  assert.deepEqual(Object.keys(answer.body).sort(), ['accessExpire', 'accessToken', 'refreshExpire', 'refreshToken'])
  assert.deepEqual([answer.body['accessExpire'], answer.body['refreshExpire']], [1_800_000_600, 1_800_003_600])
  assert.deepEqual([answer.headers.get('cache-control'), answer.headers.get('set-cookie')], ['no-store', null])
  const [session] = await bench.sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' })
  assert.equal(session?.sid, sidOf(answer))
  assert.deepEqual(
    bench.audited.map(({ event }) => event),
    ['SessionCreated', 'AuthnSucceeded'],
  )
})

test('an unknown name, a wrong password and a disabled account get one and the same answer', async (t) => {
  const { login, bench } = await open(t)
  const answers = [await login('alice', 'wrong'), await login('nobody'), await login('gone')]
  for (const { status, body, headers } of answers) {
    assert.deepEqual([status, body], [401, answers[0]?.body])
    assert.equal(headers.get('www-authenticate'), 'Basic realm="/employees", charset="UTF-8"')
  }
  const reasons = bench.audited.map((event) => event.event === 'AuthnFailed' && event.reason)
  assert.deepEqual(reasons, ['wrong-password', 'unknown-user', 'disabled'])
  assert.equal((await login('', '')).status, 401)
})

test('guessing is slowed as on the login page, by the same count', async (t) => {
  const { login } = await open(t)
  for (let i = 0; i < 6; i++) await login('alice', 'wrong')
  const answer = await login('alice')
  assert.deepEqual([answer.status, answer.body['error']], [429, 'throttled'])
  assert.ok(Number(answer.headers.get('retry-after')) >= 1)
  const twin = await Promise.all(Array.from({ length: 7 }, () => login('nobody', 'wrong')))
  assert.deepEqual(twin.at(-1)?.body, answer.body)
})

test('a chain that asks for more than a password is refused, right or wrong', async (t) => {
  const asksMore = ({ authn }: Bench): Authn => ({
    ...authn,
    begin: (request, context) => authn.begin({ ...request, demand: { level: 2, force: true } }, context),
  })
  const { login, bench } = await open(t, {}, asksMore)
  const answer = await login('alice')
  assert.deepEqual([answer.status, answer.body['error']], [403, 'more_than_a_password'])
  assert.deepEqual(await bench.sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' }), [])
})

test('a quota that denies is 403, and starts nothing', async (t) => {
  const { login } = await open(t, { quota: { limit: 1, action: 'DENY_ACCESS' } })
  assert.equal((await login('alice')).status, 200)
  const answer = await login('alice')
  assert.deepEqual([answer.status, answer.body['error']], [403, 'quota_reached'])
})

test('a refresh token gives the next pair; as Bearer, or anything else as Refresh, it gives nothing', async (t) => {
  const { login, call } = await open(t)
  const first = await login('alice')
  const refresh = text(first, 'refreshToken')
  const next = await call('POST', '/api/v1/auth/refresh', `Refresh ${refresh}`)
  assert.equal(next.status, 200)
  assert.deepEqual(Object.keys(next.body).sort(), Object.keys(first.body).sort())
  assert.equal(sidOf(next), sidOf(first))
  for (const authorization of [`Bearer ${refresh}`, undefined, `Refresh ${text(first, 'accessToken')}`, 'Refresh x']) {
    const answer = await call('POST', '/api/v1/auth/refresh', authorization)
    assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, 'Refresh realm="/employees"'])
  }
})

test('reuse after the grace says no more than any bad token, and ends the session', async (t) => {
  const { login, call, bench, bearer } = await open(t)
  const first = await login('alice')
  const authorization = `Refresh ${text(first, 'refreshToken')}`
  const next = await call('POST', '/api/v1/auth/refresh', authorization)
  bench.time.now += 11_000
  const reused = await call('POST', '/api/v1/auth/refresh', authorization)
  const invalid = await call('POST', '/api/v1/auth/refresh', 'Refresh x.y.z')
  assert.deepEqual([reused.status, reused.body], [401, invalid.body])
  assert.equal(await bearer.resolve(`Bearer ${text(next, 'accessToken')}`), undefined)
  assert.equal((await call('POST', '/api/v1/auth/refresh', `Refresh ${text(next, 'refreshToken')}`)).status, 401)
})

test('a session is ended by itself, by its owner and by an administrator, and by nobody else', async (t) => {
  const { login, call, bench } = await open(t)
  const [one, two, bob] = [await login('alice'), await login('alice'), await login('bob')]
  const end = (by: Answer, sid: string): Promise<Answer> =>
    call('DELETE', `/api/v1/sessions/${sid}`, `Bearer ${text(by, 'accessToken')}`)
  assert.equal((await end(one, sidOf(bob))).status, 404)
  assert.deepEqual(
    (await end(one, sidOf(bob))).body,
    (await end(one, '0001.nobody')).body,
    'nobody learns what is there',
  )
  assert.equal((await end(one, sidOf(two))).status, 204)
  assert.equal((await end(one, sidOf(two))).status, 404)
  const dead = await end(two, sidOf(one))
  assert.deepEqual([dead.status, dead.body['error']], [401, 'token_invalid'])
  assert.match(dead.headers.get('www-authenticate') ?? '', /^Bearer realm="\/employees", error="invalid_token"$/)
  assert.equal((await end(bob, sidOf(one))).status, 204)
  assert.equal((await end(bob, sidOf(bob))).status, 204)
  const causes = bench.audited.flatMap((event) => (event.event === 'SessionEnded' ? [event.cause] : []))
  assert.deepEqual(causes, ['account', 'admin', 'logout'])
})

test('what an administrator ends, and what somebody must not, is audited with who and whose', async (t) => {
  const { login, call, bench } = await open(t)
  const [alice, bob] = [await login('alice'), await login('bob')]
  const end = (by: Answer, sid: string): Promise<Answer> =>
    call('DELETE', `/api/v1/sessions/${sid}`, `Bearer ${text(by, 'accessToken')}`)
  await end(alice, sidOf(bob))
  await end(alice, '0001.nobody-is-here-')
  await end(bob, sidOf(alice))
  await end(bob, sidOf(bob))
  const [a, b] = [alice, bob].map(sidOf)
  const about = { event: 'SessionsAdministered', realm: EMPLOYEES, action: 'end' } as const
  assert.deepEqual(
    bench.events().filter((event) => 'action' in event),
    [
      {
        ...about,
        username: 'alice',
        sid: a,
        outcome: 'refused',
        target: { realm: EMPLOYEES, username: 'bob', sid: b },
        count: 0,
      },
      {
        ...about,
        username: 'bob',
        sid: b,
        outcome: 'done',
        target: { realm: EMPLOYEES, username: 'alice', sid: a },
        count: 1,
      },
    ],
  )
})

test('an administrator of one realm administers no other', async (t) => {
  const { login, call, bench } = await open(t)
  const bob = await login('bob')
  const draft = { realm: '/customers' as RealmName, userId: 'dave', username: 'dave', authLevel: 1, authModules: [] }
  const dave = await bench.sessions.establish(
    { ...draft, properties: {}, maxIdleMs: 60_000, maxLifeMs: 60_000 },
    { requestId: undefined, clientIp: undefined },
  )
  assert.ok(dave.kind === 'established')
  const answer = await call(
    'DELETE',
    `/api/v1/sessions/${dave.issued.session.sid}`,
    `Bearer ${text(bob, 'accessToken')}`,
  )
  assert.equal(answer.status, 404)
})

test('no cookie counts here, other methods are refused and other addresses are left to others', async (t) => {
  const { call, bench, login } = await open(t)
  const sid = sidOf(await login('alice'))
  const [session] = await bench.sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' })
  assert.ok(session)
  const upgraded = await bench.sessions.upgrade(
    session,
    { authLevel: 1, authModules: [], properties: {} },
    { requestId: undefined, clientIp: undefined },
  )
  const cookie = `SSOTokenID=${upgraded?.token ?? ''}`
  assert.equal((await call('DELETE', `/api/v1/sessions/${sid}`, undefined, cookie)).status, 401)
  assert.equal((await call('POST', '/api/v1/auth/login', undefined, cookie)).status, 401)
  assert.equal((await call('POST', '/api/v1/auth/refresh', undefined, cookie)).status, 401)
  const wrong = await call('GET', '/api/v1/auth/login')
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'POST'])
  for (const path of [
    '/api/v1/auth/login/',
    '/api/v1/auth',
    '/api/v1/sessions/',
    '/api/v1/sessions/a/b',
    '/api/v1/Auth/login',
  ])
    assert.equal((await call('POST', path)).status, 418, path)
})

test('no store: 503 with Retry-After, and nobody is told that a token is bad', async (t) => {
  const { call, login, bench } = await open(t)
  const tokens = await login('alice')
  await bench.store.close()
  const calls = [
    call('POST', '/api/v1/auth/refresh', `Refresh ${text(tokens, 'refreshToken')}`),
    call('DELETE', `/api/v1/sessions/${sidOf(tokens)}`, `Bearer ${text(tokens, 'accessToken')}`),
  ]
  for (const { status, headers } of await Promise.all(calls))
    assert.deepEqual([status, headers.get('retry-after')], [503, '5'])
})

test('a body that nobody asked for is not read to its end: the connection closes with the answer', async (t) => {
  const { port } = await open(t)
  for (const [body, keeps] of [
    ['content-length: 1000000000', false],
    ['content-length: 0', true],
  ] as const) {
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    socket.write(`POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\n${body}\r\n\r\n`)
    const [head] = (await once(socket, 'data')) as [Buffer]
    assert.match(head.toString(), /^HTTP\/1\.1 401 /)
    assert.equal(/^connection: close/im.test(head.toString()), !keeps)
  }
})
