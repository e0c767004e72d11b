import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { sha256 } from '../crypto/sha256.ts'
import { ask, NAVIGATION, type Answer } from './answer.fixture.ts'
import { echoApp } from './echo-app.fixture.ts'
import { NOW, profileOf, sessionOf, siteOf, startGateway, tokenOf, type Rig } from './gateway.fixture.ts'
import { Jar } from './jar.fixture.ts'
import type { SsoAnswer, SsoProvider, SsoRedemption } from './sso-provider.ts'

const ISSUER = 'http://login.test/oauth2/realms/root/realms/employees'

/** A provider that takes what it is brought, and remembers it. */
class FakeProvider implements SsoProvider {
  readonly issuer = ISSUER
  readonly clientId = 'app'
  readonly scope = 'openid'
  readonly authorizationUrl = `${ISSUER}/authorize`
  readonly isElsewhere: boolean
  readonly answers: SsoAnswer[] = []
  next: SsoRedemption = { kind: 'refused', reason: 'unknown-code' }

  constructor(isElsewhere: boolean) {
    this.isElsewhere = isElsewhere
  }

  readonly redeem = (answer: SsoAnswer): Promise<SsoRedemption> => {
    this.answers.push(answer)
    return Promise.resolve(this.next)
  }
}

interface Bench {
  readonly rig: Rig
  readonly provider: FakeProvider
  readonly visit: (jar: Jar, target?: string, host?: string) => Promise<Answer>
}

async function benchOf(t: TestContext, profile: Record<string, unknown> = {}, isElsewhere = false): Promise<Bench> {
  const app = await echoApp(t)
  const provider = new FakeProvider(isElsewhere)
  const other = { id: 'other', url: 'http://other.test' }
  const rig = await startGateway(t, {
    sites: [
      siteOf(profileOf(app.url, profile), { sso: provider }),
      siteOf(profileOf(app.url, other), { sso: provider }),
    ],
  })
  const signIn = (n: number): void => {
    const session = sessionOf(`s${n}`)
    rig.sessions.add(n, session)
    provider.next = { kind: 'issued', token: tokenOf(n), session }
  }
  signIn(1)
  const visit: Bench['visit'] = async (jar, target = '/a', host = 'app.test') =>
    jar.keep(await ask(rig.port, target, { host, headers: [...NAVIGATION, ...jar.lines] }))
  return { rig, provider, visit }
}

function parametersOf(answer: Answer): URLSearchParams {
  return new URL(answer.headers.get('location') ?? 'http://none').searchParams
}

function back(sent: URLSearchParams, changes: Readonly<Record<string, string | undefined>> = {}): string {
  const all: Readonly<Record<string, string | undefined>> = {
    ...{ code: 'a-code', state: sent.get('state') ?? '', iss: ISSUER },
    ...changes,
  }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(all)) if (value !== undefined) query.set(name, value)
  return `/.gatehouse/callback?${query.toString()}`
}

const signedIn = ({ cookies }: Answer): boolean => cookies.some((cookie) => cookie.startsWith('SSOTokenID=T'))

test('the site is an OpenID client: code with PKCE out, and back to the page with a token of its own', async (t) => {
  const { rig, provider, visit } = await benchOf(t)
  const jar = new Jar()
  const start = await visit(jar, '/a?b=1')
  assert.equal(start.status, 302)
  assert.ok(start.headers.get('location')?.startsWith(`${ISSUER}/authorize?`))
  const { state, nonce, code_challenge: challenge, ...fixed } = Object.fromEntries(parametersOf(start))
  assert.deepEqual(fixed, {
    client_id: 'app',
    response_type: 'code',
    redirect_uri: 'http://app.test/.gatehouse/callback',
    scope: 'openid',
    code_challenge_method: 'S256',
  })
  assert.doesNotMatch(state ?? '', /app\.test|b=1/)
  const done = await visit(jar, back(parametersOf(start)))
  assert.equal(done.status, 303)
  assert.equal(done.headers.get('location'), 'http://app.test/a?b=1')
  assert.equal(done.cookies[0], `SSOTokenID=${tokenOf(1)}; Path=/; HttpOnly; SameSite=Lax`)
  const [answer] = provider.answers
  assert.equal(sha256(answer?.verifier ?? ''), challenge)
  assert.deepEqual([answer?.nonce, answer?.redirectUri], [nonce, fixed['redirect_uri']])
  assert.equal((await visit(jar, '/a?b=1')).status, 200)
  assert.equal(rig.atLogin.length, 0)
})

