import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { exportJWK, SignJWT } from 'jose'
import type { Browser, BrowserCall, Page } from './browser.ts'
import { noServerError, secretsNowhere } from './oracles.ts'
import { ORIGINS, STEP_UP } from './rig-config.ts'
import type { Rig } from './rig.ts'
import { readVectors } from './pending.ts'
import { runVectors, type Runner, type Vector } from './suite.ts'
import { headerOf } from './wire.ts'

const ISSUER = `${ORIGINS.login}/oauth2/realms/root/realms/employees`
const BACK = 'https://rp.example/cb'
const SECRET = 'a-canary-secret-of-a-client-0123456789'
const VERIFIER = 'v'.repeat(43)
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')

const [mine, theirs] = [pair(), pair()]

function pair(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('rsa', { modulusLength: 2_048 })
}

const jwks = async (key: KeyObject): Promise<string> => JSON.stringify({ keys: [await exportJWK(key)] })

const web = `secret: ${SECRET}, redirectUris: ["${BACK}"]`
const CLIENTS = `clients:
  - { id: wiki, ${web}, consent: implied, postLogoutRedirectUris: ["https://rp.example/bye"] }
  - { id: other, ${web}, consent: implied }
  - { id: asks, ${web} }
  - { id: loose, ${web}, consent: implied, pkce: false }
  - { id: two, secret: ${SECRET}, redirectUris: ["${BACK}", "https://rp.example/cb2"], consent: implied }
  - { id: gone, ${web}, disabled: true }
  - { id: short, ${web}, consent: implied, refreshTokenTTL: 2h }
  - { id: mine, jwks: ${await jwks(mine.publicKey)}, redirectUris: ["${BACK}"], consent: implied }
  - { id: theirs, jwks: ${await jwks(theirs.publicKey)}, redirectUris: ["${BACK}"], consent: implied }
  - { id: tv, name: A Television, authMethod: none, grants: [device_code], consent: implied }
`

type Form = Readonly<Record<string, string>>

interface Reply {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly page: Page
}

/** One request, of a browser or of a client's server; nothing of ours may break over it. */
async function ask(rig: Rig, browser: Browser, url: string, call: BrowserCall = {}): Promise<Page> {
  rig.tally.sent++
  const page = await browser.call(url, call)
  noServerError(rig, page, url)
  return page
}

/** Where a request for a code ends: at a page of ours, or at the redirect to the client. */
async function authorize(
  rig: Rig,
  browser: Browser,
  more: Readonly<Record<string, string | undefined>> = {},
  extra = '',
): Promise<Page> {
  const all: Readonly<Record<string, string | undefined>> = {
    ...{ client_id: 'wiki', redirect_uri: BACK, response_type: 'code', scope: 'openid', state: 's', nonce: 'n' },
    ...{ code_challenge: CHALLENGE, code_challenge_method: 'S256', ...more },
  }
  const given = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  const query = new URLSearchParams(Object.fromEntries(given))
  return onward(rig, browser, await ask(rig, browser, `${ISSUER}/authorize?${query.toString()}${extra}`))
}

async function onward(rig: Rig, browser: Browser, first: Page): Promise<Page> {
  let page = first
  for (let hops = 0; hops < 8 && page.location !== undefined; hops++) {
    const next = new URL(page.location, page.url)
    if (next.origin !== ORIGINS.login) {
      assert.equal(next.origin, 'https://rp.example', 'people go to registered addresses only')
      return page
    }
    page = await ask(rig, browser, next.href)
  }
  return page
}

const answerOf = (page: Page, name: string): string | undefined =>
  page.location === undefined ? undefined : (new URL(page.location, page.url).searchParams.get(name) ?? undefined)

async function code(
  rig: Rig,
  browser: Browser,
  more: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const page = await authorize(rig, browser, more)
  const found = answerOf(page, 'code')
  assert.ok(found !== undefined, page.location ?? page.body)
  rig.canaries.add(found)
  return found
}

/** No header at all. */
const NO_HEADER = Symbol('no header')

const basic = (id: string, secret = SECRET): string => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

