import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { ask, NAVIGATION, sendRaw, type Answer } from '../answer.fixture.ts'
import { factsOf, LOGIN, profileOf, sessionOf, siteOf, startGateway, type RigOptions } from '../gateway.fixture.ts'

const PATH = '/.gatehouse/forward-auth'
const SITE = 'http://app.test'

interface Question {
  readonly method?: string
  /** Absolute. */
  readonly url?: string
  readonly headers?: readonly string[]
}

/** How each kind of proxy asks about a request. */
const KINDS = {
  nginx: ({ method = 'GET', url = `${SITE}/x`, headers = [] }: Question) => ({
    target: PATH,
    method: 'GET',
    host: 'gatehouse.internal',
    headers: [`X-Original-URL: ${url}`, `X-Original-Method: ${method}`, FROM, ...headers],
  }),
  traefik: ({ method = 'GET', url = `${SITE}/x`, headers = [] }: Question) => ({
    target: PATH,
    method: 'GET',
    host: 'gatehouse.internal',
    headers: [`X-Forwarded-Method: ${method}`, ...forwarded(url), FROM, ...headers],
  }),
  envoy: ({ method = 'GET', url = `${SITE}/x`, headers = [] }: Question) => {
    const [, scheme = '', host = '', target = ''] = PARTS.exec(url) ?? []
    return { target: PATH + target, method, host, headers: [`X-Forwarded-Proto: ${scheme}`, FROM, ...headers] }
  },
} as const

type Kind = keyof typeof KINDS

const FROM = 'X-Forwarded-For: 198.51.100.7'
const PARTS = /^(\w+):\/\/([^/]*)(.*)$/

function forwarded(url: string): readonly string[] {
  const [, scheme = '', host = '', target = ''] = PARTS.exec(url) ?? []
  return [`X-Forwarded-Proto: ${scheme}`, `X-Forwarded-Host: ${host}`, `X-Forwarded-Uri: ${target}`]
}

interface SetupOptions extends Partial<RigOptions> {
  readonly profile?: Record<string, unknown>
  readonly requestTokens?: Parameters<typeof siteOf>[1]
}

async function setup(t: TestContext, { profile = {}, ...options }: SetupOptions = {}) {
  const site = siteOf(profileOf('http://127.0.0.1:1', profile))
  const forwardAuth = { trustedProxies: ['127.0.0.1'], secret: undefined }
  const rig = await startGateway(t, { forwardAuth, ...options, sites: [site] })
  const cookie = `Cookie: a=1; ${rig.sessions.add(1, sessionOf('s1'))}; b=2`
  const about = (kind: Kind, question: Question = {}): Promise<Answer> => {
    const { target, ...asked } = KINDS[kind](question)
    return ask(rig.authPort, target, asked)
  }
  return { rig, cookie, about }
}

/** The rule, for each kind of proxy. */
function forEach(rule: string, body: (t: TestContext, kind: Kind) => Promise<void>): void {
  for (const kind of ['nginx', 'traefik', 'envoy'] as const) void test(`${rule} (${kind})`, (t) => body(t, kind))
}

