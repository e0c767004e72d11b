import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { AgentId } from '../base/brand.ts'
import { ask, NAVIGATION, type Answer } from './answer.fixture.ts'
import { echoApp } from './echo-app.fixture.ts'
import { Jar } from './jar.fixture.ts'
import { LOGIN, NOW, profileOf, sessionOf, siteOf, startGateway, tokenOf, type Rig } from './gateway.fixture.ts'

const CODE = 'c'.repeat(43)
const HTTPS = { url: 'https://app.test' }

async function rigOf(t: TestContext, profile: Record<string, unknown> = {}): Promise<Rig> {
  const app = await echoApp(t)
  return startGateway(t, { sites: [siteOf(profileOf(app.url, profile))] })
}

async function visit(rig: Rig, jar: Jar, target = '/a'): Promise<Answer> {
  return jar.keep(await ask(rig.port, target, { headers: [...NAVIGATION, ...jar.lines] }))
}

function stateOf(answer: Answer): string {
  return new URL(answer.headers.get('location') ?? 'http://none').searchParams.get('state') ?? ''
}

interface Changes {
  readonly goto?: string
  readonly n?: number
  readonly interactive?: boolean
  readonly userId?: string
}

/** What the login host does once somebody is signed in. */
function grant(rig: Rig, state: string, changes: Changes = {}): string {
  const { goto = 'http://app.test/a?b=1', n = 1, interactive = false, userId = 'alice' } = changes
  const [binding = ''] = state.split('.')
  const session = sessionOf(`s${n}`, { userId })
  rig.sessions.add(n, session)
  const place = { agent: 'app' as AgentId, audience: 'agent:app' } as const
  rig.grants.set(CODE, { ...place, goto, binding, interactive, token: tokenOf(n), session })
  return `/.gatehouse/callback?code=${CODE}&state=${state}`
}

test('the whole handshake: bound state out, code back, restricted token, and the original page', async (t) => {
  const rig = await rigOf(t)
  const jar = new Jar()
  const state = stateOf(await visit(rig, jar, '/a?b=1'))
  const [secret = ''] = jar.lines[0]?.match(/[\w-]{43}/) ?? []
  assert.equal(secret.length, 43)
  assert.equal(state, `${createHash('sha256').update(secret).digest('base64url')}.0`)
  const back = await visit(rig, jar, grant(rig, state))
  assert.equal(back.status, 303)
  assert.equal(back.headers.get('location'), 'http://app.test/a?b=1')
  assert.equal(back.headers.get('cache-control'), 'no-store')
  assert.equal(back.cookies[0], `SSOTokenID=${tokenOf(1)}; Path=/; HttpOnly; SameSite=Lax`)
  assert.equal((await visit(rig, jar, '/a?b=1')).status, 200)
})

test('over https the token’s cookie is Secure with the __Host- prefix', async (t) => {
  const rig = await rigOf(t, HTTPS)
  const jar = new Jar()
  const state = stateOf(await visit(rig, jar))
  const back = await visit(rig, jar, grant(rig, state, { goto: 'https://app.test/a' }))
  assert.equal(back.cookies[0], `__Host-SSOTokenID=${tokenOf(1)}; Path=/; HttpOnly; Secure; SameSite=Lax`)
  assert.match(back.cookies[1] ?? '', /^__Host-gatehouse-handshake=.*; Secure; SameSite=Lax$/)
  assert.equal((await visit(rig, jar)).status, 200)
})

test('a classic domain cookie has its Domain and no prefix', async (t) => {
  const rig = await rigOf(t, { ...HTTPS, cookie: { name: 'AcmeSSO', domain: 'test' } })
  const jar = new Jar()
  const state = stateOf(await visit(rig, jar))
  const back = await visit(rig, jar, grant(rig, state))
  assert.equal(back.cookies[0], `AcmeSSO=${tokenOf(1)}; Domain=test; Path=/; HttpOnly; Secure; SameSite=Lax`)
})

