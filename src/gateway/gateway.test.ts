import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { newAnonymousId } from '../session/anonymous.ts'
import type { RealmName } from '../base/brand.ts'
import { ask, NAVIGATION, sendRaw } from './answer.fixture.ts'
import { echoApp, headerValues, type EchoApp } from './echo-app.fixture.ts'
import {
  factsOf,
  LOGIN,
  profileOf,
  sessionOf,
  siteOf,
  startGateway,
  tokenOf,
  type Rig,
  type RigOptions,
} from './gateway.fixture.ts'

type Fields = Readonly<Record<string, string>> | readonly (readonly [string, string])[]

interface Vector {
  readonly id: string
  readonly expect: string
  readonly target?: string
  readonly host?: string | null | readonly string[]
  readonly h?: Fields
  readonly names?: readonly string[]
  readonly value?: string
}

function vectors(name: string, folder = '.'): readonly Vector[] {
  return JSON.parse(
    readFileSync(new URL(`${folder}/vectors/${name}.json`, import.meta.url), 'utf8'),
  ) as readonly Vector[]
}

function linesOf(fields: Fields = {}): readonly (readonly [string, string])[] {
  return Array.isArray(fields) ? (fields as readonly (readonly [string, string])[]) : Object.entries(fields)
}

interface Setup extends Rig {
  readonly app: EchoApp
  /** `Cookie` line of a live session of alice. */
  readonly cookie: string
}

