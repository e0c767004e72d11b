import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import { unsigned, type Lies } from '../../src/federation/oidc-rp/liar.fixture.ts'
import { Client, type Answer } from '../client.ts'
import { until } from '../until.ts'
import { startProviderRig, type ProviderRig } from './provider-rig.ts'
import type { Rig } from './rig.ts'
import { afterwards, runVectors, type Runner, type Vector } from './suite.ts'

interface ProviderVector extends Vector {
  readonly cases?: readonly string[]
  readonly claims?: Readonly<Record<string, unknown>>
}

let scene: ProviderRig
const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }
const LOGIN_COOKIE = ['login.acme.test', 'SSOTokenID'] as const

/** Nobody is signed in, the person is told something, and the same answer does not work a second time. */
async function refused(outer: Rig, client: Client, answer: Answer, again?: () => Promise<Answer>): Promise<void> {
  outer.tally.sent++
  outer.tally.checks++
  assert.ok(answer.status === 200 || answer.status === 403 || answer.status === 405, `${answer.status} ${answer.body}`)
  assert.equal(client.cookie(...LOGIN_COOKIE), undefined)
  assert.equal(await scene.isSignedIn(client), false)
  if (again === undefined) return
  scene.corp.honest()
  scene.other.honest()
  assert.notEqual((await again()).status, 303, 'its state is used up')
  assert.equal(client.cookie(...LOGIN_COOKIE), undefined)
}

/** What the browser brings back is changed on the way. */
function changedAnswer(change: (query: URLSearchParams) => void): Runner<ProviderVector> {
  return async (outer) => {
    const client = new Client()
    const query = new URLSearchParams(scene.corp.answer(await scene.depart(client)))
    const right = query.toString()
    change(query)
    await refused(outer, client, await scene.arrive(client, query.toString()))
    if (query.get('state') !== new URLSearchParams(right).get('state')) return
    assert.notEqual((await scene.arrive(client, right)).status, 303, 'its state is used up')
  }
}

/** The provider lies. */
function lie(lies: Lies | (() => Lies), provider: 'corp' | 'by-mail' = 'corp'): Runner<ProviderVector> {
  return async (outer) => {
    const client = new Client()
    const query = scene.corp.answer(await scene.depart(client, provider))
    scene.corp.lies = typeof lies === 'function' ? lies() : lies
    await refused(outer, client, await scene.arrive(client, query, provider), () =>
      scene.arrive(client, query, provider),
    )
  }
}

async function signIn(client: Client, lies: Lies = {}, provider: 'corp' | 'other' = 'corp'): Promise<Answer> {
  const liar = scene[provider]
  const query = liar.answer(await scene.depart(client, provider))
  liar.lies = lies
  const answer = await scene.arrive(client, query, provider)
  liar.honest()
  return answer
}

const otherBrowser: Runner<ProviderVector> = async (outer) => {
  const [attacker, victim] = [new Client(), new Client()]
  const query = scene.corp.answer(await scene.depart(attacker))
  await scene.depart(victim)
  await refused(outer, victim, await scene.arrive(victim, query))
}

const expired: Runner<ProviderVector> = async (outer) => {
  const client = new Client()
  const query = scene.corp.answer(await scene.depart(client))
  await scene.moveClock(3_600_000)
  const answer = await scene.arrive(client, query)
  await scene.moveClock(0)
  await refused(outer, client, answer, () => scene.arrive(client, query))
}

const replayedNonce: Runner<ProviderVector> = async (outer) => {
  const first = await scene.depart(new Client())
  const nonce = new URL(first).searchParams.get('nonce')
  await lie({ claims: { nonce } })(outer, { id: '' }, undefined as never)
}

/** The answer of the honest provider, for which the attacker's login was made to stand. */
const mixUp: Runner<ProviderVector> = async (outer) => {
  const client = new Client()
  const grants = scene.other.grants.length
  const honest = new URLSearchParams(scene.corp.answer(await scene.depart(new Client())))
  honest.set('state', new URL(await scene.depart(client, 'other')).searchParams.get('state') ?? '')
  await refused(outer, client, await scene.arrive(client, honest.toString(), 'other'))
  assert.equal(scene.other.grants.length, grants, 'the attacker does not get the code')
  const elsewhere = scene.other.answer(await scene.depart(client, 'other'))
  await refused(outer, client, await scene.arrive(client, elsewhere, 'corp'))
}

const sameSubElsewhere: Runner<ProviderVector> = async (outer) => {
  outer.tally.sent++
  outer.tally.checks++
  const who = async (provider: 'corp' | 'other') => {
    const client = new Client()
    assert.equal((await signIn(client, {}, provider)).status, 303)
    return /alic(?:e|ia)\b/.exec((await client.open(`${scene.login}/`)).body)?.[0]
  }
  assert.deepEqual([await who('corp'), await who('other')], ['alice', 'alicia'])
}

