import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ask, NAVIGATION, type Answer } from './answer.fixture.ts'
import { echoApp, headerValues } from './echo-app.fixture.ts'
import type { Session } from '../session/session.ts'
import { profileOf, sessionOf, siteOf, startGateway, tokenOf, type SiteChanges } from './gateway.fixture.ts'

const PROFILE = {
  logout: { urls: [{ path: '/bye' }, { path: '/api/session/*', methods: ['DELETE'] }] },
  cookieReset: {
    login: [{ name: 'JSESSIONID', path: '/app' }],
    logout: [
      { name: 'JSESSIONID', path: '/app' },
      { name: 'shared', domain: 'test' },
    ],
  },
}

/** A click in a page of the site. */
const OWN = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document', 'Sec-Fetch-Site: same-origin']

async function setup(t: TestContext, changes: object = {}, by: Pick<SiteChanges, 'sso' | 'samlSso'> = {}) {
  const app = await echoApp(t)
  const site = siteOf(profileOf(app.url, { ...PROFILE, ...changes }), by)
  const rig = await startGateway(t, { sites: [site], forwardAuth: { trustedProxies: ['127.0.0.1'] } })
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}`
  return { ...rig, app, cookie }
}

function cleared({ cookies }: Answer): readonly string[] {
  for (const cookie of cookies) assert.match(cookie, /=; .*Max-Age=0/)
  return cookies.map((cookie) => cookie.slice(0, cookie.indexOf('=')))
}

const ALL = ['SSOTokenID', 'gatehouse-user', 'gatehouse-handshake', 'JSESSIONID', 'shared']

test('an address by which the application signs out ends the session, once, and then gets the request', async (t) => {
  const { port, app, cookie, sessions } = await setup(t)
  const endedBefore: string[][] = []
  app.answer = (_, response) => {
    endedBefore.push([...sessions.ended])
    response.writeHead(200, { 'set-cookie': 'own=; Max-Age=0', 'content-length': 3 }).end('bye')
  }
  const answer = await ask(port, '/bye?x=1', { headers: [cookie, ...OWN] })
  assert.deepEqual([answer.status, answer.body], [200, 'bye'])
  assert.deepEqual(cleared(answer), ['own', ...ALL])
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.deepEqual(endedBefore, [['s1']], 'it is over when the application hears of it')
  assert.deepEqual(sessions.touched, [], 'and nothing keeps it alive')
  assert.deepEqual(headerValues(app.seen[0]?.headers ?? [], 'x-remote-user'), ['alice'])
  const again = await ask(port, '/bye?x=1', { headers: [cookie, ...OWN] })
  assert.deepEqual([again.status, again.headers.get('location')], [302, 'http://login.test/logged-out?agent=app'])
  assert.deepEqual([sessions.ended, app.seen.length], [['s1'], 1])
})

test('only with its methods and by its path; a method that is not allowed stays refused', async (t) => {
  const { port, cookie, sessions } = await setup(t)
  const own = [cookie, 'Origin: http://app.test', 'Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: cors']
  for (const [method, target, status] of [
    ['HEAD', '/bye', 200],
    ['PUT', '/bye', 200],
    ['GET', '/byes', 200],
    ['GET', '/x?/bye', 200],
    ['POST', '/api/session/1', 200],
    ['PROPFIND', '/bye', 405],
  ] as const)
    assert.equal((await ask(port, target, { method, headers: [...own, 'Connection: close'] })).status, status, method)
  assert.deepEqual(sessions.ended, [])
  assert.equal((await ask(port, '/api/session/1', { method: 'DELETE', headers: own })).status, 200)
  assert.deepEqual(sessions.ended, ['s1'])
})

test('in every reading of the path that an application may have', async (t) => {
  const { port, cookie, sessions, app } = await setup(t, {
    logout: { urls: [{ path: '/bye' }, { path: '/a/bye' }] },
    encodedPaths: [{ prefix: '/a', allow: ['encoded-slash', 'empty-segment'] }],
  })
  for (const target of ['/bye;jsessionid=1', '/%62ye;a', '/a%2Fbye', '/a//bye', '/a;x/bye;y']) {
    const forged = await ask(port, target, { headers: [cookie, ...NAVIGATION, 'Sec-Fetch-Site: cross-site'] })
    assert.equal(forged.headers.get('location'), 'http://login.test/logout?agent=app', target)
  }
  assert.equal(app.seen.length, 0)
  assert.equal((await ask(port, '/bye;jsessionid=1', { headers: [cookie, ...OWN] })).status, 200)
  assert.deepEqual(sessions.ended, ['s1'])
})

test('nobody is signed out by another site: a person is asked, everything else refused (logout CSRF)', async (t) => {
  const { port, app, cookie, sessions } = await setup(t)
  const from = (site: string, dest = 'document', mode = 'navigate') => [
    'Accept: text/html',
    `Sec-Fetch-Site: ${site}`,
    `Sec-Fetch-Dest: ${dest}`,
    `Sec-Fetch-Mode: ${mode}`,
  ]
  for (const [method, headers, status] of [
    ['GET', from('cross-site'), 302],
    ['GET', from('same-site'), 302],
    ['GET', from('none'), 302],
    ['GET', [...OWN, 'Sec-Purpose: prefetch'], 302],
    ['GET', ['Accept: text/html', 'Referer: http://app.test/'], 302],
    ['POST', [...from('cross-site'), 'Origin: http://app.test'], 303],
    ['POST', ['Accept: text/html', 'Origin: http://evil.test'], 303],
    ['GET', from('cross-site', 'image', 'no-cors'), 403],
    ['GET', from('same-origin', 'image', 'no-cors'), 403],
    ['GET', from('cross-site', 'iframe'), 403],
    ['POST', ['Origin: http://evil.test'], 403],
    ['POST', [], 403],
  ] as const) {
    const answer = await ask(port, '/bye', { method, headers: [cookie, ...headers] })
    assert.equal(answer.status, status, headers.join())
    assert.deepEqual(answer.cookies, [])
    if (status !== 403) assert.equal(answer.headers.get('location'), 'http://login.test/logout?agent=app')
  }
  const bare = await ask(port, '/bye', { method: 'POST', headers: from('cross-site') })
  assert.deepEqual([bare.headers.get('location'), bare.cookies], ['http://login.test/logout?agent=app', []])
  assert.deepEqual([sessions.ended, app.seen], [[], []])
})

test('a session that cannot be ended keeps the request from the application; a dead one, or none, has nothing to end', async (t) => {
  const { port, app, cookie, sessions } = await setup(t)
  sessions.outage = 'without-grace'
  assert.equal((await ask(port, '/bye', { headers: [cookie, ...OWN] })).status, 503)
  sessions.outage = 'none'
  for (const none of [[], [`Cookie: SSOTokenID=${tokenOf(9)}`]]) {
    const answer = await ask(port, '/bye', { headers: [...none, ...OWN] })
    assert.equal(answer.headers.get('location'), 'http://login.test/logged-out?agent=app')
    assert.equal(
      (await ask(port, '/bye', { headers: [...none, 'Origin: http://app.test'], method: 'POST' })).status,
      401,
    )
  }
  sessions.byBearer.set('Bearer ours', sessionOf('s2'))
  assert.equal((await ask(port, '/bye', { headers: ['Authorization: Bearer ours', ...OWN] })).status, 200)
  assert.deepEqual([sessions.ended, app.seen.length], [[], 1])
})

test('of two tokens nobody knows which session it is: nobody is told that they are signed out', async (t) => {
  const { port, app, cookie, sessions } = await setup(t, { notEnforced: [{ path: '/bye' }] })
  const both = `${cookie}; SSOTokenID=${tokenOf(9)}`
  const answer = await ask(port, '/bye', { headers: [both, ...OWN] })
  assert.deepEqual([answer.status, answer.headers.get('location')], [302, 'http://login.test/logout?agent=app'])
  assert.deepEqual([answer.cookies, sessions.ended, app.seen], [[], [], []])
})

test('people are sent on where the profile says so, and what policy refuses ends the session all the same', async (t) => {
  for (const [goto, location] of [
    ['/public/bye?a', 'http://app.test/public/bye?a'],
    ['http://login.test/x', 'http://login.test/x'],
    ['signed-out', 'http://login.test/logged-out?agent=app'],
  ] as const) {
    const { port, app, cookie, sessions } = await setup(t, { logout: { urls: [{ path: '/admin/bye' }], goto } })
    const answer = await ask(port, '/admin/bye', { method: 'POST', headers: [cookie, ...OWN] })
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, location])
    assert.deepEqual(cleared(answer), ALL)
    assert.deepEqual([sessions.ended, app.seen], [['s1'], []])
  }
  const { port, app, cookie, sessions } = await setup(t, { logout: { urls: [{ path: '/admin/bye' }] } })
  const denied = await ask(port, '/admin/bye', { headers: [cookie, ...OWN] })
  assert.deepEqual([denied.status, sessions.ended, app.seen], [302, ['s1'], []])
})

test('where no session is needed the application gets the request, whatever policies would say, and says nothing of anybody', async (t) => {
  const notEnforced = [{ path: '/admin/bye' }]
  const { port, app, cookie, sessions } = await setup(t, { notEnforced, logout: { urls: [{ path: '/admin/bye' }] } })
  const answer = await ask(port, '/admin/bye', { headers: [cookie, ...OWN] })
  assert.deepEqual([answer.status, cleared(answer), answer.headers.get('cache-control')], [200, ALL, 'no-store'])
  assert.deepEqual(sessions.ended, ['s1'])
  assert.deepEqual(headerValues(app.seen[0]?.headers ?? [], 'x-remote-user'), [])
  assert.equal(
    (await ask(port, '/admin/bye', { headers: OWN })).status,
    200,
    'for its own session, where there is none here',
  )
  assert.equal(app.seen.length, 2)
})

test('a proxy that asks hears the same: no allow without the end of the session', async (t) => {
  const { authPort, cookie, sessions } = await setup(t)
  const about = (...headers: readonly string[]) =>
    ask(authPort, '/.gatehouse/forward-auth', {
      headers: [
        'X-Forwarded-Method: GET',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Host: app.test',
        'X-Forwarded-Uri: /bye',
        'X-Forwarded-For: 192.0.2.1',
        cookie,
        ...headers,
      ],
    })
  assert.equal((await about(...NAVIGATION)).status, 302)
  assert.deepEqual(sessions.ended, [])
  const answer = await about(...OWN)
  assert.deepEqual([answer.status, cleared(answer)], [200, ALL])
  assert.deepEqual([sessions.ended, sessions.touched], [['s1'], []])
})

test('whoever is sent to the login without a session forgets the application’s; at a step-up nobody does', async (t) => {
  const { port, cookie, sessions } = await setup(t, { policySet: 'level' })
  const login = await ask(port, '/level/a', { headers: NAVIGATION })
  assert.deepEqual(
    login.cookies.map((line) => line.replace(/(handshake=)[^;]*/, '$1')),
    [
      'gatehouse-handshake=; Max-Age=1800; Path=/; HttpOnly; SameSite=Lax',
      'JSESSIONID=; Max-Age=0; Path=/app; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    ],
  )
  const stepUp = await ask(port, '/level/a', { headers: [cookie, ...NAVIGATION] })
  assert.equal(stepUp.status, 302)
  assert.equal(stepUp.cookies.length, 1)
  assert.deepEqual((await ask(port, '/level/a')).cookies, [], 'a script is not sent there')
  const logout = await ask(port, '/.gatehouse/logout', { method: 'POST', headers: [cookie, ...OWN] })
  assert.deepEqual([cleared(logout), sessions.ended], [ALL, ['s1']])
})

test('where the provider is elsewhere they sign out there as well, or the next click would sign them in again', async (t) => {
  const there = {
    isElsewhere: true,
    signOutUrl: ({ sid }: Session) => Promise.resolve(`http://op.test/end?${sid}`),
    redeem: () => Promise.resolve({ kind: 'refused', reason: 'unknown-code' } as const),
  }
  const openId = { issuer: 'http://op.test', clientId: 'app', scope: 'openid', authorizationUrl: 'http://op.test/to' }
  for (const [goto, by] of [
    ['/', { sso: { ...there, ...openId } }],
    ['signed-out', { samlSso: { ...there, signOn: () => 'http://op.test/to', metadata: '' } }],
  ] as const) {
    const { port, cookie, sessions } = await setup(t, { logout: { urls: [{ path: '/bye' }], goto } }, by)
    const answer = await ask(port, '/bye', { headers: [cookie, ...OWN] })
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, 'http://op.test/end?s1'], goto)
    assert.deepEqual([cleared(answer), sessions.ended], [ALL, ['s1']])
  }
})
