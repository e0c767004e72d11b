import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { createGotoCheck } from '../authn/goto.ts'
import { createBench, EMPLOYEES, type Bench } from '../authn/login.fixture.ts'
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

async function open(t: TestContext) {
  const bench = await createBench(t)
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