test('cookies of the application go with whoever comes back as somebody else, not by a form of another site (logout CSRF)', async (t) => {
  const rig = await rigOf(t, { cookieReset: { login: [{ name: 'JSESSIONID' }] } })
  const resets = ({ cookies }: Answer): boolean => cookies.some((cookie) => cookie.startsWith('JSESSIONID='))
  const jar = new Jar()
  const form = [...NAVIGATION, 'Origin: http://evil.test', 'Sec-Fetch-Site: cross-site']
  // As a browser sends it that has a session: without its cookies.
  const sent = await ask(rig.port, '/a', { method: 'POST', headers: form })
  assert.deepEqual([sent.status, resets(sent)], [302, false])
  const back = await visit(rig, jar.with(sent), grant(rig, stateOf(sent)))
  assert.deepEqual([back.status, resets(back)], [303, true], 'nobody knows who was here')
  const again = async (answer: Answer, n: number, userId: string): Promise<boolean> =>
    resets(await visit(rig, jar.with(answer), grant(rig, stateOf(answer), { n, userId })))
  const other = await ask(rig.port, '/a', { method: 'POST', headers: form })
  assert.equal(await again(other, 1, 'alice'), false, 'the same person')
  const third = await ask(rig.port, '/a', { method: 'POST', headers: form })
  assert.equal(await again(third, 2, 'bob'), true, 'somebody else')
  jar.forget('gatehouse-user')
  const stepUp = await ask(rig.port, '/a', { method: 'POST', headers: form })
  assert.equal(await again(stepUp, 3, 'carol'), false, 'who had proved nothing goes on with what they have')
  assert.equal(resets(await ask(rig.port, '/a', { headers: NAVIGATION })), true, 'a link brings cookies along')
})

test('tabs share one binding', async (t) => {
  const rig = await rigOf(t)
  const jar = new Jar()
  const first = stateOf(await visit(rig, jar, '/1'))
  const second = stateOf(await visit(rig, jar, '/2'))
  assert.equal(first, second)
})

test('login CSRF: a code for another browser is spent and the handshake starts anew for this one', async (t) => {
  const rig = await rigOf(t)
  const attacker = stateOf(await visit(rig, new Jar()))
  const victim = new Jar()
  await visit(rig, victim)
  const answer = await visit(rig, victim, grant(rig, attacker, { goto: 'http://app.test/x' }))
  assert.equal(answer.status, 302)
  assert.match(stateOf(answer), /\.1$/)
  assert.equal(new URL(answer.headers.get('location') ?? '').searchParams.get('goto'), 'http://app.test/x')
  assert.ok(!answer.cookies.some((cookie) => cookie.startsWith('SSOTokenID')))
  assert.equal(rig.grants.size, 0)
})

test('a refused code starts the handshake for the site’s own start page', async (t) => {
  const rig = await rigOf(t)
  const jar = new Jar()
  const state = stateOf(await visit(rig, jar))
  const answer = await visit(rig, jar, `/.gatehouse/callback?code=${CODE}&state=${state}`)
  assert.equal(new URL(answer.headers.get('location') ?? '').searchParams.get('goto'), 'http://app.test/')
})

test('doubled or malformed parameters are none', async (t) => {
  const rig = await rigOf(t)
  const jar = new Jar()
  const state = stateOf(await visit(rig, jar))
  for (const query of [`code=${CODE}&code=x&state=${state}`, `code=${CODE}&state=nonsense`, `state=${state}`, '']) {
    assert.equal((await visit(rig, jar, `/.gatehouse/callback?${query}`)).status, 302)
  }
  assert.deepEqual(rig.redemptions, [])
})

test('the third restart ends in a page that says why, with a fresh count', async (t) => {
  const rig = await rigOf(t)
  const answer = await visit(rig, new Jar(), `/.gatehouse/callback?code=${CODE}&state=${'S'.repeat(43)}.2`)
  assert.equal(answer.status, 403)
  assert.equal(answer.headers.get('x-page'), 'loop')
  assert.match(answer.body, /"cause":"cookie-not-returned"/)
  assert.match(answer.cookies[0] ?? '', /^gatehouse-handshake=[\w-]{43}\.0\./)
})

test('over https without a Secure transport the page names that', async (t) => {
  const rig = await rigOf(t, HTTPS)
  const answer = await visit(rig, new Jar(), `/.gatehouse/callback?code=${CODE}&state=${'S'.repeat(43)}.2`)
  assert.match(answer.body, /"cause":"secure-over-http"/)
})

async function completeOnce(rig: Rig, jar: Jar, n: number): Promise<Answer> {
  const answer = await visit(rig, jar)
  if (answer.status !== 302) return answer
  await visit(rig, jar, grant(rig, stateOf(answer), { n }))
  return answer
}

test('three completed handshakes whose cookie never comes back end in a page', async (t) => {
  const rig = await rigOf(t)
  const jar = new Jar()
  const statuses: number[] = []
  for (let n = 1; n <= 4; n++) {
    statuses.push((await completeOnce(rig, jar, n)).status)
    jar.forget('SSOTokenID')
  }
  assert.deepEqual(statuses, [302, 302, 302, 403])
})

