import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, loginForm } from '../client.ts'
import { factorForm, setUpApp, withFactors } from './authenticator.ts'
import type { Browser, BrowserCall, Page } from './browser.ts'
import { isDead, leadsNowhereElse, noServerError, secretsNowhere } from './oracles.ts'
import { startProviderRig } from './provider-rig.ts'
import { EMPLOYEES, isValid, loginToken, rest, signInRoot } from './rest.ts'
import { ORIGINS, PASSWORDS, STEP_UP, TOTP_STEP } from './rig-config.ts'
import { TOKEN_COOKIE, type Rig, type SignedIn } from './rig.ts'
import { runVectors, type Vector } from './suite.ts'
import { headerOf, headersOf } from './wire.ts'

interface CsrfVector extends Vector {
  readonly h?: Readonly<Record<string, string>>
}

type Headers = Readonly<Record<string, string | undefined>>

/** What a browser says when another page makes it send something. */
const FOREIGN: readonly Headers[] = [
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { origin: 'https://evil.example', 'sec-fetch-site': undefined },
  { origin: 'null', 'sec-fetch-site': 'cross-site' },
  { origin: 'null', 'sec-fetch-site': undefined },
  { origin: undefined, 'sec-fetch-site': 'cross-site' },
  { origin: undefined, 'sec-fetch-site': undefined },
  { origin: undefined, 'sec-fetch-site': 'none' },
  { origin: 'https://gw.example.com.evil.example', 'sec-fetch-site': undefined },
  { origin: 'https://app.example.com', 'sec-fetch-site': 'same-site' },
  { origin: 'https://app.example.com', 'sec-fetch-site': undefined },
  { origin: 'http://gw.example.com', 'sec-fetch-site': undefined },
  { origin: 'https://gw.example.com:8443', 'sec-fetch-site': undefined },
  { origin: undefined, 'sec-fetch-site': undefined, referer: 'https://evil.example/?https://gw.example.com/' },
  { origin: 'https://gw.example.com', 'sec-fetch-site': 'cross-site' },
  { origin: 'https://gw.example.com', 'sec-fetch-site': 'same-site' },
]

/** Nobody is signed in by it, nothing is set, nobody is sent anywhere. */
async function refusesLogin(
  rig: Rig,
  client: Browser,
  call: (page: Page) => Promise<Page>,
  about: string,
): Promise<void> {
  rig.tally.sent++
  const page = await client.call(`${ORIGINS.login}/login/employees`)
  const before = client.cookie('gw.example.com', TOKEN_COOKIE)
  const answer = await call(page)
  noServerError(rig, answer, about)
  assert.equal(answer.location, undefined, about)
  assert.ok(answer.status === 403 || answer.status === 401 || answer.status === 400, `${about}: ${answer.status}`)
  assert.equal(client.cookie('gw.example.com', TOKEN_COOKIE), before, about)
  assert.ok(
    headersOf(answer, 'set-cookie').every((line) => !line.includes('SSOTokenID')),
    about,
  )
}

/** A form of the attacker's own, posted by the victim's browser, in every way a foreign page can. */
async function loginFrom(rig: Rig, headers: readonly Headers[]): Promise<void> {
  for (const each of headers) {
    const attacker = rig.browser()
    const planted = loginForm(
      { ...(await attacker.call(`${ORIGINS.login}/login/employees`)), headers: {} },
      'mallory',
      PASSWORDS.mallory,
    )
    const victim = rig.browser()
    const call: BrowserCall = { form: planted.form, headers: each }
    await refusesLogin(rig, victim, () => victim.call(planted.action, call), JSON.stringify(each))
  }
}

async function logoutFrom(rig: Rig, headers: readonly Headers[]): Promise<void> {
  const [bob, elsewhere] = [await rig.signIn('bob'), await rig.signIn('bob')]
  for (const each of headers) {
    for (const [origin, path, form] of [
      [ORIGINS.login, '/logout', {}],
      [ORIGINS.login, '/account', { others: '1' }],
      [ORIGINS.app, '/.gatehouse/logout', {}],
    ] as const) {
      if (origin === ORIGINS.app && each['origin'] === ORIGINS.app && each['sec-fetch-site'] === undefined) continue
      const answer = await bob.client.call(origin + path, { form, headers: each })
      assert.equal(answer.status, 403, `${path} ${JSON.stringify(each)}`)
      assert.deepEqual(headersOf(answer, 'set-cookie'), [])
    }
  }
  for (const { client } of [bob, elsewhere]) {
    rig.tally.checks++
    assert.equal((await client.call(`${ORIGINS.app}/me`)).status, 200, 'still signed in')
  }
}

