import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newAnonymousId } from '../session/anonymous.ts'
import type { AgentId, RealmName } from '../base/brand.ts'
import { parseHost } from '../http/host.ts'
import type { Log } from '../telemetry/log.ts'
import { agentProfileSchema } from './agent-profile.schema.ts'
import { factsOf, NOW, profileOf, quietLog, sessionOf, siteOf } from './gateway.fixture.ts'
import { createHeaderScrub } from './header-scrub.ts'
import { createIdentityHeaders, type IdentityConfig } from './identity-headers.ts'
import { compileNotEnforced } from './not-enforced.ts'
import { protectedCacheControl, varyByCookie } from './response-caching.ts'
import { passClearSiteData, passSetCookie } from './response-cookies.ts'
import { createHostTable } from './routes.ts'
import type { HeaderList } from './upstream/upstream.ts'

const IDENTITY: IdentityConfig = {
  agent: 'app',
  audience: 'https://app.test',
  headers: { 'X-User': 'username', 'X-Groups': 'groups', 'X-Mail': 'attribute:mail', 'X-Level': 'authLevel' },
  assertion: true,
  headerBudget: 8_192,
}

interface Signing {
  readonly sign: (config?: Partial<IdentityConfig>) => ReturnType<typeof createIdentityHeaders>
  readonly signed: Parameters<Parameters<typeof createIdentityHeaders>[1]['signer']['sign']>[0][]
  readonly warnings: unknown[]
  now: number
}

function identity(): Signing {
  const signed: Signing['signed'] = []
  const warnings: unknown[] = []
  const log: Log = { ...quietLog, warn: (fields) => warnings.push(fields) }
  const rig: Signing = {
    signed,
    warnings,
    now: NOW,
    sign: (config = {}) =>
      createIdentityHeaders(
        { ...IDENTITY, ...config },
        {
          log,
          clock: () => rig.now as typeof NOW,
          signer: { sign: (subject) => `jwt${signed.push(subject)}` },
          maxRemembered: 100,
        },
      ),
  }
  return rig
}

test('identity headers come from session and facts, the assertion for this application alone', () => {
  const { sign, signed } = identity()
  assert.deepEqual(sign()(sessionOf('s1'), factsOf('staff', 'finance')), [
    'x-user',
    'alice',
    'x-level',
    '1',
    'x-groups',
    'staff,finance',
    'x-mail',
    'alice@acme.test',
    'x-gatehouse-assertion',
    'jwt1',
  ])
  assert.equal(signed[0]?.audience, 'https://app.test')
  assert.equal(signed[0].subject, 'alice')
  assert.deepEqual(signed[0].claims['groups'], ['staff', 'finance'])
})

test('an assertion is signed once and serves its session for a part of its minute', () => {
  const rig = identity()
  const headers = rig.sign()
  const facts = factsOf('staff')
  const session = sessionOf('s1')
  headers(session, facts)
  assert.equal(headers({ ...session }, facts).at(-1), 'jwt1')
  assert.equal(headers({ ...session, gen: 2 }, facts).at(-1), 'jwt2')
  assert.equal(headers({ ...session, gen: 2 }, factsOf('staff')).at(-1), 'jwt3')
  assert.equal(headers(sessionOf('s2'), facts).at(-1), 'jwt4')
  rig.now += 30_000
  assert.equal(headers(sessionOf('s2'), facts).at(-1), 'jwt5')
})

test('an application can tell people without proof from others', () => {
  const { sign, signed } = identity()
  const headers = sign({ headers: { 'X-User': 'username', 'X-Anonymous': 'anonymous' } })
  const nobody = sessionOf('s1', { userId: newAnonymousId(), username: 'anonymous', authLevel: 0 })
  assert.deepEqual(headers(nobody, factsOf()).slice(0, 4), ['x-user', 'anonymous', 'x-anonymous', 'true'])
  assert.deepEqual(headers(sessionOf('s2'), factsOf()).slice(0, 3), ['x-user', 'alice', 'x-gatehouse-assertion'])
  assert.deepEqual(
    signed.map(({ claims }) => claims['anonymous']),
    [true, undefined],
  )
})

