import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPartialSessions } from '../../session/partial.ts'
import { APP, FROM } from '../../session/processes.fixture.ts'
import { createLoginHost, ORIGIN, type Answer } from '../login-host.fixture.ts'

const ROOT = '/json/realms/root/sessions'
const EMPLOYEES = '/json/realms/root/realms/employees/sessions'
const UNAUTHORIZED = { code: 401, reason: 'Unauthorized', message: 'Access Denied' }
const FORBIDDEN = { code: 403, reason: 'Forbidden', message: 'Forbidden' }

const in51 = { headers: { 'accept-api-version': 'resource=5.1' } }

function says(answer: Answer, body: unknown, status = 200): void {
  assert.deepEqual([answer.status, answer.body], [status, body])
}

test('a token that is dead, of another audience, quoted in two places or made up is not valid', async (t) => {
  const host = await createLoginHost(t)
  const { token, session } = await host.signIn('alice')
  const grant = {
    agent: APP,
    audience: 'agent:app',
    goto: 'https://app.test/',
    binding: 'b',
    interactive: true,
  } as const
  const code = await host.process.handshakes.issue(session, grant)
  const redeemed = await host.process.handshakes.redeem(code, APP, 'b', FROM)
  assert.ok(redeemed.kind === 'issued')
  for (const tokenId of [redeemed.token, `${'A'.repeat(43)}*AgRV*`, `${token} `, 'x'])
    says(await host.call(`${ROOT}?_action=validate`, { body: { tokenId } }), { valid: false })
  const twice = await host.call(`${ROOT}?_action=validate&tokenId=${encodeURIComponent(token)}`, {
    body: { tokenId: token },
  })
  assert.equal(twice.status, 400)
  await host.process.sessions.end(session.sid, 'logout', FROM)
  says(await host.call(`${ROOT}?_action=validate`, { token }), { valid: false })
})

test('what a session is, in the units that OpenAM uses', async (t) => {
  const host = await createLoginHost(t)
  const { token, session } = await host.signIn('alice')
  host.pass(61_000)
  const ask = async (action: string) => (await host.call(`${ROOT}?_action=${action}`, { token })).body
  assert.deepEqual(await ask('isActive'), { active: true })
  assert.deepEqual(await ask('getTimeLeft'), { maxtime: 7_139 })
  assert.deepEqual(await ask('getMaxSessionTime'), { maxsessiontime: 120 })
  assert.deepEqual(await ask('getMaxIdle'), { maxidletime: 30 })
  assert.deepEqual(await ask('getIdle'), { idletime: 61 })
  const properties = {
    AMCtxId: session.sid,
    AuthLevel: '1',
    AuthType: 'password',
    authInstant: '2027-01-15T08:00:00Z',
  }
  assert.deepEqual(await ask('getSessionInfo'), {
    username: 'alice',
    universalId: 'id=alice,ou=user,o=employees,ou=services,ou=am-config',
    realm: '/employees',
    latestAccessTime: '2027-01-15T08:00:00Z',
    maxIdleExpirationTime: '2027-01-15T08:30:00Z',
    maxSessionExpirationTime: '2027-01-15T10:00:00Z',
    properties: { ...properties, sessionHandle: `shandle:${session.sid}` },
  })
  assert.deepEqual(await ask('getSessionProperties'), properties)
  assert.deepEqual(await ask('getPropertyNames'), { properties: Object.keys(properties) })
  const wanted = { token, body: { properties: ['AuthLevel', '__proto__', 'secret'] } }
  says(await host.call(`${ROOT}?_action=getProperty`, wanted), { AuthLevel: '1' })
  const who = { id: 'alice', realm: '/employees', dn: 'id=alice,ou=user,o=employees,ou=services,ou=am-config' }
  const asked = { token, headers: { 'accept-api-version': 'resource=2.0' } }
  const fullLoginURL = `${ORIGIN}/login/employees`
  says(await host.call('/json/users?_action=idFromSession', asked), { ...who, successURL: '/', fullLoginURL })
})

test('only what says so counts as use', async (t) => {
  const host = await createLoginHost(t)
  const { token } = await host.signIn('alice')
  const uses = { refresh: true, getSessionInfoAndResetIdleTime: true, 'isActive&refresh=true': true, validate: true }
  const looks = { isActive: false, getSessionInfo: false, getIdle: false, 'validate&refresh=false': false }
  for (const [action, isUse] of Object.entries({ ...looks, ...uses })) {
    const before = host.touched.length
    assert.equal((await host.call(`${ROOT}?_action=${action}`, { token })).status, 200)
    assert.equal(host.touched.length - before, isUse ? 1 : 0, action)
  }
})