test('handshakes that are spread out in time are no loop', async (t) => {
  const rig = await rigOf(t)
  const jar = new Jar()
  for (let n = 1; n <= 6; n++) {
    assert.equal((await completeOnce(rig, jar, n)).status, 302)
    jar.forget('SSOTokenID')
    rig.now = rig.now + 20_000
  }
})

test('signing out and in again three times in a row is no loop', async (t) => {
  const rig = await rigOf(t)
  const jar = new Jar()
  for (let n = 1; n <= 5; n++) {
    assert.equal((await completeOnce(rig, jar, n)).status, 302)
    assert.equal((await visit(rig, jar)).status, 200)
    rig.sessions.byToken.clear()
  }
})

test('a login that a person answered starts the count anew, however quickly they come back', async (t) => {
  const rig = await rigOf(t)
  const jar = new Jar()
  for (let n = 1; n <= 12; n++) {
    const answer = await visit(rig, jar)
    assert.equal(answer.status, 302)
    await visit(rig, jar, grant(rig, stateOf(answer), { n, interactive: true }))
    rig.sessions.byToken.clear()
  }
})

test('a tab that another one overtook goes on with the login that is there', async (t) => {
  const rig = await rigOf(t)
  const [slow, browser] = [new Jar(), new Jar()]
  const overtaken = grant(rig, stateOf(await visit(rig, slow, '/slow')), { goto: 'http://app.test/slow' })
  const code = rig.grants.get(CODE)
  await visit(rig, browser, grant(rig, stateOf(await visit(rig, browser)), { n: 2 }))
  if (code !== undefined) rig.grants.set(CODE, code)
  const answer = await visit(rig, browser, overtaken)
  assert.equal(answer.status, 303)
  assert.equal(answer.headers.get('location'), 'http://app.test/slow')
  assert.deepEqual(answer.cookies, [], 'nothing of the other code is taken over')
  assert.equal(rig.grants.has(CODE), false, 'the code is spent')
})

test('two cookies of one name end in a page that says so', async (t) => {
  const rig = await rigOf(t)
  const twice = `Cookie: SSOTokenID=${tokenOf(1)}; SSOTokenID=${tokenOf(2)}; gatehouse-handshake=${'x'.repeat(43)}.3.${NOW}`
  const answer = await ask(rig.port, '/a', { headers: [...NAVIGATION, twice] })
  assert.equal(answer.status, 403)
  assert.match(answer.body, /"cause":"two-cookies"/)
})

test('goto never leads off the site, even from the store', async (t) => {
  const rig = await rigOf(t)
  for (const goto of [
    'https://evil.test/',
    'http://app.test.evil/',
    // As long as the site's own, so that what follows it is a path.
    'http://evil.tst/.gatehouse/logout',
    'http://app.test/../x',
    '//evil.test',
    'http://app.test/a\r\nX: y',
  ]) {
    const jar = new Jar()
    const state = stateOf(await visit(rig, jar))
    const answer = await visit(rig, jar, grant(rig, state, { goto }))
    assert.equal(answer.headers.get('location'), 'http://app.test/')
  }
})

test('the callback runs in whole tabs only', async (t) => {
  const rig = await rigOf(t)
  const path = grant(rig, `${'S'.repeat(43)}.0`)
  for (const headers of [
    ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'],
    ['Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty'],
  ]) {
    assert.equal((await ask(rig.port, path, { headers })).status, 401)
  }
  assert.deepEqual(rig.redemptions, [])
})

test('after a POST without a session the login leads back to the page it came from', async (t) => {
  const rig = await rigOf(t)
  const goto = async (referer: string): Promise<string | null> => {
    const headers = [...NAVIGATION, `Referer: ${referer}`]
    const { headers: answer } = await ask(rig.port, '/transfer', { method: 'POST', body: 'x', headers })
    return new URL(answer.get('location') ?? '').searchParams.get('goto')
  }
  assert.equal(await goto('http://app.test/form?x=1'), 'http://app.test/form?x=1')
  assert.equal(await goto('http://evil.test/form'), 'http://app.test/')
})

const SAME = ['Sec-Fetch-Site: same-origin', 'Origin: http://app.test']