suite('forward-auth allows', () => {
  forEach('a session, with every identity header and what else the proxy has to replace', async (t, kind) => {
    const { rig, about, cookie } = await setup(t)
    const answer = await about(kind, { headers: [cookie, 'Authorization: Basic eDp5', ...NAVIGATION] })
    assert.equal(answer.status, 200)
    const of = (name: string) => answer.headers.get(name)
    assert.equal(of('x-remote-user'), 'alice')
    assert.equal(of('x-remote-groups'), 'staff')
    assert.match(of('x-gatehouse-assertion') ?? '', /^signed\.alice\./)
    assert.equal(of('cookie'), 'a=1; b=2', 'no application sees our cookies')
    assert.equal(of('authorization'), 'Basic eDp5')
    assert.equal(answer.body, '')
    assert.deepEqual(rig.sessions.touched, ['s1'], 'it counts as use')
    assert.equal(answer.headers.get('connection'), 'keep-alive', 'the next question comes on the same connection')
    const [line] = rig.lines
    assert.deepEqual(
      [line?.site, line?.method, line?.path, line?.verdict, line?.status, line?.clientIp, line?.sid],
      ['app', 'GET', '/x', 'forward', 200, '198.51.100.7', 's1'],
    )
  })

  forEach('what needs no session, with the identity headers empty', async (t, kind) => {
    const { about } = await setup(t)
    const answer = await about(kind, { url: `${SITE}/public/x` })
    assert.equal(answer.status, 200)
    for (const name of ['x-remote-user', 'x-gatehouse-assertion', 'cookie', 'authorization'])
      assert.equal(answer.headers.get(name), '', name)
  })

  test('a token of ours instead of a cookie, which the application never sees', async (t) => {
    const { rig, about } = await setup(t)
    rig.sessions.byBearer.set('Bearer ours', sessionOf('s2'))
    const answer = await about('traefik', { headers: ['Authorization: Bearer ours'] })
    assert.deepEqual([answer.status, answer.headers.get('authorization')], [200, ''])
  })

  test('a question in HTTP/1.0, as nginx asks, about a WebSocket', async (t) => {
    const { rig, cookie } = await setup(t)
    const lines = [...KINDS.nginx({ headers: [cookie] }).headers, 'Host: x', `Origin: ${SITE}`, 'Connection: close']
    const key = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']
    const answer = await sendRaw(rig.authPort, `${[`GET ${PATH} HTTP/1.0`, ...lines, ...key].join('\r\n')}\r\n\r\n`)
    assert.equal(answer.status, 200)
  })

  test('a WebSocket from the site itself, and from nowhere else', async (t) => {
    const { about, cookie } = await setup(t)
    const key = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']
    const open = async (...more: readonly string[]) => {
      const url = 'ws://app.test/socket'
      return (await about('traefik', { url, headers: [cookie, ...key, ...more] })).status
    }
    assert.equal(await open(`Origin: ${SITE}`), 200)
    assert.equal(await open('Origin: http://evil.test'), 403, 'cross-site WebSocket hijacking')
    assert.equal(await open(), 403)
    const upgrading = [`Origin: ${SITE}`, 'Connection: Upgrade', 'Upgrade: websocket']
    assert.equal(await open(...upgrading), 200, 'the proxy passes the wish on')
  })
})