async function setup(
  t: TestContext,
  profile: Record<string, unknown> = {},
  options: Partial<RigOptions> & Parameters<typeof siteOf>[1] = {},
): Promise<Setup> {
  const app = await echoApp(t)
  const site = siteOf(profileOf(app.url, profile), options)
  const rig = await startGateway(t, { ...options, sites: [site] })
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}`
  return Object.assign(rig, { app, cookie })
}

test('a session that policy allows reaches the application, and nobody else does', async (t) => {
  const { port, app, cookie, lines, sessions } = await setup(t)
  const answer = await ask(port, '/a?b=%41', { headers: [cookie] })
  assert.equal(answer.status, 200)
  assert.equal(app.seen[0]?.target, '/a?b=%41')
  assert.deepEqual(sessions.touched, ['s1'])
  assert.deepEqual(
    [lines[0]?.verdict, lines[0]?.site, lines[0]?.status, lines[0]?.sid, lines[0]?.path],
    ['forward', 'app', 200, 's1', '/a'],
  )
  assert.equal((await ask(port, '/a')).status, 401)
  assert.equal((await ask(port, '/a', { headers: [`Cookie: SSOTokenID=${tokenOf(2)}`] })).status, 401)
  assert.equal(app.seen.length, 1)
})

test('the path that is forwarded is byte for byte the canonical one that was decided on', async (t) => {
  const { port, app, cookie } = await setup(t)
  await ask(port, '/%66oo/%c3%a9%20x;v=1?q=%2f..%2f', { headers: [cookie] })
  assert.equal(app.seen[0]?.target, '/foo/%C3%A9%20x;v=1?q=%2f..%2f')
})

test('invariant 1: no request reaches an upstream without a verdict forward', async (t) => {
  const rig = await setup(t)
  const { port, app } = rig
  for (const { target = '' } of vectors('path', '../http')) {
    const before = app.seen.length
    const answer = await ask(port, target, { headers: NAVIGATION })
    if (app.seen.length > before) {
      assert.equal(rig.lines.at(-1)?.verdict, 'forward', target)
      assert.match(app.seen.at(-1)?.target ?? '', /^\/public\//, target)
    }
    assert.ok(answer.status < 500, `${target}: ${answer.status}`)
  }
})

test('invariant 2: ambiguous targets are 400 with a session too, and for the login host', async (t) => {
  const { port, app, cookie, atLogin } = await setup(t)
  for (const { target = '', expect } of vectors('path', '../http')) {
    if (!expect.startsWith('400')) continue
    assert.equal((await ask(port, target, { headers: [cookie] })).status, 400, target)
    assert.equal((await ask(port, target, { host: 'login.test' })).status, 400, target)
  }
  assert.deepEqual([app.seen, atLogin], [[], []])
})

test('raw requests that a parser lets through are refused before anything is decided', async (t) => {
  const { port, app, cookie } = await setup(t)
  const expected: readonly (readonly [string, number])[] = [
    ['GET http://evil.test/public/x HTTP/1.1\r\nHost: app.test\r\n\r\n', 400],
    ['OPTIONS * HTTP/1.1\r\nHost: app.test\r\n\r\n', 400],
    ['GET /public/x HTTP/1.0\r\n\r\n', 400],
    ['GET /public/x HTTP/1.1\r\nHost: app.test\r\nHost: evil.test\r\n\r\n', 400],
    ['GET /public/x HTTP/1.1\r\nHost: app.test/evil\r\n\r\n', 400],
    ['GET /public/x HTTP/1.1\r\nHost: evil.test\r\n\r\n', 421],
    ['POST /public/x HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
    ['CONNECT app.test:80 HTTP/1.1\r\nHost: app.test\r\n\r\n', 405],
    [`TRACE /public/x HTTP/1.1\r\nHost: app.test\r\n${cookie}\r\n\r\n`, 405],
    ['PROPFIND /public/x HTTP/1.1\r\nHost: app.test\r\n\r\n', 405],
    ['QUERY /public/x HTTP/1.1\r\nHost: app.test\r\n\r\n', 405],
  ]
  for (const [bytes, status] of expected) {
    const answer = await sendRaw(port, bytes)
    assert.equal(answer.status, status, bytes)
    assert.ok(!answer.text.includes('evil') && !answer.text.includes(tokenOf(1)), 'nothing is echoed')
  }
  assert.deepEqual(app.seen, [])
})

test('TRACE passes not even where a profile lists it', async (t) => {
  const { port, cookie, app } = await setup(t, { allowedMethods: ['GET', 'TRACE'] })
  assert.equal((await ask(port, '/a', { method: 'TRACE', headers: [cookie] })).status, 405)
  assert.deepEqual(app.seen, [])
})

for (const { id, host, expect } of vectors('host', '../http')) {
  if (typeof host !== 'string') continue
  test(`host vector ${id}: ${expect}`, async (t) => {
    const app = await echoApp(t)
    const rig = await startGateway(t, { sites: [siteOf(profileOf(app.url, { url: 'http://gw.example.com' }))] })
    const answer = await ask(rig.port, '/a', {
      host: Buffer.from(host, 'utf8').toString('latin1'),
      headers: NAVIGATION,
    })
    if (expect.startsWith('400')) assert.equal(answer.status, 400)
    else if (id === 'case') {
      const lower = await ask(rig.port, '/a', { host: host.toLowerCase(), headers: NAVIGATION })
      assert.equal(answer.status, lower.status)
      assert.equal((await ask(rig.port, '/a', { host: 'GW.EXAMPLE.COM', headers: NAVIGATION })).status, 302)
    } else if (/42[1]/.test(expect) || id === 'sub') assert.equal(answer.status, 421)
    else {
      assert.equal(answer.status, 302)
      assert.match(answer.headers.get('location') ?? '', /goto=http%3A%2F%2Fgw\.example\.com%2Fa/)
    }
    assert.ok(!answer.text.includes('evil'))
  })
}

test('a navigation without a session goes to the realm’s login page with a bound state', async (t) => {
  const { port, app } = await setup(t)
  const { status, headers, cookies } = await ask(port, '/a?b=1', { headers: NAVIGATION })
  assert.equal(status, 302)
  assert.equal(headers.get('cache-control'), 'no-store')
  const location = new URL(headers.get('location') ?? '')
  assert.equal(location.origin + location.pathname, `${LOGIN}/login/employees`)
  assert.deepEqual(Object.fromEntries(location.searchParams), {
    goto: 'http://app.test/a?b=1',
    agent: 'app',
    state: location.searchParams.get('state') ?? '',
  })
  assert.match(location.searchParams.get('state') ?? '', /^[\w-]{43}\.0$/)
  assert.match(
    cookies[0] ?? '',
    /^gatehouse-handshake=[\w-]{43}\.0\.\d+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/,
  )
  assert.ok(!location.href.includes(cookies[0]?.slice(20, 63) ?? 'x'), 'the secret itself never stands in a URL')
  assert.deepEqual(app.seen, [])
})

test('a frame and a script never get a redirect', async (t) => {
  const { port } = await setup(t)
  const frame = await ask(port, '/a', {
    headers: ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'],
  })
  assert.equal(frame.status, 401)
  assert.equal(frame.headers.get('x-page'), 'open-at-top-level')
  assert.match(frame.body, /http:\/\/app\.test\/a/)
  const script = await ask(port, '/api', { headers: ['Sec-Fetch-Mode: cors', 'Referer: http://app.test/page'] })
  assert.equal(script.status, 401)
  const body = JSON.parse(script.body) as Record<string, string>
  assert.equal(body['error'], 'login_required')
  assert.equal(body['loginUrl'], `${LOGIN}/login/employees?goto=http%3A%2F%2Fapp.test%2Fpage`)
  assert.match(
    script.headers.get('www-authenticate') ?? '',
    /^Gatehouse realm="\/employees", login_url="http:\/\/login\.test/,
  )
  const foreign = await ask(port, '/api', { headers: ['Sec-Fetch-Mode: cors', 'Referer: http://app.test.evil/page'] })
  assert.ok(!foreign.body.includes('evil'))
})

test('a denied session gets a page with the policy and an audit event, a script JSON', async (t) => {
  const { port, app, cookie, audit } = await setup(t)
  const page = await ask(port, '/admin', { headers: [cookie, ...NAVIGATION] })
  assert.equal(page.status, 403)
  assert.equal(page.headers.get('x-page'), 'forbidden')
  assert.match(page.body, /no-admin/)
  assert.ok(page.body.includes(`${LOGIN}/login/employees?goto=http%3A%2F%2Fapp.test%2Fadmin&ForceAuth=true`))
  assert.match(page.body, /"logoutUrl":"http:\/\/login\.test\/logout\?agent=app"/)
  const script = await ask(port, '/admin', { headers: [cookie, 'Sec-Fetch-Mode: cors'] })
  assert.deepEqual(JSON.parse(script.body), {
    error: 'access_denied',
    message: 'You do not have access to this page.',
    requestId: 'id-2',
  })
  assert.deepEqual(
    audit.map((event) => [event.event, event.requestId, 'policies' in event ? event.policies : []]),
    [
      ['AccessDenied', 'id-1', ['no-admin']],
      ['AccessDenied', 'id-2', ['no-admin']],
    ],
  )
  assert.deepEqual(app.seen, [])
})

test('RFC 9470: a step-up sends navigations to the level, and tells scripts the challenge', async (t) => {
  const { port, app, cookie, sessions } = await setup(t, { policySet: 'level' })
  const page = await ask(port, '/level/x', { headers: [cookie, ...NAVIGATION] })
  const location = new URL(page.headers.get('location') ?? '')
  assert.equal(location.searchParams.get('authIndexType'), 'level')
  assert.equal(location.searchParams.get('authIndexValue'), '2')
  const script = await ask(port, '/level/x', { headers: [cookie, 'Sec-Fetch-Mode: cors'] })
  assert.equal(script.status, 401)
  assert.match(
    script.headers.get('www-authenticate') ?? '',
    /Bearer error="insufficient_user_authentication".*acr_values="2"/,
  )
  assert.deepEqual(app.seen, [])
  sessions.add(1, sessionOf('s1', { authLevel: 2, gen: 2 }))
  assert.equal((await ask(port, '/level/x', { headers: [cookie] })).status, 200)
})

test('who is anonymous is asked to sign in where nothing lets them in, site by site', async (t) => {
  for (const [profile, path] of [
    [{}, '/a'],
    [{ ssoOnly: true }, '/a'],
    [{ policySet: 'level' }, '/level/x'],
  ] as const) {
    const { port, app, sessions, lines } = await setup(t, profile)
    const cookie = `Cookie: ${sessions.add(8, sessionOf('s8', { userId: newAnonymousId(), authLevel: 0 }))}`
    const page = await ask(port, path, { headers: [cookie, ...NAVIGATION] })
    const asked = new URL(page.headers.get('location') ?? '').searchParams
    assert.deepEqual([page.status, asked.get('authIndexType'), asked.get('authIndexValue')], [302, 'level', '1'])
    assert.deepEqual([lines[0]?.verdict, lines[0]?.anonymous], ['step-up', true])
    assert.equal((await ask(port, path, { headers: [cookie, 'Sec-Fetch-Mode: cors'] })).status, 401)
    assert.deepEqual(app.seen, [])
  }
})

test('invariant 5: a session of another realm is no session', async (t) => {
  const { port, sessions, app } = await setup(t)
  const other = sessions.add(5, sessionOf('s5', { realm: '/customers' as RealmName }))
  assert.equal((await ask(port, '/a', { headers: [`Cookie: ${other}`, ...NAVIGATION] })).status, 302)
  assert.deepEqual(app.seen, [])
})

test('a token of another audience is no session', async (t) => {
  const { port, sessions } = await setup(t)
  for (const [n, audience] of [
    [6, 'login'],
    [7, 'agent:pay'],
  ] as const) {
    const cookie = sessions.add(n, sessionOf('s6'), audience)
    assert.equal((await ask(port, '/a', { headers: [`Cookie: ${cookie}`] })).status, 401)
  }
})

test('a user who is gone from the directory has no session', async (t) => {
  const { port, cookie, app } = await setup(t, {}, { facts: () => Promise.resolve(undefined) })
  assert.equal((await ask(port, '/a', { headers: [cookie] })).status, 401)
  assert.deepEqual(app.seen, [])
})

test('two different tokens of one name are no session; equal ones and quoted ones are one', async (t) => {
  const { port, cookie } = await setup(t)
  const value = tokenOf(1)
  assert.equal((await ask(port, '/a', { headers: [`${cookie}; SSOTokenID=${tokenOf(2)}`] })).status, 401)
  assert.equal((await ask(port, '/a', { headers: [cookie, `Cookie: SSOTokenID=${tokenOf(2)}`] })).status, 401)
  assert.equal((await ask(port, '/a', { headers: [`${cookie}; SSOTokenID="${value}"`] })).status, 200)
})

for (const garbage of ['%ff%00\u0001x', 'A'.repeat(8_192), '', '"', '****']) {
  test(`a garbage token (${garbage.slice(0, 8)}) means login, never 5xx and never a pass`, async (t) => {
    const { port, app } = await setup(t)
    const { status } = await ask(port, '/a', { headers: [`Cookie: SSOTokenID=${garbage}`, ...NAVIGATION] })
    assert.ok(status === 302 || status === 400 || status === 431, String(status))
    assert.deepEqual(app.seen, [])
  })
}

test('invariant 3: when the store cannot say, enforced paths are 503 and not-enforced ones need it not', async (t) => {
  const { port, sessions, cookie, app } = await setup(t)
  sessions.outage = 'without-grace'
  const answer = await ask(port, '/a', { headers: [cookie, ...NAVIGATION] })
  assert.equal(answer.status, 503)
  assert.ok(Number(answer.headers.get('retry-after')) > 0)
  assert.deepEqual(answer.cookies, [])
  assert.deepEqual(app.seen, [])
  assert.equal((await ask(port, '/public/x', { headers: [cookie] })).status, 200)
  assert.equal(sessions.resolved, 1)
})

test('grace lets ordinary paths through, and none that ask for a level', async (t) => {
  const { port, sessions } = await setup(t, { policySet: 'level' })
  const cookie = `Cookie: ${sessions.add(1, sessionOf('s1', { authLevel: 2 }))}`
  assert.equal((await ask(port, '/level/x', { headers: [cookie] })).status, 200)
  sessions.outage = 'with-grace'
  assert.equal((await ask(port, '/level/x', { headers: [cookie] })).status, 503)
  const other = await setup(t)
  other.sessions.outage = 'with-grace'
  assert.equal((await ask(other.port, '/a', { headers: [other.cookie] })).status, 200)
})

test('a policy decision point that throws denies with 500 and shows nothing of it', async (t) => {
  const app = await echoApp(t)
  const site = siteOf(profileOf(app.url))
  const broken = {
    ...site,
    pdp: {
      ...site.pdp,
      evaluate: () => {
        throw new Error('secret detail')
      },
    },
  }
  const rig = await startGateway(t, { sites: [broken] })
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}`
  const answer = await ask(rig.port, '/a', { headers: [cookie] })
  assert.equal(answer.status, 500)
  assert.ok(!answer.text.includes('secret detail'))
  assert.equal(rig.lines[0]?.reason, 'GH_INTERNAL')
  assert.deepEqual(app.seen, [])
})

