import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ask, NAVIGATION } from './answer.fixture.ts'
import { echoApp } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway } from './gateway.fixture.ts'

const PAGE =
  '<!doctype html><style>h1{color:#900}</style><h1 title={{username}} class=\'{{username}}\'>{{status}} {{message}}</h1><a href="{{logoutUrl}}">{{ requestId }}</a>'

async function setup(t: TestContext, answers: object, changes: object = {}) {
  const app = await echoApp(t)
  const site = siteOf(profileOf(app.url, { answers, ...changes }))
  const rig = await startGateway(t, { sites: [site], forwardAuth: { trustedProxies: ['127.0.0.1'] } })
  const username = `<b>'" onclick=x {{status}}`
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1', { username }))}`
  const about = (target: string, ...headers: readonly string[]) =>
    ask(rig.authPort, '/.gatehouse/forward-auth', {
      headers: [
        'X-Forwarded-Method: GET',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Host: app.test',
        `X-Forwarded-Uri: ${target}`,
        'X-Forwarded-For: 192.0.2.1',
        ...headers,
      ],
    })
  return { ...rig, app, cookie, about }
}

test('a page of the profile is shown with what it asks for, escaped wherever it stands, under our security headers', async (t) => {
  const { port, cookie, app } = await setup(t, { pages: { '403': PAGE, '502': '{{status}}' } })
  const answer = await ask(port, '/admin/x', { headers: [cookie, ...NAVIGATION] })
  const name = '&#60;b&#62;&#39;&#34;&#32;onclick&#61;x&#32;&#123;&#123;status&#125;&#125;'
  assert.equal(answer.status, 403)
  assert.equal(
    answer.body,
    `<!doctype html><style>h1{color:#900}</style><h1 title=${name} class='${name}'>403 You&#32;do&#32;not&#32;have&#32;access&#32;to&#32;this&#32;page.</h1><a href="http://login.test/logout&#63;agent&#61;app">id-1</a>`,
  )
  const policy = answer.headers.get('content-security-policy') ?? ''
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; .*frame-ancestors 'none'$/)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.match((await ask(port, '/admin/x', { headers: [cookie] })).body, /"error":"access_denied"/, 'scripts get JSON')
  app.server.closeAllConnections()
  await new Promise((resolve) => app.server.close(resolve))
  const gone = await ask(port, '/a', { headers: [cookie, ...NAVIGATION] })
  assert.deepEqual([gone.status, gone.body], [502, '502'])
})

test('pages that carry a way on, or the reasons for who administers the realm, stay ours', async (t) => {
  const { port, cookie, sessions } = await setup(t, { pages: { '403': PAGE } })
  const site = siteOf(profileOf('http://127.0.0.1:1'), {})
  assert.equal(site.answers.page({ kind: 'forbidden', status: 403, requestId: '1' }), undefined)
  const shown = siteOf(profileOf('http://127.0.0.1:1', { answers: { pages: { '403': PAGE } } })).answers
  assert.equal(shown.page({ kind: 'loop', status: 403, requestId: '1' }), undefined)
  assert.equal(shown.page({ kind: 'forbidden', status: 403, requestId: '1', why: [] }), undefined)
  assert.equal(shown.page({ kind: 'method-not-allowed', status: 405, requestId: '1' }), undefined)
  const forged = await ask(port, '/.gatehouse/logout', {
    method: 'POST',
    headers: [cookie, ...NAVIGATION, 'Origin: http://evil.test'],
  })
  assert.match(forged.body, /^<!doctype html><style>/, 'other refusals of the status are shown so, too')
  assert.deepEqual(sessions.ended, [])
})

test('whom policy refuses is sent on, once; scripts and frames are told', async (t) => {
  for (const [accessDenied, start] of [
    ['/sorry', 'http://app.test/sorry?denied=id-1'],
    ['/admin/sorry?a', 'http://app.test/admin/sorry?a&denied=id-1'],
    ['http://login.test/x', 'http://login.test/x?denied=id-1'],
  ] as const) {
    const { port, cookie, audit, about } = await setup(t, { accessDenied })
    const answer = await ask(port, '/admin/x', { headers: [cookie, ...NAVIGATION] })
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, start])
    assert.equal(audit[0]?.requestId, 'id-1')
    const next = await ask(port, '/admin/sorry?a&denied=id-1', { headers: [cookie, ...NAVIGATION] })
    assert.equal(next.status, 403, 'nobody goes round in circles')
    assert.equal((await ask(port, '/admin/x', { headers: [cookie] })).status, 403)
    const frame = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe']
    assert.equal((await ask(port, '/admin/x', { headers: [cookie, ...frame] })).status, 403)
    assert.equal((await ask(port, '/a', { headers: [cookie, ...NAVIGATION] })).status, 200)
    assert.equal((await about('/admin/x', cookie, ...NAVIGATION)).status, 303)
    assert.equal((await about('/admin/x', cookie)).status, 403)
  }
})

test('below the paths that the profile names, and for its headers, everything is told in JSON', async (t) => {
  const json = { paths: ['/api/*'], headers: { 'X-Client': 'app' } }
  const { port, cookie } = await setup(t, { json, accessDenied: '/sorry', pages: { '403': PAGE } })
  const told = async (target: string, ...headers: readonly string[]): Promise<string> => {
    const answer = await ask(port, target, { headers: [...NAVIGATION, ...headers] })
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true
    return `${answer.status}${isJson ? ` ${(JSON.parse(answer.body) as { error: string }).error}` : ''}`
  }
  assert.equal(await told('/api/x'), '401 login_required')
  assert.equal(await told('/%61pi/x'), '401 login_required')
  assert.equal(await told('/apis'), '302')
  assert.equal(await told('/x?/api/'), '302')
  assert.equal(await told('/x', 'X-Client: app'), '401 login_required')
  assert.equal(await told('/x', 'X-Client: other'), '302')
  assert.equal(await told('/admin/x', cookie, 'X-Client: app'), '403 access_denied')
  const form = [
    ...NAVIGATION,
    'Origin: http://app.test',
    'Sec-Fetch-Site: same-origin',
    'Content-Type: application/x-www-form-urlencoded',
  ]
  assert.equal((await ask(port, '/api/x', { method: 'POST', body: 'a=1', headers: form })).status, 401)
})

test('with a status of its own, or for all paths but those; and never as a yes to a proxy that asks', async (t) => {
  const { port, cookie, about } = await setup(t, { json: { paths: ['/pages/*'], invert: true, status: 418 } })
  const status = async (target: string, ...headers: readonly string[]): Promise<number> =>
    (await ask(port, target, { headers: [...NAVIGATION, ...headers] })).status
  assert.deepEqual([await status('/x'), await status('/pages/x'), await status('/admin/x', cookie)], [418, 302, 418])
  assert.deepEqual([await status('/.gatehouse/form', cookie), await status('/.gatehouse/form')], [410, 302])
  const gone = await ask(port, '/.gatehouse/form', { headers: [...NAVIGATION, cookie] })
  assert.match(gone.headers.get('content-type') ?? '', /^text\/html/, 'pages of the gateway carry the way on')
  assert.equal((await ask(port, '/x', { method: 'PROPFIND', headers: NAVIGATION })).status, 405)
  assert.equal((await about('/x', ...NAVIGATION)).status, 418)
})