test('a person sees and ends their own sessions, an administrator those of the realms below, nobody else’s', async (t) => {
  const host = await createLoginHost(t)
  const [alice, again, bob] = [await host.signIn('alice'), await host.signIn('alice'), await host.signIn('bob')]
  const [root, guest] = [await host.signIn('root', '/'), await host.signIn('guest', '/')]
  const [carl, erin] = [
    await host.signIn('carl', '/employees/contractors'),
    await host.signIn('erin', '/employees/contractors'),
  ]
  const about = (tokenId: string) => ({ body: { tokenId } })
  const read = async (token: string, tokenId: string) =>
    (await host.call(`${ROOT}?_action=getSessionInfo`, { token, ...about(tokenId) })).status
  assert.equal(await read(alice.token, again.token), 200, 'another of one’s own')
  assert.equal(await read(root.token, erin.token), 200, 'an administrator of /')
  assert.equal(await read(carl.token, erin.token), 200, 'an administrator of the realm')
  assert.equal(await read(bob.token, alice.token), 403, 'a group of that name administers only where the realm says so')
  assert.equal(await read(guest.token, alice.token), 403, 'not everybody of / is an administrator')
  assert.equal(await read(carl.token, alice.token), 403, 'the realm above')
  assert.equal(await read(carl.token, root.token), 403, 'the root')

  const end = async (token: string, ...sids: string[]) => {
    const sessionHandles = sids.map((sid) => `shandle:${sid}`)
    const { status, body } = await host.call(`${ROOT}?_action=logoutByHandle`, { token, body: { sessionHandles } })
    assert.equal(status, 200)
    const { result } = body as { result: Record<string, boolean> }
    return sessionHandles.map((handle) => result[handle])
  }
  const nobody = '0001.AAAAAAAAAAAAAAAA'
  assert.deepEqual(await end(bob.token, alice.session.sid, nobody, 'x'), [false, false, false], 'one answer for both')
  assert.deepEqual(await end(carl.token, alice.session.sid, root.session.sid), [false, false])
  assert.deepEqual(await end(alice.token, again.session.sid), [true])
  assert.deepEqual(await end(root.token, erin.session.sid, erin.session.sid), [true, true])
  says(await host.call(`${ROOT}?_action=validate`, { token: erin.token }), { valid: false })
  const byErin = await host.call(`${ROOT}?_action=getSessionInfo`, { token: erin.token })
  says(byErin, UNAUTHORIZED, 401)
})

test('all sessions of a user end at once, for administrators and for the user', async (t) => {
  const host = await createLoginHost(t)
  const [one, two, bob] = [await host.signIn('alice'), await host.signIn('alice'), await host.signIn('bob')]
  const [root, namesake] = [await host.signIn('root', '/'), await host.signIn('alice', '/customers')]
  const endAll = (token: string, username: string, path = EMPLOYEES) =>
    host.call(`${path}?_action=logoutByUser`, { ...in51, token, body: { username } })
  says(await endAll(bob.token, 'alice'), FORBIDDEN, 403)
  says(await endAll(bob.token, 'nobody'), FORBIDDEN, 403)
  says(await endAll(root.token, 'nobody'), { result: false })
  says(await endAll(root.token, 'alice'), { result: true })
  for (const { token } of [one, two]) says(await host.call(`${ROOT}?_action=validate`, { token }), { valid: false })
  for (const { token } of [bob, namesake])
    assert.equal(((await host.call(`${ROOT}?_action=validate`, { token })).body as { valid: boolean }).valid, true)
  says(await endAll(bob.token, 'bob', '/json/employees/sessions'), { result: true })
  says(await host.call(`${ROOT}?_action=validate`, { token: bob.token }), { valid: false })
})