test('when a page cannot be rendered, a plain one stands in with the same status', async (t) => {
  const pages = {
    render: () => {
      throw new Error('template')
    },
  }
  const { port, cookie } = await setup(t, {}, { pages })
  const answer = await ask(port, '/admin', { headers: [cookie, ...NAVIGATION] })
  assert.equal(answer.status, 403)
  assert.match(answer.body, /You do not have access/)
  assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/)
})

test('an application that is not there is 502, with the request id and without its address', async (t) => {
  const rig = await startGateway(t, { sites: [siteOf(profileOf('http://127.0.0.1:1'))] })
  const answer = await ask(rig.port, '/public/x', { headers: NAVIGATION })
  assert.equal(answer.status, 502)
  assert.match(answer.body, /id-1/)
  assert.ok(!answer.text.includes('127.0.0.1'))
})

test('HEAD gets the decision of GET', async (t) => {
  const { port, cookie, app } = await setup(t)
  assert.equal((await ask(port, '/a', { method: 'HEAD', headers: [cookie, 'Connection: close'] })).status, 200)
  assert.equal((await ask(port, '/admin', { method: 'HEAD', headers: [cookie, 'Connection: close'] })).status, 403)
  assert.equal(app.seen.length, 1)
})

test('opted-in ambiguous paths need every reading allowed, and are open only if all are', async (t) => {
  const encodedPaths = [{ prefix: '/', allow: ['encoded-slash', 'empty-segment'] }]
  const { port, cookie, app } = await setup(t, {
    encodedPaths,
    notEnforced: [{ path: '/public/*' }, { path: '/public%2F*' }],
  })
  assert.equal((await ask(port, '/files/a%2fb//c', { headers: [cookie] })).status, 200)
  assert.equal(app.seen.at(-1)?.target, '/files/a%2Fb//c')
  assert.equal((await ask(port, '/public/a//b')).status, 200)
  assert.equal((await ask(port, '/admin%2fx', { headers: [cookie] })).status, 403)
  assert.equal((await ask(port, '/files/inner%2fx', { headers: [cookie] })).status, 403)
  assert.equal((await ask(port, '/files//inner/x', { headers: [cookie] })).status, 403)
  assert.equal((await ask(port, '/files%2f..%2fadmin', { headers: [cookie] })).status, 400)
  assert.equal((await ask(port, '/.gatehouse%2fwhoami', { headers: [cookie] })).status, 404)
})

