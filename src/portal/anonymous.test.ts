import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { newAnonymousId } from '../session/anonymous.ts'
import { Browser } from './browser.fixture.ts'
import { openLoginHost } from './login-host.fixture.ts'

async function open(t: TestContext): Promise<Browser> {
  const host = await openLoginHost()
  t.after(() => host.close())
  const session = host.addSession({
    userId: newAnonymousId(),
    username: 'anonymous',
    authLevel: 0,
    authModules: ['anonymous'],
  })
  const token = [...host.sessions].find(([, { sid }]) => sid === session.sid)?.[0] ?? ''
  const browser = new Browser(host.url)
  browser.cookies.set('SSOTokenID', token)
  return browser
}

test('people without proof have no account: it leads to a login that their session does not meet', async (t) => {
  const browser = await open(t)
  for (const path of [
    '/account?realm=/employees',
    '/account/add?realm=/employees&module=totp',
    '/account/password?realm=/employees',
  ]) {
    const answer = await browser.get(path)
    assert.equal(answer.status, 302, path)
    const to = new URL(answer.headers['location'] ?? '', browser.base)
    assert.equal(to.pathname, '/login/employees')
    assert.deepEqual([to.searchParams.get('authIndexType'), to.searchParams.get('authIndexValue')], ['level', '1'])
    // Not back again: that would go round for ever.
    const page = await browser.get(to.pathname + to.search)
    assert.equal(page.status, 200)
    assert.match(page.text, /autocomplete="username"/)
    assert.ok(!page.text.includes('anonymous'), 'no name is filled in, and no session is spoken of')
  }
})

test('the login host greets them as people who are not signed in, and shows where they can', async (t) => {
  const page = await (await open(t)).get('/')
  assert.match(page.text, /You are not signed in/)
  assert.match(page.text, /authIndexType=level/)
})