test('what somebody does with other people’s sessions, or may not do, is audited with who, whose and how many', async (t) => {
  const host = await createLoginHost(t)
  const [alice, bob, root] = [await host.signIn('alice'), await host.signIn('bob'), await host.signIn('root', '/')]
  const before = host.audited.length
  const body = { sessionHandles: [`shandle:${alice.session.sid}`] }
  await host.call(`${ROOT}?_action=logoutByHandle`, { token: bob.token, body })
  await host.call(`${ROOT}?_action=logoutByHandle`, { token: root.token, body })
  const filter = encodeURIComponent('realm eq "/employees"')
  await host.call(`${ROOT}?_queryFilter=${filter}`, { method: 'GET', token: root.token })
  await host.call(`${ROOT}?_queryFilter=${filter}`, { method: 'GET', token: bob.token })
  const at = host.clock()
  const base = { at, requestId: 'r-9', clientIp: '192.0.2.9' }
  const by = ({ session }: typeof bob, action: string) => {
    const { realm, username, sid } = session
    return { event: 'SessionsAdministered', ...base, realm, username, sid, action }
  }
  const target = { realm: '/employees', username: 'alice', sid: alice.session.sid }
  assert.deepEqual(host.audited.slice(before), [
    { ...by(bob, 'end'), outcome: 'refused', target, count: 0 },
    { event: 'SessionEnded', ...base, ...target, cause: 'admin' },
    { ...by(root, 'end'), outcome: 'done', target, count: 1 },
    { ...by(root, 'list'), outcome: 'done', target: { realm: '/employees' }, count: 1 },
    { ...by(bob, 'list'), outcome: 'refused', target: { realm: '/employees' }, count: 0 },
  ])
})

test('a partial session is listed for administrators with its queries as Ziti has them, and ended by its handle', async (t) => {
  const host = await createLoginHost(t)
  const [alice, root] = [await host.signIn('alice'), await host.signIn('root', '/')]
  const { store } = host.process
  const query = { module: 'totp', type: 'totp', or: ['mail'], enrols: false }
  const draft = { ...alice.session, authQueries: [query], lifeMs: 300_000 }
  const sid = (await createPartialSessions({ store, clock: host.clock }).begin(draft, FROM)) ?? ''
  const list = (filter: string) =>
    host.call(`${ROOT}?_queryFilter=${encodeURIComponent(filter)}`, { method: 'GET', token: root.token })
  const { result } = (await list('realm eq "/employees"')).body as { result: Record<string, unknown>[] }
  const found = result.filter(({ authQueries }) => authQueries !== undefined)
  assert.deepEqual(
    found.map(({ sessionHandle, username }) => [sessionHandle, username]),
    [[`shandle:${sid}`, 'alice']],
  )
  assert.deepEqual(found[0]?.['authQueries'], [
    {
      ...{ typeId: 'MFA', provider: 'ziti', httpMethod: 'POST', httpUrl: './authenticate/mfa' },
      ...{ format: 'alphaNumeric', minLength: 4, maxLength: 6, id: 'totp', alternatives: ['mail'], isEnrolled: true },
    },
  ])
  const own = (await list('username eq "alice" and realm eq "/employees"')).body as { result: unknown[] }
  assert.equal(own.result.length, 1, 'no session of hers yet')
  const ended = await host.call(`${ROOT}?_action=logoutByHandle`, {
    token: root.token,
    body: { sessionHandles: [`shandle:${sid}`] },
  })
  says(ended, { result: { [`shandle:${sid}`]: true } })
  assert.equal(await store.sessions.find(sid), undefined)
})

