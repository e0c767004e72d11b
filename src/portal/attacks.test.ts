import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { unescapeHtml } from '../http/html-text.fixture.ts'
import { Browser, hiddenFields, skeleton } from './browser.fixture.ts'
import { openLoginHost, PUBLIC, type LoginHost } from './login-host.fixture.ts'
import { createPages } from './pages.ts'
import { loadPublicFiles } from './public-files.ts'
import { lookSchema } from './look.schema.ts'
import type { RealmName } from '../base/brand.ts'

interface Vector {
  readonly id: string
  readonly value: string
}

const load = (name: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, 'vectors', name), 'utf8'))

const MARKUP = load('markup.json') as readonly Vector[]
const INJECTION = load('response_header_injection.json') as readonly Vector[]
const GOTO = load('goto.json') as readonly { readonly id: string; readonly goto: string }[]

async function open(t: TestContext): Promise<{ host: LoginHost; browser: Browser }> {
  const host = await openLoginHost()
  t.after(() => host.close())
  return { host, browser: new Browser(host.url) }
}

/** Every place of a page that shows something from outside, filled with one value. */
type Sink = readonly [
  name: string,
  fill: (host: LoginHost, browser: Browser, value: string) => Promise<{ text: string }>,
]

const SINKS: readonly Sink[] = [
  [
    'username re-shown',
    async (_host, browser, value) =>
      browser.submit(await browser.get('/login/employees'), { IDToken1: value, IDToken2: 'wrong' }),
  ],
  [
    'goto, agent, state',
    (_host, browser, value) => browser.get(`/login/employees?${query(['goto', 'agent', 'state'], value)}`),
  ],
  [
    'locale, level',
    (_host, browser, value) => browser.get(`/login/employees?${query(['locale', 'authIndexValue'], value)}`),
  ],
  [
    'logout parameters',
    (_host, browser, value) => browser.get(`/logged-out?${query(['realm', 'agent', 'goto'], value)}`),
  ],
  ['path', (_host, browser, value) => browser.get(`/${encodeURIComponent(value)}`)],
  ['realm', (_host, browser, value) => browser.get(`/login/${encodeURIComponent(value)}`)],
  [
    'name of who is signed in',
    (host, browser, value) => {
      browser.cookies.set('SSOTokenID', host.signIn(value))
      return browser.get('/')
    },
  ],
  [
    'name of who is signed in, at another realm',
    (host, browser, value) => {
      browser.cookies.set('SSOTokenID', host.signIn(value))
      return browser.get('/login/customers')
    },
  ],
  [
    'name, device and address of sessions',
    (host, browser, value) => {
      browser.cookies.set('SSOTokenID', host.signIn(value))
      host.addSession({ sid: value, username: value, origin: { device: value, address: `a ${value}` } })
      return browser.get(`/account?${query(['ended', 'page', 'realm'], value)}`)
    },
  ],
  [
    'name of who signs out',
    (host, browser, value) => {
      browser.cookies.set('SSOTokenID', host.signIn(value))
      return browser.get('/logout')
    },
  ],
]

function query(names: readonly string[], value: string): string {
  return new URLSearchParams(names.map((name): [string, string] => [name, value])).toString()
}

for (const [name, fill] of SINKS) {
  test(`markup in ${name} stays text`, async (t) => {
    const { host } = await open(t)
    const harmless = await fill(host, new Browser(host.url), 'plainvalue')
    for (const { id, value } of MARKUP) {
      const page = await fill(host, new Browser(host.url), value)
      assert.deepEqual(skeleton(page.text), skeleton(harmless.text), id)
      assert.doesNotMatch(page.text, /href="javascript:/, id)
      assert.doesNotMatch(
        page.text.replace(/(value|v)="?[\w-]{12,}/g, ''),
        /(?<!\d)49(?!\d)/,
        `${id}: a template was evaluated`,
      )
    }
  })
}

test('what was typed comes back exactly, escaped', async (t) => {
  const { browser } = await open(t)
  for (const { id, value } of MARKUP) {
    const page = await browser.submit(await browser.get('/login/employees'), { IDToken1: value, IDToken2: 'wrong' })
    const shown = /id="IDToken1"[^>]* value="([^"]*)"/.exec(page.text)?.[1] ?? ''
    assert.equal(unescapeHtml(shown), value, id)
  }
})