test('every start has its own verifier, nonce and name, and tabs that share a browser all arrive', async (t) => {
  const { provider, visit } = await benchOf(t)
  const jar = new Jar()
  const starts = [parametersOf(await visit(jar, '/1')), parametersOf(await visit(jar, '/2'))]
  for (const name of ['state', 'nonce', 'code_challenge'])
    assert.notEqual(starts[0]?.get(name), starts[1]?.get(name), name)
  const arrived = []
  for (const start of starts) arrived.push((await visit(jar, back(start))).headers.get('location'))
  assert.deepEqual(arrived, ['http://app.test/1', 'http://app.test/2'])
  assert.equal(new Set(provider.answers.map(({ start }) => start)).size, 2)
})

const STEP_UPS: readonly [
  what: string,
  profile: Record<string, unknown>,
  target: string,
  wanted: Readonly<Record<string, string>>,
][] = [
  ['a level', { policySet: 'level' }, '/level/x', { acr_values: '2' }],
  ['a rule for logins', { loginRules: [{ path: '/a*', authLevel: 3 }] }, '/a', { acr_values: '3' }],
]

for (const [what, profile, target, wanted] of STEP_UPS) {
  test(`${what} is asked for in parameters of OpenID Connect`, async (t) => {
    const { rig, visit } = await benchOf(t, profile)
    const jar = new Jar()
    if (target.startsWith('/level')) {
      rig.sessions.add(7, sessionOf('s7'))
      jar.keep({ cookies: [`SSOTokenID=${tokenOf(7)}`] })
    }
    const sent = parametersOf(await visit(jar, target))
    assert.deepEqual([sent.get('acr_values'), sent.get('max_age')], [wanted['acr_values'], null])
    assert.equal(sent.get('client_id'), 'app')
  })
}

test('what OpenID Connect has no parameter for is brought about by the login page, which goes on to the provider', async (t) => {
  const { visit } = await benchOf(t, { loginRules: [{ path: '/a*', chain: 'strong' }] })
  const page = new URL((await visit(new Jar())).headers.get('location') ?? '')
  assert.equal(page.pathname, '/login/employees')
  assert.deepEqual(
    ['authIndexType', 'authIndexValue', 'agent', 'state'].map((name) => page.searchParams.get(name)),
    ['service', 'strong', null, null],
  )
  const goto = page.searchParams.get('goto') ?? ''
  assert.ok(goto.startsWith(`${ISSUER}/authorize?client_id=app&`) && goto.length <= 2_000)
  const long = new URL((await visit(new Jar(), `/a?${'x'.repeat(1_500)}`)).headers.get('location') ?? '')
  assert.ok((long.searchParams.get('goto') ?? '').length <= 2_000, 'the login page takes no longer one')
})

test('nobody is sent to a page of the realm at a login host elsewhere, which has none', async (t) => {
  const { rig, visit } = await benchOf(t, { loginRules: [{ path: '/chain', chain: 'strong' }] }, true)
  const jar = new Jar()
  assert.equal((await visit(jar, '/chain')).status, 500, 'the log says what is asked for in vain')
  const start = await visit(jar, '/a')
  const script = ['Accept: application/json', 'Sec-Fetch-Mode: cors', 'Referer: http://app.test/page']
  const told = await ask(rig.port, '/a', { headers: script })
  assert.deepEqual(
    [told.status, (JSON.parse(told.body) as { loginUrl?: string }).loginUrl],
    [401, 'http://app.test/page'],
  )
  await visit(jar, back(parametersOf(start)))
  const denied = await ask(rig.port, '/admin', { headers: ['Accept: application/json', ...jar.lines] })
  assert.deepEqual([denied.status, denied.body.includes('/login/')], [403, false])
})

const REFUSED: readonly [what: string, changes: Readonly<Record<string, string | undefined>>, reason: string][] = [
  ['another issuer (mix-up, RFC 9207)', { iss: 'http://evil.test' }, 'other-issuer'],
  ['no issuer', { iss: undefined }, 'other-issuer'],
  ['a state that was not sealed here', { state: `${'S'.repeat(43)}.0` }, 'other-state'],
  ['no state', { state: undefined }, 'other-state'],
  ['no code', { code: undefined }, 'unknown-code'],
]

