import assert from 'node:assert/strict'
import test from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import { openLoginHost } from './login-host.fixture.ts'
import { Browser, type Answer } from './browser.fixture.ts'

test('pages that count as use bring a browser that carries its session the next token; asking about it does not', async (t) => {
  const host = await openLoginHost()
  t.after(() => host.close())
  const { sid } = host.addSession({ username: 'alice', stateless: { renewAt: 0 as EpochMs } })
  const [token = ''] = [...host.sessions].find(([, session]) => session.sid === sid) ?? []
  const cookiesOf = async (path: string, cookie = token) => {
    const answer = await fetch(host.url + path, { headers: { cookie: `SSOTokenID=${cookie}` }, redirect: 'manual' })
    return answer.headers.getSetCookie().filter((text) => text.startsWith('SSOTokenID='))
  }
  for (const path of ['/', '/login/employees', '/account'])
    assert.deepEqual(await cookiesOf(path), [`SSOTokenID=${token}-next; Path=/; HttpOnly; SameSite=Lax`], path)
  assert.deepEqual(await cookiesOf('/login-state?realm=/employees'), [])
  assert.deepEqual(await cookiesOf('/', host.signIn('bob')), [])
})

test('a persistent SSO cookie ends when the session does, set at login or renewed; sign-out takes it away', async (t) => {
  // The sessions of this host end at the beginning of time.
  const host = await openLoginHost({ parts: { cookiePersistent: true, clock: () => -90_000 as EpochMs } })
  t.after(() => host.close())
  const browser = new Browser(host.url)
  const typed = { IDToken1: 'bob', IDToken2: 'bob-demo-password' }
  const ssoOf = ({ setCookies }: Answer): string => setCookies.filter((text) => text.startsWith('SSOTokenID=')).join()
  const life = (age: number): string =>
    `; Max-Age=${age}; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax`
  const set = ssoOf(await browser.submit(await browser.get('/login/employees'), typed))
  assert.match(set, /^SSOTokenID=[\w-]{43}\*/)
  assert.ok(set.endsWith(life(90)), set)
  const out = await browser.post('/logout', {})
  assert.equal(ssoOf(out), `SSOTokenID=${life(0)}`)

  const { sid } = host.addSession({ username: 'alice', stateless: { renewAt: 0 as EpochMs } })
  const [token = ''] = [...host.sessions].find(([, session]) => session.sid === sid) ?? []
  browser.cookies.set('SSOTokenID', token)
  assert.equal(ssoOf(await browser.get('/')), `SSOTokenID=${token}-next${life(90)}`)
})
