import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { Browser } from './browser.fixture.ts'
import { openLoginHost, type LoginHost } from './login-host.fixture.ts'

async function open(t: TestContext): Promise<{ host: LoginHost; browser: Browser }> {
  const host = await openLoginHost()
  t.after(() => host.close())
  return { host, browser: new Browser(host.url) }
}

test('/ without a session offers the realms, with one says who I am and where I can go', async (t) => {
  const { host, browser } = await open(t)
  const welcome = await browser.get('/')
  assert.equal(welcome.status, 200)
  assert.match(welcome.text, /href="\/login\/customers"[\s\S]*href="\/login\/employees"[\s\S]*href="\/login\/"/)
  browser.cookies.set('SSOTokenID', host.signIn('alice'))
  const home = await browser.get('/')
  assert.match(home.text, /You are signed in as alice <span class="where">to Acme</)
  assert.match(home.text, /href="http:\/\/app\.example\.com:8080\/"/)
  assert.match(home.text, /<form method="post" action="\/logout"/)
})

test('/ with a session of a realm that is gone is the page without a session', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('alice', '/gone'))
  assert.match((await browser.get('/')).text, /You are not signed in/)
})

test('logout asks, says what ends, ends it, forgets the cookie and says so', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('alice'))
  const page = await browser.get('/logout?agent=pay')
  assert.match(page.text, /Sign out of Acme\?/)
  assert.match(page.text, /Workplace[\s\S]*Payroll/)
  assert.equal(page.text.match(/<form method="post"/g)?.length, 1)
  const done = await browser.submit(page, {})
  assert.equal(done.status, 303)
  assert.deepEqual(host.ended, ['sid-alice'])
  assert.match(
    done.setCookies[0] ?? '',
    /^SSOTokenID=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax$/,
  )
  const after = await browser.get(done.headers['location'] ?? '')
  assert.match(after.text, /You are signed out/)
  assert.match(after.text, /href="http:\/\/pay\.example\.com:8080\/"[^>]*>Back to Payroll/)
})

test('after logout a registered goto is followed, another is not', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('alice'))
  const good = await browser.post('/logout', { goto: `${host.sites.app}/bye` })
  assert.equal(good.headers['location'], `${host.sites.app}/bye`)
  browser.cookies.set('SSOTokenID', host.signIn('alice'))
  const bad = await browser.post('/logout', { goto: 'https://evil.example/' })
  assert.equal(bad.headers['location'], '/logged-out?realm=%2Femployees')
})

test('logout without a session says that there is none; /logged-out with one leads home', async (t) => {
  const { host, browser } = await open(t)
  assert.equal((await browser.get('/logout?agent=pay')).headers['location'], '/logged-out?realm=%2Femployees&agent=pay')
  assert.equal((await browser.post('/logout', '')).status, 303)
  browser.cookies.set('SSOTokenID', host.signIn('alice'))
  assert.equal((await browser.get('/logged-out')).headers['location'], '/')
})

test('every page carries the headers that keep it ours', async (t) => {
  const { browser } = await open(t)
  const { headers } = await browser.get('/login/employees')
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.equal(headers['referrer-policy'], 'same-origin')
  assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
  assert.equal(headers['content-language'], 'en')
  assert.equal(headers['x-powered-by'], undefined)
  assert.equal(headers['strict-transport-security'], undefined)
  assert.equal(headers['x-frame-options'], 'DENY')
  assert.equal(
    headers['content-security-policy']?.replace(/form-action [^;]*/, 'form-action …'),
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action …; " +
      "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'",
  )
})

test('a login form may end up at the sites of its realm, because browsers apply form-action to redirects', async (t) => {
  const { host, browser } = await open(t)
  const goto = encodeURIComponent(`${host.sites.pay}/`)
  const { headers } = await browser.get(`/login/employees?goto=${goto}`)
  const policy = headers['content-security-policy'] ?? ''
  assert.match(policy, new RegExp(`form-action 'self' ${host.sites.pay} ${host.sites.app};`))
})