async function post(
  rig: Rig,
  path: string,
  form: Form,
  authorization: string | typeof NO_HEADER = basic('wiki'),
): Promise<Reply> {
  const page = await ask(rig, rig.browser(), path.startsWith('https:') ? path : `${ISSUER}${path}`, {
    form,
    headers: {
      accept: 'application/json',
      authorization: authorization === NO_HEADER ? undefined : authorization,
      origin: undefined,
      'sec-fetch-site': undefined,
      'sec-fetch-mode': undefined,
      'sec-fetch-dest': undefined,
    },
  })
  const body = /^\s*\{/.test(page.body) ? (JSON.parse(page.body) as Reply['body']) : {}
  for (const name of ['access_token', 'refresh_token', 'id_token']) {
    const token = body[name]
    if (typeof token === 'string') rig.canaries.add(token)
  }
  return { status: page.status, body, page }
}

const redeem = (rig: Rig, value: string, more: Form = {}, authorization?: string | typeof NO_HEADER): Promise<Reply> =>
  post(
    rig,
    '/access_token',
    { grant_type: 'authorization_code', code: value, redirect_uri: BACK, code_verifier: VERIFIER, ...more },
    authorization,
  )

const refresh = (rig: Rig, token: string, more: Form = {}): Promise<Reply> =>
  post(rig, '/access_token', { grant_type: 'refresh_token', refresh_token: token, ...more })

async function isActive(rig: Rig, token: string, id = 'wiki'): Promise<unknown> {
  return (await post(rig, '/introspect', { token }, basic(id))).body['active']
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

async function employee(rig: Rig, user: 'alice' | 'bob' = 'bob'): Promise<Browser> {
  return (await rig.signIn(user)).client
}

async function tokens(rig: Rig, browser: Browser, more: Readonly<Record<string, string | undefined>> = {}) {
  const { body, status } = await redeem(rig, await code(rig, browser, more))
  assert.equal(status, 200, JSON.stringify(body))
  return { access: text(body['access_token']), refresh: text(body['refresh_token']), id: text(body['id_token']) }
}

async function endSession(rig: Rig, browser: Browser): Promise<void> {
  await ask(rig, browser, `${ORIGINS.login}/logout`, { form: {} })
}

/** A `client_assertion` as RFC 7523 wants it, but for what the attack changes. */
async function assertion(key: KeyObject, claims: Readonly<Record<string, unknown>> = {}): Promise<Form> {
  const now = Math.floor(Date.now() / 1_000)
  const payload = {
    iss: 'mine',
    sub: 'mine',
    aud: ISSUER,
    jti: randomUUID(),
    iat: now,
    exp: now + 60,
    ...claims,
  }
  const jwt = await new SignJWT(payload).setProtectedHeader({ alg: 'RS256' }).sign(key)
  return asserted(jwt)
}

const asserted = (jwt: string): Form => ({
  client_assertion: jwt,
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
})

function unsigned(header: object, claims: object): string {
  return [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
}

function refused({ status, body }: Reply, error: string | RegExp): void {
  assert.ok(status === 400 || status === 401, `${status}`)
  assert.match(text(body['error']), typeof error === 'string' ? new RegExp(`^${error}$`) : error)
}

const only: Readonly<Record<string, Runner<Vector>>> = {
  async 'redirect-missing'(rig) {
    const page = await authorize(rig, await employee(rig), { client_id: 'two', redirect_uri: undefined })
    assert.equal(page.status, 400)
  },
  async 'code-reuse'(rig) {
    const browser = await employee(rig)
    const value = await code(rig, browser)
    const first = await redeem(rig, value)
    refused(await redeem(rig, value), 'invalid_grant')
    assert.equal(await isActive(rig, text(first.body['access_token'])), false)
  },
  async 'code-race'(rig) {
    const value = await code(rig, await employee(rig))
    const all = await Promise.all(Array.from({ length: 100 }, () => redeem(rig, value)))
    assert.equal(all.filter(({ status }) => status === 200).length, 1)
  },
  async 'code-other-client'(rig) {
    refused(await redeem(rig, await code(rig, await employee(rig)), {}, basic('other')), 'invalid_grant')
  },
  async 'code-after-logout'(rig) {
    const browser = await employee(rig)
    const value = await code(rig, browser)
    await endSession(rig, browser)
    refused(await redeem(rig, value), 'invalid_grant')
  },
  async 'verifier-without-challenge'(rig) {
    const none = { client_id: 'loose', code_challenge: undefined, code_challenge_method: undefined }
    const value = await code(rig, await employee(rig), none)
    refused(await redeem(rig, value, {}, basic('loose')), 'invalid_grant')
  },
  async 'pkce-plain'(rig) {
    const browser = await employee(rig)
    const plain = await authorize(rig, browser, { code_challenge: VERIFIER, code_challenge_method: 'plain' })
    assert.equal(answerOf(plain, 'error'), 'invalid_request')
    const silent = await authorize(rig, browser, { code_challenge_method: undefined })
    assert.equal(answerOf(silent, 'error'), 'invalid_request')
    const without = await authorize(rig, browser, { code_challenge: undefined, code_challenge_method: undefined })
    assert.equal(answerOf(without, 'error'), 'invalid_request', 'nobody leaves it out (downgrade)')
  },
  async 'pkce-short'(rig) {
    const browser = await employee(rig)
    for (const verifier of ['v'.repeat(42), 'v'.repeat(129), `${'v'.repeat(42)}!`]) {
      const challenge = createHash('sha256').update(verifier).digest('base64url')
      const value = await code(rig, browser, { code_challenge: challenge })
      refused(await redeem(rig, value, { code_verifier: verifier }), /invalid_(?:request|grant)/)
    }
  },
  async 'client-secret-prefix'(rig) {
    const value = await code(rig, await employee(rig))
    for (const secret of [SECRET.slice(0, -1), `${SECRET}0`, `X${SECRET.slice(1)}`, SECRET.toUpperCase()]) {
      refused(await redeem(rig, value, {}, basic('wiki', secret)), 'invalid_client')
    }
  },
  async 'client-two-auth'(rig) {
    refused(await redeem(rig, await code(rig, await employee(rig)), { client_secret: SECRET }), 'invalid_request')
  },
  async 'client-jwt-aud-array'(rig) {
    const form = { grant_type: 'refresh_token', refresh_token: 'x' }
    const other = await assertion(mine.privateKey, { aud: ['https://other.example', 'https://another.example'] })
    refused(await post(rig, '/access_token', { ...form, ...other }, NO_HEADER), 'invalid_client')
  },
  async 'client-jwt-other-client-jwks'(rig) {
    const form = { grant_type: 'refresh_token', refresh_token: 'x' }
    refused(
      await post(rig, '/access_token', { ...form, ...(await assertion(mine.privateKey)) }, NO_HEADER),
      'invalid_grant',
    )
    const theirKey = await assertion(theirs.privateKey)
    refused(await post(rig, '/access_token', { ...form, ...theirKey }, NO_HEADER), 'invalid_client')
    const twice = await assertion(mine.privateKey)
    await post(rig, '/access_token', { ...form, ...twice }, NO_HEADER)
    refused(await post(rig, '/access_token', { ...form, ...twice }, NO_HEADER), 'invalid_client')
  },
  async 'client-jwt-alg-none'(rig) {
    const claims = { iss: 'mine', sub: 'mine', aud: ISSUER, jti: 'j', exp: Math.floor(Date.now() / 1_000) + 60 }
    const form = { grant_type: 'refresh_token', refresh_token: 'x' }
    for (const alg of ['none', 'None', 'nOnE']) {
      const jwt = `${unsigned({ alg }, claims)}.`
      refused(await post(rig, '/access_token', { ...form, ...asserted(jwt) }, NO_HEADER), 'invalid_client')
    }
  },
  async 'client-jwt-rs-hs'(rig) {
    const pem = mine.publicKey.export({ type: 'spki', format: 'pem' })
    const now = Math.floor(Date.now() / 1_000)
    const payload = { iss: 'mine', sub: 'mine', aud: ISSUER, jti: 'hs', iat: now, exp: now + 60 }
    const jwt = await new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(pem))
    const form = { grant_type: 'refresh_token', refresh_token: 'x', ...asserted(jwt) }
    refused(await post(rig, '/access_token', form, NO_HEADER), 'invalid_client')
  },
  async 'client-none-confidential'(rig) {
    const value = await code(rig, await employee(rig))
    refused(await redeem(rig, value, { client_id: 'wiki' }, NO_HEADER), 'invalid_client')
  },
  async 'client-disabled'(rig) {
    assert.equal((await authorize(rig, await employee(rig), { client_id: 'gone' })).status, 400)
    refused(await redeem(rig, 'x', {}, basic('gone')), 'invalid_client')
  },
  async 'client-realm-b'(rig) {
    const other = `${ORIGINS.login}/oauth2/realms/root/realms/customers`
    const value = await code(rig, await employee(rig))
    const form = { grant_type: 'authorization_code', code: value, redirect_uri: BACK, code_verifier: VERIFIER }
    refused(await post(rig, `${other}/access_token`, form), 'invalid_grant')
  },
  async 'grant-not-allowed'(rig) {
    const grants = ['password', 'client_credentials', 'urn:ietf:params:oauth:grant-type:device_code']
    const more = [
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'implicit',
    ]
    for (const grant_type of [...grants, ...more]) {
      const form = { grant_type, username: 'bob', password: 'x', device_code: 'x', assertion: 'x', subject_token: 'x' }
      refused(await post(rig, '/access_token', form), /unauthorized_client|unsupported_grant_type|invalid_request/)
    }
    const browser = await employee(rig)
    for (const response_type of ['token', 'id_token', 'id_token token', 'code token']) {
      assert.match(
        String((await authorize(rig, browser, { response_type })).location),
        /error=(?:unsupported_response_type|unauthorized_client)/,
      )
    }
  },
  async 'response_mode-query-idtoken'(rig) {
    const page = await authorize(rig, await employee(rig), { response_type: 'code id_token', response_mode: 'query' })
    assert.doesNotMatch(page.location ?? '', /[?&]id_token=/)
    assert.match(`${page.location ?? ''}${page.status}`, /error=|400/)
  },
  async 'response_mode-formpost-xss'(rig) {
    const state = '"><script>alert(1)</script>'
    const page = await authorize(rig, await employee(rig), { response_mode: 'form_post', state })
    assert.equal(page.status, 200)
    assert.ok(page.body.includes(`action="${BACK}"`), 'a form for the client')
    assert.ok(!page.body.includes('<script>alert'))
    const policy = headerOf(page, 'content-security-policy') ?? ''
    assert.match(policy, /script-src 'self' 'sha256-/)
    assert.match(policy, /form-action 'self' https:\/\/rp\.example/)
  },
  async 'scope-escalate-refresh'(rig) {
    const { refresh: token } = await tokens(rig, await employee(rig))
    refused(await refresh(rig, token, { scope: 'openid email groups' }), 'invalid_scope')
  },
  async 'scope-unknown'(rig) {
    const browser = await employee(rig)
    const { body } = await redeem(rig, await code(rig, browser, { scope: 'openid admin' }))
    assert.equal(body['scope'], 'openid', 'what nobody knows is not granted')
    assert.equal(
      answerOf(await authorize(rig, browser, { scope: 'openid phone' }), 'error'),
      'invalid_scope',
      'not of this client',
    )
  },
  async 'prompt-none-anon'(rig) {
    assert.equal(answerOf(await authorize(rig, rig.browser(), { prompt: 'none' }), 'error'), 'login_required')
  },
  async 'prompt-login'(rig) {
    const browser = await employee(rig)
    const page = await authorize(rig, browser, { prompt: 'login' })
    assert.equal(page.status, 200)
    const back = new URL(page.url).searchParams.get('goto') ?? ''
    const cancelled = await onward(rig, browser, await ask(rig, browser, new URL(back, ORIGINS.login).href))
    assert.equal(answerOf(cancelled, 'code'), undefined, 'going back is no proof')
    assert.match(cancelled.url, /\/login\/employees/)
  },
  async 'max_age-0'(rig) {
    const page = await authorize(rig, await employee(rig), { max_age: '0' })
    assert.equal(page.status, 200)
    assert.match(page.url, /\/login\/employees/)
  },
  async 'acr-essential'(rig) {
    const browser = await employee(rig)
    const acr = (values: readonly string[]): string =>
      JSON.stringify({ id_token: { acr: { essential: true, values } } })
    const unmet = await authorize(rig, browser, { claims: acr(['9']) })
    assert.equal(answerOf(unmet, 'error'), 'unmet_authentication_requirements')
    const asked = await authorize(rig, browser, { claims: acr(['2']) })
    assert.match(asked.url, /\/login\/employees/)
    const skipped = new URL(new URL(asked.url).searchParams.get('goto') ?? '', ORIGINS.login).href
    assert.equal(answerOf(await onward(rig, browser, await ask(rig, browser, skipped)), 'code'), undefined)
  },
  async 'id_token_hint-other-user'(rig) {
    const { id } = await tokens(rig, await employee(rig, 'alice'))
    const page = await authorize(rig, await employee(rig, 'bob'), { prompt: 'none', id_token_hint: id })
    assert.equal(answerOf(page, 'error'), 'login_required')
  },
  async 'id_token_hint-modified'(rig) {
    const browser = await employee(rig)
    const { id } = await tokens(rig, browser)
    const [header = '', , signature = ''] = id.split('.')
    const claims = Buffer.from(JSON.stringify({ iss: ISSUER, aud: 'wiki', sub: 'alice', exp: 9_999_999_999 })).toString(
      'base64url',
    )
    for (const hint of [
      `${header}.${claims}.${signature}`,
      `${unsigned({ alg: 'none' }, { iss: ISSUER, aud: 'wiki', sub: 'bob' })}.`,
    ]) {
      assert.equal(answerOf(await authorize(rig, browser, { id_token_hint: hint }), 'error'), 'invalid_request')
    }
  },
  async 'request-object-none'(rig) {
    const browser = await employee(rig)
    const jwt = `${unsigned({ alg: 'none' }, { client_id: 'wiki', redirect_uri: 'https://evil.example/', scope: 'openid' })}.`
    assert.equal(answerOf(await authorize(rig, browser, { request: jwt }), 'error'), 'request_not_supported')
    const uri = `http://127.0.0.1:${rig.canaryPort}/r`
    const page = await authorize(rig, browser, { request_uri: uri })
    assert.match(answerOf(page, 'error') ?? `${page.status}`, /request_uri_not_supported|invalid_request_uri|400/)
    assert.equal(rig.canaryDialled(), 0)
  },
  async 'dup-params'(rig) {
    const browser = await employee(rig)
    for (const extra of [
      '&scope=email',
      '&state=t',
      '&client_id=other',
      `&redirect_uri=${encodeURIComponent('https://evil.example/')}`,
    ]) {
      const page = await authorize(rig, browser, {}, extra)
      assert.match(answerOf(page, 'error') ?? `${page.status}`, /^(?:invalid_request|400)$/, extra)
    }
  },
  async 'consent-bypass'(rig) {
    const [victim, thief] = [await employee(rig, 'alice'), await employee(rig, 'bob')]
    const page = await authorize(rig, victim, { client_id: 'asks' })
    const action = /action="([^"]*interaction[^"]*)"/.exec(page.body)?.[1] ?? ''
    const url = new URL(action, ORIGINS.login).href
    const form = { decision: 'allow' }
    assert.equal((await ask(rig, thief, url, { form })).status, 400)
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    assert.equal((await ask(rig, victim, url, { form, headers: foreign })).status, 403)
    const own = await authorize(rig, thief, { client_id: 'asks' })
    const ownUrl = new URL(/action="([^"]*interaction[^"]*)"/.exec(own.body)?.[1] ?? '', ORIGINS.login)
    assert.equal((await ask(rig, thief, ownUrl.href.replace(/[\w-]+$/, 'x'.repeat(43)), { form })).status, 400)
  },
  async 'consent-change'(rig) {
    const browser = await employee(rig)
    const page = await authorize(rig, browser, { client_id: 'asks' })
    const url = new URL(/action="([^"]*interaction[^"]*)"/.exec(page.body)?.[1] ?? '', ORIGINS.login).href
    const agreed = await onward(rig, browser, await ask(rig, browser, url, { form: { decision: 'allow' } }))
    assert.ok(answerOf(agreed, 'code'))
    const more = await authorize(rig, browser, { client_id: 'asks', scope: 'openid email' })
    assert.equal(more.status, 200, 'asked again')
  },
  async 'refresh-after-logout'(rig) {
    const browser = await employee(rig)
    const { refresh: token } = await tokens(rig, browser)
    await endSession(rig, browser)
    refused(await refresh(rig, token), 'invalid_grant')
  },
  async 'refresh-absolute'(rig) {
    const browser = await employee(rig)
    const page = await authorize(rig, browser, {
      client_id: 'short',
      scope: 'openid offline_access',
      prompt: 'consent',
    })
    const url = new URL(/action="([^"]*interaction[^"]*)"/.exec(page.body)?.[1] ?? '', ORIGINS.login).href
    const agreed = await onward(rig, browser, await ask(rig, browser, url, { form: { decision: 'allow' } }))
    const first = await redeem(rig, answerOf(agreed, 'code') ?? '', {}, basic('short'))
    const again = (token: unknown): Promise<Reply> =>
      post(rig, '/access_token', { grant_type: 'refresh_token', refresh_token: text(token) }, basic('short'))
    try {
      await rig.shiftClock(90 * 60_000)
      const second = await again(first.body['refresh_token'])
      assert.equal(second.status, 200, 'it outlives the session')
      await rig.shiftClock(3 * 60 * 60_000)
      refused(await again(second.body['refresh_token']), 'invalid_grant')
    } finally {
      await rig.shiftClock(0)
    }
  },
  async 'revoke-other-client'(rig) {
    const { access } = await tokens(rig, await employee(rig))
    await post(rig, '/token/revoke', { token: access }, basic('other'))
    assert.equal(await isActive(rig, access), true)
  },
  async 'introspect-anon'(rig) {
    const { access } = await tokens(rig, await employee(rig))
    refused(await post(rig, '/introspect', { token: access, client_id: 'wiki' }, 'Basic eDp5'), /invalid_/)
    const { status, body } = await post(rig, '/introspect', { token: access }, basic('wiki', 'x'.repeat(20)))
    assert.deepEqual({ status, error: body['error'] }, { status: 401, error: 'invalid_client' })
  },
  async 'introspect-other-rs'(rig) {
    const { access } = await tokens(rig, await employee(rig))
    assert.equal(await isActive(rig, access, 'other'), false)
  },
  async end_session(rig) {
    const browser = await employee(rig)
    const { id, access } = await tokens(rig, browser)
    const end = (query: Form, extra = ''): Promise<Page> =>
      ask(rig, browser, `${ISSUER}/connect/endSession?${new URLSearchParams(query).toString()}${extra}`)
    const evil = { post_logout_redirect_uri: 'https://evil.example/' }
    const queries: readonly (readonly [Form, string])[] = [
      [{}, ''],
      [{ id_token_hint: 'x.y.z' }, ''],
      [{ id_token_hint: `${id.slice(0, -4)}AAAA` }, ''],
      [{ ...evil }, ''],
      [{ ...evil, client_id: 'wiki' }, ''],
      [{ ...evil, id_token_hint: id }, ''],
      [{ client_id: 'wiki', post_logout_redirect_uri: 'https://rp.example/bye?x=1' }, ''],
      [{ client_id: 'other', id_token_hint: id }, ''],
      [{ client_id: 'wiki', state: '"><script>alert(1)</script>' }, '&state=2'],
    ]
    for (const [query, extra] of queries) {
      const page = await end(query, extra)
      assert.equal(page.location, undefined, 'nobody is sent anywhere')
      assert.ok(!page.body.includes('evil.example') && !page.body.includes('<script>alert'))
      assert.doesNotMatch(page.body, /data-relay/, 'nobody is signed out by a link')
    }
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    await ask(rig, browser, `${ISSUER}/connect/endSession/confirm`, {
      form: { logout: 'yes', xsrf: 'x' },
      headers: foreign,
    })
    assert.equal(await isActive(rig, access), true)
  },
  async dcr(rig) {
    for (const path of ['/connect/register', '/reg', '/register']) {
      const body = JSON.stringify({
        redirect_uris: [BACK],
        jwks_uri: `http://127.0.0.1:${rig.canaryPort}/`,
        client_name: '<b>',
      })
      const page = await ask(rig, rig.browser(), `${ISSUER}${path}`, {
        body,
        headers: { 'content-type': 'application/json' },
        method: 'POST',
      })
      assert.ok(page.status === 404 || page.status === 411, `${path}: ${page.status}`)
    }
    assert.equal(rig.canaryDialled(), 0)
  },
  async 'device-flow'(rig) {
    const from = rig.browser('127.0.2.77')
    const start = await ask(rig, from, `${ISSUER}/device/code`, {
      form: { client_id: 'tv', scope: 'openid' },
      headers: { accept: 'application/json', origin: undefined },
    })
    const { device_code, user_code } = JSON.parse(start.body) as {
      readonly device_code: string
      readonly user_code: string
    }
    const poll = (): Promise<Reply> =>
      post(
        rig,
        '/access_token',
        { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code, client_id: 'tv' },
        NO_HEADER,
      )
    refused(await poll(), 'authorization_pending')
    refused(await poll(), 'slow_down')
    const page = await ask(rig, from, `${ISSUER}/device/user`)
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.body)?.[1] ?? ''
    const confirm = await ask(rig, from, `${ISSUER}/device/user`, { form: { xsrf, user_code } })
    assert.match(confirm.body, /A Television/)
    let status = 0
    for (let guesses = 0; guesses < 60 && status !== 429; guesses++) {
      status = (await ask(rig, from, `${ISSUER}/device/user`, { form: { xsrf: 'x', user_code: 'BBBBBBBB' } })).status
    }
    assert.equal(status, 429, 'guessing ends')
  },
  async 'jwks-private'(rig) {
    const page = await ask(rig, rig.browser(), `${ISSUER}/connect/jwk_uri`)
    const { keys } = JSON.parse(page.body) as { readonly keys: readonly Readonly<Record<string, unknown>>[] }
    assert.equal(keys.length, 2)
    for (const key of keys)
      for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.equal(key[name], undefined)
  },
  async 'token-cors'(rig) {
    for (const path of ['/access_token', '/userinfo', '/introspect', '/.well-known/openid-configuration']) {
      for (const method of ['OPTIONS', 'GET']) {
        const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
        const page = await ask(rig, rig.browser(), `${ISSUER}${path}`, { method, headers })
        assert.equal(headerOf(page, 'access-control-allow-credentials'), undefined)
      }
    }
  },
  async 'token-in-log'(rig) {
    await tokens(rig, await employee(rig))
    rig.canaries.add(SECRET)
    await rig.logged()
    secretsNowhere(rig, 'after tokens were handed out')
  },
}

const rig = runVectors<Vector>('oidc_op', { only, beyond }, { employees: STEP_UP, clients: CLIENTS })

function beyond(): void {
  test('no address that a client or a stranger names is asked for: of a request, a registration, or a person', async () => {
    const browser = await employee(rig())
    const addresses = (readVectors('ssrf') as readonly (Vector & { readonly url: string })[]).map(({ url }) =>
      url.replaceAll('PORT', String(rig().canaryPort)),
    )
    const headers = { 'content-type': 'application/json' }
    for (const address of addresses) {
      const page = await authorize(rig(), browser, { request_uri: address })
      assert.equal(answerOf(page, 'code'), undefined, address)
      const pushed = await post(rig(), '/par', { request_uri: address, redirect_uri: BACK, response_type: 'code' })
      refused(pushed, /^invalid_request$|^request_uri_not_supported$/)
      const uris = ['sector_identifier_uri', 'logo_uri', 'backchannel_logout_uri', 'jwks_uri', 'initiate_login_uri']
      const metadata = { redirect_uris: [BACK], ...Object.fromEntries(uris.map((name) => [name, address])) }
      for (const path of ['/connect/register', '/reg']) {
        const body = JSON.stringify(metadata)
        assert.equal((await ask(rig(), rig().browser(), `${ISSUER}${path}`, { body, headers })).status, 404)
      }
      const resource = new URLSearchParams({ resource: address, rel: 'http://openid.net/specs/connect/1.0/issuer' })
      for (const at of [ORIGINS.login, ISSUER]) {
        const finger = `${at}/.well-known/webfinger?${resource.toString()}`
        assert.equal((await ask(rig(), rig().browser(), finger)).status, 404)
      }
    }
    assert.equal(rig().canaryDialled(), 0)
  })
}
