import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { newAnonymousId } from '../session/anonymous.ts'
import { ask, NAVIGATION, nextOf, readAnswer, type Answer } from './answer.fixture.ts'
import { echoApp, headerValues, type EchoApp } from './echo-app.fixture.ts'
import { LOGIN, profileOf, sessionOf, siteOf, startGateway, tokenOf, type Rig } from './gateway.fixture.ts'
import type { Site } from './site.ts'

const SITE = 'http://app.test'
const SAME_ORIGIN = [
  'Accept: text/html',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Site: same-origin',
]
const URLENCODED = 'Content-Type: application/x-www-form-urlencoded'
const BODY = 'to=Zo%C3%AB&amount=1%2C000&amount=2'

interface Bench extends Rig {
  readonly app: EchoApp
  readonly site: Site
  /** Cookie header of alice, whose token `n` opens; the site knows the browser. */
  signIn(n: number, user?: string): string
}

async function setup(t: TestContext, profile: Record<string, unknown> = {}): Promise<Bench> {
  const app = await echoApp(t)
  const site = siteOf(profileOf(app.url, { policySet: 'level', ...profile }))
  const rig = await startGateway(t, { sites: [site] })
  let known: string | undefined
  const signIn = (n: number, user = 'alice'): string => {
    const session = sessionOf(`sid-${n}`, { userId: user, username: user, authLevel: 2 })
    const token = rig.sessions.add(n, session)
    const noted = rig.forms.knownUsers.note(site, known, session)
    known = noted.cookie.split(';')[0] ?? ''
    return `Cookie: ${token}; ${known}`
  }
  return { ...rig, app, site, signIn }
}

/** The token is dead from here on. */
function expire({ sessions }: Bench, n: number): void {
  sessions.byToken.delete(tokenOf(n))
}

interface Post {
  readonly headers?: readonly string[]
  readonly type?: string
  readonly body?: string
}

function post(
  { port }: Bench,
  cookie: string,
  { headers = SAME_ORIGIN, type = URLENCODED, body = BODY }: Post = {},
): Promise<Answer> {
  return ask(port, '/level/pay?x=1', {
    method: 'POST',
    headers: [...headers, type, `Referer: ${SITE}/level/form`, cookie],
    body,
  })
}

/** Path and query of the page of ours that the login leads back to; `undefined` when it leads elsewhere. */
function pageOf(answer: Answer): string | undefined {
  const location = nextOf(answer)
  if (!location.startsWith(LOGIN)) return undefined
  const goto = new URL(location).searchParams.get('goto') ?? ''
  return goto.startsWith(`${SITE}/.gatehouse/form?`) ? goto.slice(SITE.length) : undefined
}

function ticketOf(answer: Answer): string {
  return new URLSearchParams(pageOf(answer)?.split('?')[1]).get('ticket') ?? ''
}

function click(
  { port }: Bench,
  cookie: string,
  {
    ticket,
    target = '/level/pay?x=1',
    headers = SAME_ORIGIN,
  }: { ticket: string; target?: string; headers?: readonly string[] },
): Promise<Answer> {
  return ask(port, target, {
    method: 'POST',
    headers: [...headers, 'Content-Type: text/plain', `Referer: ${SITE}/.gatehouse/form?ticket=${ticket}`, cookie],
    body: `gatehouse-form=${ticket}\r\n`,
  })
}

async function keep(bench: Bench, more: Post = {}): Promise<string> {
  const cookie = bench.signIn(1)
  expire(bench, 1)
  const ticket = ticketOf(await post(bench, cookie, more))
  assert.match(ticket, /^[\w-]{43}$/)
  return ticket
}

test('a form that met an expired session arrives after the login as it was, at the same address, once', async (t) => {
  const bench = await setup(t)
  const ticket = await keep(bench)
  assert.equal(bench.app.seen.length, 0)
  const cookie = bench.signIn(2)
  const page = await ask(bench.port, `/.gatehouse/form?ticket=${ticket}`, { headers: [...NAVIGATION, cookie] })
  assert.equal(page.status, 200)
  assert.match(page.body, /"action":"\/level\/pay\?x=1".*"fields":\["to","amount"\],"files":\[\],"bytes":35/)
  assert.doesNotMatch(page.body, /Zo(?:ë|%C3)|1(?:,|%2C)000/, 'names, no values')
  assert.equal(bench.app.seen.length, 0, 'looking sends nothing')

  assert.match((await click(bench, cookie, { ticket })).body, /application/)
  const [seen] = bench.app.seen
  assert.equal(seen?.method, 'POST')
  assert.equal(seen.target, '/level/pay?x=1')
  assert.equal(seen.body, BODY)
  assert.deepEqual(headerValues(seen.headers, 'content-type'), ['application/x-www-form-urlencoded'])
  assert.deepEqual(headerValues(seen.headers, 'content-length'), [String(BODY.length)])
  assert.deepEqual(headerValues(seen.headers, 'referer'), [`${SITE}/level/form`])
  assert.equal(headerValues(seen.headers, 'cookie').length, 0, 'none of our cookies')

  assert.equal((await click(bench, cookie, { ticket })).status, 410)
  assert.equal(bench.app.seen.length, 1)
})