test('markup in titles, names and policies of standalone pages stays text', async () => {
  const files = await loadPublicFiles(PUBLIC)
  const html = (value: string): string => {
    const look = lookSchema.parse({ title: value.slice(0, 60) })
    const pages = createPages({
      files,
      realms: [{ name: '/x' as RealmName, look }],
      logos: new Map(),
      homeUrl: 'https://login.example.com/',
    })
    const facts = { username: value, policies: [value], siteTitle: value, requestId: value, acceptLanguage: value }
    return pages.render({ kind: 'forbidden', status: 403, realm: '/x' as RealmName, ...facts }).html
  }
  for (const { id, value } of MARKUP) assert.deepEqual(skeleton(html(value)), skeleton(html('plainvalue')), id)
})

test('no page has inline script, inline style or an event handler', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  for (const path of ['/', '/logout', '/login/customers', '/login/employees?ForceAuth=true', '/nowhere']) {
    const { text, headers } = await browser.get(path)
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i, path)
    assert.match(headers['content-security-policy'] ?? '', /^default-src 'none'; script-src 'self'; style-src 'self';/)
    assert.match(headers['content-security-policy'] ?? '', /frame-ancestors 'none'; base-uri 'none'/)
    assert.equal(headers['x-frame-options'], 'DENY')
  }
})

test('line breaks in any spelling add no header and no fault (response splitting)', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  const named = new Set(['set-cookie', 'x', 'x:y'])
  for (const { id, value } of INJECTION) {
    const paths = ['goto', 'agent', 'state', 'locale', 'realm'].flatMap((name) => [
      `/login/employees?${name}=${encodeURIComponent(value)}`,
      `/login/employees?${name}=${value.replace(/[^\x21-\x7e]/g, '')}`,
      `/logout?${name}=${encodeURIComponent(value)}`,
      `/logged-out?${name}=${encodeURIComponent(value)}`,
    ])
    for (const path of [...paths, `/login${value.replace(/[^\x21-\x7e]/g, '')}`]) {
      const answer = await browser.get(path.replaceAll('<', '%3C').replaceAll('>', '%3E'))
      assert.ok(answer.status < 500, `${id} ${path}: ${answer.status}`)
      assert.equal(
        answer.setCookies.some((cookie) => cookie.includes('evil')),
        false,
        id,
      )
      const added = answer.rawHeaders.filter(
        (_, n) => n % 2 === 0 && named.has(answer.rawHeaders[n]?.toLowerCase() ?? ''),
      )
      assert.deepEqual(
        added.filter((name) => name.toLowerCase() !== 'set-cookie'),
        [],
        id,
      )
    }
  }
})

test('no goto of the corpus leaves the registered hosts, before or after login, by link or by form', async (t) => {
  const { host, browser } = await open(t)
  const values = GOTO.map((vector) => vector.goto)
  assert.ok(values.length > 100)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  for (const value of values) {
    const path = `/login/employees?goto=${encodeURIComponent(value.toWellFormed())}`
    const { headers, status } = await browser.get(path)
    assert.equal(status, 302)
    const target = new URL(headers['location'] ?? '', host.url)
    assert.ok([host.url, host.sites.app, host.sites.pay].includes(target.origin), `${value} -> ${target.href}`)
  }
})

test('a refused goto is dropped with its agent, audited, and stands nowhere on the page', async (t) => {
  const { host, browser } = await open(t)
  const state = `${'A'.repeat(43)}.0`
  const page = await browser.get(`/login/employees?goto=https%3A%2F%2Fevil.example%2Fx&agent=pay&state=${state}`)
  assert.equal(page.status, 200)
  assert.doesNotMatch(page.text, /evil\.example|agent=pay/)
  assert.deepEqual(
    host.audit.map(({ event }) => event),
    ['GotoRefused'],
  )
  const done = await browser.submit(page, { IDToken1: 'bob', IDToken2: 'bob-demo-password' })
  assert.equal(done.headers['location'], '/')
  assert.equal(host.audit.length, 1)
})

