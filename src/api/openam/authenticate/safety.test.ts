import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { context, DESTINATION, done, EMPLOYEES, NO_DEMAND, asked } from '../../../authn/login.fixture.ts'
import { bindingOf } from '../../../authn/login-cookies.ts'
import { ORIGIN } from '../../login-host.fixture.ts'
import { openEnvelope } from './envelope.ts'
import { zeroPageOf } from './zero-page.ts'
import { APP, AT, cookieOf, createClient, filled, password, stepOf } from './authenticate.fixture.ts'

const PAGE = { origin: ORIGIN, 'sec-fetch-site': 'same-origin' }

suite('whose login an authId is', () => {
  test('one of a browser is bound to its cookie, whoever else has it', async (t) => {
    const client = await createClient(t)
    const first = await client.post(AT, { headers: PAGE })
    const own = cookieOf(first, 'gatehouse-login') ?? ''
    assert.match(own, /^[\w-]{43}$/)
    const body = password(stepOf(first), 'alice')
    const as = (cookie: string) => ({ body, headers: { ...PAGE, cookie: `gatehouse-login=${cookie}` } })
    assert.equal((await client.post(AT, { body, headers: PAGE })).status, 408, 'a browser without it')
    assert.equal((await client.post(AT, as('A'.repeat(43)))).status, 408, 'another browser')
    assert.equal((await client.post(AT, { body })).status, 408, 'a program that found it')
    const answer = await client.post(AT, as(own))
    assert.equal(answer.status, 200)
    assert.equal(cookieOf(answer, 'gatehouse-login'), own)
  })

  test('one of a program signs in no browser (login CSRF)', async (t) => {
    const client = await createClient(t)
    const step = await client.begin()
    const body = password(step, 'alice')
    assert.equal((await client.post(AT, { body, headers: PAGE })).status, 408)
    const jar = { cookie: `gatehouse-login=${'B'.repeat(43)}` }
    assert.equal((await client.post(AT, { body, headers: jar })).status, 408, 'nor who has the cookie of a page')
    const answer = await client.post(AT, { body })
    assert.deepEqual([answer.status, cookieOf(answer, 'gatehouse-login')], [200, undefined])
  })

  test('one of a page is none here, and one of here none of a page', async (t) => {
    const client = await createClient(t)
    const secret = 'C'.repeat(43)
    const browser = { headers: { ...PAGE, cookie: `gatehouse-login=${secret}` } }
    const here = context(undefined, { binding: bindingOf(secret) })
    const begin = { realm: EMPLOYEES, demand: NO_DEMAND, destination: DESTINATION }
    const page = asked(await client.authn.begin(begin, here))
    const step = stepOf(await client.post(AT, browser))
    const answers = ['alice', 'alice']
    const taken = await client.post(AT, { ...browser, body: password({ ...step, authId: page.authId }, 'alice') })
    assert.equal(taken.status, 400)
    const submitted = await client.authn.submit({ realm: EMPLOYEES, authId: step.authId, answers }, here)
    assert.equal(submitted.kind, 'expired')
    assert.equal(openEnvelope(client.sealer, page.authId), undefined)
    done(await client.authn.submit({ realm: EMPLOYEES, authId: page.authId, answers }, here))
  })

  test('no page of another site drives a login, with whatever it can send', async (t) => {
    const client = await createClient(t)
    const evil = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const body = password(await client.begin(), 'alice')
    for (const headers of [
      evil,
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'same-site', origin: 'http://sibling.acme.test' },
      { 'sec-fetch-site': 'none' },
      { origin: 'null' },
    ])
      assert.equal((await client.post(AT, { body, headers })).status, 403)
  })
})