test('not-enforced rules can depend on the method and the client’s address', async (t) => {
  const notEnforced = [
    { path: '/health', methods: ['GET'] },
    { path: '/inner/*', addresses: ['10.0.0.0/8'] },
  ]
  const { port } = await setup(t, { notEnforced }, { trustedProxies: ['127.0.0.1'] })
  assert.equal((await ask(port, '/health')).status, 200)
  assert.equal((await ask(port, '/health', { method: 'HEAD', headers: ['Connection: close'] })).status, 200)
  assert.equal((await ask(port, '/health', { method: 'POST' })).status, 401)
  assert.equal((await ask(port, '/healthz')).status, 401)
  assert.equal((await ask(port, '/inner/x', { headers: ['X-Forwarded-For: 10.1.2.3'] })).status, 200)
  assert.equal((await ask(port, '/inner/x', { headers: ['X-Forwarded-For: 10.1.2.3, 8.8.8.8'] })).status, 401)
})

test('aliases redirect to the site’s own address, method and body kept where there is one', async (t) => {
  const { port, app } = await setup(t, {}, { aliases: ['http://old.test', 'http://app.test:8080'] })
  const get = await ask(port, '/public/a?b', { host: 'old.test' })
  assert.deepEqual([get.status, get.headers.get('location')], [302, 'http://app.test/public/a?b'])
  const head = await ask(port, '/%C3%A9;v=1?q=%2f..%2F&x=//evil.test%0d', { host: 'old.test', method: 'HEAD' })
  assert.deepEqual(
    [head.status, head.headers.get('location')],
    [302, 'http://app.test/%C3%A9;v=1?q=%2f..%2F&x=//evil.test%0d'],
  )
  assert.equal((await ask(port, '//evil.test/', { host: 'old.test' })).status, 400)
  assert.equal((await ask(port, '/', { host: 'evil.test' })).status, 421)
  const post = await ask(port, '/public/a', { host: 'app.test:8080', method: 'POST', body: 'x' })
  assert.deepEqual([post.status, post.headers.get('location')], [308, 'http://app.test/public/a'])
  assert.deepEqual(app.seen, [])
})