test('an answer that is not the one to this start is not traded, and the login begins anew', async (t) => {
  const { rig, provider, visit } = await benchOf(t)
  for (const [what, changes, reason] of REFUSED) {
    const jar = new Jar()
    const start = parametersOf(await visit(jar))
    const answer = await visit(jar, back(start, changes))
    assert.equal(answer.status, 302, what)
    assert.ok(answer.headers.get('location')?.startsWith(`${ISSUER}/authorize?`), what)
    assert.ok(!signedIn(answer), what)
    const last = rig.audit.at(-1)
    assert.equal(last?.event === 'HandshakeRefused' ? last.reason : undefined, reason, what)
  }
  const jar = new Jar()
  const doubled = `${back(parametersOf(await visit(jar)))}&code=x`
  assert.ok(!signedIn(await visit(jar, doubled)), 'two readers would take different ones')
  assert.deepEqual(provider.answers, [])
})

test('login CSRF: a state of another browser, or of another agent, is worth nothing, and leads only into this site', async (t) => {
  const { provider, visit } = await benchOf(t)
  const attacker = parametersOf(await visit(new Jar(), '/x'))
  const victim = new Jar()
  await visit(victim)
  const answer = await visit(victim, back(attacker))
  assert.deepEqual([answer.status, signedIn(answer)], [302, false])
  const other = new Jar()
  const elsewhere = parametersOf(await visit(other, '/x', 'other.test'))
  const crossed = await visit(other, back(elsewhere), 'app.test')
  assert.deepEqual([crossed.status, signedIn(crossed)], [302, false])
  assert.deepEqual(provider.answers, [])
  // Whoever is signed in already is not sent round again.
  await visit(victim, back(parametersOf(await visit(victim, '/a'))))
  const there = await visit(victim, back(attacker))
  assert.deepEqual([there.status, there.headers.get('location')], [303, 'http://app.test/x'])
})

test('an answer that comes half an hour later begins again where the person wanted to go', async (t) => {
  const { rig, provider, visit } = await benchOf(t)
  const jar = new Jar()
  const start = parametersOf(await visit(jar, '/late'))
  rig.now = NOW + 30 * 60_000 + 1
  const answer = await visit(jar, back(start))
  assert.deepEqual([answer.status, provider.answers.length], [302, 0])
  await visit(jar, back(parametersOf(answer)))
  assert.equal(provider.answers.length, 1)
})

test('a provider that says no ends in a page, in this browser alone', async (t) => {
  const { provider, visit } = await benchOf(t)
  const jar = new Jar()
  const start = parametersOf(await visit(jar))
  const no = { code: undefined, error: 'access_denied' }
  assert.equal((await visit(new Jar(), back(start, no))).status, 302, 'another browser')
  const answer = await visit(jar, back(start, no))
  assert.deepEqual([answer.status, answer.headers.get('x-page')], [403, 'loop'])
  assert.deepEqual(provider.answers, [])
})

test('a code that is refused again and again, and cookies that never come back, end in a page and no loop', async (t) => {
  const { provider, visit } = await benchOf(t)
  const jar = new Jar()
  provider.next = { kind: 'refused', reason: 'unknown-code' }
  let answer = await visit(jar)
  let hops = 0
  for (; answer.status === 302; hops++) answer = await visit(jar, back(parametersOf(answer)))
  assert.deepEqual([answer.status, hops], [403, 3])
  const blocked = async (): Promise<Answer> => visit(new Jar(), back(parametersOf(await visit(new Jar()))))
  let lost = await blocked()
  for (hops = 1; lost.status === 302; hops++) lost = await visit(new Jar(), back(parametersOf(lost)))
  assert.deepEqual([lost.status, hops], [403, 3])
  assert.match(lost.body, /"cause":"cookie-not-returned"/)
})

test('a code in a frame is somebody’s trick', async (t) => {
  const { rig, provider, visit } = await benchOf(t)
  const jar = new Jar()
  const start = parametersOf(await visit(jar))
  const headers = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe', ...jar.lines]
  const answer = await ask(rig.port, back(start), { headers })
  assert.deepEqual([answer.status, signedIn(answer), provider.answers.length], [401, false, 0])
})