function withOrigin(headers: Headers): readonly Headers[] {
  return [headers, { ...headers, 'sec-fetch-site': undefined }, { ...headers, 'sec-fetch-site': 'cross-site' }].map(
    (each) => ({
      origin: undefined,
      ...each,
    }),
  )
}

async function both(rig: Rig, headers: readonly Headers[]): Promise<void> {
  await loginFrom(rig, headers)
  await logoutFrom(rig, headers)
}

function lower(h: Readonly<Record<string, string>> = {}): Headers {
  return Object.fromEntries(Object.entries(h).map(([name, value]) => [name.toLowerCase(), value]))
}

/** The administrator's browser is made to end somebody's sessions, in the ways that a page can send this type. */
async function restRefuses(
  rig: Rig,
  types: readonly string[],
  body: string,
  status: 403 | 415,
  origin?: string,
): Promise<void> {
  const [bob, root] = [await rig.signIn('bob'), await signInRoot(rig)]
  const cookie = `Cookie: ${TOKEN_COOKIE}=${loginToken(root)}\r\n`
  const from = origin === undefined ? '' : `Origin: ${origin}\r\n`
  for (const type of types)
    // What a form can send is refused for its type even where a header of ours stood beside it.
    for (const [proof, expected] of [
      ['', 403],
      ['X-Requested-With: x\r\n', status],
    ] as const) {
      const headers = `${cookie}${from}Content-Type: ${type}\r\n${proof}`
      for (const method of ['POST', 'OPTIONS']) {
        const answer = await rest(rig, `${EMPLOYEES}?_action=logoutByUser`, { method, headers, body })
        rig.tally.checks++
        assert.equal(answer.status, expected, `${method} ${type}`)
        assert.deepEqual(
          answer.headers.filter(([name]) => /^access-control-/i.test(name)),
          [],
        )
      }
    }
  assert.ok(await isValid(rig, loginToken(bob)), 'still signed in')
}

