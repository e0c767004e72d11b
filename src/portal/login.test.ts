import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { Browser, hiddenFields } from './browser.fixture.ts'
import { openLoginHost, type LoginHost, type LoginHostOptions } from './login-host.fixture.ts'

const STATE = `${'A'.repeat(43)}.0`
const BOB = { IDToken1: 'bob', IDToken2: 'bob-demo-password' }

async function open(t: TestContext, options?: LoginHostOptions): Promise<{ host: LoginHost; browser: Browser }> {
  const host = await openLoginHost(options)
  t.after(() => host.close())
  return { host, browser: new Browser(host.url) }
}

function loginPath(host: LoginHost, more: Readonly<Record<string, string>> = {}): string {
  const query = { goto: `${host.sites.pay}/slips?year=2026`, agent: 'pay', state: STATE, ...more }
  return `/login/employees?${new URLSearchParams(query).toString()}`
}

test('the form says where I am and where I am going, and its first button is the primary one', async (t) => {
  const { host, browser } = await open(t)
  const page = await browser.get(loginPath(host))
  assert.equal(page.status, 200)
  const heading = /<h1[^>]*>([\s\S]*?)<\/h1>/.exec(page.text)?.[1]?.replace(/<[^>]*>/g, '')
  assert.equal(heading, 'Sign in to Acme to continue to Payroll')
  assert.match(page.text, /<title>Sign in to Acme<\/title>/)
  assert.match(page.text, /autocomplete="username"/)
  assert.match(page.text, /autocomplete="current-password"/)
  const form = /<form method="post"[\s\S]*?<\/form>/.exec(page.text)?.[0] ?? ''
  assert.match(/<button[^>]*>/.exec(form)?.[0] ?? '', /type="submit" class="button"/)
})

test('a good password leads straight to the callback, with a code for that agent, browser and goto', async (t) => {
  const { host, browser } = await open(t)
  const done = await browser.submit(await browser.get(loginPath(host)), BOB)
  assert.equal(done.status, 303)
  const location = new URL(done.headers['location'] ?? '')
  assert.equal(location.origin + location.pathname, `${host.sites.pay}/.gatehouse/callback`)
  assert.deepEqual(
    [...location.searchParams],
    [
      ['code', 'code-1'],
      ['state', STATE],
    ],
  )
  assert.deepEqual(host.grants, [
    {
      agent: 'pay',
      audience: 'agent:pay',
      goto: `${host.sites.pay}/slips?year=2026`,
      binding: 'A'.repeat(43),
      interactive: true,
    },
  ])
})

test('the SSO cookie is HttpOnly, Lax, for the whole host and until the browser closes', async (t) => {
  const { host, browser } = await open(t)
  const done = await browser.submit(await browser.get(loginPath(host)), BOB)
  const cookie = done.setCookies.find((text) => text.startsWith('SSOTokenID='))
  assert.match(cookie ?? '', /^SSOTokenID=[\w-]{43}\*AAEwMQ\*; Path=\/; HttpOnly; SameSite=Lax$/)
})

test('over https every cookie is Secure and has the __Host- prefix', async (t) => {
  const { host, browser } = await open(t, { https: true })
  const page = await browser.get('/login/employees?locale=de')
  const done = await browser.post(
    '/login/employees',
    { ...hiddenFields(page.text), ...BOB },
    { origin: 'https://login.example.com' },
  )
  assert.equal(done.status, 303)
  const all = [...page.setCookies, ...done.setCookies]
  assert.equal(all.length, 4)
  for (const cookie of all) assert.match(cookie, /^__Host-.*Path=\/; (Max-Age=\d+; )?.*HttpOnly.*$/)
  for (const cookie of all) assert.match(cookie, /; Secure/)
  assert.match(page.headers['strict-transport-security'] ?? '', /max-age=31536000/)
  assert.equal(host.sessions.size, 1)
})

test('without an agent the login ends at goto, without goto at the signed-in page', async (t) => {
  const { host, browser } = await open(t)
  const page = await browser.get(`/login/employees?goto=${encodeURIComponent(`${host.sites.app}/x`)}`)
  assert.equal((await browser.submit(page, BOB)).headers['location'], `${host.sites.app}/x`)
  const other = new Browser(host.url)
  assert.equal((await other.submit(await other.get('/login/employees'), BOB)).headers['location'], '/')
})

test('a live session passes by the form, and counts as used', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  const answer = await browser.get(loginPath(host))
  assert.equal(answer.status, 302)
  assert.match(answer.headers['location'] ?? '', /\/\.gatehouse\/callback\?code=code-1&state=/)
  assert.deepEqual(host.touched, ['sid-bob'])
})

test('ForceAuth=true asks again although a session is there, and says who is signed in', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  const page = await browser.get(loginPath(host, { ForceAuth: 'true' }))
  assert.equal(page.status, 200)
  assert.match(page.text, /You are signed in as bob\./)
  assert.match(page.text, /value="bob"/)
  assert.match(page.text, /href="\/">Stay signed in</)
})

