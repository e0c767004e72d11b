import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { createGotoCheck } from '../authn/goto.ts'
import { createBench, EMPLOYEES, type Bench, type BenchOptions } from '../authn/login.fixture.ts'
import type { AgentId } from '../base/brand.ts'
import { createHandshakeService } from '../session/handshake.ts'
import type { SessionToken } from '../session/session.ts'
import { Browser, type Answer } from './browser.fixture.ts'
import { openLoginHost } from './login-host.fixture.ts'

/* The pages on the real journeys, sessions, handshakes and store. */

const SITES = { app: 'http://app.example.com:8080', pay: 'http://pay.example.com:8080' }
const BINDING = 'B'.repeat(43)
const PAY = `/login/employees?goto=${encodeURIComponent(`${SITES.pay}/slips`)}&agent=pay&state=${BINDING}.0`
const ALICE = { IDToken1: 'alice', IDToken2: 'alice' }
const ORIGIN = { requestId: 'r-1', clientIp: '192.0.2.1' }

async function open(t: TestContext, options: BenchOptions = {}) {
  const bench = await createBench(t, options)
  const { authn, sessions, store, time } = bench
  const clock = (): never => time.now as never
  const audit = { record: (): void => undefined }
  const handshake = createHandshakeService({ store, clock, audit, place: { siteId: '01', serverId: '01' } })
  const origins = new Map([[EMPLOYEES, Object.values(SITES)]])
  const checkGoto = createGotoCheck({ loginOrigin: 'http://login.example.com', origins })
  const host = await openLoginHost({ parts: { authn, sessions, handshake, checkGoto } })
  t.after(() => host.close())
  return { bench, handshake, browser: new Browser(host.url), url: host.url }
}

function tokenIn(answer: Answer): SessionToken {
  const cookie = answer.setCookies.find((text) => text.startsWith('SSOTokenID=')) ?? ''
  return cookie.slice('SSOTokenID='.length, cookie.indexOf(';')) as SessionToken
}

async function events(bench: Bench): Promise<readonly unknown[]> {
  await Promise.resolve()
  return bench.audited.map(({ event }) => event)
}

test('a login: form, session, one code that the gateway can trade for the session, and the way past the form', async (t) => {
  const { bench, handshake, browser } = await open(t)
  const done = await browser.submit(await browser.get(PAY), ALICE)
  assert.equal(done.status, 303)
  assert.equal((await bench.sessions.resolve(tokenIn(done), 'login'))?.username, 'alice')
  const code = new URL(done.headers['location'] ?? '').searchParams.get('code') ?? ''
  const redeemed = await handshake.redeem(code, 'pay' as AgentId, BINDING, ORIGIN)
  assert.ok(redeemed.kind === 'issued', redeemed.kind)
  assert.equal(redeemed.goto, `${SITES.pay}/slips`)
  assert.equal((await browser.get(PAY)).status, 302)
  assert.match((await browser.get('/')).text, /You are signed in as alice/)
})

test('logout ends the session at the agent as well', async (t) => {
  const { bench, handshake, browser } = await open(t)
  const done = await browser.submit(await browser.get(PAY), ALICE)
  const code = new URL(done.headers['location'] ?? '').searchParams.get('code') ?? ''
  const redeemed = await handshake.redeem(code, 'pay' as AgentId, BINDING, ORIGIN)
  assert.ok(redeemed.kind === 'issued')
  assert.notEqual(await bench.sessions.resolve(redeemed.token, 'agent:pay'), undefined)
  assert.equal((await browser.submit(await browser.get('/logout'), {})).status, 303)
  assert.equal(await bench.sessions.resolve(redeemed.token, 'agent:pay'), undefined)
  assert.ok((await events(bench)).includes('SessionEnded'))
})

test('a session that is ended from another one is over at the login host and at the agent, and its cause is audited', async (t) => {
  const { bench, handshake, browser, url } = await open(t)
  const done = await browser.submit(await browser.get(PAY), ALICE)
  const code = new URL(done.headers['location'] ?? '').searchParams.get('code') ?? ''
  const redeemed = await handshake.redeem(code, 'pay' as AgentId, BINDING, ORIGIN)
  assert.ok(redeemed.kind === 'issued')
  const second = new Browser(url)
  await second.submit(await second.get('/login/employees'), ALICE)
  const page = await second.get('/account')
  assert.equal((await second.submit(page, { session: redeemed.session.sid })).status, 303)
  assert.equal(await bench.sessions.resolve(tokenIn(done), 'login'), undefined)
  assert.equal(await bench.sessions.resolve(redeemed.token, 'agent:pay'), undefined)
  assert.equal((await second.get('/account')).status, 200)
  await Promise.resolve()
  const ended = bench.audited.filter(({ event }) => event === 'SessionEnded')
  assert.deepEqual(
    ended.map((event) => ('cause' in event ? [event.sid, event.cause] : [])),
    [[redeemed.session.sid, 'account']],
  )
})