test('values are encoded so that nothing splits a header or a list', () => {
  const headers = identity().sign({ assertion: false, headers: { 'X-User': 'username', 'X-Groups': 'groups' } })
  const session = sessionOf('s1', { username: 'zo\u00eb\r\nX-Evil: 1 100%' })
  const list = headers(session, factsOf('a,b', '\u{1F600}', 'c d', '\ud800'))
  assert.equal(list[1], 'zo%C3%AB%0D%0AX-Evil: 1 100%25')
  assert.equal(list[3], 'a%2Cb,%F0%9F%98%80,c d,%EF%BF%BD')
  const split = headers(sessionOf('s2', { username: 'zo\r\nX-Evil: 1' }), factsOf('a\nb'))
  assert.deepEqual([split[1], split[3]], ['zo%0D%0AX-Evil: 1', 'a%0Ab'])
})

test('groups that do not fit the budget are left out, from headers and assertion alike, and the log says so', () => {
  const { sign, signed, warnings } = identity()
  const groups = Array.from({ length: 2_000 }, (_, i) => `group-number-${i}`)
  const list = sign()(sessionOf('s1'), factsOf(...groups))
  const bytes = list.reduce((sum, item) => sum + item.length + 2, 0)
  assert.ok(bytes <= IDENTITY.headerBudget, String(bytes))
  const kept = list[list.indexOf('x-groups') + 1]?.split(',') ?? []
  assert.ok(kept.length > 50)
  assert.deepEqual(kept, groups.slice(0, kept.length))
  assert.ok((signed[0]?.claims['groups'] as string[]).length < 2_000)
  assert.equal(warnings.length > 0, true)
  assert.equal(list[1], 'alice')
})

test('attribute:__proto__ is nobody’s attribute', () => {
  const headers = identity().sign({
    assertion: false,
    headers: { 'X-A': 'attribute:__proto__', 'X-B': 'session:constructor' },
  })
  assert.deepEqual(headers(sessionOf('s1'), factsOf()), [])
})

test('inbound names are judged after folding case, underscores and dots', () => {
  const scrub = createHeaderScrub(['X-Team', 'X-Gatehouse-Assertion'], 100)
  for (const name of [
    'x-team',
    'X_TEAM',
    'X.Team',
    'HTTP_X_TEAM',
    'x-gatehouse-anything',
    'Remote.User',
    'SSL_CLIENT_S_DN',
    'Forwarded',
    'Proxy',
    'Te',
    'Host',
    'Content-Length',
    'CONTENT_LENGTH',
  ]) {
    assert.equal(scrub(name).fate, 'drop', name)
  }
  for (const name of ['X-Teams', 'Accept', 'Content-Type', 'X-Csrf-Token', 'Http-Referer'])
    assert.equal(scrub(name).fate, 'keep', name)
  assert.equal(scrub('cookie').fate, 'cookie')
  assert.equal(scrub('Authorization').fate, 'authorization')
})

test('inventing header names neither grows memory without end nor keeps real names from being remembered', () => {
  const scrub = createHeaderScrub([], 100)
  const long = `X-${'a'.repeat(63)}`
  assert.notEqual(scrub(long), scrub(long), 'a long name is not kept')
  const first = scrub('X-0')
  for (let i = 0; i < 5_000; i++) scrub(`X-${i}`)
  assert.notEqual(scrub('X-0'), first, 'an invented name is forgotten')
  const real = scrub('X_Forwarded_For')
  assert.equal(real.fate, 'drop')
  assert.equal(scrub('X_Forwarded_For'), real, 'a name that comes late is kept all the same')
})

