import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loginForm } from '../client.ts'
import type { Browser, Page } from './browser.ts'
import { isDead, leadsNowhereElse, noServerError, upstreamSilent } from './oracles.ts'
import { PARTNERS, withPartnerRealm } from './partner-realm.ts'
import { WEB_SOCKET } from './requests.ts'
import { ORIGINS, PASSWORDS, STEP_UP, TOTP_STEP, TWO_PROOFS } from './rig-config.ts'
import { TOKEN_COOKIE, type Rig, type SignedIn } from './rig.ts'
import { runVectors, type Vector } from './suite.ts'
import { headerOf, headersOf } from './wire.ts'

const LOGIN = `${ORIGINS.login}/login/employees`
const PROXY = '127.0.0.99'
const LEVEL_TWO = `${ORIGINS.app}/level2/x`

/** The login page that a step-up to level 2 leads to. */
async function stepUpPage({ client }: SignedIn): Promise<Page> {
  return client.call((await client.call(LEVEL_TWO)).location ?? '')
}

async function statusAt({ client }: SignedIn, url: string): Promise<number> {
  return (await client.call(url, { headers: { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' } })).status
}

/** Level 2 was not reached, and nothing that needs it has reached the application. */
async function notRaised(rig: Rig, person: SignedIn, about: string): Promise<void> {
  const mark = rig.mark()
  assert.equal(await statusAt(person, LEVEL_TWO), 401, about)
  upstreamSilent(rig, mark, about)
}

function gaveNoCode(rig: Rig, page: Page, about: string): void {
  noServerError(rig, page, about)
  leadsNowhereElse(rig, page, page.url, about)
  assert.doesNotMatch(page.location ?? '', /code=/, about)
}

function authIdOf({ body }: Page): string {
  return /name="authId"[^>]*value="([^"]*)"/.exec(body)?.[1] ?? ''
}

function post(client: Browser, page: Page, form: Readonly<Record<string, string>>, action?: string): Promise<Page> {
  const own = loginForm({ ...page, headers: {} }, 'bob', PASSWORDS.bob)
  return client.call(action ?? own.action, { form })
}

type Headers = Readonly<Record<string, string | undefined>>

/** A form that some other page has a browser send. */
const FOREIGN_FORMS: readonly Headers[] = [
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { origin: ORIGINS.pay, 'sec-fetch-site': 'same-site' },
  { origin: undefined, 'sec-fetch-site': 'none' },
  { origin: 'null', 'sec-fetch-site': undefined },
  { origin: undefined, 'sec-fetch-site': undefined },
  { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
]

/** Of the page that a login leads back to, to which a form's answer goes on by itself. */
function ticketOf(answer: Page): string | undefined {
  const next = /^0;url=(.*)$/.exec(headerOf(answer, 'refresh') ?? '')?.[1] ?? ''
  const goto = URL.parse(next)?.searchParams.get('goto') ?? ''
  return URL.parse(goto)?.searchParams.get('ticket') ?? undefined
}

/** What the button of that page sends. */
function click(client: Browser, url: string, ticket: string, headers: Headers = {}): Promise<Page> {
  const body = `gatehouse-form=${ticket}\r\n`
  const own = { 'content-type': 'text/plain', 'content-length': String(body.length), 'sec-fetch-site': 'same-origin' }
  return client.call(url, { body, headers: { ...own, origin: ORIGINS.app, ...headers } })
}

const AUTHORIZE = `${ORIGINS.login}/oauth2/realms/root/realms/employees/authorize`

/** The same through `shop`, which signs in by OpenID Connect. */
function byOpenId(): void {
  test('cdsso_stepup.cdsso-port, by OpenID Connect', async () => {
    const bob = await rig().signIn('bob')
    const sent = new URL((await bob.client.call(`${ORIGINS.shop}/x`)).location ?? '')
    assert.equal(sent.origin + sent.pathname, AUTHORIZE)
    for (const uri of [
      'https://shop.other.test:8443/.gatehouse/callback',
      'http://shop.other.test/.gatehouse/callback',
      'https://shop.other.test:443/.gatehouse/callback',
      'https://shop.other.test/.gatehouse/callback/',
      'https://shop.other.test/.gatehouse/callback?x=1',
      'https://SHOP.other.test/.gatehouse/callback',
      'https://shop.other.test/.gatehouse/logout',
      `${ORIGINS.app}/.gatehouse/callback`,
    ]) {
      sent.searchParams.set('redirect_uri', uri)
      const page = await bob.client.call(sent.href)
      assert.deepEqual([page.status, page.location], [400, undefined], uri)
      gaveNoCode(rig(), page, uri)
    }
  })

  test('cdsso_stepup.cdsso-nonce-host, by OpenID Connect', async () => {
    const bob = await rig().signIn('bob')
    const back = new URL(
      (await bob.client.call((await bob.client.call(`${ORIGINS.shop}/x`)).location ?? '')).location ?? '',
    )
    assert.equal(back.origin, ORIGINS.shop)
    for (const site of ['app', 'pay', 'club'] as const) {
      const page = await bob.client.call(`${ORIGINS[site]}/.gatehouse/callback${back.search}`)
      noServerError(rig(), page, site)
      assert.ok(
        headersOf(page, 'set-cookie').every((line) => !/SSOTokenID=./.test(line)),
        site,
      )
    }
    // A browser that did not begin, with the whole address.
    const other = rig().browser()
    const page = await other.call(back.href)
    assert.ok(headersOf(page, 'set-cookie').every((line) => !/SSOTokenID=./.test(line)))
    assert.equal(new URL(page.location ?? '').searchParams.get('client_id'), 'shop')
  })

  test('cdsso_stepup.cdsso-post-preserve, by OpenID Connect', async () => {
    const bob = await rig().signIn('bob', 'shop')
    await bob.client.call(`${ORIGINS.login}/logout`, { form: {} })
    const post = (headers: Headers): Promise<Page> =>
      bob.client.call(`${ORIGINS.shop}/order`, { form: { item: '7' }, headers })
    for (const headers of FOREIGN_FORMS.filter(({ origin }) => origin !== ORIGINS.pay))
      assert.doesNotMatch(headerOf(await post(headers), 'refresh') ?? '', /ticket/, JSON.stringify(headers))
    const kept = /^0;url=(.*)$/.exec(headerOf(await post({ referer: `${ORIGINS.shop}/` }), 'refresh') ?? '')?.[1] ?? ''
    assert.ok(kept.startsWith(`${AUTHORIZE}?`), 'from a page of the site itself it is kept, and the login is the same')
    const form = await bob.client.open(kept)
    const back = await bob.client.signIn(form, 'bob', PASSWORDS.bob)
    const ticket = new URL(back.url).searchParams.get('ticket') ?? ''
    assert.match(ticket, /^[\w-]{43}$/, back.url)
    const mark = rig().mark()
    const own = { origin: ORIGINS.shop }
    const clicks = await Promise.all([1, 2].map(() => click(bob.client, `${ORIGINS.shop}/order`, ticket, own)))
    assert.deepEqual(clicks.map(({ status }) => status).sort(), [200, 410])
    assert.deepEqual(
      rig()
        .since(mark)
        .map(({ method, body }) => [method, body]),
      [['POST', 'item=7']],
    )
  })
}

const rig = runVectors<Vector>(
  'cdsso_stepup',
  {
    beyond: byOpenId,
    only: {
      // The login waits for what the provider says, and is gone on with before it has said anything.
      'out-of-band': (rig) =>
        withPartnerRealm(rig, async ({ liar, depart, arrive }) => {
          const begun = async () => {
            const browser = rig.browser()
            const departure = await depart(browser)
            const state = new URL(departure).searchParams.get('state') ?? ''
            const [kept = ''] = [0, 1, 2, 3].flatMap(
              (i) => browser.cookie('gw.example.com', `__Host-gatehouse-away-${i}`) ?? [],
            )
            return { browser, departure, state, authId: kept.split('.').slice(2).join('.') }
          }
          const passedNothing = (browser: Browser, page: Page, about: string): void => {
            rig.tally.sent++
            noServerError(rig, page, about)
            assert.equal(browser.cookie('gw.example.com', TOKEN_COOKIE), undefined, about)
            assert.doesNotMatch(page.body, /tokenId/, about)
          }
          for (const more of ['', '&code=', '&code=guessed', `&iss=${encodeURIComponent(liar.issuer)}`]) {
            const { browser, state } = await begun()
            liar.lies = { tokenStatus: 400, token: { error: 'invalid_grant' } }
            passedNothing(browser, await arrive(browser, `state=${state}${more}`), `an answer without a code: ${more}`)
            liar.honest()
          }
          const forms = (authId: string): readonly Readonly<Record<string, string>>[] => [
            { authId, stage: 'corp' },
            { authId, stage: 'corp', IDToken1: 'corp' },
            { authId, stage: 'corp', IDToken1: 'corp?code=guessed', choose: 'corp' },
            { authId, IDToken0: 'corp?', IDToken1: '' },
          ]
          for (const at of [0, 1, 2, 3]) {
            const { browser, authId } = await begun()
            assert.ok(authId.length > 40)
            liar.lies = { tokenStatus: 400, token: { error: 'invalid_grant' } }
            passedNothing(browser, await browser.call(PARTNERS, { form: forms(authId)[at] ?? {} }), `form ${at}`)
            liar.honest()
          }
          const rest = `${ORIGINS.login}/json/realms/root/realms/partners/authenticate`
          const post = (browser: Browser, body: string): Promise<Page> =>
            browser.call(rest, { body, headers: { 'content-type': 'application/json', accept: 'application/json' } })
          for (const value of ['', 'corp', 'corp?', 'corp?code=guessed']) {
            const browser = rig.browser()
            let page = await post(browser, '{}')
            for (let steps = 0; steps < 3 && page.body.includes('"authId"'); steps++) {
              liar.lies = { tokenStatus: 400, token: { error: 'invalid_grant' } }
              const step = JSON.parse(page.body) as { callbacks: { type: string; input?: { value: unknown }[] }[] }
              for (const { type, input } of step.callbacks)
                if (type === 'RedirectCallback' && input?.[0] !== undefined) input[0].value = value
              page = await post(browser, JSON.stringify(step))
              passedNothing(browser, page, `by REST: ${value}`)
              liar.honest()
            }
          }
          const { browser, departure } = await begun()
          assert.equal((await arrive(browser, liar.answer(departure))).status, 303, 'what the provider says passes')
        }),
      async 'cdsso-port'(rig) {
        const bob = await rig.signIn('bob')
        for (const goto of [
          'https://app.example.com:8443/x',
          'http://app.example.com/x',
          'https://app.example.com:80/x',
          'wss://app.example.com/x',
        ])
          for (const query of [
            `goto=${encodeURIComponent(goto)}`,
            `agent=app&state=${'A'.repeat(43)}.0&goto=${encodeURIComponent(goto)}`,
          ]) {
            rig.tally.sent++
            const page = await bob.client.call(`${LOGIN}?${query}`)
            noServerError(rig, page, query)
            leadsNowhereElse(rig, page, page.url, query)
            assert.notEqual(page.location, goto)
          }
      },
      async 'cdsso-nonce-host'(rig) {
        const client = rig.browser()
        rig.tally.sent++
        const start = await client.call(`${ORIGINS.app}/me`)
        const state = new URL(start.location ?? '').searchParams.get('state') ?? ''
        const form = await client.call(start.location ?? '')
        const back = new URL((await client.submitLogin(form, 'bob', PASSWORDS.bob)).location ?? '')
        for (const site of ['pay', 'shop', 'club'] as const) {
          const page = await client.call(`${ORIGINS[site]}/.gatehouse/callback${back.search}`)
          noServerError(rig, page, site)
          assert.ok(headersOf(page, 'set-cookie').every((line) => !/SSOTokenID=./.test(line)))
          // The state of one host for a code of another: the code belongs to no browser there.
          const agent = await client.call(`${LOGIN}?agent=${site}&state=${state}`)
          if (agent.location !== undefined) {
            const crossed = await client.call(new URL(agent.location, agent.url).href)
            assert.ok(headersOf(crossed, 'set-cookie').every((line) => !/SSOTokenID=./.test(line)))
          }
        }
      },
      async 'cdsso-post-preserve'(rig) {
        const secret = 'amount-of-a-kept-form'
        rig.canaries.add(secret)
        const bob = await rig.signIn('bob')
        const post = (client: Browser, headers: Headers = {}, note = secret): Promise<Page> =>
          client.call(LEVEL_TWO, { form: { note }, headers: { referer: `${ORIGINS.app}/form`, ...headers } })
        for (const headers of FOREIGN_FORMS) {
          rig.tally.sent++
          assert.equal(ticketOf(await post(bob.client, headers)), undefined, JSON.stringify(headers))
        }
        assert.equal(ticketOf(await post(bob.client, {}, 'x'.repeat(1_048_577))), undefined, 'more than is kept')
        assert.equal(ticketOf(await post(rig.browser())), undefined, 'of somebody who never signed in here')
        const ticket = ticketOf(await post(bob.client)) ?? ''
        assert.match(ticket, /^[\w-]{43}$/)

        const page = `${ORIGINS.app}/.gatehouse/form?ticket=${ticket}`
        const mark = rig.mark()
        const thief = await rig.signIn('bob')
        for (const other of [await rig.signIn('alice'), thief]) {
          const shown = await other.client.call(page)
          assert.equal(shown.status, 410, 'neither another user nor another browser')
          assert.doesNotMatch(shown.body, /note|level2/)
          await other.client.signIn(
            await other.client.open(LEVEL_TWO),
            other === thief ? 'bob' : 'alice',
            PASSWORDS[other === thief ? 'bob' : 'alice'],
          )
          const sent = await click(other.client, LEVEL_TWO, ticket)
          assert.ok(sent.status === 410 || sent.status === 403, `${sent.status}`)
        }
        assert.ok(rig.since(mark).every(({ method }) => method === 'GET'))

        await bob.client.signIn(
          await bob.client.open(page.replace('.gatehouse/form', 'level2/x')),
          'bob',
          PASSWORDS.bob,
        )
        assert.match((await bob.client.call(page)).body, new RegExp(`value="${ticket}"`))
        for (const url of [`${ORIGINS.app}/level2/y`, `${LEVEL_TWO}?a=1`, `${ORIGINS.app}/me`])
          assert.equal((await click(bob.client, url, ticket)).status, 410, url)
        const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
        assert.equal((await click(bob.client, LEVEL_TWO, ticket, foreign)).status, 403)
        const clicks = await Promise.all([1, 2, 3, 4].map(() => click(bob.client, LEVEL_TWO, ticket)))
        assert.deepEqual(clicks.map(({ status }) => status).sort(), [200, 410, 410, 410])
        rig.tally.checks++
        const posted = rig.since(mark).filter(({ method }) => method === 'POST')
        assert.deepEqual(
          posted.map(({ target, body }) => [target, body]),
          [['/level2/x', `note=${secret}`]],
        )
        // The application has it now, rightly; our own log never.
        await rig.logged()
        assert.equal(rig.log().includes(secret), false)
        rig.canaries.delete(secret)
      },
      async 'cdsso-child-scope'(rig) {
        const bob = await rig.signIn('bob')
        for (const site of ['pay', 'shop', 'club', 'login'] as const)
          await isDead(rig, bob.cookie('app'), `app's cookie at ${site}`, site)
        const atLogin = await rig.ask(`GET / HTTP/1.1\r\nHost: gw.example.com\r\n${bob.cookie('app')}\r\n`)
        assert.doesNotMatch(atLogin?.body ?? '', /\bbob\b/)
      },
      async 'cdsso-level'(rig) {
        const [bob, other] = [await rig.signIn('bob'), rig.browser()]
        assert.equal(other.cookie('app.example.com', TOKEN_COOKIE), undefined)
        await bob.client.open(`${ORIGINS.shop}/`)
        const atShop = bob.cookie('shop')
        const home = await bob.client.signIn(await bob.client.open(LEVEL_TWO), 'bob', PASSWORDS.bob)
        assert.equal(home.status, 200, 'stepped up at the application')
        const levelAt = async (site: 'app' | 'shop', cookie: string): Promise<string | undefined> => {
          const mark = rig.mark()
          await rig.ask(`GET /me HTTP/1.1\r\nHost: ${new URL(ORIGINS[site]).host}\r\n${cookie}\r\n`)
          const claims =
            rig
              .since(mark)[0]
              ?.headers.find(([name]) => /assertion/i.test(name))?.[1]
              .split('.')[1] ?? ''
          return /"auth_level":(\d)/.exec(Buffer.from(claims, 'base64url').toString())?.[1]
        }
        rig.tally.checks++
        assert.notEqual(await levelAt('shop', atShop), '2', 'a token that was there before is not raised')
        assert.equal(await statusAt(bob, LEVEL_TWO), 200)
      },
      async 'cdsso-iframe-probe'(rig) {
        const bob = await rig.signIn('bob')
        const evil = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
        for (const [mode, dest] of [
          ['cors', 'empty'],
          ['no-cors', 'image'],
          ['navigate', 'iframe'],
        ] as const)
          for (const url of [
            LOGIN,
            `${LOGIN}?prompt=none&agent=app&state=${'A'.repeat(43)}.0`,
            `${ORIGINS.login}/login-state?realm=/employees`,
            `${ORIGINS.app}/.gatehouse/whoami`,
          ]) {
            const headers = { ...evil, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }
            rig.tally.sent++
            // A browser sends no Lax cookie with any of these; with one or without, no other page may read or frame it.
            for (const client of [rig.browser(), bob.client]) {
              const page = await client.call(url, { headers })
              noServerError(rig, page, url)
              assert.equal(headerOf(page, 'access-control-allow-origin'), undefined, url)
              assert.equal(headerOf(page, 'access-control-allow-credentials'), undefined, url)
              // The page that a frame of an application gets says only that it opens elsewhere, and is one for everybody.
              if (url.startsWith(ORIGINS.login))
                assert.match(headerOf(page, 'content-security-policy') ?? '', /frame-ancestors 'none'/, url)
            }
          }
        for (const line of headersOf(await rig.browser().call(`${ORIGINS.app}/me`), 'set-cookie'))
          assert.match(line, /SameSite=(?:Lax|Strict)/)
      },
      async 'force-auth-other-user'(rig) {
        const bob = await rig.signIn('bob')
        const before = bob.cookie('app')
        const page = await stepUpPage(bob)
        rig.tally.sent++
        const back = await bob.client.submitLogin(page, 'mallory', PASSWORDS.mallory)
        gaveNoCode(rig, back, 'another user')
        await notRaised(rig, bob, "not by somebody else's password")
        const mark = rig.mark()
        assert.equal(await statusAt(bob, `${ORIGINS.app}/me`), 200, "bob's session goes on as it was")
        const [request] = rig.since(mark)
        assert.deepEqual(
          request?.headers.filter(([name]) => /^x-remote-user$/i.test(name)).map(([, value]) => value),
          ['bob'],
        )
        // Signing in as somebody else is another thing: a whole new session, and nothing of bob's in it.
        const page2 = await bob.client.call(`${LOGIN}?ForceAuth=true`)
        const switched = await bob.client.submitLogin(page2, 'mallory', PASSWORDS.mallory)
        noServerError(rig, switched, 'a switch')
        await isDead(rig, before, "bob's session is over")
      },
      async 'force-auth-method-jump'(rig) {
        const client = rig.browser()
        const page = await client.call(`${ORIGINS.login}/login/codes?authIndexType=level&authIndexValue=2`)
        const { action, form } = loginForm({ ...page, headers: {} }, 'bob', PASSWORDS.bob)
        rig.tally.checks++
        for (const more of [
          { stage: 'totp', IDToken1: '000000' },
          { choose: 'totp' },
          { choose: 'totp', IDToken1: '000000' },
          { stage: 'x509', choose: 'module:totp' },
        ]) {
          rig.tally.sent++
          const answer = await client.call(action, { form: { authId: form['authId'] ?? '', ...more } })
          noServerError(rig, answer, JSON.stringify(more))
          assert.equal(answer.location, undefined)
          assert.doesNotMatch(answer.body, /one-time-code/, 'the password comes first')
        }
        for (const path of [
          '/login/codes/totp',
          '/login/totp',
          '/login/codes?authIndexType=module&authIndexValue=totp',
        ])
          assert.doesNotMatch((await client.call(ORIGINS.login + path)).body, /one-time-code/, path)
      },
      async 'level-time'(rig) {
        const bob = await rig.signIn('bob')
        const recent = `${ORIGINS.app}/recent/x`
        assert.equal(await statusAt(bob, recent), 200)
        await rig.shiftClock(5 * 60_000 + 1_000)
        try {
          for (let i = 0; i < 3; i++)
            assert.equal(await statusAt(bob, `${ORIGINS.app}/me`), 200, 'use makes nothing younger')
          const mark = rig.mark()
          const script = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
          const late = await bob.client.call(recent, { headers: script })
          assert.equal(late.status, 401)
          assert.match(headersOf(late, 'www-authenticate').join(), /insufficient_user_authentication.*max_age=300/)
          upstreamSilent(rig, mark, 'five minutes later')
          const page = await bob.client.call((await bob.client.call(recent)).location ?? '')
          const answer = await bob.client.submitLogin(page, 'bob', PASSWORDS.bob)
          await bob.client.open(answer.location ?? '')
          assert.equal(await statusAt(bob, recent), 200)
        } finally {
          await rig.shiftClock(0)
        }
      },
      async 'force-auth-param'(rig) {
        const bob = await rig.signIn('bob')
        const start = new URL((await bob.client.call(LEVEL_TWO)).location ?? '')
        for (const level of [undefined, '0', '1', '-1', 'x', '99', '2&authIndexValue=1']) {
          const changed = new URL(start)
          for (const name of ['authIndexType', 'authIndexValue']) changed.searchParams.delete(name)
          const more =
            level === undefined ? '' : `&authIndexType=level&authIndexValue=${level}&acr_values=2&ForceAuth=false`
          rig.tally.sent++
          const page = await bob.client.call(changed.href + more)
          noServerError(rig, page, level ?? 'none')
          leadsNowhereElse(rig, page, page.url, level ?? 'none')
          // Without a proof that is worth it no way back is worth more than before.
          if (page.location !== undefined) await bob.client.call(page.location)
          await notRaised(rig, bob, `level ${level ?? 'none'}`)
        }
        const other = await rig.signIn('bob')
        const page = await stepUpPage(other)
        const { form } = loginForm({ ...page, headers: {} }, 'bob', 'wrong')
        const answer = await post(other.client, page, {
          ...form,
          level: '2',
          authLevel: '2',
          chain: 'strong',
          acr: '2',
        })
        gaveNoCode(rig, answer, 'fields that nobody asked for')
        await notRaised(rig, other, 'fields that nobody asked for')
      },
      async 'force-auth-old-flow'(rig) {
        const bob = await rig.signIn('bob')
        const page = await stepUpPage(bob)
        rig.tally.sent++
        assert.equal((await bob.client.call(`${ORIGINS.login}/logout`, { form: {} })).status, 303)
        gaveNoCode(rig, await bob.client.submitLogin(page, 'bob', 'wrong'), 'started before logout')
        // What it proved before counts no more: the first of two proofs, given before logout, is asked for again.
        const client = rig.browser()
        const begin = (force: string): Promise<Page> => client.call(`${ORIGINS.login}/login/twice?${force}`)
        const whole = await client.submitLogin(await begin(''), 'bob', PASSWORDS.bob)
        assert.equal((await client.submitLogin(whole, 'bob', PASSWORDS.bob)).status, 303)
        const half = await client.submitLogin(await begin('ForceAuth=true'), 'bob', PASSWORDS.bob)
        assert.equal(half.status, 200, 'the second proof is asked for')
        assert.equal((await client.call(`${ORIGINS.login}/logout`, { form: {} })).status, 303)
        const late = await client.submitLogin(half, 'bob', PASSWORDS.bob)
        noServerError(rig, late, 'half a flow of before logout')
        assert.equal(late.location, undefined)
        assert.equal(client.cookie('gw.example.com', TOKEN_COOKIE), undefined)
        // And a flow of one session in the browser of another.
        const [again, mallory] = [await rig.signIn('bob'), await rig.signIn('mallory')]
        const flow = await stepUpPage(again)
        gaveNoCode(rig, await mallory.client.submitLogin(flow, 'bob', PASSWORDS.bob), "another session's flow")
        await notRaised(rig, mallory, "another session's flow")
      },
      async 'force-auth-parallel'(rig) {
        const bob = await rig.signIn('bob')
        const [plain, strong] = [await bob.client.call(`${LOGIN}?ForceAuth=true`), await stepUpPage(bob)]
        rig.tally.sent++
        // The fields of one tab with the flow of the other: the flow decides.
        const { form } = loginForm({ ...strong, headers: {} }, 'bob', PASSWORDS.bob)
        const answer = await post(bob.client, strong, { ...form, authId: authIdOf(plain) })
        noServerError(rig, answer, 'the first flow')
        await notRaised(rig, bob, 'the flow at level 1 grants level 1')
      },
      async 'level-refresh'(rig) {
        const bob = await rig.signIn('bob')
        for (let i = 0; i < 50; i++) {
          rig.tally.sent++
          assert.equal(await statusAt(bob, `${ORIGINS.app}/me`), 200)
          await bob.client.call(`${ORIGINS.app}/.gatehouse/whoami`)
          // A new handshake gives a new token at the level that there was.
          if (i % 10 === 0) {
            bob.client.setCookie('app.example.com', TOKEN_COOKIE, 'gone')
            await bob.client.open(`${ORIGINS.app}/me`)
          }
        }
        await notRaised(rig, bob, 'being used')
      },
      async 'level-api'(rig) {
        const bob = await rig.signIn('bob')
        const mark = rig.mark()
        for (const lines of [
          'Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nAccept: application/json\r\n',
          'X-Requested-With: XMLHttpRequest\r\n',
          WEB_SOCKET,
        ]) {
          const answer = await rig.ask(
            `GET /level2/x HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}${lines}\r\n`,
          )
          assert.ok(answer)
          assert.equal(answer.status, 401, lines)
          assert.equal(headerOf(answer, 'location'), undefined)
          const hint = headersOf(answer, 'www-authenticate').join()
          assert.match(hint, /insufficient_user_authentication.*acr_values="2"/, lines)
        }
        upstreamSilent(rig, mark, 'a step-up that a script needs')
      },
      async 'realm-switch'(rig) {
        const client = rig.browser()
        const page = await client.call(LOGIN)
        const { form } = loginForm({ ...page, headers: {} }, 'bob', PASSWORDS.bob)
        for (const path of [
          '/login/customers',
          '/login/employees?realm=/customers',
          '/login/Employees',
          '/login/employees/',
          '/login/',
          '/login/customers/%2e%2e/employees',
          '/login/employ%65es',
          '/login/employees%00',
          '/login/__proto__',
        ]) {
          rig.tally.sent++
          const answer = await post(client, page, { ...form, realm: '/customers' }, ORIGINS.login + path)
          noServerError(rig, answer, path)
          leadsNowhereElse(rig, answer, answer.url, path)
          const passed = answer.status === 303
          // Only the realm that the form was made for takes it, whatever else is written beside it.
          if (passed) assert.match(path, /^\/login\/employees(?:\?|$)/)
          if (passed) break
        }
        const token = client.cookie('gw.example.com', TOKEN_COOKIE) ?? ''
        await isDead(rig, `Cookie: ${TOKEN_COOKIE}=${token}\r\n`, 'at the club', 'club')
      },
      async 'empty-post'(rig) {
        const bob = await rig.signIn('bob')
        for (const client of [rig.browser(), bob.client]) {
          const page = client === bob.client ? await stepUpPage(bob) : await client.call(LOGIN)
          const { form } = loginForm({ ...page, headers: {} }, 'bob', PASSWORDS.bob)
          const fields = Object.keys(form)
          const without = fields.map((name) => Object.fromEntries(Object.entries(form).filter(([key]) => key !== name)))
          const emptied = fields.map((name) => ({ ...form, [name]: '' }))
          for (const partial of [{}, ...without, ...emptied]) {
            rig.tally.sent++
            const answer = await post(client, page, partial)
            const harmless = Object.keys(partial).every((name) => partial[name] === form[name])
            noServerError(rig, answer, JSON.stringify(Object.keys(partial)))
            const complete = ['authId', 'IDToken1', 'IDToken2'].every((name) => partial[name] === form[name])
            if (!complete) gaveNoCode(rig, answer, Object.keys(partial).join())
            assert.ok(!complete || harmless)
            if (complete) break
          }
        }
      },
      async 'policy-exception'(outer) {
        const rig = outer.anew(PROXY)
        const mark = rig.mark()
        for (const address of [
          // As a proxy that adds its client writes it: only the last entry is not the stranger's own.
          'x'.repeat(5_000),
          '10.0.0.5, junk',
          '127.0.0.1',
          PROXY,
          '010.0.0.5',
          '[::1',
          '%00',
          '10.0.0.5:99999',
          ','.repeat(500),
        ])
          for (const lines of ['', WEB_SOCKET]) {
            const answer = await rig.ask(
              `GET /internal/x HTTP/1.1\r\nHost: app.example.com\r\nX-Forwarded-For: ${address}, 203.0.113.9\r\n${lines}\r\n`,
            )
            noServerError(rig, answer, address.slice(0, 20))
            assert.ok([400, 401, 403].includes(answer?.status ?? 0), `${address.slice(0, 20)}: ${answer?.status}`)
          }
        upstreamSilent(rig, mark, 'an address that nobody can read opens nothing')
        // What the proxy says counts at all.
        const known = await rig.ask(
          'GET /internal/x HTTP/1.1\r\nHost: app.example.com\r\nX-Forwarded-For: 10.0.0.5\r\n\r\n',
        )
        assert.equal(known?.status, 200)
        outer.tally.sent += rig.tally.sent
        outer.tally.checks += rig.tally.checks
      },
      async 'basic-plus-cookie'(rig) {
        const bob = await rig.signIn('bob')
        const right = Buffer.from(`alice:${PASSWORDS.alice}`).toString('base64')
        rig.canaries.delete(PASSWORDS.alice)
        for (const value of ['Basic YWxpY2U6eA==', `Basic ${right}`, 'Basic', 'Bearer x', 'Negotiate YII='])
          for (const upgrade of ['', WEB_SOCKET]) {
            const mark = rig.mark()
            const ask = (path: string, cookie: string) =>
              rig.ask(
                `GET ${path} HTTP/1.1\r\nHost: app.example.com\r\n${cookie}Authorization: ${value}\r\n${upgrade}\r\n`,
              )
            assert.equal((await ask('/me', ''))?.status, 401, 'no session comes of it')
            assert.equal((await ask('/admin/x', bob.cookie('app')))?.status, 403, 'and nobody becomes somebody else')
            upstreamSilent(rig, mark, value)
            // It is the application's own affair: it neither helps nor harms here, right or wrong.
            const path = upgrade === '' ? '/me' : '/ws'
            assert.equal((await ask(path, bob.cookie('app')))?.status, upgrade === '' ? 200 : 101, value)
          }
      },
    },
  },
  { employees: STEP_UP, realms: { codes: TOTP_STEP, twice: TWO_PROOFS }, trustedProxies: [`${PROXY}/32`] },
)