test('a session of another realm does not open this one: the page says what signing in does to it', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('alice', '/employees'))
  const page = await browser.get('/login/customers')
  assert.equal(page.status, 200)
  assert.match(page.text, /You are signed in to Acme as alice\. Signing in here ends that session\./)
})

test('a level nobody can reach is a page that says so, never a way back into the circle', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  const answer = await browser.get(loginPath(host, { authIndexType: 'level', authIndexValue: '3' }))
  assert.equal(answer.status, 403)
  assert.equal(answer.headers['location'], undefined)
  assert.match(answer.text, /Stronger proof is not available/)
})

test('a session that has the level passes, one that has not is asked', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob', '/employees', 3))
  assert.equal((await browser.get(loginPath(host, { authIndexType: 'level', authIndexValue: '3' }))).status, 302)
})

test('a wrong password keeps the name, drops the password, and says so at the field', async (t) => {
  const { host, browser } = await open(t)
  const page = await browser.submit(await browser.get(loginPath(host)), { IDToken1: 'bob', IDToken2: 'wrong-one' })
  assert.equal(page.status, 401)
  assert.match(page.text, /role="alert"/)
  assert.match(page.text, /id="IDToken1"[^>]* value="bob"[^>]* aria-describedby="failure" aria-invalid="true"/)
  assert.match(page.text, /id="IDToken2"[^>]* value=""[^>]* autofocus/)
  assert.doesNotMatch(page.text, /wrong-one/)
  assert.match(page.text, /Request id <code>req-1<\/code>/)
  assert.equal(
    page.setCookies.some((cookie) => cookie.startsWith('SSOTokenID')),
    false,
  )
  assert.equal((await browser.submit(page, BOB)).status, 303)
})

test('an unknown user and a wrong password get the same bytes', async (t) => {
  const { host, browser } = await open(t)
  const once = async (name: string): Promise<unknown> => {
    const page = await browser.submit(await browser.get(loginPath(host)), { IDToken1: name, IDToken2: 'wrong' })
    const text = page.text.replace(/name="authId" value="[^"]*"/, '').replaceAll(name, 'NAME')
    const { date: _date, ...headers } = page.headers
    return { status: page.status, headers, text }
  }
  assert.deepEqual(await once('bob'), await once('zed'))
})

test('too many tries: 429, Retry-After, and the seconds in words', async (t) => {
  const { host, browser } = await open(t)
  const page = await browser.submit(await browser.get(loginPath(host)), { IDToken1: 'slow', IDToken2: 'x' })
  assert.equal(page.status, 429)
  assert.equal(page.headers['retry-after'], '30')
  assert.match(page.text, /Wait 30 seconds, then try again/)
})

test('a session that changed meanwhile: 409 and a fresh form', async (t) => {
  const { host, browser } = await open(t)
  const page = await browser.submit(await browser.get(loginPath(host)), { IDToken1: 'mover', IDToken2: 'x' })
  assert.equal(page.status, 409)
  assert.match(page.text, /changed in another window/)
})

test('an authId that is missing, repeated, forged, long or of another browser or realm signs nobody in', async (t) => {
  const { host, browser } = await open(t)
  const victim = new Browser(host.url)
  await victim.get('/login/employees')
  const { authId = '' } = hiddenFields((await browser.get('/login/employees')).text)
  const forms = [
    '',
    `authId=${authId}&authId=${authId}`,
    'authId[]=x',
    'authId=x',
    `authId=${'x'.repeat(9_000)}`,
    `authId=${authId}`,
  ]
  for (const form of forms) {
    const answer = await victim.post('/login/employees', `${form}&IDToken1=bob&IDToken2=bob-demo-password`)
    assert.equal(answer.status, 403, form.slice(0, 30))
    assert.match(answer.text, /open for too long/)
    assert.match(answer.text, /value="bob"/)
  }
  const elsewhere = await browser.post('/login/customers', { authId, ...BOB })
  assert.equal(elsewhere.status, 403)
  assert.equal(host.sessions.size, 0)
})

test('a browser that does not return the cookie is told so, and where it was going is kept', async (t) => {
  const { host, browser } = await open(t)
  const page = await browser.get(loginPath(host))
  browser.cookies.clear()
  const answer = await browser.submit(page, BOB)
  assert.equal(answer.status, 403)
  assert.match(answer.text, /did not send our cookie back/)
  assert.match(answer.text, /to continue to Payroll/)
})

test('several tabs share one cookie, so any of them may finish', async (t) => {
  const { host, browser } = await open(t)
  const tabs = [
    await browser.get(loginPath(host)),
    await browser.get('/login/employees'),
    await browser.get(loginPath(host)),
  ]
  assert.equal((await browser.submit(tabs[0]!, BOB)).status, 303)
  assert.equal((await browser.submit(tabs[2]!, BOB)).status, 303)
})

test('tabs opened at once before any cookie: the browser keeps the last, the others get a fresh form with the name', async (t) => {
  const { host, browser } = await open(t)
  const tabs = await Promise.all([1, 2, 3].map(() => browser.get(loginPath(host))))
  const answers = await Promise.all(tabs.map((tab) => browser.submit(tab, BOB)))
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [303, 403, 403])
  const stale = answers.find((answer) => answer.status === 403)
  assert.match(stale?.text ?? '', /value="bob"/)
  assert.equal((await browser.submit(stale!, BOB)).status, 303)
})