test('a list has pages, and everything on it once', async (t) => {
  const host = await createLoginHost(t)
  const root = await host.signIn('root', '/')
  const sids = new Set<string>()
  for (let n = 0; n < 5; n++) sids.add((await host.signIn(n < 3 ? 'alice' : 'bob')).session.sid)
  const list = async (filter: string, token = root.token) => {
    const found: string[] = []
    let cookie: string | null = ''
    for (let pages = 0; cookie !== null && pages < 9; pages++) {
      const query = new URLSearchParams({ _queryFilter: filter, _pageSize: '2' })
      if (cookie !== '') query.set('_pagedResultsCookie', cookie)
      const { status, body } = await host.call(`${ROOT}?${query.toString()}`, { method: 'GET', token })
      assert.equal(status, 200)
      const page = body as {
        result: { sessionHandle: string }[]
        resultCount: number
        pagedResultsCookie: string | null
      }
      assert.equal(page.resultCount, page.result.length)
      assert.ok(page.resultCount <= 2)
      found.push(...page.result.map(({ sessionHandle }) => sessionHandle.replace('shandle:', '')))
      cookie = page.pagedResultsCookie
    }
    return found
  }
  assert.deepEqual((await list('realm eq "/employees"')).sort(), [...sids].sort())
  assert.equal((await list('username eq "alice" and realm eq "/employees"')).length, 3)
  assert.equal((await list('username eq "nobody" and realm eq "/employees"')).length, 0)
  const alice = await host.signIn('alice')
  assert.equal((await list('username eq "alice" and realm eq "/employees"', alice.token)).length, 4, 'one’s own')
  const get = (path: string, token?: string) =>
    host.call(path, { method: 'GET', ...(token === undefined ? {} : { token }) })
  const filter = (text: string) => `${ROOT}?_queryFilter=${encodeURIComponent(text)}`
  says(await get(filter('username eq "bob" and realm eq "/employees"'), alice.token), FORBIDDEN, 403)
  says(await get(filter('username eq "nobody" and realm eq "/employees"'), alice.token), FORBIDDEN, 403)
  says(await get(filter('realm eq "/employees"')), UNAUTHORIZED, 401)
  for (const more of ['&_pageSize=0', '&_pageSize=x', '&_pagedResultsOffset=5', '&_pagedResultsCookie=x'])
    assert.equal((await get(filter('realm eq "/employees"') + more, root.token)).status, 400, more)
  assert.equal((await get(ROOT, root.token)).status, 400)
})

test('logout ends the session, and the browser whose cookie it was forgets it', async (t) => {
  const host = await createLoginHost(t)
  const [alice, other] = [await host.signIn('alice'), await host.signIn('bob')]
  const answer = await host.call(`${ROOT}/?_action=logout`, { cookie: alice.token })
  says(answer, { result: 'Successfully logged out' })
  assert.match(
    answer.headers['set-cookie']?.[0] ?? '',
    /^SSOTokenID=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax$/,
  )
  says(await host.call(`${ROOT}?_action=logout`, { token: alice.token }), { result: 'Token has expired' })
  const byToken = await host.call(`${ROOT}?_action=logout`, { body: { tokenId: other.token } })
  says(byToken, { result: 'Successfully logged out' })
  assert.equal(byToken.headers['set-cookie'], undefined)
})

test('a foreign page can neither end nor ask, whatever kind of request it can make a browser send', async (t) => {
  const host = await createLoginHost(t)
  const { token: cookie } = await host.signIn('alice')
  const none = { 'accept-api-version': [] as unknown as string }
  const json = { 'content-type': 'application/json' }
  const forged: readonly (readonly [Readonly<Record<string, string>>, string | undefined, number])[] = [
    [{ ...none }, undefined, 403],
    [{ ...none, 'content-type': 'text/plain' }, '{}', 403],
    [{ ...none, 'content-type': 'application/x-www-form-urlencoded' }, 'a=b', 403],
    [{ 'content-type': 'text/plain' }, '{}', 415],
    [{ 'content-type': 'multipart/form-data; boundary=x' }, '--x--', 415],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 'a=b', 415],
    [{ ...json, 'content-encoding': 'gzip' }, '{}', 415],
    [{ ...json, origin: 'https://evil.example' }, '{}', 403],
    [{ ...json, origin: 'null' }, '{}', 403],
    [{ ...json, 'sec-fetch-site': 'cross-site' }, '{}', 403],
    [{ ...json, 'sec-fetch-site': 'same-site', origin: ORIGIN }, '{}', 403],
    [{ 'x-requested-with': 'XMLHttpRequest', origin: 'http://app.acme.test' }, undefined, 403],
  ]
  for (const [headers, body, status] of forged) {
    const answer = await host.call(`${ROOT}?_action=logout`, {
      cookie,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    assert.equal(answer.status, status, JSON.stringify(headers))
    assert.equal(answer.headers['access-control-allow-origin'], undefined)
  }
  const read = { method: 'GET', cookie, headers: { 'sec-fetch-site': 'cross-site' } }
  says(await host.call(`${ROOT}?_queryFilter=${encodeURIComponent('realm eq "/employees"')}`, read), FORBIDDEN, 403)
  const preflight = await host.call(ROOT, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } })
  assert.deepEqual([preflight.status, preflight.headers['access-control-allow-origin']], [403, undefined])
  const own = { ...none, 'x-requested-with': 'XMLHttpRequest', origin: ORIGIN, 'sec-fetch-site': 'same-origin' }
  says(await host.call(`${ROOT}?_action=logout`, { cookie, headers: own }), { result: 'Successfully logged out' })
})