test('of two clicks at once one sends the form', async (t) => {
  const bench = await setup(t)
  const ticket = await keep(bench)
  const cookie = bench.signIn(2)
  const answers = await Promise.all([1, 2, 3].map(() => click(bench, cookie, { ticket })))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 410, 410])
  assert.equal(bench.app.seen.length, 1)
})

test('of those who ask for a form in the same moment one gets it', async (t) => {
  const bench = await setup(t)
  const { forms, site } = bench
  const ticket = await keep(bench)
  const user = forms.knownUsers.read(site, bench.signIn(2).replace('Cookie: ', ''))
  assert.ok(user)
  const takes = [1, 2, 3].map(() => forms.keptForms.take(ticket, { site, user }, '/level/pay?x=1'))
  assert.equal((await Promise.all(takes)).filter((form) => form !== undefined).length, 1)
})

test('a form is not redirected to the login, since its page may let forms lead to its own site only: a page goes on by itself', async (t) => {
  const bench = await setup(t)
  const weak = `Cookie: ${bench.sessions.add(3, sessionOf('sid-3'))}`
  for (const [cookie, error] of [
    [weak, 'insufficient_user_authentication'],
    ['Cookie: none=1', undefined],
    [`Cookie: SSOTokenID=${tokenOf(3)}; SSOTokenID=${tokenOf(4)}`, undefined],
  ] as const) {
    const { status, headers, body, cookies } = await post(bench, cookie)
    assert.equal(status, 401)
    assert.equal(headers.get('location'), undefined)
    const refresh = headers.get('refresh') ?? ''
    assert.ok(refresh.startsWith(`0;url=${LOGIN}/login/employees?goto=`), refresh)
    assert.match(body, /form-waits/)
    assert.ok(body.includes(JSON.stringify(refresh.slice('0;url='.length))), 'the page has a link, too')
    const challenge = headers.get('www-authenticate') ?? ''
    assert.equal(/error="([^"]+)"/.exec(challenge)?.[1], error)
    assert.doesNotMatch(challenge, /state=/)
    assert.ok(
      cookies.some((cookie) => cookie.startsWith('gatehouse-handshake')),
      'the browser that comes back is this one',
    )
  }
})

test('who has proved nothing has no form kept, and is noted as nobody', async (t) => {
  const bench = await setup(t)
  const nobody = sessionOf('sid-5', { userId: newAnonymousId(), authLevel: 0 })
  const answer = await post(bench, `Cookie: ${bench.sessions.add(5, nobody)}`)
  assert.equal(answer.status, 401)
  assert.ok(!answer.cookies.some((cookie) => cookie.startsWith('gatehouse-user=')))
  assert.match(decodeURIComponent(nextOf(answer)), /\.gatehouse\/form\?from=/)
})

test('a form that met a step-up is kept for who is signed in, and the browser is noted where it was not', async (t) => {
  const bench = await setup(t)
  const weak = `Cookie: ${bench.sessions.add(3, sessionOf('sid-3'))}`
  const answer = await post(bench, weak)
  assert.match(nextOf(answer), /authIndexType=level&authIndexValue=2$/)
  const noted = answer.cookies.find((cookie) => cookie.startsWith('gatehouse-user='))?.split(';')[0] ?? ''
  const strong = `Cookie: ${bench.sessions.add(4, sessionOf('sid-4', { authLevel: 2 }))}; ${noted}`
  assert.equal((await click(bench, strong, { ticket: ticketOf(answer) })).status, 200)
  assert.equal(bench.app.seen[0]?.body, BODY)
})