test('a form that is too old, sent by a person who has signed in meanwhile, goes where it was going', async (t) => {
  const { host, browser } = await open(t)
  const page = await browser.get(loginPath(host))
  browser.cookies.delete('gatehouse-login')
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  assert.match((await browser.submit(page, BOB)).headers['location'] ?? '', /\/\.gatehouse\/callback/)
  const other = await browser.submit(page, { ...BOB, IDToken1: 'alice' })
  assert.equal(other.status, 403, 'somebody else is not let in as bob')
})

test('twenty waiting tabs learn that the browser may pass, then each goes to its own destination', async (t) => {
  const { host, browser } = await open(t)
  await browser.get('/login/employees')
  const tabs = await Promise.all(
    Array.from({ length: 20 }, (_, n) => browser.get(loginPath(host, { goto: `${host.sites.pay}/${n}` }))),
  )
  const states = tabs.map((tab) => /data-state="([^"]*)"/.exec(tab.text)?.[1]?.replaceAll('&amp;', '&') ?? '')
  assert.deepEqual(JSON.parse((await browser.get(states[0]!)).text), { signedIn: false })
  await browser.submit(tabs[0]!, BOB)
  for (const [n, tab] of tabs.entries()) {
    assert.deepEqual(JSON.parse((await browser.get(states[n]!)).text), { signedIn: true })
    const again = /data-again="([^"]*)"/.exec(tab.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    assert.equal((await browser.get(again)).status, 302)
  }
  assert.deepEqual(new Set(host.grants.map((grant) => grant.goto)).size, 20)
  assert.deepEqual(host.touched.length, 20, 'asking is no use of the session')
})

test('login-state answers for the realm and level it is asked about, and never from a cache', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  const signedIn = async (query: string): Promise<unknown> =>
    (JSON.parse((await browser.get(`/login-state${query}`)).text) as { signedIn: unknown }).signedIn
  assert.equal(await signedIn('?realm=/employees'), true)
  assert.equal(await signedIn('?realm=/employees&authIndexType=level&authIndexValue=2'), false)
  for (const query of ['?realm=/customers', '?realm=/nowhere', '', '?realm=/employees&realm=/employees']) {
    assert.equal(await signedIn(query), false, query)
  }
  assert.equal((await browser.get('/login-state')).headers['cache-control'], 'no-store')
})

test('the language follows ?locale=, is remembered, and its form carries the destination along', async (t) => {
  const { host, browser } = await open(t)
  const page = await browser.get(loginPath(host), { 'accept-language': 'fr' })
  assert.match(page.text, /<html lang="fr"/)
  const form = /<form method="get" action="([^"]*)"[\s\S]*?<\/form>/.exec(page.text)
  assert.ok(form !== null)
  assert.equal(form[1], '/login/employees')
  assert.match(form[0], /name="state" value="A{43}\.0"/)
  const german = await browser.get(loginPath(host, { locale: 'de' }), { 'accept-language': 'fr' })
  assert.match(german.text, /Bei Acme anmelden/)
  assert.match((await browser.get('/', { 'accept-language': 'fr' })).text, /<html lang="de"/)
})

test('when sessions cannot be checked the answer is 503 and the cookie stays', async (t) => {
  const { host, browser } = await open(t)
  browser.cookies.set('SSOTokenID', host.signIn('bob'))
  host.storeDown = true
  for (const path of [loginPath(host), '/', '/logout', '/logged-out', '/login-state?realm=/employees']) {
    const answer = await browser.get(path)
    assert.equal(answer.status, 503, path)
    assert.equal(answer.headers['retry-after'], '5')
    assert.equal(
      answer.setCookies.some((cookie) => cookie.startsWith('SSOTokenID')),
      false,
    )
  }
  assert.equal((await browser.post('/logout', '')).status, 503)
  assert.equal(browser.cookies.has('SSOTokenID'), true)
})

test('two different SSO cookies are no session, and the page says what to do', async (t) => {
  const { host, browser } = await open(t)
  const cookie = `SSOTokenID=${host.signIn('bob')}; SSOTokenID=${host.signIn('bob')}`
  const answer = await browser.get('/login/employees', { cookie })
  assert.equal(answer.status, 200)
  assert.match(answer.text, /two different cookies of the same name/)
})

test('a bookmark of a realm that is gone is a page with a way out', async (t) => {
  const { browser } = await open(t)
  for (const path of [
    '/login/gone',
    '/login/../employees',
    '/login/%65mployees',
    '/login//employees',
    '/login/Employees',
  ]) {
    const answer = await browser.get(path)
    assert.equal(answer.status, 404, path)
    assert.match(answer.text, /href="\/"/)
  }
  for (const path of ['/login', '/login/', '/login/employees/'])
    assert.equal((await browser.get(path)).status, 200, path)
})