const keysDown: Runner<ProviderVector> = async (outer) => {
  const client = new Client()
  scene.broken.lies = { serve: { '/jwks': (response) => response.writeHead(503).end() } }
  const query = scene.broken.answer(await scene.depart(client, 'no-keys'))
  await refused(outer, client, await scene.arrive(client, query, 'no-keys'))
  scene.broken.honest()
  scene.corp.lies = { serve: { '/jwks': (response) => response.writeHead(503).end() } }
  const query2 = scene.corp.answer(await scene.depart(client))
  const known = await scene.arrive(client, query2)
  scene.corp.honest()
  assert.equal(known.status, 303, 'keys that are known are good')
}

/** Nobody is sent anywhere, and the page says so. */
function brokenMetadata(name: string, lies: () => Lies): Runner<ProviderVector> {
  return async (outer) => {
    const client = new Client()
    scene.broken.lies = lies()
    const page = await scene.press(client, name)
    scene.broken.honest()
    assert.equal(page.headers['refresh'], undefined)
    assert.match(page.body, /role="alert"/)
    await refused(outer, client, page)
  }
}

const backchannel: Runner<ProviderVector> = async (outer, { cases = [] }) => {
  const client = new Client()
  await signIn(client)
  assert.equal(await scene.isSignedIn(client), true)
  const now = Math.floor(Date.now() / 1_000)
  let jtis = 0
  const claims = () => ({
    iss: scene.corp.issuer,
    aud: 'gatehouse',
    iat: now,
    exp: now + 60,
    jti: `j${jtis++}`,
    sub: 'alice',
    events: EVENTS,
  })
  const sign = (more: object, header: object = { typ: 'logout+jwt' }) =>
    scene.corp.sign({ ...claims(), ...more }, { ...header })
  const url = `${scene.login}/oidc/staff/corp/backchannel-logout`
  const post = (token: string) => client.call(url, { form: { logout_token: token } })
  const strange = new TextEncoder().encode('a secret that is thirty-two long')
  const typ = 'logout+jwt'
  const tries: Readonly<Record<string, () => Promise<Answer>>> = {
    'alg none': async () => post(unsigned(claims())),
    'wrong alg': async () => post(await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', typ }).sign(strange)),
    'wrong aud': async () => post(await sign({ aud: 'another' })),
    'wrong iss': async () => post(await sign({ iss: scene.other.issuer })),
    'no events': async () => post(await sign({ events: undefined })),
    'wrong events': async () => post(await sign({ events: { other: {} } })),
    'with nonce': async () => post(await sign({ nonce: 'n' })),
    'no iat': async () => post(await sign({ iat: undefined })),
    'no jti': async () => post(await sign({ jti: undefined })),
    'replayed jti': async () => {
      const token = await sign({ sub: 'nobody', jti: 'twice' })
      assert.equal((await post(token)).status, 200)
      return post(token)
    },
    'old iat': async () => post(await sign({ iat: now - 3_600 })),
    'no sub and sid': async () => post(await sign({ sub: undefined })),
    'sid of another IdP': async () => {
      const token = await scene.other.sign(
        { ...claims(), iss: scene.other.issuer, sub: undefined, sid: 'their-session' },
        { typ },
      )
      const answer = await client.call(url.replace('corp', 'other'), { form: { logout_token: token } })
      assert.equal(answer.status, 200, 'it says nothing of ours')
      return post(token)
    },
    'typ missing': async () => post(await sign({}, {})),
    'duplicate logout_token': async () => {
      const token = await sign({})
      const body = `logout_token=${token}&logout_token=${token}`
      return client.call(`${url}?${body}`, { form: {} })
    },
    'GET instead of POST': async () => client.call(`${url}?logout_token=${await sign({})}`),
  }
  assert.deepEqual(cases.toSorted(), Object.keys(tries).toSorted())
  for (const [name, attempt] of Object.entries(tries)) {
    outer.tally.sent++
    outer.tally.checks++
    const { status } = await attempt()
    assert.ok(status === 400 || status === 405, `${name}: ${status}`)
    assert.equal(await scene.isSignedIn(client), true, name)
  }
  assert.equal((await post(await sign({ sub: undefined, sid: 'their-session' }))).status, 200)
  assert.equal(await scene.isSignedIn(client), false, 'the right one ends the session')
}

/** The refresh of a session's tokens, at its next use. */
function refreshed(lies: Lies): Runner<ProviderVector> {
  return async (outer) => {
    outer.tally.sent++
    outer.tally.checks++
    const client = new Client()
    await signIn(client, { token: { refresh_token: 'r', expires_in: 1 } })
    scene.corp.lies = lies
    await until('the session has ended', async () => !(await scene.isSignedIn(client)))
    scene.corp.honest()
  }
}

runVectors<ProviderVector>('oidc_rp', {
  setUp: async () => {
    scene = await startProviderRig()
  },
  only: {
    'state-missing': changedAnswer((query) => query.delete('state')),
    'state-wrong': changedAnswer((query) => query.set('state', 'x'.repeat(43))),
    'state-array': changedAnswer((query) => query.append('state', 'x'.repeat(43))),
    'state-other-browser': otherBrowser,
    'state-expired': expired,
    'nonce-missing': lie({ claims: { nonce: undefined } }),
    'nonce-wrong': lie({ claims: { nonce: 'x' } }),
    'nonce-replayed': replayedNonce,
    'iss-param-wrong': changedAnswer((query) => query.set('iss', scene.other.issuer)),
    'iss-param-missing-when-advertised': changedAnswer((query) => query.delete('iss')),
    'mixup-token-endpoint': mixUp,
    'idtoken-other-client': lie({ claims: { aud: 'another' } }),
    'idtoken-other-idp-same-sub': sameSubElsewhere,
    'sub-userinfo-mismatch': lie({ userinfo: { sub: 'bob' } }),
    'alg-none-front': changedAnswer((query) =>
      query.set('id_token', unsigned({ iss: scene.corp.issuer, sub: 'alice' })),
    ),
    'alg-none-back': lie({ forge: (claims) => Promise.resolve(unsigned(claims)) }),
    'alg-hs-public': lie({
      forge: (claims) =>
        new SignJWT({ ...claims })
          .setProtectedHeader({ alg: 'HS256', kid: 'one' })
          .sign(new TextEncoder().encode(scene.corp.clientSecret)),
    }),
    'jwks-down': keysDown,
    'discovery-iss-mismatch': brokenMetadata('wrong-issuer', () => ({ metadata: { issuer: scene.corp.issuer } })),
    'discovery-http': brokenMetadata('plain-http', () => ({
      metadata: { authorization_endpoint: 'http://login.example/authorize' },
    })),
    'discovery-huge': brokenMetadata('huge', () => ({
      serve: {
        '/.well-known/openid-configuration': (response) => {
          response.writeHead(200, { 'content-type': 'application/json' })
          const more = (): void => void response.write(Buffer.alloc(65_536, ' '), (error) => error ?? more())
          more()
        },
      },
    })),
    async 'prompt-none-error'(outer) {
      const client = new Client()
      const { searchParams } = new URL(await scene.depart(client))
      const query = { error: 'login_required', state: searchParams.get('state') ?? '', iss: scene.corp.issuer }
      const page = await scene.arrive(client, new URLSearchParams(query).toString())
      assert.equal(page.headers['refresh'] ?? page.headers.location, undefined, 'nobody is sent back')
      assert.match(page.body, /name="authId"/)
      await refused(outer, client, page)
    },
    async 'error-xss'(outer) {
      const client = new Client()
      const { searchParams } = new URL(await scene.depart(client))
      const text = '<script>alert(1)</script>'
      const query = {
        error: text,
        error_description: text,
        state: searchParams.get('state') ?? '',
        iss: scene.corp.issuer,
      }
      const page = await scene.arrive(client, new URLSearchParams(query).toString())
      assert.ok(!page.body.includes('alert(1)') && !scene.rig.log().includes('alert(1)'))
      await refused(outer, client, page)
    },
    async 'form_post-csrf'(outer) {
      const client = new Client()
      const form = Object.fromEntries(new URLSearchParams(scene.corp.answer(await scene.depart(new Client()))))
      const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
      await refused(outer, client, await client.call(`${scene.login}/oidc/staff/corp/callback`, { form, headers }))
    },
    'email-multi-at': (outer, vector, t) =>
      lie({ claims: { sub: 'm', ...vector.claims, email_verified: true } }, 'by-mail')(outer, vector, t),
    'email-unverified': async (outer, vector, t) => {
      await lie({ claims: { sub: 'm', ...vector.claims } }, 'by-mail')(outer, vector, t)
      await lie({ claims: { sub: 'm', email: 'ceo@company.com', email_verified: 'false' } }, 'by-mail')(
        outer,
        vector,
        t,
      )
    },
    'backchannel-logout': backchannel,
    async 'frontchannel-logout'(outer) {
      outer.tally.sent++
      outer.tally.checks++
      const client = new Client()
      await signIn(client)
      const query = new URLSearchParams({ iss: scene.corp.issuer, sid: 'their-session' }).toString()
      const grants = scene.corp.asked.length
      for (const name of ['frontchannel-logout', 'logout', 'callback'])
        assert.ok((await client.call(`${scene.login}/oidc/staff/corp/${name}?${query}`)).status >= 400)
      assert.equal(await scene.isSignedIn(client), true)
      assert.equal(scene.corp.asked.length, grants, 'the provider is told nothing')
    },
    async 'third-party-init'(outer) {
      const client = new Client()
      const iss = `http://127.0.0.1:${outer.canaryPort}`
      const query = new URLSearchParams({ iss, target_link_uri: '//evil.example', login_hint: 'x' }).toString()
      const page = await client.call(`${scene.login}/login/staff?${query}`)
      assert.equal(page.headers['refresh'] ?? page.headers.location, undefined)
      assert.equal(outer.canaryDialled(), 0)
      await refused(outer, client, page)
    },
    async 'third-party-params'(outer) {
      outer.tally.sent++
      outer.tally.checks++
      const client = new Client()
      const query = 'scope=admin&auth_request_params=prompt%3Dnone&redirect_uri=https://evil.example&acr_values=weak'
      const page = await client.call(`${scene.login}/login/staff?${query}`)
      const authId = /name="authId" value="([\w.-]+)"/.exec(page.body)?.[1] ?? ''
      const form = { authId, stage: 'password', choose: 'corp', scope: 'admin', acr_values: 'weak' }
      const away = await client.call(`${scene.login}/login/staff?${query}`, { form })
      const { searchParams } = new URL(String(away.headers['refresh']).slice('0; url='.length))
      assert.equal(searchParams.get('scope'), 'openid profile email')
      assert.equal(new URL(searchParams.get('redirect_uri') ?? '').origin, scene.login)
      assert.deepEqual([searchParams.get('acr_values'), searchParams.get('prompt')], [null, null])
    },
    'refresh-fatal': refreshed({ tokenStatus: 400, token: { error: 'invalid_grant' } }),
    'refresh-other-sub': refreshed({ claims: { sub: 'bob', nonce: undefined } }),
    async 'token-type'(outer, vector, t) {
      await lie({ token: { token_type: 'mac' } })(outer, vector, t)
      await lie({ token: { token_type: undefined } })(outer, vector, t)
    },
    async 'open-state-cookies'(outer) {
      outer.tally.sent++
      outer.tally.checks++
      const client = new Client()
      for (let i = 0; i < 12; i++) await scene.depart(client)
      const kept = client.cookiesFor(scene.login).split('; ')
      assert.equal(kept.filter((cookie) => cookie.startsWith('gatehouse-away-')).length, 4)
      assert.ok(kept.join('; ').length < 12_000)
      assert.equal((await signIn(client)).status, 303, 'the last one counts')
    },
  },
  beyond,
})

/** One step of a login by REST, from a page of the site. */
async function restStep(client: Client, more = '', step: object = {}) {
  const query = `authIndexType=service&authIndexValue=alone${more}&goto=${encodeURIComponent(scene.site)}/x`
  const url = `${scene.login}/json/realms/root/realms/staff/authenticate?${query}`
  const headers = {
    ...{ origin: scene.site, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    ...{ 'content-type': 'application/json', accept: 'application/json' },
  }
  const answer = await client.call(url, { method: 'POST', body: JSON.stringify(step), headers })
  return JSON.parse(answer.body) as {
    readonly callbacks: readonly {
      readonly type: string
      readonly output: readonly { readonly name: string; readonly value: unknown }[]
    }[]
  }
}

function beyond(): void {
  afterwards(() => scene.close())

  test('a page that signs people in by REST finds them signed in when they are back, in that browser, once', async () => {
    const leave = async (client: Client, more = ''): Promise<string> => {
      const [callback] = (await restStep(client, more, await restStep(client, more))).callbacks
      assert.equal(callback?.type, 'RedirectCallback')
      return scene.corp.answer(String(callback.output.find(({ name }) => name === 'redirectUrl')?.value))
    }
    const [client, victim] = [new Client(), new Client()]
    const query = await leave(client)
    assert.equal((await scene.arrive(victim, query)).status, 403, 'in another browser')
    const back = await scene.arrive(client, query)
    assert.equal(back.headers.location, `${scene.site}/x`, back.body)
    assert.equal(await scene.isSignedIn(client), true)
    assert.equal((await scene.arrive(client, query)).status, 403, 'once')
    const proving = new Client()
    const proof = await leave(proving, '&noSession=true')
    assert.equal((await scene.arrive(proving, proof)).status, 403, 'a mere proof is no login of a browser')
  })
}
