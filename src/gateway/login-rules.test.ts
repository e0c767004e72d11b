import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ask, NAVIGATION } from './answer.fixture.ts'
import { echoApp, headerValues } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway } from './gateway.fixture.ts'

const RULES = [
  { path: '/admin/*', query: { tenant: 'blue' }, chain: 'blue' },
  { path: '/admin/*', authLevel: 2 },
  { path: '/exact', chain: 'exact' },
]

async function setup(t: TestContext, changes: object = {}) {
  const app = await echoApp(t)
  const site = siteOf(profileOf(app.url, { loginRules: RULES, clientAddressHeader: 'X-Caller', ...changes }))
  const options = { trustedProxies: ['127.0.0.1'], forwardAuth: { trustedProxies: ['127.0.0.1'] } }
  const rig = await startGateway(t, { sites: [site], ...options })
  return { ...rig, app, cookie: `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}` }
}

function askedFor(location: string | undefined): string {
  const { searchParams, origin, pathname } = new URL(location ?? '')
  assert.equal(origin + pathname, 'http://login.test/login/employees')
  return `${searchParams.get('authIndexType') ?? '-'} ${searchParams.get('authIndexValue') ?? '-'}`
}

test('how people sign in depends on where they want to go, and on nothing that only looks like it', async (t) => {
  const { port, redemptions } = await setup(t)
  for (const [target, wanted] of [
    ['/admin/x', 'level 2'],
    ['/admin/x?a=1&tenant=blue', 'service blue'],
    ['/admin/x?tenant=blue&tenant=red', 'level 2'],
    ['/admin/x?tenant=bluer', 'level 2'],
    ['/%61dmin/x', 'level 2'],
    ['/exact', 'service exact'],
    ['/exact/x', '- -'],
    ['/admin', '- -'],
    ['/x?/admin/', '- -'],
  ] as const) {
    const page = await ask(port, target, { headers: NAVIGATION })
    assert.equal(askedFor(page.headers.get('location')), wanted, target)
    const script = await ask(port, target)
    assert.equal(askedFor((JSON.parse(script.body) as { loginUrl: string }).loginUrl), wanted, target)
  }
  const again = await ask(port, '/.gatehouse/callback?code=x', { headers: NAVIGATION })
  assert.equal(askedFor(again.headers.get('location')), '- -')
  assert.deepEqual(redemptions, [])
})

test('a login that is begun anew asks for the same; a step-up asks for what policy wants, and for nothing else', async (t) => {
  const { port, grants, cookie } = await setup(t, { policySet: 'level', loginRules: [{ chain: 'any' }, ...RULES] })
  const first = await ask(port, '/level/x', { headers: NAVIGATION })
  const state = new URL(first.headers.get('location') ?? '').searchParams.get('state') ?? ''
  const { token, session } = { token: 't' as never, session: sessionOf('s1') }
  grants.set('c', {
    agent: 'app',
    binding: 'other',
    goto: 'http://app.test/level/x',
    interactive: true,
    token,
    session,
  } as never)
  const again = await ask(port, `/.gatehouse/callback?code=c&state=${encodeURIComponent(state)}`, {
    headers: NAVIGATION,
  })
  assert.equal(askedFor(again.headers.get('location')), 'service any')
  const stepUp = await ask(port, '/level/x', { headers: [cookie, ...NAVIGATION] })
  assert.equal(askedFor(stepUp.headers.get('location')), 'level 2')
})

test('the application is told the address of the client, whatever the client says, with and without a session', async (t) => {
  const { port, authPort, app, cookie } = await setup(t)
  for (const name of ['X-Caller', 'x_caller', 'X.Caller', 'HTTP_X_CALLER']) {
    for (const target of ['/a', '/public/a']) {
      await ask(port, target, { headers: [cookie, `${name}: 10.0.0.1`, 'X-Forwarded-For: 1.2.3.4, 198.51.100.7'] })
      const headers = app.seen.at(-1)?.headers ?? []
      assert.deepEqual(headerValues(headers, 'x-caller'), ['198.51.100.7'])
      assert.ok(!headers.includes('10.0.0.1'), name)
    }
  }
  for (const ip of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) {
    await ask(port, '/a', { headers: [cookie, `X-Forwarded-For: ${ip}`] })
    assert.deepEqual(headerValues(app.seen.at(-1)?.headers ?? [], 'x-caller'), [ip])
  }
  const headers = [
    'X-Forwarded-Method: GET',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Host: app.test',
    'X-Forwarded-Uri: /a',
  ]
  const more = ['X-Forwarded-For: 192.0.2.1', 'X-Caller: 10.0.0.1', cookie]
  const asked = await ask(authPort, '/.gatehouse/forward-auth', { headers: [...headers, ...more] })
  assert.deepEqual([asked.status, asked.headers.get('x-caller')], [200, '192.0.2.1'])
})