suite('forward-auth sends to the login', () => {
  forEach('a person, with goto and a handshake that is bound to their browser', async (t, kind) => {
    const { about } = await setup(t)
    const answer = await about(kind, { url: `${SITE}/page?a=1`, headers: NAVIGATION })
    assert.equal(answer.status, kind === 'nginx' ? 401 : 302)
    const location = new URL(answer.headers.get('location') ?? '')
    assert.equal(location.origin + location.pathname, `${LOGIN}/login/employees`)
    assert.equal(location.searchParams.get('goto'), `${SITE}/page?a=1`)
    assert.equal(location.searchParams.get('agent'), 'app')
    assert.equal(answer.cookies.length, 1, 'nginx passes one on')
    assert.match(answer.cookies[0] ?? '', /^gatehouse-handshake=/)
  })

  forEach('a script by 401, with the address and without a redirect', async (t, kind) => {
    const { about } = await setup(t)
    const answer = await about(kind, { headers: ['Accept: application/json'] })
    assert.equal(answer.status, 401)
    assert.equal(answer.headers.get('location'), undefined)
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Gatehouse realm="\/employees", login_url="/)
  })

  test('a form whose session is over: by a page where it is shown, by an address where it is not', async (t) => {
    const { about } = await setup(t)
    const form = ['Sec-Fetch-Site: same-origin', `Origin: ${SITE}`, 'Content-Type: application/x-www-form-urlencoded']
    const headers = [...NAVIGATION.slice(0, 3), ...form]
    const page = await about('traefik', { method: 'POST', headers })
    assert.deepEqual([page.status, page.headers.get('location')], [401, undefined])
    assert.match(page.headers.get('refresh') ?? '', /^0;url=http:\/\/login\.test\/login\/employees\?/)
    const address = await about('nginx', { method: 'POST', headers })
    assert.equal(address.status, 401)
    assert.match(address.headers.get('location') ?? '', /^http:\/\/login\.test\/login\/employees\?/)
  })

  forEach('who has to prove more', async (t, kind) => {
    const { about, cookie } = await setup(t, { profile: { policySet: 'level' } })
    const url = `${SITE}/level/x`
    const page = await about(kind, { url, headers: [cookie, ...NAVIGATION] })
    assert.equal(page.status, kind === 'nginx' ? 401 : 302)
    const location = new URL(page.headers.get('location') ?? '')
    assert.deepEqual(
      [location.searchParams.get('authIndexType'), location.searchParams.get('authIndexValue')],
      ['level', '2'],
    )
    const script = await about(kind, { url, headers: [cookie] })
    assert.equal(script.status, 401)
    assert.match(script.headers.get('www-authenticate') ?? '', /insufficient_user_authentication.*acr_values="2"/)
    const lines = script.text.match(/^www-authenticate:/gim) ?? []
    assert.equal(lines.length, kind === 'nginx' ? 1 : 2, 'nginx passes one line on')
  })

  test('of two different tokens neither counts', async (t) => {
    const { about, cookie, rig } = await setup(t)
    const other = cookie.replace('SSOTokenID=', 'SSOTokenID=X')
    assert.equal((await about('nginx', { headers: [cookie, other, ...NAVIGATION] })).status, 401)
    assert.equal(rig.lines[0]?.reason, 'two-cookies')
  })
})

