import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { ask, NAVIGATION, nextOf, type Answer } from './answer.fixture.ts'
import { echoApp } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway, tokenOf, type Rig } from './gateway.fixture.ts'
import { Jar } from './jar.fixture.ts'
import type { Site } from './site.ts'
import type { SsoAnswer, SsoProvider } from './sso-provider.ts'

const ISSUER = 'http://login.test/oauth2/realms/root/realms/employees'
const CALLBACK = '/.gatehouse/callback'
const FROM_PROVIDER = [
  ...['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document', 'Sec-Fetch-Site: cross-site'],
  ...['Origin: http://login.test', 'Content-Type: application/x-www-form-urlencoded'],
]
const [ACCEPT = '', MODE = '', TAB = ''] = NAVIGATION
const OWN = [ACCEPT, MODE, TAB, 'Sec-Fetch-Site: same-origin']

interface Bench {
  readonly rig: Rig
  readonly other: Site
  readonly answers: SsoAnswer[]
  /** A login that a browser begins at a site: what its provider answers with. */
  readonly begin: (jar: Jar, host?: string) => Promise<Record<string, string>>
  readonly get: (jar: Jar, target: string, headers?: readonly string[], host?: string) => Promise<Answer>
  /** A browser leaves out what is Lax when a form comes from another site. */
  readonly post: (
    fields: Readonly<Record<string, string>>,
    more?: { path?: string; host?: string; from?: string },
  ) => Promise<Answer>
}

async function benchOf(t: TestContext): Promise<Bench> {
  const app = await echoApp(t)
  const answers: SsoAnswer[] = []
  const session = sessionOf('s1')
  const sso: SsoProvider = {
    ...{ issuer: ISSUER, clientId: 'app', scope: 'openid', authorizationUrl: `${ISSUER}/authorize` },
    redeem(answer) {
      answers.push(answer)
      return Promise.resolve({ kind: 'issued', token: tokenOf(1), session })
    },
  }
  const other = siteOf(profileOf(app.url, { id: 'other', url: 'http://other.test' }), { sso })
  const rig = await startGateway(t, {
    trustedProxies: ['127.0.0.1'],
    sites: [
      siteOf(profileOf(app.url), { sso }),
      other,
      siteOf(profileOf(app.url, { id: 'own', url: 'http://own.test' })),
    ],
  })
  rig.sessions.add(1, session)
  const get: Bench['get'] = async (jar, target, headers = NAVIGATION, host = 'app.test') =>
    jar.keep(await ask(rig.port, target, { host, headers: [...headers, ...jar.lines] }))
  return {
    ...{ rig, other, answers, get },
    async begin(jar, host) {
      const sent = new URL(nextOf(await get(jar, '/a?b=1', NAVIGATION, host))).searchParams
      return { code: 'a-code', state: sent.get('state') ?? '', iss: ISSUER }
    },
    post: (fields, { path = CALLBACK, host = 'app.test', from = '192.0.2.1' } = {}) =>
      ask(rig.port, path, {
        ...{ method: 'POST', host, headers: [...FROM_PROVIDER, `X-Forwarded-For: ${from}`] },
        body: new URLSearchParams(fields).toString(),
      }),
  }
}

function pathOf(answer: Answer): string {
  return nextOf(answer).replace(/^http:\/\/[^/]+/, '')
}

const signedIn = ({ cookies }: Answer): boolean => cookies.some((cookie) => cookie.startsWith('SSOTokenID=T'))

for (const path of [CALLBACK, '/agent/cdsso-oauth2']) {
  test(`an answer by a form to ${path} goes on from a page of the site, in the browser that began`, async (t) => {
    const { begin, post, get, answers } = await benchOf(t)
    const jar = new Jar()
    const page = await post(await begin(jar), { path })
    assert.deepEqual([page.status, page.headers.get('x-page')], [200, 'goes-on'])
    assert.deepEqual(page.cookies, [])
    assert.match(nextOf(page), /^http:\/\/app\.test\/\.gatehouse\/callback\?parked=[\w-]{43}$/, 'nothing of the answer')
    const done = await get(jar, pathOf(page), OWN)
    assert.deepEqual([done.status, done.headers.get('location')], [303, 'http://app.test/a?b=1'])
    assert.ok(signedIn(done))
    assert.deepEqual(
      answers.map(({ code }) => code),
      ['a-code'],
    )
  })
}

test('a parked answer is good once, for a minute, at its site', async (t) => {
  const { rig, other, begin, post, get, answers } = await benchOf(t)
  const jar = new Jar()
  const fields = await begin(jar)
  const first = pathOf(await post(fields))
  assert.deepEqual(
    [...rig.forms.records.values()].map(({ ttlMs }) => ttlMs),
    [60_000],
  )
  const [, ticket = ''] = first.split('parked=')
  assert.equal(await rig.forms.parkedPosts.take(ticket, other), undefined)
  assert.equal(signedIn(await get(jar, first, OWN)), false, 'gone')
  assert.ok(signedIn(await get(jar, pathOf(await post(fields)), OWN)))
  assert.equal(answers.length, 1)
})