test('other methods are 405 and name those that work; other paths are 404', async (t) => {
  const { browser } = await open(t)
  const cases = [
    ['/', 'POST', 'GET, HEAD'],
    ['/login/employees', 'PUT', 'GET, HEAD, POST'],
    ['/logout', 'DELETE', 'GET, HEAD, POST'],
    ['/logged-out', 'POST', 'GET, HEAD'],
    ['/login-state', 'POST', 'GET, HEAD'],
  ] as const
  for (const [path, method, allow] of cases) {
    const answer = await browser.call(path, { method })
    assert.equal(answer.status, 405, path)
    assert.equal(answer.headers['allow'], allow)
  }
  for (const path of [
    '/nowhere',
    '/LOGIN/employees',
    '/logout/',
    '/%',
    '/%00',
    '/assets/',
    '/assets/../package.json',
  ]) {
    const answer = await browser.get(path)
    assert.equal(answer.status, 404, path)
    assert.match(answer.text, /Request id[\s\S]*req-1/)
  }
})

test('assets keep for ever under their version and are checked again without it', async (t) => {
  const { browser } = await open(t)
  const page = await browser.get('/login/employees')
  const [, url = ''] = /href="(\/assets\/gatehouse\.css\?v=[^"]+)"/.exec(page.text) ?? []
  const versioned = await browser.get(url)
  assert.equal(versioned.headers['content-type'], 'text/css; charset=utf-8')
  assert.equal(versioned.headers['cache-control'], 'public, max-age=31536000, immutable')
  const plain = await browser.get('/assets/gatehouse.css')
  assert.equal(plain.headers['cache-control'], 'no-cache')
  const again = await browser.get('/assets/gatehouse.css', { 'if-none-match': plain.headers['etag'] ?? '' })
  assert.equal(again.status, 304)
  assert.equal((await browser.get('/assets/gatehouse.css?v=stale')).headers['cache-control'], 'no-cache')
})

test('a theme gives its look and the one logo it names, as a picture that can do nothing', async (t) => {
  const { browser } = await open(t)
  const css = await browser.get('/theme/employees/look.css')
  assert.match(css.text, /--accent:#0f766e/)
  const logo = await browser.get('/theme/employees/logo.svg')
  assert.equal(logo.headers['content-type'], 'image/svg+xml')
  assert.match(logo.headers['content-security-policy'] ?? '', /^default-src 'none';.*sandbox$/)
  assert.equal(logo.headers['x-content-type-options'], 'nosniff')
  for (const path of [
    '/theme/customers/logo.svg',
    '/theme/employees/other.svg',
    '/theme/gone/look.css',
    '/theme/employees/..%2fx.svg',
  ]) {
    assert.equal((await browser.get(path)).status, 404, path)
  }
  assert.equal((await browser.get('/theme/look.css')).status, 200)
})

test('health says that the process lives, readiness what is missing', async (t) => {
  const { host, browser } = await open(t)
  assert.equal((await browser.get('/healthz')).text, '{"status":"ok"}')
  assert.deepEqual(JSON.parse((await browser.get('/readyz')).text), { status: 'ready' })
  host.notices.push('configuration: failing')
  const noticed = await browser.get('/readyz')
  assert.equal(noticed.status, 200)
  assert.deepEqual(JSON.parse(noticed.text), { status: 'ready', notices: ['configuration: failing'] })
  host.problems.push('store: failing')
  const answer = await browser.get('/readyz')
  assert.equal(answer.status, 503)
  const [problems, notices] = [['store: failing'], ['configuration: failing']]
  assert.deepEqual(JSON.parse(answer.text), { status: 'not ready', problems, notices })
})

test('the public keys are there for everyone', async (t) => {
  const { browser } = await open(t)
  const answer = await browser.get('/.well-known/jwks.json')
  assert.deepEqual(JSON.parse(answer.text), { keys: [{ kty: 'EC', kid: 'k1' }] })
  assert.equal(answer.headers['access-control-allow-origin'], '*')
})
