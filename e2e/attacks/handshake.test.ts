import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Browser, Page } from './browser.ts'
import { leadsNowhereElse, noServerError, upstreamSilent } from './oracles.ts'
import { ALIAS, ORIGINS, PASSWORDS, type SiteName, type User } from './rig-config.ts'
import { TOKEN_COOKIE } from './rig.ts'
import { useRig } from './suite.ts'
import { headerOf, headersOf } from './wire.ts'

const rig = useRig('handshake', { tests })

const APP = 'app.example.com'
const HANDSHAKE_COOKIE = '__Host-gatehouse-handshake'

/** Signs in and stops before the site has seen the code: the address with it. */
async function codeFor(client: Browser, user: User, site: SiteName): Promise<string> {
  const start = await client.call(`${ORIGINS[site]}/me`)
  const form = await client.call(start.location ?? '')
  const back = form.location === undefined ? await client.submitLogin(form, user, PASSWORDS[user]) : form
  assert.match(back.location ?? '', /\/\.gatehouse\/callback\?code=/)
  return back.location ?? ''
}

function stateOf({ location = '' }: Page): string {
  return new URL(location).searchParams.get('state') ?? ''
}

/** No token was set, nothing was shown, and the way leads to the login host or this site. */
function gaveNothing(page: Page, about: string): void {
  noServerError(rig(), page, about)
  leadsNowhereElse(rig(), page, page.url, about)
  assert.ok(
    headersOf(page, 'set-cookie').every((line) => !/SSOTokenID=./.test(line)),
    about,
  )
}