test('an unknown user, a disabled one and a wrong password get the same bytes', async (t) => {
  const { browser } = await open(t)
  const once = async (name: string): Promise<unknown> => {
    const page = await browser.submit(await browser.get(PAY), { IDToken1: name, IDToken2: 'wrong' })
    const { date: _date, 'content-length': _length, ...headers } = page.headers
    return [page.status, headers, page.text.replace(/(name="authId" value=)"[^"]*"/, '$1').replaceAll(name, 'NAME')]
  }
  const wrong = await once('alice')
  assert.deepEqual(await once('nobody'), wrong)
  assert.deepEqual(await once('gone'), wrong)
  assert.equal((wrong as [number])[0], 401)
})

test('a guessing client is slowed and told for how long', async (t) => {
  const { browser } = await open(t)
  let page = await browser.get(PAY)
  for (let tries = 0; tries < 12 && page.status !== 429; tries++) {
    page = await browser.submit(page, { IDToken1: 'alice', IDToken2: 'wrong' })
  }
  assert.equal(page.status, 429)
  assert.ok(Number(page.headers['retry-after']) >= 1)
  assert.match(page.text, /Wait \d+ seconds?, then try again/)
})

test('an authId works in the browser it was made for, and once', async (t) => {
  const { browser, url } = await open(t)
  const page = await browser.get(PAY)
  const thief = new Browser(url)
  await thief.get(PAY)
  assert.equal((await thief.submit(page, ALICE)).status, 403)
  assert.equal((await browser.submit(page, ALICE)).status, 303)
})

test('ForceAuth by the same person replaces the token and keeps the session', async (t) => {
  const { bench, browser } = await open(t)
  const first = tokenIn(await browser.submit(await browser.get(PAY), ALICE))
  const before = await bench.sessions.resolve(first, 'login')
  const second = tokenIn(await browser.submit(await browser.get(`${PAY}&ForceAuth=true`), ALICE))
  assert.equal((await bench.sessions.resolve(second, 'login'))?.sid, before?.sid)
  assert.equal(await bench.sessions.resolve(first, 'login'), undefined)
})

test('signing in as someone else ends the session that was there', async (t) => {
  const { bench, browser } = await open(t)
  const first = tokenIn(await browser.submit(await browser.get(PAY), ALICE))
  const page = await browser.get('/login/employees?ForceAuth=true')
  assert.match(page.text, /You are signed in as alice\. Signing in as someone else ends that session\./)
  const second = tokenIn(await browser.submit(page, { IDToken1: 'bob', IDToken2: 'bob' }))
  assert.equal((await bench.sessions.resolve(second, 'login'))?.username, 'bob')
  assert.equal(await bench.sessions.resolve(first, 'login'), undefined)
})

/** The sid behind each button of the quota page. */
function sidsIn({ text }: Answer): readonly string[] {
  return [...text.matchAll(/name="IDToken1" value="([^"]+)"/g)].map(([, sid = '']) => sid)
}

test('DENY_ACCESS: the refused person sees their sessions and ends one of them, without a second password', async (t) => {
  const { bench, browser, url } = await open(t, { quota: { limit: 2, action: 'DENY_ACCESS' } })
  const others = [new Browser(url), new Browser(url)]
  const tokens: SessionToken[] = []
  for (const other of others) tokens.push(tokenIn(await other.submit(await other.get(PAY), ALICE)))
  const refused = await browser.submit(await browser.get(PAY), ALICE)
  assert.equal(refused.status, 409)
  assert.match(refused.text, /You are signed in 2 times already/)
  assert.deepEqual(
    refused.setCookies.filter((cookie) => cookie.startsWith('SSOTokenID=')),
    [],
  )
  // Both began in the same moment: which stands first is nobody's business.
  const [ended = '', left] = sidsIn(refused)
  const done = await browser.submit(refused, { IDToken1: ended })
  assert.equal(done.status, 303)
  assert.match(done.headers['location'] ?? '', /^http:\/\/pay\.example\.com:8080\/\.gatehouse\/callback\?code=/)
  assert.equal((await bench.sessions.resolve(tokenIn(done), 'login'))?.username, 'alice')
  const alive = await Promise.all(tokens.map(async (token) => bench.sessions.resolve(token, 'login')))
  assert.deepEqual(
    alive.flatMap((session) => session?.sid ?? []),
    [left],
  )
  assert.deepEqual(bench.audited.map(({ event }) => event).slice(-4), [
    'QuotaReached',
    'SessionEnded',
    'SessionCreated',
    'AuthnSucceeded',
  ])
})

test('the quota page works once, in the browser it was made for, and ends sessions of that person only', async (t) => {
  const { bench, browser, url } = await open(t, { quota: { limit: 1, action: 'DENY_ACCESS' } })
  const [mine, bobs, thief] = [new Browser(url), new Browser(url), new Browser(url)]
  await mine.submit(await mine.get(PAY), ALICE)
  const bob = tokenIn(await bobs.submit(await bobs.get(PAY), { IDToken1: 'bob', IDToken2: 'bob' }))
  const bobsSid = (await bench.sessions.resolve(bob, 'login'))?.sid ?? ''
  const refused = await browser.submit(await browser.get(PAY), ALICE)
  const [sid = ''] = sidsIn(refused)
  await thief.get(PAY)
  assert.equal((await thief.submit(refused, { IDToken1: sid })).status, 403)
  const again = await browser.submit(refused, { IDToken1: bobsSid })
  assert.equal(again.status, 409)
  assert.equal((await bench.sessions.resolve(bob, 'login'))?.sid, bobsSid)
  const answers = await Promise.all([1, 2, 3].map(() => browser.submit(again, { IDToken1: sid })))
  assert.equal(answers.filter(({ status }) => status === 303).length, 1)
  assert.equal((await browser.submit(again, { IDToken1: sid })).status, 403)
  assert.equal((await bench.sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' })).length, 1)
})

test('a quota page left open past the time of the login is worth nothing', async (t) => {
  const { bench, browser, url } = await open(t, { quota: { limit: 1, action: 'DENY_ACCESS' } })
  const mine = new Browser(url)
  await mine.submit(await mine.get(PAY), ALICE)
  const refused = await browser.submit(await browser.get(PAY), ALICE)
  bench.time.now += 3_600_000
  assert.equal((await browser.submit(refused, { IDToken1: sidsIn(refused)[0] ?? '' })).status, 403)
  assert.equal((await bench.sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' })).length, 0, 'it was over by itself')
  assert.ok(!bench.audited.some((event) => event.event === 'SessionEnded'))
})