test('logout by POST from the site itself ends the whole session and forgets the cookies', async (t) => {
  const rig = await rigOf(t)
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}`
  const answer = await ask(rig.port, '/.gatehouse/logout', {
    method: 'POST',
    headers: [cookie, ...NAVIGATION.slice(0, 3), ...SAME],
  })
  assert.equal(answer.status, 303)
  assert.equal(answer.headers.get('location'), `${LOGIN}/logged-out?agent=app`)
  assert.deepEqual(rig.sessions.ended, ['s1'])
  assert.deepEqual(
    answer.cookies.map((value) => value.slice(0, value.indexOf(';') + 11)),
    ['SSOTokenID=; Max-Age=0', 'gatehouse-user=; Max-Age=0', 'gatehouse-handshake=; Max-Age=0'],
  )
  const script = await ask(rig.port, '/.gatehouse/logout', {
    method: 'POST',
    headers: ['Sec-Fetch-Mode: cors', ...SAME],
  })
  assert.deepEqual([script.status, JSON.parse(script.body)], [200, { loggedOut: true }])
})

test('logout by POST with two different tokens says of nobody that they are signed out, and leads to the login host, which asks', async (t) => {
  const rig = await rigOf(t)
  const two = [1, 2].map((nth) => rig.sessions.add(nth, sessionOf(`s${nth}`)))
  const headers = [`Cookie: ${two.join('; ')}`, ...SAME]
  const answer = await ask(rig.port, '/.gatehouse/logout', {
    method: 'POST',
    headers: [...headers, ...NAVIGATION.slice(0, 3)],
  })
  assert.equal(answer.status, 303)
  assert.match(answer.headers.get('location') ?? '', new RegExp(`^${LOGIN}/logout\\?`))
  const script = await ask(rig.port, '/.gatehouse/logout', {
    method: 'POST',
    headers: [...headers, 'Sec-Fetch-Mode: cors'],
  })
  const { loggedOut, logoutUrl } = JSON.parse(script.body) as { loggedOut: boolean; logoutUrl: string }
  assert.deepEqual([loggedOut, logoutUrl], [false, answer.headers.get('location')])
  assert.deepEqual(rig.sessions.ended, [])
})

for (const headers of [
  ['Sec-Fetch-Site: cross-site', 'Origin: http://evil.test'],
  ['Sec-Fetch-Site: same-site', 'Origin: http://other.test'],
  ['Origin: http://evil.test'],
  ['Origin: null'],
  [],
]) {
  test(`invariant 7: logout by POST with ${headers.join(', ') || 'no origin at all'} is refused`, async (t) => {
    const rig = await rigOf(t)
    const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}`
    assert.equal(
      (await ask(rig.port, '/.gatehouse/logout', { method: 'POST', headers: [cookie, ...headers] })).status,
      403,
    )
    assert.deepEqual(rig.sessions.ended, [])
  })
}

test('invariant 7: logout by GET ends nothing and leads to the page that asks', async (t) => {
  const rig = await rigOf(t)
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}`
  const answer = await ask(rig.port, '/.gatehouse/logout', { headers: [cookie, ...NAVIGATION] })
  assert.deepEqual([answer.status, answer.headers.get('location')], [302, `${LOGIN}/logout?agent=app`])
  assert.deepEqual(rig.sessions.ended, [])
})

test('whoami says who is signed in without counting as use, and 401 to nobody', async (t) => {
  const rig = await rigOf(t)
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}`
  const answer = await ask(rig.port, '/.gatehouse/whoami', { headers: [cookie, 'Sec-Fetch-Mode: cors'] })
  const body = JSON.parse(answer.body) as Record<string, unknown>
  assert.deepEqual(
    [body['username'], body['realm'], body['groups'], body['authLevel']],
    ['alice', '/employees', ['staff'], 1],
  )
  assert.deepEqual(rig.sessions.touched, [])
  assert.equal((await ask(rig.port, '/.gatehouse/whoami', { headers: ['Sec-Fetch-Mode: cors'] })).status, 401)
})

test('everything else below /.gatehouse/ is ours and 404, other methods are 405', async (t) => {
  const rig = await rigOf(t, { notEnforced: [{ path: '/*' }] })
  for (const path of [
    '/.gatehouse/',
    '/.gatehouse',
    '/.gatehouse/x',
    '/.gatehouse/callback/x',
    '/.gatehouse;x/callback',
  ]) {
    assert.equal((await ask(rig.port, path)).status, 404, path)
  }
  const answer = await ask(rig.port, '/.gatehouse/callback', { method: 'DELETE' })
  assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD'])
})
