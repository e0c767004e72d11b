import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { ask, NAVIGATION, nextOf, sendRaw, type Answer } from './answer.fixture.ts'
import { echoApp, type EchoApp } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway, type Rig } from './gateway.fixture.ts'
import { transactionId } from './transactions.fixture.ts'

const SITE = 'http://app.test'
const FORM = [
  'Accept: text/html',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Site: same-origin',
  'Content-Type: application/x-www-form-urlencoded',
]
const SCRIPT = ['Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty', 'Sec-Fetch-Site: same-origin']
const JSON_BODY = { method: 'POST', body: '{"to":"bob"}' }

interface Bench extends Rig {
  readonly app: EchoApp
  readonly cookie: string
}

async function setup(t: TestContext, authLevel = 1): Promise<Bench> {
  const app = await echoApp(t)
  const rig = await startGateway(t, { sites: [siteOf(profileOf(app.url, { policySet: 'approve' }))] })
  const session = sessionOf('sid-1', { authLevel })
  const known = rig.forms.knownUsers.note(siteOf(profileOf(app.url)), undefined, session).cookie.split(';')[0] ?? ''
  return { ...rig, app, cookie: `Cookie: ${rig.sessions.add(1, session)}; ${known}` }
}

function get(bench: Bench, target = '/approve/a?x=1', headers: readonly string[] = NAVIGATION): Promise<Answer> {
  return ask(bench.port, target, { headers: [...headers, bench.cookie] })
}

function send(bench: Bench, headers: readonly string[] = [], more: object = {}): Promise<Answer> {
  return ask(bench.port, '/approve/a', { ...JSON_BODY, ...more, headers: [...SCRIPT, ...headers, bench.cookie] })
}

/** The advice on the way to the login page. */
function adviceOf({ headers }: Answer): string {
  return new URL(headers.get('location') ?? 'http://none/').searchParams.get('authIndexValue') ?? ''
}