test('the login host gets canonical targets and the client’s address', async (t) => {
  const { port, atLogin, lines } = await setup(t)
  assert.equal((await ask(port, '/%6cogin/x?y=1', { host: 'LOGIN.test' })).body, 'login')
  assert.deepEqual(atLogin, ['/login/x?y=1 127.0.0.1'])
  assert.deepEqual([lines[0]?.site, lines[0]?.verdict, lines[0]?.path], ['login', 'login-host', '/login/x'])
})

for (const { id, names, value = '' } of vectors('identity_header')) {
  if (names === undefined || names.includes('Authorization')) continue
  test(`identity header vector ${id}: no spelling of ${names.join(', ')} gets past us`, async (t) => {
    const { port, cookie, app } = await setup(t)
    const spoof = names.map((name) => `${name}: ${value}`)
    for (const [target, session] of [
      ['/a', [cookie]],
      ['/public/a', []],
    ] as const) {
      assert.equal((await ask(port, target, { headers: [...session, ...spoof] })).status, 200)
      const { headers = [] } = app.seen.at(-1) ?? {}
      assert.ok(!headers.includes(value), headers.join(' '))
      assert.deepEqual(headerValues(headers, 'X-Remote-User'), session.length > 0 ? ['alice'] : [])
    }
  })
}

test('identity headers survive Connection naming them, and go upstream once', async (t) => {
  const { port, cookie, app } = await setup(t)
  for (const line of [
    'Connection: close, X-Remote-User, X-Gatehouse-Assertion, X-Forwarded-For',
    'Connection: X-REMOTE-USER\r\nConnection: Host',
  ]) {
    await ask(port, '/a', { headers: [cookie, line] })
    const { headers = [] } = app.seen.at(-1) ?? {}
    assert.deepEqual(headerValues(headers, 'X-Remote-User'), ['alice'])
    assert.deepEqual(headerValues(headers, 'X-Remote-Groups'), ['staff'])
    assert.equal(headerValues(headers, 'X-Gatehouse-Assertion').length, 1)
    assert.deepEqual(headerValues(headers, 'X-Forwarded-For'), ['127.0.0.1'])
    assert.deepEqual(headerValues(headers, 'host'), ['app.test'])
  }
})