test('form_post-csrf, state-mix: another browser, another site and another site’s link get nothing', async (t) => {
  const { begin, post, get, answers } = await benchOf(t)
  const attacker = new Jar()
  const victim = new Jar()
  await begin(victim)
  const theirs = await begin(attacker)
  const page = await get(victim, pathOf(await post(theirs)), OWN)
  assert.equal(signedIn(page), false)
  const mine = pathOf(await post(theirs))
  for (const site of ['cross-site', 'same-site'])
    assert.equal(signedIn(await get(attacker, mine, [ACCEPT, MODE, TAB, `Sec-Fetch-Site: ${site}`])), false, site)
  assert.deepEqual(answers, [])
  assert.ok(signedIn(await get(attacker, mine, OWN)), 'and is not used up by that')
})

test('cdsso-nonce-host: what no login here has begun, or one at another site, is not kept', async (t) => {
  const { rig, begin, post } = await benchOf(t)
  const other = await begin(new Jar(), 'other.test')
  const { state, ...stateless } = await begin(new Jar())
  const refused = [other, stateless, { ...stateless, state: 'x' }, { ...stateless, state: `${state ?? ''}x` }]
  for (const fields of refused) {
    const answer = await post(fields)
    assert.deepEqual([answer.status, answer.headers.get('x-page')], [400, 'bad-request'])
  }
  assert.equal(rig.forms.records.size, 0)
})

test('what is parked cannot be read from the store', async (t) => {
  const { rig, begin, post } = await benchOf(t)
  const page = await post(await begin(new Jar()))
  const [key = ''] = [...rig.forms.records.keys()]
  assert.doesNotMatch(rig.forms.records.get(key)?.value ?? 'state', /a-code|state/)
  assert.ok(!pathOf(page).includes(key))
})

test('no more than an answer is kept, and no more of one network than its people send', async (t) => {
  const { rig, begin, post } = await benchOf(t)
  const fields = await begin(new Jar())
  assert.equal((await post({ ...fields, much: 'x'.repeat(131_072) })).status, 413)
  assert.equal((await post({ ...fields, much: 'x'.repeat(100_000) })).status, 200)
  rig.forms.countedBefore = 16 * 1_048_576
  assert.equal((await post(fields)).status, 200, 'counted already')
  assert.equal((await post(await begin(new Jar(), 'other.test'), { host: 'other.test' })).status, 503)
  assert.equal(rig.forms.records.size, 2)
})

test('who sends slowly keeps out their own network alone, for as long as they do', async (t) => {
  const { rig, begin, post } = await benchOf(t)
  const fields = await begin(new Jar())
  const slow = Array.from({ length: 8 }, () => {
    const socket = connect(rig.port, '127.0.0.1')
    const head = [`POST ${CALLBACK} HTTP/1.1`, 'Host: app.test', ...FROM_PROVIDER]
    head.push('X-Forwarded-For: 192.0.2.1', 'Content-Length: 131072')
    socket.on('error', () => undefined).write(`${head.join('\r\n')}\r\n\r\n`)
    t.after(() => socket.destroy())
    return socket
  })
  // Until the last of them is being read.
  let answer = await post(fields)
  while (answer.status === 200) answer = await post(fields)
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '5'])
  assert.equal((await post(fields, { from: '192.0.2.7' })).status, 200)
  for (const socket of slow) socket.destroy()
  while (answer.status === 503) answer = await post(fields)
  assert.equal(answer.status, 200)
})

test('a post that is no form, or no whole tab’s, is refused, and where nobody answers by a form it is none of ours', async (t) => {
  const { rig, begin, post } = await benchOf(t)
  const body = new URLSearchParams(await begin(new Jar())).toString()
  const as = async (headers: readonly string[]) =>
    (await ask(rig.port, CALLBACK, { method: 'POST', host: 'app.test', headers, body })).status
  const [type = '', ...rest] = FROM_PROVIDER.toReversed()
  assert.equal(await as([...rest, 'Content-Type: text/plain']), 400)
  assert.equal(await as([...rest, type, 'Content-Encoding: gzip']), 400)
  assert.equal(await as([type, 'Sec-Fetch-Mode: cors', 'Accept: */*']), 401)
  assert.equal(await as([type, 'Accept: */*']), 401)
  assert.equal(await as([type, 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe']), 401)
  assert.equal(rig.forms.records.size, 0)
  const own = await post({}, { host: 'own.test' })
  assert.deepEqual([own.status, own.headers.get('allow')], [405, 'GET, HEAD'])
  const application = await ask(rig.port, '/agent/cdsso-oauth2', { host: 'own.test', headers: NAVIGATION })
  const { searchParams } = new URL(nextOf(application))
  assert.equal(searchParams.get('goto'), 'http://own.test/agent/cdsso-oauth2', 'a path of the application')
})

test('without the store nobody is signed in, and nothing is kept', async (t) => {
  const { rig, begin, post } = await benchOf(t)
  const fields = await begin(new Jar())
  rig.forms.outage = true
  assert.equal((await post(fields)).status, 503)
})