suite('forward-auth refuses', () => {
  forEach('what no policy allows, and notes it', async (t, kind) => {
    const { rig, about, cookie } = await setup(t)
    const answer = await about(kind, { url: `${SITE}/admin`, headers: [cookie, ...NAVIGATION] })
    assert.equal(answer.status, 403)
    assert.equal(answer.headers.get('x-remote-user'), undefined)
    assert.deepEqual(
      rig.audit.map((event) => event.event === 'AccessDenied' && [event.username, event.path, event.clientIp]),
      [['alice', '/admin', '198.51.100.7']],
    )
  })

  test('the method of the original request counts, not that of the question', async (t) => {
    const { about, cookie } = await setup(t, { profile: { allowedMethods: ['GET'] } })
    const by = async (kind: Kind) => (await about(kind, { method: 'PATCH', headers: [cookie] })).status
    assert.deepEqual([await by('nginx'), await by('traefik'), await by('envoy')], [403, 405, 405])
  })

  forEach('a client that says who it is, in any spelling', async (t, kind) => {
    const { rig, about, cookie } = await setup(t)
    const names = ['X-Remote-User', 'x-remote-user', 'X_Remote_User', 'X~Remote~User', 'HTTP_X_REMOTE_USER']
    for (const name of [...names, 'X-Gatehouse-Assertion', 'X_Gatehouse_Anything']) {
      for (const url of [`${SITE}/x`, `${SITE}/public/x`]) {
        const answer = await about(kind, { url, headers: [cookie, `${name}: admin`] })
        assert.equal(answer.status, 403, `${name} ${url}`)
        assert.equal(rig.lines.at(-1)?.reason, 'identity-claimed')
      }
    }
  })

  forEach('a client that says in another spelling from where it comes, or what its cookies are', async (t, kind) => {
    const { rig, about, cookie } = await setup(t, { profile: { clientAddressHeader: 'X-Real-IP' } })
    for (const name of ['X_Real_IP', 'x~real~ip', 'HTTP_X_REAL_IP', 'HTTP_COOKIE', 'Http-Cookie']) {
      assert.equal((await about(kind, { headers: [cookie, `${name}: 192.0.2.9`] })).status, 403, name)
      assert.equal(rig.lines.at(-1)?.reason, 'identity-claimed')
    }
    const own = await about(kind, { headers: [cookie, 'X-Real-IP: 192.0.2.9'] })
    assert.deepEqual([own.status, own.headers.get('x-real-ip')], [200, '198.51.100.7'], 'proxies say it, too')
  })

  test('a client that has the proxy take off who it is, where its Connection is seen', async (t) => {
    const { rig, about, cookie } = await setup(t, { profile: { clientAddressHeader: 'X-Real-IP' } })
    for (const named of [
      'X-Remote-User',
      'keep-alive, x-gatehouse-assertion',
      'X_Remote_Groups',
      'cookie',
      'X-Real-IP',
    ])
      assert.equal((await about('traefik', { headers: [cookie, `Connection: ${named}`] })).status, 403, named)
    assert.equal(rig.lines.at(-1)?.reason, 'identity-claimed')
    assert.equal((await about('traefik', { headers: [cookie, 'Connection: keep-alive, X-Own'] })).status, 200)
  })

  test('two answers to what is asked about: one of them is the client’s', async (t) => {
    const { rig, about, cookie } = await setup(t)
    const spoofed: readonly (readonly [Kind, string])[] = [
      ['nginx', 'X-Forwarded-Uri: /public/x'],
      ['nginx', 'X-Forwarded-Method: GET'],
      ['nginx', `X-Original-URL: ${SITE}/public/x`],
      ['traefik', `X-Original-URL: ${SITE}/public/x`],
      ['traefik', 'X-Original-URI: /public/x'],
      ['traefik', 'X-Forwarded-Uri: /public/x'],
      ['traefik', 'X-Forwarded-Host: app.test'],
      ['traefik', 'X-Forwarded-Method: GET'],
      ['traefik', 'X-Forwarded-Proto: http'],
      ['envoy', `X-Original-URL: ${SITE}/public/x`],
      ['envoy', 'X-Forwarded-Uri: /public/x'],
      ['envoy', 'X-Forwarded-Proto: http'],
    ]
    for (const [kind, header] of spoofed) {
      const { status } = await about(kind, { headers: [cookie, header] })
      assert.ok(status === 400 || status === 403, `${kind} ${header}: ${status}`)
      assert.equal(rig.lines.at(-1)?.verdict, 'refuse')
    }
  })

  test('a question that lacks a part of the request', async (t) => {
    const { rig, cookie } = await setup(t)
    const whole = KINDS.traefik({ headers: [cookie] })
    assert.equal((await ask(rig.authPort, whole.target, whole)).status, 200)
    for (const [i, line] of whole.headers.slice(0, 4).entries()) {
      const headers = whole.headers.filter((_, at) => at !== i)
      assert.equal((await ask(rig.authPort, PATH, { ...whole, headers })).status, 400, line)
    }
    const nobody = whole.headers.filter((line) => line !== FROM)
    assert.equal((await ask(rig.authPort, PATH, { ...whole, headers: nobody })).status, 400, 'who the client is')
    assert.equal(rig.lines.at(-1)?.reason, 'bad-forwarded-for')
    assert.equal((await ask(rig.authPort, PATH, { headers: [FROM] })).status, 400)
    assert.equal((await ask(rig.authPort, `${PATH}x`, whole)).status, 404)
    assert.equal((await ask(rig.authPort, `${PATH}?a=/public/x`, whole)).status, 200, 'Caddy leaves a query there')
    assert.equal((await ask(rig.authPort, '/x', whole)).status, 404)
  })

  forEach(
    'what can be read in two ways, hosts of nobody, the login host, and the gateway’s own paths',
    async (t, kind) => {
      const { rig, about, cookie } = await setup(t)
      const refused = { '/a/../b': 400, '//evil.test/': 400, '/%2e%2e/': 400, '/a%2Fb': 400, '/a\\b': 400 }
      const urls: Readonly<Record<string, number>> = {
        ...Object.fromEntries(Object.entries(refused).map(([path, status]) => [SITE + path, status])),
        'http://nobody.test/': 421,
        'http://login.test/login/employees': 403,
        [`${SITE}/.gatehouse/callback?code=x`]: 403,
      }
      for (const [url, status] of Object.entries(urls)) {
        const answer = await about(kind, { url, headers: [cookie] })
        assert.equal(answer.status, kind === 'nginx' ? 403 : status, url)
      }
      assert.equal(rig.atLogin.length, 0)
    },
  )

  test('everybody but the proxies that are named, and a proxy without the secret', async (t) => {
    const other = await setup(t, { forwardAuth: { trustedProxies: ['192.0.2.1'], secret: undefined } })
    assert.equal((await other.about('traefik', { headers: [other.cookie] })).status, 403)
    assert.equal(other.rig.lines[0]?.reason, 'proxy-not-trusted')
    assert.equal(other.rig.sessions.resolved, 0)
    const secret = 'a-secret-of-thirty-two-characters'
    const own = await setup(t, { forwardAuth: { trustedProxies: ['127.0.0.1'], secret } })
    const show = async (...shown: readonly string[]) =>
      (await own.about('nginx', { headers: [own.cookie, ...shown] })).status
    assert.equal(await show(), 403)
    assert.equal(await show('X-Gatehouse-Proxy-Secret: wrong'), 403)
    assert.equal(await show(`X-Gatehouse-Proxy-Secret: ${secret}`), 200)
  })

  test('what a fault leaves open: 503, never a pass', async (t) => {
    const { rig, about, cookie } = await setup(t)
    rig.sessions.outage = 'without-grace'
    for (const kind of ['nginx', 'traefik', 'envoy'] as const) {
      const answer = await about(kind, { headers: [cookie] })
      assert.deepEqual([answer.status, answer.headers.get('x-remote-user')], [503, undefined])
    }
  })

  test('a protected host does not know this path', async (t) => {
    const { rig, cookie } = await setup(t)
    const { headers } = KINDS.traefik({ url: `${SITE}/public/x`, headers: [cookie] })
    const answer = await ask(rig.port, PATH, { headers })
    assert.equal(answer.status, 404)
  })
})