test('a multipart form with a file arrives byte for byte', async (t) => {
  const bench = await setup(t)
  const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')
  const body = [
    '--XyZ',
    'Content-Disposition: form-data; name="to"',
    '',
    'Zo\u00c3\u00ab',
    '--XyZ',
    'Content-Disposition: form-data; name="slip"; filename="a %22b%22.png"',
    'Content-Type: image/png',
    '',
    `${bytes}\r\n\r\n--XyZ-not`,
    '--XyZ--',
    '',
  ].join('\r\n')
  const ticket = await keep(bench, { type: 'Content-Type: multipart/form-data; boundary=XyZ', body })
  const cookie = bench.signIn(2)
  const page = await ask(bench.port, `/.gatehouse/form?ticket=${ticket}`, { headers: [...NAVIGATION, cookie] })
  assert.match(page.body, /"fields":\["to"\],"files":\["a \\"b\\".png"\]/)
  assert.equal((await click(bench, cookie, { ticket })).status, 200)
  assert.equal(bench.app.seen[0]?.body, body)
  assert.deepEqual(headerValues(bench.app.seen[0].headers, 'content-type'), ['multipart/form-data; boundary=XyZ'])
})

test('a form of another site is never kept (request laundering), nor one that does not say whose it is', async (t) => {
  const bench = await setup(t)
  const cookie = bench.signIn(1)
  expire(bench, 1)
  const from = (...headers: string[]): Promise<Answer> =>
    post(bench, cookie, { headers: ['Accept: text/html', ...headers] })
  const navigate = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document']
  const foreign = [
    await from(...navigate, 'Sec-Fetch-Site: cross-site', 'Origin: https://evil.test'),
    await from(...navigate, 'Sec-Fetch-Site: same-site', 'Origin: http://other.test'),
    await from(...navigate, 'Sec-Fetch-Site: none'),
    await from(...navigate, 'Sec-Fetch-Site: same-origin', 'Origin: https://evil.test'),
    await from('Origin: https://evil.test'),
    await from('Origin: null'),
    await from(),
  ]
  for (const answer of foreign) assert.equal(pageOf(answer), undefined)
  assert.equal(bench.forms.records.size, 0)
  assert.notEqual(ticketOf(await from(`Origin: ${SITE}`)), '')
})

test('nobody but its sender in their browser is offered the form or can send it', async (t) => {
  const bench = await setup(t)
  const ticket = await keep(bench)
  const bob = bench.signIn(2, 'bob')
  const elsewhere = `Cookie: ${bench.sessions.add(5, sessionOf('sid-5', { authLevel: 2 }))}`
  for (const cookie of [bob, elsewhere]) {
    const page = await ask(bench.port, `/.gatehouse/form?ticket=${ticket}`, { headers: [...NAVIGATION, cookie] })
    assert.equal(page.status, 410)
    assert.equal(page.body.includes('/level/pay'), false)
    assert.equal((await click(bench, cookie, { ticket })).status, 410)
  }
  assert.equal(bench.app.seen.length, 0)
  assert.equal((await click(bench, bench.signIn(3), { ticket })).status, 200, 'it is still there for alice')
})

test('a ticket sends its form nowhere else, and from no other site', async (t) => {
  const bench = await setup(t)
  const ticket = await keep(bench)
  const cookie = bench.signIn(2)
  for (const target of ['/level/pay', '/level/pay?x=2', '/level/other?x=1'])
    assert.equal((await click(bench, cookie, { ticket, target })).status, 410)
  const cross = [
    'Accept: text/html',
    'Sec-Fetch-Mode: navigate',
    'Sec-Fetch-Dest: document',
    'Sec-Fetch-Site: cross-site',
  ]
  assert.equal((await click(bench, cookie, { ticket, headers: cross })).status, 403)
  assert.equal(bench.app.seen.length, 0)
  assert.equal((await click(bench, cookie, { ticket })).status, 200)
})

test('a click that meets another login leads back to the page, and the form is still there', async (t) => {
  const bench = await setup(t)
  const ticket = await keep(bench)
  const cookie = bench.signIn(2)
  expire(bench, 2)
  assert.equal(ticketOf(await click(bench, cookie, { ticket })), ticket)
  const page = await ask(bench.port, `/.gatehouse/form?ticket=${ticket}`, { headers: [...NAVIGATION, cookie] })
  assert.equal(ticketOf(page), ticket, 'the page asks to sign in, too')
  assert.equal((await click(bench, bench.signIn(3), { ticket })).status, 200)
})