function tests(): void {
  test('login CSRF: a code of the attacker signs no other browser in, with and without a handshake of its own', async () => {
    for (const started of [false, true]) {
      const victim = rig().browser()
      const own = started ? stateOf(await victim.call(`${ORIGINS.app}/me`)) : undefined
      gaveNothing(await victim.call(await codeFor(rig().browser(), 'mallory', 'app')), 'a planted code')
      if (own !== undefined) {
        // With the attacker's state replaced by the victim's, too.
        const mixed = new URL(await codeFor(rig().browser(), 'mallory', 'app'))
        mixed.searchParams.set('state', own)
        gaveNothing(await victim.call(mixed.href), 'a planted code with the own state')
      }
      assert.equal(victim.cookie(APP, TOKEN_COOKIE), undefined)
    }
  })

  test('a code works once, at its agent, in its browser', async () => {
    const client = rig().browser()
    const address = await codeFor(client, 'bob', 'app')
    for (const site of ['pay', 'shop', 'club'] as const)
      gaveNothing(
        await client.call(`${ORIGINS[site]}/.gatehouse/callback${new URL(address).search}`),
        `app's code at ${site}`,
      )
    gaveNothing(await client.call(address), 'shown to another agent it is spent')
    const other = rig().browser()
    const second = await codeFor(other, 'bob', 'app')
    assert.equal((await other.call(second)).status, 303)
    other.setCookie(APP, TOKEN_COOKIE, 'none')
    gaveNothing(await other.call(second), 'replayed')
  })

  test('parallel redemptions of one code give one token', async () => {
    const client = rig().browser()
    const address = await codeFor(client, 'bob', 'app')
    const pages = await Promise.all(Array.from({ length: 20 }, () => client.call(address)))
    const tokens = pages.filter((page) =>
      headersOf(page, 'set-cookie').some((line) => line.startsWith(`${TOKEN_COOKIE}=`)),
    )
    assert.equal(tokens.length, 1)
    for (const page of pages) leadsNowhereElse(rig(), page, address, 'parallel')
  })

  test('a code whose session has ended gives nothing', async () => {
    const client = rig().browser()
    const address = await codeFor(client, 'bob', 'app')
    assert.equal((await client.call(`${ORIGINS.login}/logout`, { form: {} })).status, 303)
    gaveNothing(await client.call(address), 'after logout')
  })

  test('codes do not travel with the address, agent or realm of somebody else', async () => {
    const bob = await rig().signIn('bob')
    const state = `${'A'.repeat(43)}.0`
    const goto = (url: string): string => `goto=${encodeURIComponent(url)}`
    const tries = [
      `agent=app&state=${state}&${goto(`${ORIGINS.shop}/x`)}`,
      `agent=app&state=${state}&${goto('https://evil.example/')}`,
      `agent=app&agent=shop&state=${state}`,
      `agent=club&state=${state}&${goto(`${ORIGINS.club}/x`)}`,
      `agent=https://evil.example&state=${state}`,
      `agent=__proto__&state=${state}`,
      `agent=app&state=${state}%0d%0aX:y`,
      `agent=app&state=${state}&${goto(`${ORIGINS.app}/.gatehouse/callback?code=x`)}`,
      `agent=app&state=${state}&${goto(`${ORIGINS.login}/logout`)}`,
    ]
    for (const query of tries) {
      const page = await bob.client.call(`${ORIGINS.login}/login/employees?${query}`)
      noServerError(rig(), page, query)
      leadsNowhereElse(rig(), page, page.url, query)
      assert.doesNotMatch(page.location ?? '', /code=/, query)
    }
    // An alias of the site belongs to it; the code still goes to the site itself.
    const alias = await bob.client.call(
      `${ORIGINS.login}/login/employees?agent=app&state=${state}&${goto(`${ALIAS}/x`)}`,
    )
    assert.equal(new URL(alias.location ?? '').origin, ORIGINS.app)
  })

  const ALIAS_PATHS = [
    '/me',
    '/admin/x',
    '/public/x',
    '/.gatehouse/callback?code=x&state=y',
    '/.gatehouse/logout',
    '/.gatehouse/whoami',
  ]

  test('an alias host redirects, whatever the method and path, and never forwards or takes a code', async () => {
    const bob = await rig().signIn('bob')
    const mark = rig().mark()
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'])
      for (const path of ALIAS_PATHS) {
        const answer = await rig().ask(
          `${method} ${path} HTTP/1.1\r\nHost: www.example.com\r\n${bob.cookie('app')}Content-Length: 0\r\n\r\n`,
        )
        assert.ok(answer)
        assert.equal(headerOf(answer, 'location'), ORIGINS.app + path, `${method} ${path}`)
        leadsNowhereElse(rig(), answer, ALIAS, path)
      }
    upstreamSilent(rig(), mark, 'an alias')
  })

  test('cookie tossing: a second session cookie of a sibling host makes no session, and ends at a page instead of a loop', async () => {
    const bob = await rig().signIn('bob')
    const mallory = await rig().signIn('mallory')
    const planted = mallory.client.cookie(APP, TOKEN_COOKIE) ?? ''
    const mark = rig().mark()
    let status = 0
    for (let round = 0; round < 8 && status !== 403; round++) {
      const { client } = bob
      const [own = '', binding = ''] = [client.cookie(APP, TOKEN_COOKIE), client.cookie(APP, HANDSHAKE_COOKIE)]
      const cookie = `${TOKEN_COOKIE}=${own}; ${TOKEN_COOKIE}=${planted}; ${HANDSHAKE_COOKIE}=${binding}`
      const page = await client.call(`${ORIGINS.app}/me`, { headers: { cookie } })
      status = page.status
      if (page.location !== undefined) await client.call((await client.call(page.location)).location ?? '')
    }
    upstreamSilent(rig(), mark, 'two tokens')
    assert.equal(status, 403, 'a page says why')
  })

  test('a state that counts for itself ends at a page, and odd callbacks lead nowhere', async () => {
    const client = rig().browser()
    for (const restarts of ['0', '1', '2', '3', '99', '999', '1000', '-1', '1e3']) {
      const page = await client.call(
        `${ORIGINS.app}/.gatehouse/callback?code=${'A'.repeat(43)}&state=${'A'.repeat(43)}.${restarts}`,
      )
      gaveNothing(page, restarts)
      if (restarts === '999') assert.equal(page.status, 403)
    }
    for (const query of [
      '',
      '?code=a',
      '?state=b',
      '?code=a&code=b&state=c',
      '?code[]=a',
      `?code=${'A'.repeat(10_000)}`,
    ])
      gaveNothing(await rig().browser().call(`${ORIGINS.app}/.gatehouse/callback${query}`), query)
  })

  test('the callback answers no frame, script or form', async () => {
    const client = rig().browser()
    const address = await codeFor(client, 'bob', 'app')
    const contexts = [
      { 'sec-fetch-dest': 'iframe' },
      { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    ]
    for (const headers of contexts) gaveNothing(await client.call(address, { headers }), JSON.stringify(headers))
    gaveNothing(await client.call(address, { method: 'POST', form: {} }), 'a form')
  })

  test('session fixation through the handshake cookie: a planted binding gives its planter nothing afterwards', async () => {
    const attacker = rig().browser()
    const state = stateOf(await attacker.call(`${ORIGINS.app}/me`))
    const victim = rig().browser()
    victim.setCookie(APP, HANDSHAKE_COOKIE, attacker.cookie(APP, HANDSHAKE_COOKIE) ?? '')
    const address = await codeFor(victim, 'bob', 'app')
    assert.equal((await victim.call(address)).status, 303)
    gaveNothing(await attacker.call(address), 'the code was used')
    gaveNothing(
      await attacker.call(`${ORIGINS.app}/.gatehouse/callback?code=${'A'.repeat(43)}&state=${state}`),
      'a guess',
    )
  })

  const BESIDE = [
    '/publicx',
    '/public',
    '/PUBLIC/x',
    '/public.html',
    '/public;/x',
    '/public%2Fx',
    '/public%20/x',
    '/.gatehouse',
    '/%2egatehouse/whoami',
    '/.Gatehouse/whoami',
    '//public/x',
  ]

  test('an open prefix opens nothing beside it, in any spelling', async () => {
    const mark = rig().mark()
    for (const path of BESIDE)
      for (const lines of ['', 'X-Original-URL: /public/x\r\n', 'X-Forwarded-Uri: /public/x\r\n']) {
        const answer = await rig().ask(`GET ${path} HTTP/1.1\r\nHost: app.example.com\r\n${lines}\r\n`)
        assert.ok([400, 401, 404].includes(answer?.status ?? 0), `${path}: ${answer?.status}`)
      }
    upstreamSilent(rig(), mark, 'beside the open prefix')
  })

  test('paths of the gateway never reach an application that admits everybody', async () => {
    const bob = await rig().signIn('bob', 'shop')
    const mark = rig().mark()
    const paths = [
      '/.gatehouse/x',
      '/.gatehouse/',
      '/.gatehouse',
      '/.gatehouse/callback/x',
      '/.gatehouse;a/x',
      '/.%67atehouse/x',
    ]
    for (const path of paths)
      for (const method of ['GET', 'POST', 'PUT']) {
        const answer = await rig().ask(
          `${method} ${path} HTTP/1.1\r\nHost: shop.other.test\r\n${bob.cookie('shop')}Content-Length: 0\r\n\r\n`,
        )
        noServerError(rig(), answer, path)
      }
    for (const { target } of rig().since(mark))
      assert.doesNotMatch(decodeURIComponent(target).replace(/;[^/]*/g, ''), /^\/\.gatehouse(?:\/|$)/)
  })
}
