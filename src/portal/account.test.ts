import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import type { Session } from '../session/session.ts'
import { unescapeHtml } from '../http/html-text.fixture.ts'
import { Browser } from './browser.fixture.ts'
import { openLoginHost, type LoginHost } from './login-host.fixture.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2026-03-01T12:00:00Z')
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0'
const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'

const ago = (ms: number): EpochMs => (NOW - ms) as EpochMs

async function open(t: TestContext): Promise<{ host: LoginHost; browser: Browser }> {
  const host = await openLoginHost({ parts: { clock: () => NOW as EpochMs } })
  t.after(() => host.close())
  return { host, browser: new Browser(host.url) }
}

/** A browser that is signed in, in a session named `sid-alice`. */
async function openAsAlice(t: TestContext): Promise<{ host: LoginHost; browser: Browser }> {
  const opened = await open(t)
  opened.browser.cookies.set('SSOTokenID', opened.host.signIn('alice'))
  return opened
}

function addSessions(host: LoginHost, count: number): readonly Session[] {
  return Array.from({ length: count }, (_, i) =>
    host.addSession({ sid: `other-${i}`, createdAt: ago(i * HOUR), lastSeenAt: ago(i * HOUR) }),
  )
}

const handles = (html: string): readonly string[] =>
  [...html.matchAll(/name="session" value="([^"]*)"/g)].map(([, sid = '']) => sid)

const notice = (html: string): string | undefined => /role="status">[\s\S]*?<p>([^<]*)<\/p>/.exec(html)?.[1]

test('the page lists this session first, then the others, each told apart by words', async (t) => {
  const { host, browser } = await openAsAlice(t)
  host.addSession({
    sid: 'old',
    createdAt: ago(50 * HOUR),
    lastSeenAt: ago(2 * HOUR),
    origin: { address: '198.51.100.7', device: PHONE },
  })
  host.addSession({
    sid: 'new',
    createdAt: ago(3 * HOUR),
    lastSeenAt: ago(0),
    origin: { address: '', device: FIREFOX },
  })
  const { status, text } = await browser.get('/account')
  assert.equal(status, 200)
  assert.match(text, /<h1 class="heading">Your sessions <span class="where">Signed in to Acme as alice</)
  const [own = '', ...others] = text.split('<li>').slice(1)
  assert.match(own, /Unknown device <span class="mark">This one</)
  assert.match(own, /<button[^>]* formaction="\/logout"[^>]*>Sign out</)
  assert.deepEqual(handles(text), ['new', 'old'], 'last used first')
  assert.match(others[0] ?? '', /aria-label="End the session on Firefox on Linux, signed in 3 hours ago">End</)
  assert.match(others[1] ?? '', /Safari on iPhone/)
  assert.match(others[1] ?? '', /<time datetime="2026-02-27T10:00:00.000Z" title="Feb 27, 2026, 10:00 AM UTC">/)
  assert.match(others[1] ?? '', /Signed in 2 days ago[\s\S]*last used 2 hours ago[\s\S]*198\.51\.100\.7/)
  assert.deepEqual(host.touched, ['sid-alice'])
})

test('with this session alone there is nothing to end elsewhere', async (t) => {
  const { browser } = await openAsAlice(t)
  const { text } = await browser.get('/account')
  assert.match(text, /You are not signed in anywhere else\./)
  assert.doesNotMatch(text, /name="others"|name="session"/)
})

test('one session ends, the page says so, and the address of that says nothing once it is not so', async (t) => {
  const { host, browser } = await openAsAlice(t)
  addSessions(host, 2)
  const page = await browser.get('/account')
  const done = await browser.submit(page, { session: 'other-1' })
  assert.equal(done.status, 303)
  assert.deepEqual(host.ended, ['other-1'])
  const after = await browser.get(done.headers['location'] ?? '')
  assert.equal(after.status, 200)
  assert.match(notice(after.text) ?? '', /^That session has ended\./)
  assert.deepEqual(handles(after.text), ['other-0'])
  for (const untrue of ['ended=other-0', 'ended=others', 'ended=', 'ended=a&ended=b']) {
    assert.equal(notice((await browser.get(`/account?${untrue}`)).text), undefined, untrue)
  }
})

test('what a link from elsewhere says about a session is not repeated', async (t) => {
  const { browser } = await openAsAlice(t)
  for (const ended of ['others', 'some-session']) {
    for (const site of ['cross-site', 'same-site', 'none']) {
      const { text } = await browser.get(`/account?ended=${ended}`, { 'sec-fetch-site': site })
      assert.equal(notice(text), undefined, `${ended}, ${site}`)
    }
    const { text } = await browser.get(`/account?ended=${ended}`, { 'sec-fetch-site': 'same-origin' })
    assert.notEqual(notice(text), undefined, ended)
  }
})