test('not-enforced paths match exactly or below a star, case and all', () => {
  const open = compileNotEnforced([{ path: '/public/*' }, { path: '/favicon.ico' }])
  const at = (path: string, alternatives: readonly string[] = []): boolean =>
    open({ method: 'GET', ip: '1.1.1.1', path, alternatives })
  assert.deepEqual(
    ['/public/', '/public/a/b', '/favicon.ico'].map((path) => at(path)),
    [true, true, true],
  )
  assert.deepEqual(
    ['/public', '/PUBLIC/a', '/publicity', '/x/public/a', '/favicon.ico/x', '/'].map((path) => at(path)),
    [false, false, false, false, false, false],
  )
  assert.equal(at('/public/a', ['/admin']), false)
})

test('an asset stays cacheable for its browser alone, a document for nobody', () => {
  const control = (contentType: string | undefined, cacheControl?: string, status = 200, setsCookie = false): string =>
    protectedCacheControl({ status, contentType, cacheControl, setsCookie })
  assert.equal(control('text/html'), 'no-store')
  assert.equal(control(undefined), 'no-store')
  assert.equal(control('application/pdf', 'public, max-age=60'), 'no-store')
  assert.equal(control('image/png', 'public, max-age=60, s-maxage=600, immutable'), 'private, max-age=60, immutable')
  assert.equal(control('application/json; charset=utf-8'), 'private')
  assert.equal(control('text/css', 'No-Store'), 'no-store')
  assert.equal(control('text/css', 'max-age=60', 200, true), 'no-store')
  assert.equal(control(undefined, 'max-age=60', 304), 'private, max-age=60')
  assert.equal(varyByCookie(undefined), 'Cookie')
  assert.equal(varyByCookie('Accept-Encoding'), 'Accept-Encoding, Cookie')
  assert.equal(varyByCookie('accept, COOKIE'), 'accept, COOKIE')
  assert.equal(varyByCookie('*'), '*')
})

test('an application’s cookies pass, without their Domain where the profile says so', () => {
  const ours = new Set(['ssotokenid'])
  assert.equal(passSetCookie('a=1; Domain=x.test; Path=/', ours, 'keep'), 'a=1; Domain=x.test; Path=/')
  assert.equal(passSetCookie('a=1; domain = x.test; Path=/; DOMAIN=y', ours, 'remove'), 'a=1; Path=/')
  assert.equal(passSetCookie('SSOTokenIDs=1', ours, 'keep'), 'SSOTokenIDs=1')
  assert.equal(passSetCookie(' __HOST-ssoTOKENid =1', ours, 'keep'), undefined)
  assert.equal(passClearSiteData('"*"'), '"cache", "storage"')
  assert.equal(passClearSiteData('"cookies"'), undefined)
})

function located(location: string, profile: Record<string, unknown> = {}): string | undefined {
  const site = siteOf(profileOf('http://10.0.0.5:8080', { url: 'https://app.test', ...profile }))
  const headers: HeaderList = site.rewrites.open(302, ['Location', location])
  return headers[1]
}

test('redirects to the server’s own origin, or to http under the site’s name, become redirects to the site', () => {
  assert.equal(located('http://10.0.0.5:8080/x?y'), 'https://app.test/x?y')
  assert.equal(located('HTTP://10.0.0.5:8080'), 'https://app.test')
  assert.equal(located('http://app.test/x'), 'https://app.test/x')
  for (const other of [
    '/x',
    'https://idp.test/x',
    'http://10.0.0.5:80801/x',
    'http://10.0.0.5:8080.evil/x',
    'http://10.0.0.5/x',
  ]) {
    assert.equal(located(other), other)
  }
  const off = { responses: { rewriteLocation: false } }
  assert.equal(located('http://10.0.0.5:8080/x', off), 'http://10.0.0.5:8080/x')
})