test('a code is only for an agent of this realm, with a state in shape and a goto at that agent', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  const good = { goto: `${host.sites.pay}/`, agent: 'pay', state: `${'A'.repeat(43)}.2` }
  const wrong = [
    { ...good, agent: 'club' },
    { ...good, agent: '__proto__' },
    { ...good, state: 'x' },
    { ...good, state: `${'A'.repeat(43)}.0\r\nx: y` },
    { ...good, goto: `${host.sites.app}/` },
  ]
  for (const parameters of wrong) await browser.get(`/login/employees?${new URLSearchParams(parameters).toString()}`)
  assert.deepEqual(host.grants, [])
  await browser.get(`/login/employees?${new URLSearchParams(good).toString()}`)
  assert.equal(host.grants.length, 1)
})

const STRANGERS: readonly (readonly [name: string, headers: Readonly<Record<string, string>>])[] = [
  ['login-csrf, logout-post: cross-site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
  ['subdomain: same-site is not same-origin', { origin: 'http://app.example.com:8080', 'sec-fetch-site': 'same-site' }],
  ['origin-absent', { 'sec-fetch-site': 'cross-site' }],
  ['neither header', {}],
  ['origin-null', { origin: 'null' }],
  ['origin-prefix', { origin: 'http://127.0.0.1.evil.example' }],
  ['referer-trick', { referer: 'https://evil.example/?http://127.0.0.1/' }],
]

for (const [name, headers] of STRANGERS) {
  test(`cross-site request forgery: ${name}`, async (t) => {
    const { host, browser } = await open(t)
    const page = await browser.get('/login/employees')
    const form = { ...hiddenFields(page.text), IDToken1: 'bob', IDToken2: 'bob-demo-password' }
    const login = await browser.call('/login/employees', { method: 'POST', form, headers })
    assert.equal(login.status, 403)
    assert.equal(host.sessions.size, 0)
    browser.cookies.set('SSOTokenID', host.signIn('bob'))
    const logout = await browser.call('/logout', { method: 'POST', form: '', headers })
    assert.equal(logout.status, 403)
    host.addSession({ sid: 'other', username: 'bob' })
    for (const end of ['others=1', 'session=other']) {
      assert.equal((await browser.call('/account', { method: 'POST', form: end, headers })).status, 403)
    }
    assert.deepEqual(host.ended, [])
    assert.equal(browser.cookies.has('SSOTokenID'), true)
  })
}

test('cross-site request forgery: logout-get', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  for (const method of ['GET', 'HEAD']) assert.equal((await browser.call('/logout', { method })).status, 200)
  assert.deepEqual(host.ended, [])
})

test('other origins get no permission to read anything (CORS)', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  for (const path of ['/', '/account', '/login-state?realm=/employees', '/logout']) {
    const { headers } = await browser.get(path, { origin: 'https://evil.example' })
    assert.equal(headers['access-control-allow-origin'], undefined)
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
  }
})

test('a form that is too large, badly encoded or no form at all is refused without a fault', async (t) => {
  const { browser } = await open(t)
  const large = await browser.post('/login/employees', `authId=${'x'.repeat(20_000)}`)
  assert.equal(large.status, 413)
  const many = await browser.post('/login/employees', 'a=1&'.repeat(100))
  assert.equal(many.status, 413)
  const json = await browser.post('/login/employees', '{"authId":"x"}', { 'content-type': 'application/json' })
  assert.equal(json.status, 403)
  const charset = { 'content-type': 'application/x-www-form-urlencoded; charset=klingon' }
  assert.equal((await browser.post('/login/employees', 'a=1', charset)).status, 415)
})
