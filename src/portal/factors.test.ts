import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import type { OwnFactor, OwnFactors } from '../authn/own-factors.ts'
import { unescapeHtml } from '../http/html-text.fixture.ts'
import { Browser } from './browser.fixture.ts'
import { openLoginHost, type LoginHost } from './login-host.fixture.ts'

const PHONE: OwnFactor = {
  id: 'f-1',
  type: 'totp',
  name: '<b>Phone</b>',
  createdAt: 0 as EpochMs,
  declared: false,
  left: undefined,
  until: undefined,
  isLast: true,
}

interface Bench {
  readonly host: LoginHost
  readonly browser: Browser
  /** What was asked of the factors, in order. */
  readonly calls: string[]
  /** Whether the session has proved enough for a change. */
  proven: boolean
}

/** A browser that is signed in as alice, who has an app and could set up recovery codes. */
async function openAsAlice(t: TestContext): Promise<Bench> {
  const calls: string[] = []
  const refused = { kind: 'prove-first' } as const
  const called = <T>(call: string, outcome: T) => {
    calls.push(call)
    return Promise.resolve(bench.proven ? outcome : refused)
  }
  const shown = { module: 'recovery', callbacks: [{ type: 'NameCallback', prompt: 'code' }], state: 'sealed' } as const
  const ownFactors: OwnFactors = {
    holdings: () =>
      Promise.resolve({ factors: [PHONE], addable: [{ module: 'recovery', type: 'recovery', replaces: true }] }),
    demandOf: () => Promise.resolve({ level: 2, maxAgeMs: 300_000, force: true }),
    mayChange: () => Promise.resolve(bench.proven),
    begin: (_, module) => called(`begin ${module}`, { kind: 'ask', ...shown }),
    finish: (_, { state, answers }) =>
      called(
        `finish ${state} ${answers.join()}`,
        answers[0] === 'right' ? ADDED : ({ kind: 'again', ...shown } as const),
      ),
    rename: (_, id, name) => called(`rename ${id} ${name}`, { kind: 'renamed' }),
    remove: (_, id) => called(`remove ${id}`, { kind: 'removed' }),
  }
  const host = await openLoginHost({ parts: { ownFactors } })
  t.after(() => host.close())
  const browser = new Browser(host.url)
  browser.cookies.set('SSOTokenID', host.signIn('alice'))
  const bench: Bench = { host, browser, calls, proven: true }
  return bench
}

const ADDED = { kind: 'added', factor: 'f-2' } as const
const notice = (html: string): string | undefined => /role="status">[\s\S]*?<p>([^<]*)<\/p>/.exec(html)?.[1]

test('the account page lists what there is, with what is left of it, and what can be added', async (t) => {
  const { browser } = await openAsAlice(t)
  const { text } = await browser.get('/account')
  assert.match(text, /<p class="device">&lt;b&gt;Phone&lt;\/b&gt;<\/p>/)
  const links = [...unescapeHtml(text).matchAll(/href="(\/account\/(?:factor|add)[^"]*)"/g)].map(([, href]) => href)
  assert.deepEqual(links, [
    '/account/factor?realm=%2Femployees&factor=f-1',
    '/account/add?realm=%2Femployees&module=recovery',
  ])
})

test('a factor is named, removed and added by forms that work without script, and the page says so', async (t) => {
  const { browser, calls } = await openAsAlice(t)
  const page = await browser.get('/account/factor?realm=/employees&factor=f-1')
  assert.match(page.text, /This is your last second proof/)
  const renamed = await browser.post('/account/factor', { factor: 'f-1', name: 'Mine' })
  assert.deepEqual([renamed.status, renamed.headers['location']], [303, '/account?realm=%2Femployees&factors=renamed'])
  assert.equal(notice((await browser.get('/account?factors=renamed')).text), 'The name was changed.')
  await browser.post('/account/factor', { factor: 'f-1', name: 'Mine', remove: '1' })
  await browser.get('/account/add?module=recovery')
  const again = await browser.post('/account/add', { authId: 'sealed', stage: 'recovery', IDToken1: 'wrong' })
  assert.equal(again.status, 401)
  const added = await browser.post('/account/add', { authId: 'sealed', stage: 'recovery', IDToken1: 'right' })
  assert.equal(added.headers['location'], '/account/factor?realm=%2Femployees&factor=f-2&new=1')
  assert.deepEqual(calls, [
    'rename f-1 Mine',
    'remove f-1',
    'begin recovery',
    'finish sealed wrong',
    'finish sealed right',
  ])
})

test('without a fresh proof everything leads to the login page, which asks for one, and back', async (t) => {
  const bench = await openAsAlice(t)
  bench.proven = false
  const { browser } = bench
  const ways = [
    await browser.get('/account/factor?factor=f-1'),
    await browser.get('/account/add?module=recovery'),
    await browser.post('/account/factor', { factor: 'f-1', remove: '1' }),
    await browser.post('/account/add', { authId: 'sealed', stage: 'recovery', IDToken1: 'right' }),
  ]
  for (const { status, headers } of ways) {
    assert.equal(status, 303)
    const url = new URL(headers['location'] ?? '', 'http://login')
    assert.equal(url.pathname, '/login/employees')
    assert.match(
      url.searchParams.get('goto') ?? '',
      /^\/account\/(?:factor|add)\?realm=%2Femployees&(?:factor=f-1|module=recovery)$/,
    )
    assert.equal(url.searchParams.get('ForceAuth'), 'true')
    assert.match(
      url.searchParams.get('authIndexValue') ?? '',
      /AuthLevelConditionAdvice"\/><Value>2<.*AuthenticationAgeConditionAdvice"\/><Value>300</,
    )
  }
})

test('a form of another page changes nothing (cross-site request forgery)', async (t) => {
  const { browser, calls } = await openAsAlice(t)
  for (const path of ['/account/factor', '/account/add']) {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    assert.equal((await browser.post(path, { factor: 'f-1', remove: '1' }, headers)).status, 403)
  }
  assert.deepEqual(calls, [])
})

test('who is not signed in is asked to, and what a link from elsewhere says is not repeated', async (t) => {
  const { browser, calls } = await openAsAlice(t)
  const linked = await browser.get('/account?factors=removed', { 'sec-fetch-site': 'cross-site' })
  assert.equal(notice(linked.text), undefined)
  browser.cookies.delete('SSOTokenID')
  for (const path of ['/account/factor?realm=/employees&factor=f-1', '/account/add?realm=/employees&module=recovery'])
    assert.match((await browser.get(path)).headers['location'] ?? '', /^\/login\/employees\?goto=%2Faccount$/)
  await browser.post('/account/factor', { realm: '/employees', factor: 'f-1', remove: '1' })
  assert.deepEqual(calls, [])
})