test('what tells of the upstream’s hosts, and our assertion, does not come back', () => {
  const { rewrites } = siteOf(profileOf('http://10.0.0.5:8080'))
  assert.deepEqual(rewrites.open(200, ['Alt-Svc', 'h3=":443"', 'x-gatehouse-assertion', 'jwt', 'ETag', '1']), [
    'ETag',
    '1',
  ])
})

function hostTable(): ReturnType<typeof createHostTable> {
  const site = (id: string, url: string): ReturnType<typeof siteOf> => siteOf(profileOf('http://10.0.0.5', { id, url }))
  return createHostTable('https://login.test', [
    { site: site('app', 'https://app.test'), aliases: ['http://app.test', 'https://old.test:8443'] },
    { site: site('one', 'https://shared.test:8001'), aliases: [] },
    { site: site('two', 'https://shared.test:8002'), aliases: [] },
  ])
}

const FOUND: readonly (readonly [host: string, scheme: 'http' | 'https', found: string | undefined])[] = [
  ['app.test', 'https', 'app'],
  ['app.test:443', 'https', 'app'],
  ['app.test:1337', 'https', 'app'],
  ['app.test', 'http', 'app alias'],
  ['old.test:8443', 'https', 'app alias'],
  ['old.test', 'https', 'app alias'],
  ['shared.test:8001', 'https', 'one'],
  ['shared.test:8002', 'https', 'two'],
  ['shared.test', 'https', undefined],
  ['login.test', 'https', 'login'],
  ['x.app.test', 'https', undefined],
  ['127.0.0.1', 'http', undefined],
]

for (const [text, scheme, expected] of FOUND) {
  test(`${scheme}://${text} is ${expected ?? 'nobody'}`, () => {
    const host = parseHost(text)
    assert.ok(host)
    const route = hostTable().find(host, scheme)
    const found = route?.kind === 'site' ? `${route.site.agent}${route.canonical ? '' : ' alias'}` : route && 'login'
    assert.equal(found, expected)
  })
}

test('a site knows its agent’s audience, cookie and pages', () => {
  const site = siteOf(profileOf('http://10.0.0.5', { url: 'https://app.test:8443' }))
  assert.equal(site.audience, 'agent:app')
  assert.equal(site.cookies.token, '__Host-SSOTokenID')
  assert.equal(site.loginUrl, 'http://login.test/login/employees')
  assert.deepEqual(site.resourceBase, { scheme: 'https', host: 'app.test', port: 8443 })
  const root = siteOf(
    profileOf('http://10.0.0.5', {
      url: 'http://a.acme.test',
      realm: '/',
      cookie: { name: 'AcmeSSO', domain: ['other.test', 'acme.test'] },
    }),
  )
  assert.equal(root.loginUrl, 'http://login.test/login/')
  assert.deepEqual([root.audience, root.cookies.token], ['domain:acme.test/AcmeSSO', 'AcmeSSO'])
  assert.equal(hostTable().site('one' as AgentId)?.realm, '/employees' as RealmName)
})

test('headers that the profile removes are seen by nobody, in any case, with a session or without', () => {
  const { rewrites } = siteOf(profileOf('http://10.0.0.5', { responses: { remove: ['Server', 'X-Powered-By'] } }))
  const headers = ['SERVER', 'Apache/2.4', 'x-powered-by', 'PHP/8', 'X-Powered-By-Us', 'x', 'ETag', '1']
  assert.deepEqual(rewrites.open(200, headers), ['X-Powered-By-Us', 'x', 'ETag', '1'])
  assert.doesNotMatch(rewrites.protected(200, headers).join(), /apache|php/i)
})

test('a header that frames an answer, or says who may store it, cannot be removed', () => {
  for (const name of [
    'Content-Length',
    'transfer-encoding',
    'Cache-Control',
    'Vary',
    'Sec-WebSocket-Accept',
    'a b',
    '*',
  ])
    assert.equal(agentProfileSchema.shape.responses.safeParse({ remove: [name] }).success, false, name)
})