test('all others end, and this one stays', async (t) => {
  const { host, browser } = await openAsAlice(t)
  addSessions(host, 120)
  const bystanders = [
    host.addSession({ sid: 'bob', username: 'bob' }),
    host.addSession({ sid: 'namesake', realm: '/customers' as RealmName }),
  ]
  const done = await browser.submit(await browser.get('/account'), { others: '1' })
  assert.equal(done.status, 303)
  const after = await browser.get(done.headers['location'] ?? '')
  assert.equal(notice(after.text), 'You are signed out everywhere else.')
  assert.equal(host.ended.length, 120)
  for (const { sid } of [...bystanders, { sid: 'sid-alice' }]) assert.ok(!host.ended.includes(sid), sid)
})

test("somebody else's session is not ended, and the attempt is in the audit log", async (t) => {
  const { host, browser } = await openAsAlice(t)
  const victims = [
    host.addSession({ sid: 'bob', username: 'bob' }),
    host.addSession({ sid: 'namesake', realm: '/customers' as RealmName }),
  ]
  for (const { sid } of victims) {
    const { status, text } = await browser.submit(await browser.get('/account'), { session: sid })
    assert.equal(status, 404)
    assert.match(notice(text) ?? '', /not in your list any more/)
  }
  assert.deepEqual(host.ended, [])
  const refused = victims.map(({ sid }) => ({
    at: NOW,
    requestId: 'req-1',
    clientIp: '192.0.2.1',
    event: 'SessionEndRefused',
    realm: '/employees',
    username: 'alice',
    sid: 'sid-alice',
    target: sid,
  }))
  assert.deepEqual(host.audit, refused)
})