suite('forward-auth and approvals', () => {
  test('a request without a body passes once it was approved; one with a body cannot be', async (t) => {
    const { rig, about, cookie } = await setup(t, { profile: { policySet: 'approve' } })
    const url = `${SITE}/approve/a`
    const open = async () => (await about('traefik', { url, headers: [cookie, ...NAVIGATION] })).status
    assert.equal(await open(), 302)
    rig.transactions.approve()
    assert.equal(await open(), 200)
    assert.equal(await open(), 302)
    const own = ['Sec-Fetch-Site: same-origin', `Origin: ${SITE}`]
    const post = await about('traefik', { url, method: 'POST', headers: [cookie, ...own] })
    assert.deepEqual([post.status, rig.lines.at(-1)?.verdict, rig.transactions.asked.length], [403, 'deny', 2])
  })
})

suite('forward-auth and what a browser carries', () => {
  test('a fresh token goes along with a page', async (t) => {
    const { rig, about } = await setup(t)
    const carried = sessionOf('s3', { stateless: { renewAt: 0 as never } })
    const cookie = rig.sessions.add(3, carried)
    rig.sessions.renewals.set(cookie.slice('SSOTokenID='.length), 'fresh' as never)
    const answer = await about('nginx', { headers: [`Cookie: ${cookie}`, ...NAVIGATION] })
    assert.match(answer.cookies[0] ?? '', /^SSOTokenID=fresh;/)
    assert.deepEqual((await about('nginx', { headers: [`Cookie: ${cookie}`] })).cookies, [])
  })

  test('a user who is gone has no session', async (t) => {
    const { about, cookie, rig } = await setup(t)
    rig.replace([siteOf(profileOf('http://127.0.0.1:1'), { facts: () => undefined })])
    assert.equal((await about('traefik', { headers: [cookie] })).status, 401)
    rig.replace([siteOf(profileOf('http://127.0.0.1:1'), { facts: () => factsOf() })])
    assert.equal((await about('traefik', { headers: [cookie] })).status, 200)
  })
})