suite('a request that needs an approval', () => {
  test('asks for it, naming the transaction, and passes once when it is given', async (t) => {
    const bench = await setup(t)
    const answer = await get(bench)
    assert.equal(answer.status, 302)
    assert.match(
      adviceOf(answer),
      /"TransactionConditionAdvice"\/><Value>00000000-0000-4000-8000-000000000001<\/Value>/,
    )
    assert.equal(new URL(answer.headers.get('location') ?? '').searchParams.get('goto'), `${SITE}/approve/a?x=1`)
    const { request } = bench.transactions.asked[0] ?? {}
    assert.deepEqual(
      [request?.session.sid, request?.agent, request?.method, request?.url, request?.requirements],
      ['sid-1', 'app', 'GET', `${SITE}/approve/a?x=1`, ['AuthLevel:2']],
    )
    bench.transactions.approve()
    const all = await Promise.all([get(bench), get(bench), get(bench)])
    assert.deepEqual(all.map(({ status }) => status).sort(), [200, 302, 302])
    assert.equal(bench.app.seen.length, 1)
    assert.deepEqual(
      bench.audit.filter(({ event }) => event === 'TransactionRedeemed').map((event) => 'path' in event && event.path),
      ['/approve/a'],
    )
  })

  test('another method, query, body, type of body or session is another request', async (t) => {
    const bench = await setup(t)
    await send(bench)
    bench.transactions.approve()
    const other = `Cookie: ${bench.sessions.add(2, sessionOf('sid-2'))}`
    const tries = [
      send(bench, [], { body: '{"to":"eve"}' }),
      send(bench, ['Content-Type: text/plain']),
      send(bench, ['X-HTTP-Method-Override: DELETE']),
      send(bench, [], { method: 'PUT' }),
      ask(bench.port, '/approve/a?x', { ...JSON_BODY, headers: [...SCRIPT, bench.cookie] }),
      send({ ...bench, cookie: other }),
    ]
    assert.deepEqual(
      (await Promise.all(tries)).map(({ status }) => status),
      [401, 401, 401, 401, 401, 401],
    )
    assert.equal((await send(bench)).status, 200)
    assert.deepEqual(
      bench.app.seen.map(({ body }) => body),
      ['{"to":"bob"}'],
    )
  })

  test('a page that was approved opens no WebSocket', async (t) => {
    const bench = await setup(t)
    await get(bench)
    bench.transactions.approve()
    const key = Buffer.alloc(16, 1).toString('base64')
    const socket = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${key}`,
    ]
    const answer = await ask(bench.port, '/approve/a?x=1', { headers: [...socket, `Origin: ${SITE}`, bench.cookie] })
    assert.equal(answer.status, 401)
    assert.equal((await get(bench)).status, 200)
  })

  test('a script gets 401 with the challenges, and the SDK its advice', async (t) => {
    const bench = await setup(t)
    const plain = await send(bench)
    assert.equal(plain.status, 401)
    assert.match(plain.text, /Bearer error="insufficient_user_authentication"/)
    assert.doesNotMatch(plain.text, /SSOADVICE/)
    const answer = await get(bench, '/approve/a', [...NAVIGATION, 'X-Authenticate-Response: header'])
    assert.equal(answer.status, 401)
    const advices = /SSOADVICE realm="\/employees",advices="([^"]+)",am_uri="http:\/\/login\.test"/.exec(
      answer.text,
    )?.[1]
    assert.deepEqual(JSON.parse(Buffer.from(advices ?? '', 'base64').toString()), {
      TransactionConditionAdvice: [transactionId(2)],
    })
  })

  test('what else is missing is asked for first, and no approval is used for it', async (t) => {
    const bench = await setup(t)
    const answer = await get(bench, '/approve/strong')
    assert.match(answer.headers.get('location') ?? '', /authIndexType=level&authIndexValue=2/)
    assert.equal(bench.transactions.asked.length, 0)
    const strong = { ...bench, cookie: `Cookie: ${bench.sessions.add(3, sessionOf('sid-3', { authLevel: 2 }))}` }
    assert.match(adviceOf(await get(strong, '/approve/strong')), /Transaction/)
  })

  test('a page of another site cannot have it asked for', async (t) => {
    const bench = await setup(t)
    for (const from of ['cross-site', 'same-site']) {
      const headers = FORM.map((header) => header.replace('same-origin', from))
      const answer = await ask(bench.port, '/approve/a', {
        method: 'POST',
        body: 'to=eve',
        headers: [...headers, bench.cookie],
      })
      assert.equal(answer.status, 403)
    }
    const foreign = await ask(bench.port, '/approve/a', {
      ...JSON_BODY,
      headers: ['Origin: http://evil.test', bench.cookie],
    })
    assert.equal(foreign.status, 403)
    assert.equal(bench.transactions.asked.length, 0)
    const program = await ask(bench.port, '/approve/a', { ...JSON_BODY, headers: [bench.cookie] })
    assert.equal(program.status, 401, 'who names no origin is no page')
  })

  test('what cannot be bound to an approval is refused', async (t) => {
    const bench = await setup(t)
    const head = ['POST /approve/a HTTP/1.1', 'Host: app.test', 'Transfer-Encoding: chunked', ...SCRIPT, bench.cookie]
    assert.equal((await sendRaw(bench.port, `${head.join('\r\n')}\r\n\r\n0\r\n\r\n`)).status, 411)
    assert.equal((await send(bench, ['Expect: 100-continue'], { body: 'x'.repeat(1_048_577) })).status, 413)
    bench.transactions.full = true
    assert.equal((await send(bench)).status, 429)
    assert.equal(bench.app.seen.length, 0)
  })

  test('an outage denies, of the store and of the session', async (t) => {
    const bench = await setup(t)
    bench.transactions.outage = true
    assert.equal((await get(bench)).status, 503)
    bench.transactions.outage = false
    bench.sessions.outage = 'with-grace'
    await get(bench)
    assert.equal((await get(bench)).status, 503)
    assert.equal(bench.app.seen.length, 0)
  })
})

suite('a form that needs an approval', () => {
  const BODY = 'to=bob&amount=1'
  const post = (bench: Bench): Promise<Answer> =>
    ask(bench.port, '/approve/pay', { method: 'POST', body: BODY, headers: [...FORM, bench.cookie] })
  const click = (bench: Bench, ticket: string): Promise<Answer> =>
    ask(bench.port, '/approve/pay', {
      method: 'POST',
      headers: [...FORM.slice(0, 4), 'Content-Type: text/plain', bench.cookie],
      body: `gatehouse-form=${ticket}\r\n`,
    })
  const ticketOf = (answer: Answer): string => {
    const goto = new URL(nextOf(answer)).searchParams.get('goto') ?? ''
    return new URL(goto).searchParams.get('ticket') ?? ''
  }

  test('is kept, bound to what it holds, and sent by one click after the approval', async (t) => {
    const bench = await setup(t)
    const ticket = ticketOf(await post(bench))
    assert.equal(bench.transactions.asked.length, 1)
    const early = await click(bench, ticket)
    assert.equal(early.status, 401, 'a click without an approval asks again')
    assert.equal(ticketOf(early), ticket)
    const [first, second] = bench.transactions.asked.map(({ request }) => request)
    assert.deepEqual(first, second, 'for the same content')
    bench.transactions.approve()
    assert.equal((await click(bench, ticket)).status, 200)
    assert.deepEqual(
      bench.app.seen.map(({ body }) => body),
      [BODY],
    )
    assert.equal((await click(bench, ticket)).status, 410)
  })

  test('an approval of one form sends no other', async (t) => {
    const bench = await setup(t)
    await post(bench)
    bench.transactions.approve()
    const other = await ask(bench.port, '/approve/pay', {
      method: 'POST',
      body: 'to=eve&amount=1',
      headers: [...FORM, bench.cookie],
    })
    assert.equal((await click(bench, ticketOf(other))).status, 401)
    assert.equal(bench.app.seen.length, 0)
    assert.equal((await post(bench)).status, 200)
  })
})

test('an open answer to an approved request outlives a change of the configuration', async (t) => {
  const bench = await setup(t)
  await get(bench)
  bench.transactions.approve()
  let release = (): void => undefined
  bench.app.answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '4' }).write('ab')
    release = () => void response.end('cd')
    void bench.gateway.recheck().then(release)
  }
  assert.equal((await get(bench)).body, 'abcd')
  assert.equal(bench.transactions.asked.length, 1)
})