test('who was never signed in here writes nothing into the store, and is told afterwards', async (t) => {
  const bench = await setup(t)
  const forged = `Cookie: SSOTokenID=${tokenOf(9)}; gatehouse-user=${'k'.repeat(16)}.${'A'.repeat(90)}`
  for (const cookie of ['X-None: 1', `Cookie: SSOTokenID=${tokenOf(9)}`, forged]) {
    assert.equal(pageOf(await post(bench, cookie)), '/.gatehouse/form?from=%2Flevel%2Fform')
  }
  assert.equal(bench.forms.records.size, 0)
  const page = await ask(bench.port, '/.gatehouse/form?from=%2Flevel%2Fform', {
    headers: [...NAVIGATION, bench.signIn(1)],
  })
  assert.equal(page.status, 410)
  assert.match(page.body, /"kind":"form-not-kept".*"back":"\/level\/form"/)
  const elsewhere = await ask(bench.port, '/.gatehouse/form?from=%2F%2Fevil.test', {
    headers: [...NAVIGATION, bench.signIn(1)],
  })
  assert.match(elsewhere.body, /"back":"\/"/)
})

test('a form beyond the limit, or a site that keeps none, loses it and says so; more than enough of one person, too', async (t) => {
  const small = await setup(t, { forms: { maxBytes: BODY.length } })
  const cookie = small.signIn(1)
  expire(small, 1)
  assert.notEqual(ticketOf(await post(small, cookie)), '')
  assert.equal(pageOf(await post(small, cookie, { body: `${BODY}&` })), '/.gatehouse/form?from=%2Flevel%2Fform')
  const none = await setup(t, { forms: { maxBytes: 0 } })
  const other = none.signIn(1)
  expire(none, 1)
  assert.equal(ticketOf(await post(none, other)), '')

  const large = await setup(t)
  const alice = large.signIn(1)
  expire(large, 1)
  const body = `a=${'b'.repeat(1_048_574)}`
  for (let i = 0; i < 8; i++) assert.notEqual(ticketOf(await post(large, alice, { body })), '')
  assert.equal(ticketOf(await post(large, alice, { body })), '')
})

test('a store that cannot keep a form answers 503, and never lets it through', async (t) => {
  const bench = await setup(t)
  const ticket = await keep(bench)
  const cookie = bench.signIn(2)
  bench.forms.outage = true
  assert.equal((await click(bench, cookie, { ticket })).status, 503)
  expire(bench, 2)
  assert.equal((await post(bench, cookie)).status, 503)
  assert.equal(bench.app.seen.length, 0)
})

test('a script is told to sign in, and its form is not kept', async (t) => {
  const bench = await setup(t)
  const cookie = bench.signIn(1)
  expire(bench, 1)
  const headers = ['Accept: */*', 'Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty', 'Sec-Fetch-Site: same-origin']
  assert.equal((await post(bench, cookie, { headers })).status, 401)
  assert.equal(bench.forms.records.size, 0)
})

test("an application's own text/plain form of the same length passes unchanged", async (t) => {
  const bench = await setup(t)
  const body = `${'x'.repeat(58)}\r\n`
  const headers = [...SAME_ORIGIN, 'Content-Type: text/plain', bench.signIn(1)]
  assert.equal((await ask(bench.port, '/level/pay', { method: 'POST', headers, body })).status, 200)
  assert.equal(bench.app.seen[0]?.body, body)
  assert.deepEqual(headerValues(bench.app.seen[0].headers, 'content-type'), ['text/plain'])
})

test('a form is kept for as long as the configuration says, and what the store holds shows nothing of it', async (t) => {
  const bench = await setup(t, { forms: { keep: '2m' } })
  await keep(bench)
  assert.deepEqual(
    [...bench.forms.records.values()].map(({ ttlMs }) => ttlMs),
    [120_000],
  )
  const dump = JSON.stringify([...bench.forms.records])
  assert.equal(/amount|level|alice/.test(dump), false)
  assert.equal(/amount|level|alice/.test(Buffer.from(dump, 'base64').toString('latin1')), false)
})

test('a sender who leaves in the middle of a form leaves nothing behind', async (t) => {
  const bench = await setup(t)
  const cookie = bench.signIn(1)
  expire(bench, 1)
  const socket = connect(bench.port, '127.0.0.1')
  const head = ['POST /level/pay HTTP/1.1', 'Host: app.test', 'Content-Length: 100', ...SAME_ORIGIN, URLENCODED, cookie]
  socket.write(`${head.join('\r\n')}\r\n\r\nto=`)
  const answer = readAnswer(socket)
  await new Promise((resolve) => setImmediate(resolve))
  socket.end()
  await answer
  await bench.recorded(1)
  assert.equal(bench.forms.records.size, 0)
})