test('RFC 9110 §7.6.1: what Connection names goes no further', async (t) => {
  const { port, cookie, app } = await setup(t)
  await ask(port, '/a', { headers: [cookie, 'Connection: close, x-one', 'X-One: 1', 'X-Two: 2'] })
  const { headers = [] } = app.seen[0] ?? {}
  assert.deepEqual([headerValues(headers, 'X-One'), headerValues(headers, 'X-Two')], [[], ['2']])
})

test('a session without groups gives no groups header, whatever the client claims', async (t) => {
  const { port, cookie, app } = await setup(t, {}, { facts: () => factsOf() })
  await ask(port, '/a', { headers: [cookie, 'X-Remote-Groups: admins'] })
  assert.deepEqual(headerValues(app.seen[0]?.headers ?? [], 'X-Remote-Groups'), [])
})

for (const { id, h } of vectors('hop_by_hop')) {
  if (id === 'upgrade-list') continue
  test(`hop-by-hop vector ${id}: end-to-end and gateway headers are unaffected, framing too`, async (t) => {
    const { port, cookie, app } = await setup(t)
    const lines = linesOf(h).map(([name, value]) => `${name}: ${value}`)
    const sent = [
      'Authorization: Bearer app',
      'Origin: http://app.test',
      'Cache-Control: no-cache',
      'Cookie: theme=dark',
    ]
    const answer = await ask(port, '/a', { method: 'POST', body: 'hello', headers: [cookie, ...sent, ...lines] })
    assert.equal(answer.status, 200)
    const { headers = [], body } = app.seen[0] ?? {}
    assert.equal(body, 'hello')
    for (const line of sent) {
      const [name = '', value = ''] = line.split(': ')
      assert.deepEqual(headerValues(headers, name), [value])
    }
    assert.deepEqual(headerValues(headers, 'X-Remote-User'), ['alice'])
    for (const name of ['Keep-Alive', 'Proxy-Connection', 'Upgrade', 'HTTP2-Settings'])
      assert.deepEqual(headerValues(headers, name), [])
  })
}

/** Set by us to what some vectors happen to claim; their values are checked one by one. */
const OURS = new Set(['X-Forwarded-For', 'X-Forwarded-Proto'])

for (const { id, h } of vectors('forwarded', '../http')) {
  if (h === undefined || id === 'xff-1000' || id === 'via' || id === 'ua-health') continue
  test(`forwarded vector ${id}: the application sees none of it`, async (t) => {
    const { port, cookie, app } = await setup(t)
    await ask(port, '/a', { headers: [cookie, ...linesOf(h).map(([name, value]) => `${name}: ${value}`)] })
    const { headers = [] } = app.seen[0] ?? {}
    for (const [name, value] of linesOf(h))
      assert.ok(OURS.has(name) || !headerValues(headers, name).includes(value), `${name}: ${value}`)
    assert.deepEqual(headerValues(headers, 'X-Forwarded-For'), ['127.0.0.1'])
    assert.deepEqual(headerValues(headers, 'X-Forwarded-Host'), ['app.test'])
    assert.deepEqual(headerValues(headers, 'X-Forwarded-Proto'), ['http'])
    assert.deepEqual(headerValues(headers, 'Forwarded'), ['for=127.0.0.1;host=app.test;proto=http'])
  })
}

for (const line of [
  'X-HTTP-Method-Override: DELETE',
  'X-Method-Override: DELETE',
  'X-HTTP-Method: DELETE',
  'Proxy: http://evil',
  'Expect: 100-continue',
]) {
  test(`${line} does not go upstream`, async (t) => {
    const { port, cookie, app } = await setup(t)
    const socket = connect(port, '127.0.0.1')
    socket.end(
      `POST /a HTTP/1.1\r\nHost: app.test\r\n${cookie}\r\n${line}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`,
    )
    socket.resume()
    await once(socket, 'close')
    assert.equal(app.seen[0]?.body, 'x')
    assert.ok(!app.seen[0].headers.some((item) => item.toLowerCase() === (line.split(':')[0] ?? '').toLowerCase()))
  })
}

test('the SSO cookie, the handshake cookie and other agents’ cookies never reach an upstream', async (t) => {
  const { port, app } = await setup(t)
  const rig: readonly (readonly [string, readonly string[]])[] = [
    [`SSOTokenID=${tokenOf(1)}`, []],
    [`xSSOTokenID=1; SSOTokenID2=2; SSOTokenID=${tokenOf(1)}`, ['xSSOTokenID=1; SSOTokenID2=2']],
    [`a=1; SSOTokenID=${tokenOf(1)}; gatehouse-handshake=x; OtherSSO=SECRET; __Host-SSOTokenID=y; b=2`, ['a=1; b=2']],
    [`a="x; SSOTokenID=${tokenOf(1)}; y"`, ['a="x; y"']],
  ]
  for (const [cookie, left] of rig) {
    await ask(port, '/public/a', { headers: [`Cookie: ${cookie}`] })
    assert.deepEqual(headerValues(app.seen.at(-1)?.headers ?? [], 'Cookie'), left)
  }
})