suite('what a client is told', () => {
  test('a token is in the body where the configuration says so, and never in a page', async (t) => {
    const client = await createClient(t, { tokenInBody: false })
    const hidden = await client.post(AT, { body: password(await client.begin(), 'alice') })
    assert.deepEqual(hidden.body, { successUrl: '/', realm: '/employees' })
    assert.ok(cookieOf(hidden, 'SSOTokenID'))
    const open = await createClient(t)
    const first = await open.post(AT, { headers: PAGE })
    const cookie = `gatehouse-login=${cookieOf(first, 'gatehouse-login') ?? ''}`
    const answer = await open.post(AT, { body: password(stepOf(first), 'alice'), headers: { ...PAGE, cookie } })
    assert.deepEqual(answer.body, { successUrl: '/', realm: '/employees' })
    const again = { ...PAGE, cookie: `SSOTokenID=${cookieOf(answer, 'SSOTokenID') ?? ''}` }
    assert.deepEqual((await open.post(AT, { headers: again })).body, { successUrl: '/', realm: '/employees' })
  })

  test('too many tries are slowed down as on the pages, and the login may go on afterwards', async (t) => {
    const client = await createClient(t, { authentication: { throttle: { freeFailures: 1 } } })
    for (let i = 0; i < 2; i++) await client.post(AT, { body: password(await client.begin(), 'alice', 'x') })
    const body = password(await client.begin(), 'alice')
    const slowed = await client.post(AT, { body })
    assert.deepEqual([slowed.status, slowed.headers['retry-after'] !== undefined], [429, true])
    client.time.now += 60_000
    assert.equal((await client.post(AT, { body })).status, 200)
  })

  test('texts are in the language that is asked for', async (t) => {
    const client = await createClient(t)
    const german = { headers: { 'accept-language': 'de' } }
    assert.match((await client.begin('', german)).header, /^de:/)
    assert.match((await client.begin('?locale=fr', german)).header, /^fr:/)
  })
})

suite('name and password in headers', () => {
  const headers = { 'x-openam-username': 'alice', 'x-openam-password': '=?UTF-8?B?YWxpY2U=?=' }
  const on = { zeroPage: { enabled: true } }

  test('sign in at once where the realm has switched that on, and are not looked at elsewhere', async (t) => {
    const client = await createClient(t, on)
    const answer = await client.post(AT, { headers })
    assert.equal(answer.status, 200)
    assert.ok(cookieOf(answer, 'SSOTokenID'))
    const wrong = await client.post(AT, { headers: { ...headers, 'x-openam-password': 'x' } })
    assert.equal(wrong.status, 401)
    const proved = await client.post(`${AT}?noSession=true`, { headers })
    assert.deepEqual(proved.body, { message: 'Authentication Successful', successUrl: '/', realm: '/employees' })
    stepOf(await (await createClient(t)).post(AT, { headers }))
  })

  test('what is beyond ASCII comes in encoded words', () => {
    const read = (name: string) => zeroPageOf({ headers: { 'x-openam-username': name } })?.name
    for (const [sent, meant] of [
      ['plain', 'plain'],
      ['a b', 'a b'],
      ['=?UTF-8?B?w6k=?=', 'é'],
      ['=?utf-8?q?J=C3=BCrg_M?=', 'Jürg M'],
      ['=?UTF-8?B?w6k=?= =?UTF-8?Q?x?=', 'éx'],
      // A character may be cut in two, between words.
      ['=?UTF-8?B?ww==?= =?UTF-8?B?qQ==?=', 'é'],
      ['=?ISO-8859-1?Q?x?=', '=?ISO-8859-1?Q?x?='],
    ] as const)
      assert.equal(read(sent), meant, sent)
    assert.equal(read('x'.repeat(8_001)), undefined)
  })

  test('what the login asks for besides comes as ever', async (t) => {
    const client = await createClient(t, on)
    const query = '?authIndexType=service&authIndexValue=two-steps'
    const second = stepOf(await client.post(AT + query, { headers }))
    assert.equal(second.stage, 'code')
    assert.equal((await client.post(AT, { headers, body: filled(second, { IDToken1: '123456' }) })).status, 200)
  })

  test('a referer has to be one of those that may', async (t) => {
    const client = await createClient(t, {
      zeroPage: { ...on.zeroPage, referers: [APP], allowedWithoutReferer: false },
    })
    const isLoggedIn = async (referer?: string) => {
      const all = referer === undefined ? headers : { ...headers, referer }
      return cookieOf(await client.post(AT, { headers: all }), 'SSOTokenID') !== undefined
    }
    assert.deepEqual(
      [
        await isLoggedIn(`${APP}/page`),
        await isLoggedIn(APP),
        await isLoggedIn(),
        await isLoggedIn('https://evil.example/'),
      ],
      [true, true, false, false],
    )
    assert.deepEqual([await isLoggedIn(`${APP}.evil.example/`), await isLoggedIn('x')], [false, false])
  })
})