const rig = runVectors<CsrfVector>(
  'csrf',
  {
    beyond,
    only: {
      async 'state-mix'(outer) {
        const scene = await startProviderRig()
        try {
          const [attacker, victim] = [new Client(), new Client()]
          const query = scene.corp.answer(await scene.depart(attacker))
          const answer = await scene.arrive(victim, query)
          outer.tally.sent++
          outer.tally.checks++
          assert.equal(answer.status, 403)
          assert.equal(await scene.isSignedIn(victim), false)
          assert.equal(scene.corp.grants.length, 0, 'nobody redeems the code')
          assert.equal((await scene.arrive(attacker, query)).status, 303, 'it was good in the browser that left')
        } finally {
          await scene.close()
        }
      },
      'totp-enrol': (outer) =>
        withFactors(
          outer,
          async (rig) => {
            const owner = await rig.signIn('mallory')
            await setUpApp(rig, owner)
            const form = await factorForm(owner)
            for (const headers of FOREIGN) {
              for (const [path, fields] of [
                ['/account/factor', { ...form, remove: '1' }],
                ['/account/factor', { ...form, name: 'mine' }],
                ['/account/add', { realm: '/employees', stage: 'totp', IDToken1: '000000' }],
              ] as const) {
                rig.tally.sent++
                const answer = await owner.client.call(ORIGINS.login + path, { form: fields, headers })
                noServerError(rig, answer, path)
                assert.equal(answer.status, 403, `${path} ${JSON.stringify(headers)}`)
              }
            }
            assert.deepEqual(await factorForm(owner), form, 'the factor is as it was')
            const own = await owner.client.call(`${ORIGINS.login}/account/factor`, { form: { ...form, remove: '1' } })
            assert.match(own.location ?? '', /\/account\?.*factors=removed/, 'its own form works')
          },
          { employees: TOTP_STEP },
        ),
      async stepup(rig) {
        const bob = await rig.signIn('bob')
        const before = bob.client.cookie('gw.example.com', TOKEN_COOKIE)
        const start = await bob.client.call(`${ORIGINS.app}/level2/x`)
        const page = await bob.client.call(start.location ?? '')
        // His own form, posted by another page; then the form that belongs to another session, posted by his own.
        for (const headers of FOREIGN) {
          const answer = await bob.client.submitLogin(page, 'bob', PASSWORDS.bob, { headers })
          noServerError(rig, answer, JSON.stringify(headers))
          assert.equal(answer.status, 403, JSON.stringify(headers))
        }
        const mallory = await rig.signIn('mallory')
        const foreign = await mallory.client.call((await mallory.client.call(`${ORIGINS.app}/level2/x`)).location ?? '')
        const planted = await bob.client.submitLogin(foreign, 'mallory', PASSWORDS.mallory)
        noServerError(rig, planted, "another session's step-up")
        assert.equal(planted.location, undefined)
        assert.equal(bob.client.cookie('gw.example.com', TOKEN_COOKIE), before, 'nothing has changed')
        assert.equal((await bob.client.call(`${ORIGINS.app}/me`)).status, 200)
        assert.equal((await bob.client.submitLogin(page, 'bob', PASSWORDS.bob)).status, 303, 'his own form still works')
      },
      'login-csrf': (rig) => loginFrom(rig, FOREIGN),
      async 'logout-get'(rig) {
        const bob = await rig.signIn('bob')
        const image = {
          'sec-fetch-mode': 'no-cors',
          'sec-fetch-dest': 'image',
          'sec-fetch-site': 'cross-site',
          accept: 'image/*',
        }
        for (const url of [
          `${ORIGINS.login}/logout`,
          `${ORIGINS.login}/logout?agent=app`,
          `${ORIGINS.login}/logged-out`,
          `${ORIGINS.app}/.gatehouse/logout`,
        ])
          for (const headers of [image, { 'sec-fetch-site': 'cross-site' }]) {
            const answer = await bob.client.call(url, { headers })
            leadsNowhereElse(rig, answer, url, url)
            assert.ok(
              headersOf(answer, 'set-cookie').every((line) => !line.includes('SSOTokenID')),
              url,
            )
          }
        assert.equal((await bob.client.call(`${ORIGINS.app}/me`)).status, 200)
      },
      'logout-post': (rig) => logoutFrom(rig, FOREIGN),
      async 'token-reuse'(rig) {
        const [one, other] = [rig.browser(), rig.browser()]
        const planted = loginForm(
          { ...(await one.call(`${ORIGINS.login}/login/employees`)), headers: {} },
          'bob',
          PASSWORDS.bob,
        )
        await refusesLogin(
          rig,
          other,
          () => other.call(planted.action, { form: planted.form }),
          'the authId of another browser',
        )
        await refusesLogin(
          rig,
          one,
          () => one.call(`${ORIGINS.login}/login/customers`, { form: planted.form }),
          'of another realm',
        )
        assert.equal((await one.call(planted.action, { form: planted.form })).status, 303)
        const again = rig.browser()
        again.setCookie(
          'gw.example.com',
          '__Host-gatehouse-login',
          one.cookie('gw.example.com', '__Host-gatehouse-login') ?? '',
        )
        const second = await again.call(planted.action, { form: planted.form })
        assert.ok(second.status === 403 && second.location === undefined, 'used twice')
      },
      async 'token-missing'(rig) {
        const client = rig.browser()
        for (const authId of [undefined, '', 'x', 'A'.repeat(15_000)])
          await refusesLogin(
            rig,
            client,
            (page) => {
              const { action, form } = loginForm({ ...page, headers: {} }, 'bob', PASSWORDS.bob)
              const { authId: _, ...rest } = form
              return client.call(action, { form: { ...rest, ...(authId === undefined ? {} : { authId }) } })
            },
            `authId ${String(authId).slice(0, 5)}`,
          )
        await refusesLogin(
          rig,
          client,
          (page) => {
            const { action, form } = loginForm({ ...page, headers: {} }, 'bob', PASSWORDS.bob)
            const { authId = '', ...rest } = form
            return client.call(action, { form: { ...rest, 'authId[]': authId, 'authId[0]': authId } })
          },
          'as a list',
        )
      },
      async 'admin-json'(rig) {
        await restRefuses(
          rig,
          ['text/plain', 'text/plain;charset=application/json', 'application/jsonp'],
          '{"username":"bob"}',
          415,
        )
      },
      async 'admin-form'(rig) {
        await restRefuses(rig, ['application/x-www-form-urlencoded'], 'username=bob', 415)
        await restRefuses(rig, ['multipart/form-data; boundary=x'], '--x\r\n\r\nbob\r\n--x--', 415)
      },
      async 'admin-cors'(rig) {
        const origins = ['null', 'https://evil.example', 'https://gw.example.com.evil', ORIGINS.app]
        for (const origin of origins) await restRefuses(rig, ['application/json'], '{"username":"bob"}', 403, origin)
      },
      'origin-null': (rig, { h }) => both(rig, withOrigin({ ...lower(h), 'sec-fetch-site': 'cross-site' })),
      'origin-absent': (rig) => both(rig, [{ origin: undefined, referer: undefined, 'sec-fetch-site': 'cross-site' }]),
      'origin-prefix': (rig, { h }) => both(rig, withOrigin(lower(h))),
      'referer-trick': (rig, { h }) => both(rig, [{ ...lower(h), origin: undefined, 'sec-fetch-site': undefined }]),
      async subdomain(rig) {
        const sibling = [
          { origin: ORIGINS.app, 'sec-fetch-site': 'same-site' },
          { origin: ORIGINS.pay, 'sec-fetch-site': 'same-site' },
        ]
        await both(rig, sibling)
      },
      async clickjack(rig) {
        const bob = await rig.signIn('bob')
        const pages = [
          '/',
          '/login/employees',
          '/login/customers',
          '/logout',
          '/logged-out',
          '/nowhere',
          '/login/employees?ForceAuth=true',
        ]
        for (const path of pages)
          for (const client of [bob.client, rig.browser()]) {
            const page = await client.call(ORIGINS.login + path)
            noServerError(rig, page, path)
            assert.match(headerOf(page, 'content-security-policy') ?? '', /frame-ancestors 'none'/, path)
            assert.equal(headerOf(page, 'x-frame-options')?.toUpperCase(), 'DENY', path)
          }
        // Our own pages on an application's host may stand in frames of that application alone.
        for (const [client, path] of [
          [bob.client, '/admin/x'],
          [rig.browser(), '/%00/x'],
        ] as const)
          assert.match(
            headerOf(await client.call(ORIGINS.app + path), 'content-security-policy') ?? '',
            /frame-ancestors '(?:none|self)'/,
            path,
          )
      },
    },
  },
  { employees: STEP_UP },
)