const EVIL_COOKIES = [
  'SSOTokenID=evil',
  'ssotokenid=evil',
  '__Host-SSOTokenID=evil; Secure; Path=/',
  '__host-ssotokenid=evil',
  '=__Host-SSOTokenID=evil',
  'gatehouse-handshake=evil',
  'OtherSSO=evil; Domain=test',
  'evil',
]

test('an upstream can neither set nor clear a cookie of ours', async (t) => {
  const { port, app, cookie } = await setup(t)
  app.answer = (_, response) => {
    response.setHeader('Set-Cookie', ['theme=dark; Domain=app.test', ...EVIL_COOKIES])
    response.setHeader('Clear-Site-Data', '"cache", "cookies"')
    response.end('x')
  }
  for (const [target, headers] of [
    ['/public/a', []],
    ['/a', [cookie]],
  ] as const) {
    const answer = await ask(port, target, { headers })
    assert.deepEqual(answer.cookies, ['theme=dark; Domain=app.test'])
    assert.equal(answer.headers.get('clear-site-data'), '"cache"')
  }
})

for (const { id, target } of vectors('cache')) {
  if (target === undefined) continue
  test(`cache vector ${id}: what needed a session is private or no-store and varies by cookie`, async (t) => {
    const { port, app, cookie } = await setup(t)
    app.answer = (_, response) => {
      response.writeHead(200, {
        'content-type': 'text/html',
        'cache-control': 'public, max-age=600',
        'cdn-cache-control': 'max-age=600',
        'surrogate-control': 'max-age=600',
      })
      response.end('x')
    }
    const answer = await ask(port, target.replace('/public/', '/p/'), { headers: [cookie] })
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    if (answer.status === 200) assert.match(answer.headers.get('vary') ?? '', /cookie/i)
    assert.equal(answer.headers.get('cdn-cache-control'), undefined)
    assert.equal(answer.headers.get('surrogate-control'), undefined)
  })
}

test('on not-enforced paths the application decides about caching', async (t) => {
  const { port, app } = await setup(t)
  app.answer = (_, response) => response.writeHead(200, { 'cache-control': 'public, max-age=600' }).end('x')
  assert.equal((await ask(port, '/public/a')).headers.get('cache-control'), 'public, max-age=600')
})

test('the body of an upload is only sent for once the request may pass', async (t) => {
  const { port, cookie, app } = await setup(t)
  const head = (line: string): string =>
    `POST /a HTTP/1.1\r\nHost: app.test\r\n${line}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`
  const refused = await sendRaw(port, head('X-A: 1'))
  assert.equal(refused.status, 401)
  assert.equal(refused.headers.get('connection'), 'close')
  const socket = connect(port, '127.0.0.1')
  socket.write(head(cookie))
  const [first] = (await once(socket, 'data')) as [Buffer]
  assert.match(first.toString(), /^HTTP\/1\.1 100 Continue\r\n\r\n/)
  socket.end('hello')
  socket.resume()
  await once(socket, 'close')
  assert.equal(app.seen[0]?.body, 'hello')
})

test('the end of a session cuts its stream at once, and the log says so', async (t) => {
  const { port, cookie, app, gateway, lines } = await setup(t)
  app.answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n')
  }
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /events HTTP/1.1\r\nHost: app.test\r\n${cookie}\r\n\r\n`)
  await once(socket, 'data')
  gateway.sessionEnded('somebody-else')
  assert.equal(socket.destroyed, false)
  socket.resume()
  const closed = once(socket, 'close')
  gateway.sessionEnded('s1')
  await closed
  assert.equal(lines[0]?.reason, 'by-session-end')
})

test('a session that ends between its look-up and its stream is no session', async (t) => {
  const rig = await setup(t, {}, { facts: () => Promise.resolve(factsOf('staff')) })
  rig.gateway.sessionEnded('s1')
  const answer = await ask(rig.port, '/a', { headers: [rig.cookie] })
  assert.equal(answer.status, 401)
  assert.deepEqual(rig.app.seen, [])
})

test('a request whose session ends before the application answers gets 401, and the late answer goes nowhere', async (t) => {
  const { port, cookie, app, gateway } = await setup(t)
  const arrived = Promise.withResolvers<ServerResponse>()
  app.answer = (_, response) => arrived.resolve(response)
  const asked = ask(port, '/slow', { headers: [cookie] })
  const late = await arrived.promise
  const dropped = once(late, 'close')
  gateway.sessionEnded('s1')
  late.end('protected')
  const answer = await asked
  assert.equal(answer.status, 401)
  assert.doesNotMatch(answer.body, /protected/)
  await dropped
})

test('an open stream counts as use', async (t) => {
  const { port, cookie, app, sessions } = await setup(t, {}, { touchEveryMs: 5 })
  app.answer = (_, response) => {
    response.writeHead(200)
    response.write('x')
  }
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /events HTTP/1.1\r\nHost: app.test\r\n${cookie}\r\n\r\n`)
  await once(socket, 'data')
  const touched = new Promise<void>((resolve) => {
    sessions.touched.push = (...sids: string[]) => {
      resolve()
      return sids.length
    }
  })
  await touched
  socket.destroy()
})