test("a session that has ended, one that never was and somebody else's get the same answer", async (t) => {
  const { host, browser } = await openAsAlice(t)
  host.addSession({ sid: 'bob', username: 'bob' })
  addSessions(host, 1)
  const page = await browser.get('/account')
  assert.equal((await browser.submit(page, { session: 'other-0' })).status, 303)
  const answers = []
  for (const session of ['other-0', 'bob', 'x'.repeat(2_000), '', '__proto__', '../bob', 'sid-alice']) {
    const { status, text } = await browser.submit(page, { session })
    answers.push(JSON.stringify([status, text]))
  }
  assert.equal(new Set(answers).size, 1)
  assert.match(answers[0] ?? '', /^\[404,/)
  assert.deepEqual(host.ended, ['other-0'])
})

test('a form that names nothing, or two sessions, ends nothing', async (t) => {
  const { host, browser } = await openAsAlice(t)
  addSessions(host, 2)
  for (const form of ['', 'session=other-0&session=other-1', 'session[]=other-0', 'session[sid]=other-0']) {
    assert.equal((await browser.post('/account', form)).status, 400, form)
  }
  assert.deepEqual(host.ended, [])
})

test('GET ends nothing, whatever it carries', async (t) => {
  const { host, browser } = await openAsAlice(t)
  addSessions(host, 2)
  for (const method of ['GET', 'HEAD']) await browser.call('/account?session=other-0&others=1', { method })
  assert.equal((await browser.call('/account?others=1', { method: 'DELETE' })).status, 405)
  assert.deepEqual(host.ended, [])
})

test('what the page gives away opens nothing: a name of a session is no token', async (t) => {
  const { host, browser } = await openAsAlice(t)
  const [other] = addSessions(host, 1)
  const { text } = await browser.get('/account')
  for (const token of host.sessions.keys()) assert.ok(!text.includes(token.slice(0, 43)))
  const thief = new Browser(host.url)
  thief.cookies.set('SSOTokenID', other?.sid ?? '')
  assert.equal((await thief.get('/account?realm=/employees')).status, 302)
})

test('without a session the page leads to the login of the realm that is meant, and back', async (t) => {
  const { host, browser } = await open(t)
  const { status, headers } = await browser.get('/account?realm=%2Femployees')
  assert.deepEqual([status, headers['location']], [302, '/login/employees?goto=%2Faccount'])
  const form = await browser.get(headers['location'] ?? '')
  const done = await browser.submit(form, { IDToken1: 'alice', IDToken2: 'alice-demo-password' })
  assert.deepEqual([done.status, done.headers['location']], [303, `${host.url}/account`])
  assert.equal((await browser.get('/account')).status, 200)
})

test('where no realm is meant the person says which, and an only realm needs no question', async (t) => {
  const { browser } = await open(t)
  for (const path of ['/account', '/account?realm=%2Fgone', '/account?realm=__proto__', '/account?realm=%2F%2Fevil']) {
    const { status, text } = await browser.get(path)
    assert.equal(status, 200)
    assert.match(text, /href="\/login\/employees\?goto=%2Faccount"/, path)
    assert.match(text, /Sign in to see your sessions/)
  }
  const small = await openLoginHost({ realms: (realms) => realms.filter(({ name }) => name === '/customers') })
  t.after(() => small.close())
  const { headers } = await new Browser(small.url).get('/account')
  assert.equal(headers['location'], '/login/customers?goto=%2Faccount')
})

test('a session that ended before its own form came leads to the login, and ends nothing', async (t) => {
  const { host, browser } = await openAsAlice(t)
  addSessions(host, 1)
  const page = await browser.get('/account')
  browser.cookies.set('SSOTokenID', 'gone')
  const answer = await browser.submit(page, { others: '1' })
  assert.deepEqual([answer.status, answer.headers['location']], [303, '/login/employees?goto=%2Faccount'])
  assert.deepEqual(host.ended, [])
})

test('two SSO cookies are no session: a planted one cannot stand in for mine (session fixation)', async (t) => {
  const { host, browser } = await open(t)
  addSessions(host, 1)
  const cookie = `SSOTokenID=${host.signIn('alice')}; SSOTokenID=${host.signIn('mallory')}`
  const own = { origin: host.url, 'sec-fetch-site': 'same-origin' }
  assert.match((await browser.get('/account', { cookie })).text, /Sign in to see your sessions/)
  const call = { method: 'POST', form: 'others=1&realm=/employees', headers: { ...own, cookie } }
  assert.match((await browser.call('/account', call)).headers['location'] ?? '', /^\/login\/employees/)
  assert.deepEqual(host.ended, [])
})

test('a token that the browser brought is not the token after the login (session fixation)', async (t) => {
  const { browser } = await open(t)
  const planted = `${'A'.repeat(43)}*AAEwMQ*`
  browser.cookies.set('SSOTokenID', planted)
  const form = await browser.get((await browser.get('/account?realm=/employees')).headers['location'] ?? '')
  await browser.submit(form, { IDToken1: 'alice', IDToken2: 'alice-demo-password' })
  assert.notEqual(browser.cookies.get('SSOTokenID'), planted)
  const thief = new Browser(browser.base)
  thief.cookies.set('SSOTokenID', planted)
  assert.equal((await thief.get('/account?realm=/employees')).status, 302)
})

test('while the store is away the page says that it is, and nothing ends', async (t) => {
  const { host, browser } = await openAsAlice(t)
  addSessions(host, 1)
  const page = await browser.get('/account')
  host.storeDown = true
  for (const answer of [await browser.get('/account'), await browser.submit(page, { others: '1' })]) {
    assert.equal(answer.status, 503)
    assert.match(answer.text, /Please try again in a moment/)
    assert.deepEqual(answer.setCookies, [])
  }
  assert.deepEqual(host.ended, [])
})

test('a hundred sessions are pages of twenty; ending one stays on its page', async (t) => {
  const { host, browser } = await openAsAlice(t)
  addSessions(host, 100)
  const first = await browser.get('/account')
  assert.equal(handles(first.text).length, 20)
  assert.match(first.text, /Other sessions \(100\)/)
  assert.match(first.text, /Page 1 of 5/)
  assert.doesNotMatch(first.text, /rel="prev"/)
  const second = await browser.get('/account?page=2')
  assert.equal(handles(second.text)[0], 'other-20')
  const links = [...second.text.matchAll(/href="([^"]*)" rel="(?:prev|next)"/g)].map(([, href = '']) => href)
  assert.deepEqual(links.map(unescapeHtml), ['/account?realm=%2Femployees', '/account?realm=%2Femployees&page=3'])
  const done = await browser.submit(second, { session: 'other-25' })
  assert.equal(done.headers['location'], '/account?realm=%2Femployees&page=2&ended=other-25')
  for (const beyond of ['99', '0', '-1', 'x', '99999999999999999999']) {
    assert.equal((await browser.get(`/account?page=${beyond}`)).status, 200, beyond)
  }
  assert.equal(handles((await browser.get('/account?page=99')).text).length, 19)
})

test('what a browser says of itself is text, short and on one line of its own', async (t) => {
  const { host, browser } = await openAsAlice(t)
  const device = `<script>alert(1)</script>\u202e${'x'.repeat(160)}`
  host.addSession({ sid: 'odd', origin: { address: '"><img src=x>', device } })
  host.addSession({ sid: 'tool', origin: { address: '', device: `${'t'.repeat(40)}/1.0` } })
  const { text } = await browser.get('/account')
  assert.doesNotMatch(text, /<script>alert|<img src=x|\u202e|x{50}/)
  assert.match(text, /aria-label="End the session on Unknown device, signed in/)
  assert.match(text, new RegExp(`aria-label="End the session on ${'t'.repeat(40)}, signed in`))
})

test('the page speaks every language, and the name of a button holds what stands on it', async (t) => {
  const { host, browser } = await openAsAlice(t)
  host.addSession({ sid: 'other', createdAt: ago(3 * HOUR), origin: { address: '', device: FIREFOX } })
  for (const locale of ['en', 'de', 'fr', 'es', 'ja']) {
    const { text } = await browser.get(`/account?locale=${locale}`)
    const [, name = '', label = ''] = /value="other" aria-label="([^"]*)">([^<]*)</.exec(text) ?? []
    assert.notEqual(label, '', locale)
    // WCAG 2.2 §2.5.3.
    assert.ok(name.toLowerCase().includes(label.toLowerCase()), `${locale}: ${name}`)
  }
})

test('the signed-in page leads to the account page', async (t) => {
  const { browser } = await openAsAlice(t)
  assert.match((await browser.get('/')).text, /href="\/account\?realm=%2Femployees">Your sessions</)
})