function beyond(): void {
  test('a frame never gets a login page or a redirect to one', async () => {
    const client = rig().browser()
    for (const dest of ['iframe', 'frame', 'embed', 'object', 'fencedframe']) {
      const answer = await client.call(`${ORIGINS.app}/me`, {
        headers: { 'sec-fetch-dest': dest, 'sec-fetch-site': 'cross-site' },
      })
      assert.equal(answer.status, 401)
      assert.equal(answer.location, undefined)
    }
  })

  test('a logout that a sibling application forces through its own host ends nothing', async () => {
    const bob = await rig().signIn('bob')
    const shop: SignedIn = bob
    for (const origin of [ORIGINS.shop, ORIGINS.pay, ORIGINS.login, 'https://www.example.com'])
      assert.equal(
        (
          await shop.client.call(`${ORIGINS.app}/.gatehouse/logout`, {
            form: {},
            headers: { origin, 'sec-fetch-site': 'same-site' },
          })
        ).status,
        403,
      )
    assert.equal((await bob.client.call(`${ORIGINS.app}/me`)).status, 200)
    assert.equal((await bob.client.call(`${ORIGINS.app}/.gatehouse/logout`, { form: {} })).status, 303)
    await isDead(rig(), bob.cookie('app'), 'after its own logout')
    secretsNowhere(rig(), 'after a logout')
  })
}