test('a change of configuration cuts streams that would be refused now, and no others', async (t) => {
  const rig = await setup(t)
  const { port, app, cookie } = rig
  app.answer = (_, response) => {
    response.writeHead(200)
    response.write('x')
  }
  const sockets = ['/a', '/b'].map((path) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${path} HTTP/1.1\r\nHost: app.test\r\n${cookie}\r\n\r\n`)
    return socket
  })
  await Promise.all(sockets.map((socket) => once(socket, 'data')))
  const site = siteOf(profileOf(app.url))
  t.after(() => site.upstream.close())
  rig.replace([
    {
      ...site,
      pdp: {
        ...site.pdp,
        evaluate: (query) => ({ ...site.pdp.evaluate(query), allowed: query.resource.path === '/b' }),
      },
    },
  ])
  const [a, b] = sockets
  a?.resume()
  const closed = once(a ?? (new EventTarget() as never), 'close')
  await rig.gateway.recheck()
  await closed
  assert.equal(b?.destroyed, false)
  b.destroy()
})

test('after a change of configuration, whom nobody can judge is cut off', async (t) => {
  const rig = await setup(t)
  const { port, app, cookie } = rig
  app.answer = (_, response) => {
    response.writeHead(200)
    response.write('x')
  }
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /a HTTP/1.1\r\nHost: app.test\r\n${cookie}\r\n\r\n`)
  await once(socket, 'data')
  const site = siteOf(profileOf(app.url))
  t.after(() => site.upstream.close())
  const evaluate: typeof site.pdp.evaluate = () => {
    throw new Error('broken policy')
  }
  rig.replace([{ ...site, pdp: { ...site.pdp, evaluate } }])
  const closed = once(socket, 'close')
  await rig.gateway.recheck()
  await closed
})

test('a request that opens its stream after the change was looked for is judged by the new configuration, too', async (t) => {
  const looking = Promise.withResolvers<undefined>()
  const found = Promise.withResolvers<ReturnType<typeof factsOf>>()
  const facts = (): Promise<ReturnType<typeof factsOf>> => {
    looking.resolve(undefined)
    return found.promise
  }
  const rig = await setup(t, {}, { facts })
  const asked = ask(rig.port, '/a', { headers: [rig.cookie] })
  await looking.promise
  const site = siteOf(profileOf(rig.app.url))
  t.after(() => site.upstream.close())
  const evaluate: typeof site.pdp.evaluate = (query) => ({ ...site.pdp.evaluate(query), allowed: false })
  rig.replace([{ ...site, pdp: { ...site.pdp, evaluate } }])
  await rig.gateway.recheck()
  found.resolve(factsOf('staff'))
  const answer = await asked
  assert.equal(answer.status, 401)
  assert.doesNotMatch(answer.body, /application/)
})

test('a body that trickles is answered with 408, and its connection ends (slow-body attack)', async (t) => {
  const app = await echoApp(t)
  const rig = await startGateway(t, { sites: [siteOf(profileOf(app.url), { bodyAllowanceMs: 20 })] })
  const socket = connect(rig.port, '127.0.0.1')
  const closed = once(socket, 'close')
  socket.write('POST /public/a HTTP/1.1\r\nHost: app.test\r\nAccept: text/html\r\nContent-Length: 11\r\n\r\na')
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  await closed
  assert.match(text, /^HTTP\/1\.1 408 .*\r\nConnection: close\r\n.*bad-request/s)
  assert.equal(rig.lines[0]?.reason, 'GH_REQUEST_TIMEOUT')
})

test('invariant 4: no token, code or handshake secret stands in an access line or an audit event', async (t) => {
  const { port, cookie, lines, audit } = await setup(t)
  const code = 'C'.repeat(43)
  await ask(port, '/admin', { headers: [cookie, ...NAVIGATION] })
  await ask(port, `/.gatehouse/callback?code=${code}&state=${'S'.repeat(43)}.0`, { headers: [cookie, ...NAVIGATION] })
  await ask(port, `/a?token=${tokenOf(1)}`, { headers: [cookie] })
  const written = JSON.stringify([lines, audit])
  for (const secret of [tokenOf(1), code, 'S'.repeat(43)]) assert.ok(!written.includes(secret))
})