test('nothing in a body can change what a session says', async (t) => {
  const host = await createLoginHost(t)
  const { token } = await host.signIn('alice')
  const change = { AuthLevel: '9', realm: '/', groups: 'admins' }
  for (const action of ['updateSessionProperties', 'setProperty', 'deleteProperty'])
    assert.equal((await host.call(`${ROOT}?_action=${action}`, { token, body: change })).status, 403, action)
  const extras = [
    '{"roles":["admin"]}',
    '{"realm":"/"}',
    '{"__proto__":{"realm":"/"}}',
    '{"constructor":{"prototype":{}}}',
  ]
  for (const body of extras) {
    for (const action of ['validate', 'logout', 'getSessionInfo', 'logoutByUser', 'logoutByHandle'])
      assert.equal(
        (await host.call(`${ROOT}?_action=${action}`, { ...in51, token, body })).status,
        400,
        `${action} ${body}`,
      )
  }
  const info = (await host.call(`${ROOT}?_action=getSessionProperties`, { token })).body as { AuthLevel: string }
  assert.equal(info.AuthLevel, '1')
})

test('what is not there, too large or no JSON has its own answer in the form of OpenAM', async (t) => {
  const host = await createLoginHost(t)
  const { token } = await host.signIn('alice')
  const version = { 'accept-api-version': 'resource=999.0' }
  const message = 'Accept-API-Version: Requested version "999.0" does not match any routes.'
  says(
    await host.call(`${ROOT}?_action=validate`, { headers: version }),
    { code: 404, reason: 'Not Found', message },
    404,
  )
  const statuses: readonly (readonly [string, number, object?])[] = [
    ['/json/realms/root/realms/nowhere/sessions?_action=validate', 404],
    ['/json/nothing', 404],
    [`${ROOT}?_action=fly`, 501],
    [ROOT, 400],
    [`${ROOT}?_action=validate`, 400, { body: '{' }],
    [`${ROOT}?_action=validate`, 400, { body: '[]' }],
    [`${ROOT}?_action=validate`, 413, { body: `{"tokenId":"${'x'.repeat(20_000)}"}` }],
    [ROOT, 405, { method: 'DELETE', token }],
    [ROOT, 401, { method: 'DELETE' }],
    ['/json/users?_action=create', 400, { headers: { 'accept-api-version': 'resource=2.0' } }],
  ]
  for (const [path, status, more = {}] of statuses) {
    const answer = await host.call(path, more)
    assert.equal(answer.status, status, path)
    assert.equal((answer.body as { code: number }).code, status)
  }
})

test('serverinfo tells clients the cookie and the realm', async (t) => {
  const host = await createLoginHost(t)
  const at = { method: 'GET', headers: { 'accept-api-version': 'resource=1.1' } }
  const { status, body } = await host.call('/json/realms/root/realms/employees/serverinfo/*', at)
  assert.equal(status, 200)
  const { cookieName, domains, realm, FQDN, secureCookie } = body as Record<string, unknown>
  assert.deepEqual(
    [cookieName, domains, realm, FQDN, secureCookie],
    ['SSOTokenID', ['login.acme.test'], '/employees', 'login.acme.test', false],
  )
  const version = await host.call('/json/serverinfo/version', {
    ...at,
    headers: { 'accept-api-version': 'resource=1.0' },
  })
  says(version, { _id: 'version', _rev: '1.2.3', version: '1.2.3', fullVersion: 'Gatehouse 1.2.3' })
})

test('a store that cannot be asked is 503, never a logout and never a cleared cookie', async (t) => {
  const host = await createLoginHost(t)
  const { token } = await host.signIn('alice')
  await host.process.store.close()
  host.pass(5_000)
  for (const action of ['validate', 'logout', 'getSessionInfo']) {
    const answer = await host.call(`${ROOT}?_action=${action}`, { cookie: token })
    assert.equal(answer.status, 503, action)
    assert.deepEqual([answer.headers['retry-after'], answer.headers['set-cookie']], ['1', undefined])
  }
})

test('other addresses are none of it', async (t) => {
  const host = await createLoginHost(t)
  says(await host.call('/login/employees'), { page: true }, 404)
})
