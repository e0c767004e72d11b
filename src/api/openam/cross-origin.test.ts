import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { suite, test, type TestContext } from 'node:test'
import type { RealmName } from '../../base/brand.ts'
import { createLoginHost, ORIGIN, type Answer } from '../login-host.fixture.ts'
import { ok } from './reply.ts'

const APP = 'http://app.acme.test'
const SHOP = 'http://shop.acme.test'
const PAGES = new Map([
  [APP, '/employees' as RealmName],
  [SHOP, '/customers' as RealmName],
])

const EMPLOYEES = '/json/realms/root/realms/employees'
const INFO = `${EMPLOYEES}/sessions?_action=getSessionInfo`
const LOGOUT = `${EMPLOYEES}/sessions/?_action=logout`

/** What a browser says of a script in a page of the origin. */
function from(origin: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { origin, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', ...more }
}

function preflight(host: Host, path: string, origin: string, method = 'POST'): Promise<Answer> {
  return host.call(path, {
    method: 'OPTIONS',
    headers: from(origin, {
      'access-control-request-method': method,
      'access-control-request-headers': 'accept-api-version,content-type,x-requested-platform,x-requested-with',
    }),
  })
}

/** A logout with these headers alone. */
async function statusOf(host: Host, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  const sent = request(host.url + LOGOUT, { method: 'POST', headers, agent: false }).end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.resume()
  return answer.statusCode
}

type Host = Awaited<ReturnType<typeof createLoginHost>>

function start(t: TestContext): Promise<Host> {
  return createLoginHost(t, { pages: PAGES, authenticate: () => Promise.resolve(ok({ authId: 'x' })) })
}

/** Whether script of the origin may read the answer, with the login of its browser. */
function isReadable({ headers }: Answer, origin: string): boolean {
  const { 'access-control-allow-origin': allowed, 'access-control-allow-credentials': credentials } = headers
  assert.ok(allowed === undefined || (allowed === origin && credentials === 'true'))
  assert.match(
    String(headers.vary),
    /\bOrigin\b/,
    'always said, or a cache would give one origin the answer to another',
  )
  return allowed !== undefined
}

suite('pages of other origins', () => {
  test('a site that may call has its preflights answered for what it may do, and nothing else', async (t) => {
    const host = await start(t)
    for (const path of [`${EMPLOYEES}/authenticate?authIndexType=service&authIndexValue=a`, INFO, LOGOUT]) {
      const answer = await preflight(host, path, APP)
      assert.deepEqual([answer.status, isReadable(answer, APP)], [200, true])
      assert.equal(answer.headers['access-control-allow-methods'], 'GET, POST')
      assert.equal(
        answer.headers['access-control-allow-headers'],
        'accept-api-version, content-type, x-requested-platform, x-requested-with',
      )
      assert.equal(answer.headers['access-control-max-age'], '600')
    }
    assert.equal((await preflight(host, `${EMPLOYEES}/serverinfo/*`, APP, 'GET')).status, 200)
    for (const [path, method] of [
      ['/json/realms/root/realms/customers/authenticate', 'POST'],
      ['/json/realms/root/authenticate', 'POST'],
      [`${EMPLOYEES}/authenticate?realm=/customers`, 'POST'],
      [`${EMPLOYEES}/sessions?_action=logoutByUser`, 'POST'],
      [`${EMPLOYEES}/sessions?_action=logoutByHandle`, 'POST'],
      [`${EMPLOYEES}/sessions?_queryFilter=realm eq "/employees"`, 'GET'],
      [`${EMPLOYEES}/policies?_action=evaluate`, 'POST'],
      [`${EMPLOYEES}/users?_action=create`, 'POST'],
      [INFO, 'DELETE'],
    ] as const)
      assert.equal((await preflight(host, encodeURI(path), APP, method)).status, 403, `${method} ${path}`)
  })

  test('nobody else has: sites that may not, other ports and schemes, files, and names that look alike', async (t) => {
    const host = await start(t)
    const { token } = await host.signIn('alice')
    for (const origin of [
      'http://wiki.acme.test',
      'https://app.acme.test',
      `${APP}:81`,
      `${APP}.evil.test`,
      'http://APP.acme.test',
      'null',
      `${APP}/`,
      `${APP}, http://evil.test`,
    ]) {
      const asked = await preflight(host, INFO, origin)
      assert.ok(asked.status >= 400 && !isReadable(asked, origin), origin)
      const called = await host.call(INFO, { cookie: token, headers: from(origin) })
      assert.deepEqual([called.status, isReadable(called, origin)], [403, false], origin)
    }
  })

  test('the login of the browser counts: who it is, what it is, and its end', async (t) => {
    const host = await start(t)
    const { token } = await host.signIn('alice')
    const info = await host.call(INFO, { cookie: token, headers: from(APP) })
    assert.deepEqual([info.status, isReadable(info, APP)], [200, true])
    assert.equal((info.body as { username: string }).username, 'alice')
    const who = await host.call(`${EMPLOYEES}/users?_action=idFromSession`, {
      cookie: token,
      headers: from(APP, { 'accept-api-version': 'resource=2.0' }),
    })
    assert.equal((who.body as { id: string }).id, 'alice')
    const headers = from(APP, { 'accept-api-version': 'protocol=1.0,resource=2.1' })
    const login = await host.call(`${EMPLOYEES}/authenticate`, { headers })
    assert.deepEqual([login.body, isReadable(login, APP)], [{ authId: 'x' }, true])
    const out = await host.call(LOGOUT, { cookie: token, headers: from(APP) })
    assert.deepEqual(out.body, { result: 'Successfully logged out' })
    assert.match(String(out.headers['set-cookie']), /^SSOTokenID=;/)
    const again = await host.call(INFO, { cookie: token, headers: from(APP) })
    assert.deepEqual([again.status, isReadable(again, APP)], [401, true], 'the script is told what is wrong')
  })

  test('a login in another realm is nobody, and is not ended', async (t) => {
    const host = await start(t)
    const { token, session } = await host.signIn('dave', '/customers')
    assert.equal((await host.call(INFO, { cookie: token, headers: from(APP) })).status, 401)
    await host.call(LOGOUT, { cookie: token, headers: from(APP) })
    assert.equal((await host.process.sessions.find(session.sid))?.username, 'dave')
    const shop = '/json/realms/root/realms/customers/sessions?_action=getSessionInfo'
    assert.equal((await host.call(shop, { cookie: token, headers: from(SHOP) })).status, 200)
  })

  test('an administrator’s page does nothing to others, and no token in a header is looked at', async (t) => {
    const host = await start(t)
    const { token } = await host.signIn('alice')
    const { token: admin } = await host.signIn('bob')
    for (const action of ['logoutByUser', 'logoutByHandle']) {
      const body = { username: 'alice', sessionHandles: [] }
      const answer = await host.call(`${EMPLOYEES}/sessions?_action=${action}`, {
        cookie: admin,
        body,
        headers: from(APP),
      })
      assert.equal(answer.status, 403)
    }
    const info = await host.call(INFO, { cookie: admin, token, headers: from(APP) })
    assert.equal((info.body as { username: string }).username, 'bob')
  })

  test('what needs no preflight changes nothing: forms, links, and pages that other sites show', async (t) => {
    const host = await start(t)
    const { token, session } = await host.signIn('alice')
    for (const headers of [
      from(APP, { 'sec-fetch-mode': 'navigate' }),
      from(APP, { 'sec-fetch-mode': 'no-cors' }),
      from(APP),
      from(APP, { 'content-type': 'text/plain' }),
    ])
      assert.equal(await statusOf(host, { ...headers, cookie: `SSOTokenID=${token}` }), 403)
    const elsewhere = from(APP, { 'sec-fetch-site': 'cross-site' })
    assert.equal((await host.call(LOGOUT, { cookie: token, headers: elsewhere })).status, 403)
    assert.ok(await host.process.sessions.find(session.sid))
  })

  test('the login host’s own pages are served as ever, and by default nobody else is', async (t) => {
    const host = await createLoginHost(t)
    const { token } = await host.signIn('alice')
    const own = from(ORIGIN, { 'sec-fetch-site': 'same-origin' })
    const answer = await host.call(INFO, { cookie: token, headers: own })
    assert.deepEqual([answer.status, isReadable(answer, ORIGIN)], [200, false])
    assert.equal((await host.call(INFO, { cookie: token, headers: from(APP) })).status, 403)
  })
})
