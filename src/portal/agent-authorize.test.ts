import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { formatCompositeAdvice } from '../policy/composite-advice.ts'
import { agentSite, LOGIN, openAgentHost, REALM } from './agent-browser.fixture.ts'
import type { Answer } from './browser.fixture.ts'

const APP = 'https://app.other.example'
const CALLBACK = '/agent/cdsso-oauth2'

const openId = {
  redirectUris: [`${APP}:443${CALLBACK}`, APP + CALLBACK],
  issuerPath: '/oauth2/realms/root/realms/employees',
  sign: (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url'),
  levelOf: (acr: string) => ({ strong: 2 })[acr],
}

const SITES = [
  agentSite('modern', APP, { openAm: { cdcservlet: false, cookie: undefined, openId } }),
  agentSite('old', 'https://old.example.com', { openAm: { cdcservlet: true, cookie: undefined } }),
]

function open(t: TestContext) {
  const parts = { agentKeys: () => ({ keys: [{ kid: 'agents' }] }) }
  return openAgentHost(t, { sites: SITES, origins: [APP], parts })
}

type Changes = Readonly<Record<string, string | undefined>>

const ASKED = {
  scope: 'openid',
  response_type: 'id_token',
  response_mode: 'form_post',
  redirect_uri: `${APP}:443${CALLBACK}`,
  client_id: 'modern',
  state: '6f1a8e52-1c54-4e6e-9f2c-2f3e6a1b7c90',
  nonce: 'b8a3f6c4-0d6e-4b8b-8a3e-5d1f9c2e7a41',
  agent_provider: 'true',
  agent_realm: '/employees',
}

function address(changes: Changes = {}, path = '/oauth2/authorize'): string {
  const all = Object.entries({ ...ASKED, ...changes }).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string',
  )
  return `${path}?${new URLSearchParams(all).toString()}`
}

const location = ({ headers }: Answer): string => headers['location'] ?? ''

function field({ text }: Answer, name: string): string | undefined {
  return new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1]
}

function claimsIn(answer: Answer): Record<string, unknown> {
  return JSON.parse(Buffer.from(field(answer, 'id_token') ?? '', 'base64url').toString()) as Record<string, unknown>
}

suite('/oauth2/authorize?agent_provider=true', () => {
  test('has the browser take a restricted token to the agent in an ID token, and asks nobody', async (t) => {
    const { browser, signIn, touched } = await open(t)
    signIn('alice')
    const page = await browser.get(address())
    assert.equal(page.status, 200)
    assert.equal(page.headers['cache-control'], 'no-store')
    const policy = page.headers['content-security-policy'] ?? ''
    assert.match(policy, /form-action 'self' https:\/\/app\.other\.example;.*frame-ancestors 'none'/)
    assert.ok(page.text.includes(`action="${APP}:443${CALLBACK}"`))
    assert.equal(field(page, 'state'), ASKED.state)
    const { sub, exp, ...claims } = claimsIn(page)
    assert.deepEqual(claims, {
      iss: `${LOGIN}/oauth2/realms/root/realms/employees`,
      ...{ subname: 'alice', aud: 'modern', azp: 'modern', nonce: ASKED.nonce, iat: 0, auth_time: 0, acr: '1' },
      ...{ realm: REALM, ssoToken: '<modern&sid-alice>', tokenName: 'id_token', tokenType: 'JWTToken' },
    })
    assert.equal(typeof sub, 'string')
    assert.equal(typeof exp, 'number')
    assert.ok(!page.text.includes(browser.cookies.get('__Host-SSOTokenID') ?? '?'), 'not the login token')
    assert.equal(touched.length, 1)
  })

  test('every way in which OpenAM names the address and the realm leads there', async (t) => {
    const { browser, signIn } = await open(t)
    signIn('alice')
    const ways = [
      ['/oauth2/realms/root/authorize', {}],
      ['/oauth2/realms/root/realms/employees/authorize', { agent_realm: undefined }],
      ['/am/oauth2/authorize', { agent_realm: 'employees', realm: '/employees' }],
      ['/openam/oauth2/realms/root/realms/employees/authorize', { redirect_uri: APP + CALLBACK }],
    ] as const
    for (const [path, changes] of ways) {
      const page = await browser.get(address(changes, path))
      assert.equal(page.status, 200, path)
      const prefix = /^\/(?:am|openam)(?=\/)/.exec(path)?.[0] ?? ''
      assert.equal(claimsIn(page)['iss'], `${LOGIN}${prefix}/oauth2/realms/root/realms/employees`)
    }
  })

  test('CVE-2026-45049: refuses what is not the registration that a profile is, with and without a session', async (t) => {
    const { browser, signIn, audit } = await open(t)
    const refusals: readonly (readonly [Changes, string, path?: string])[] = [
      [{ client_id: 'nobody' }, 'unknown-agent'],
      [{ client_id: 'old' }, 'unknown-agent'],
      [{ client_id: 'app' }, 'unknown-agent'],
      [{ client_id: undefined }, 'unknown-agent'],
      [{ redirect_uri: 'https://evil.example/agent/cdsso-oauth2' }, 'not-its-own'],
      [{ redirect_uri: `${APP}.evil.example${CALLBACK}` }, 'not-its-own'],
      [{ redirect_uri: `http://app.other.example${CALLBACK}` }, 'not-its-own'],
      [{ redirect_uri: `${APP}:8443${CALLBACK}` }, 'not-its-own'],
      [{ redirect_uri: `${APP}${CALLBACK}/` }, 'not-its-own'],
      [{ redirect_uri: `${APP}${CALLBACK}?x=1` }, 'not-its-own'],
      [{ redirect_uri: `${APP}/agent/../agent/cdsso-oauth2` }, 'not-its-own'],
      [{ redirect_uri: `${APP}/` }, 'not-its-own'],
      [{ redirect_uri: undefined }, 'not-its-own'],
      [{ agent_realm: '/' }, 'other-realm'],
      [{ agent_realm: '/customers' }, 'other-realm'],
      [{ realm: '/customers' }, 'other-realm'],
      [{}, 'other-realm', '/oauth2/realms/root/realms/customers/authorize'],
      [{ response_type: 'code' }, 'other-response-type'],
      [{ response_type: 'id_token token' }, 'other-response-type'],
      [{ response_mode: 'fragment' }, 'other-response-mode'],
      [{ response_mode: undefined }, 'other-response-mode'],
      [{ scope: 'openid profile' }, 'other-scope'],
      [{ scope: undefined }, 'other-scope'],
      [{ state: undefined }, 'no-state'],
      [{ state: '"><script>' }, 'no-state'],
      [{ nonce: undefined }, 'no-nonce'],
      [{ nonce: 'x'.repeat(257) }, 'no-nonce'],
    ]
    for (const signedIn of [false, true]) {
      if (signedIn) signIn('alice')
      for (const [changes, reason, path] of refusals) {
        audit.length = 0
        const answer = await browser.get(address(changes, path))
        assert.equal(answer.status, 400, JSON.stringify(changes))
        assert.equal(field(answer, 'id_token'), undefined)
        const [event] = audit
        assert.ok(event?.event === 'CdcRefused')
        assert.equal(event.reason, reason, JSON.stringify(changes))
      }
    }
    const twice = await browser.get(`${address()}&redirect_uri=${encodeURIComponent('https://evil.example/')}`)
    assert.equal(twice.status, 400, 'of two addresses neither counts')
  })

  test('who is not signed in, in another realm, or not strongly enough, signs in first and comes back', async (t) => {
    const { browser, signIn, beAnonymous } = await open(t)
    const advice = formatCompositeAdvice({ AuthLevelConditionAdvice: ['2'] })
    const sent = async (changes: Changes = {}) => {
      const answer = await browser.get(address(changes))
      assert.equal(answer.status, 302)
      const url = new URL(location(answer), LOGIN)
      assert.equal(url.pathname, '/login/employees')
      return url.searchParams
    }
    const back = new URL((await sent()).get('goto') ?? '')
    signIn('dave', '/customers')
    await sent()
    beAnonymous()
    assert.equal((await sent()).get('authIndexValue'), '1')
    signIn('alice')
    const demands = [
      [{ authIndexType: 'composite_advice', authIndexValue: advice }, ['authIndexValue', advice]],
      [{ sunamcompositeadvice: advice }, ['authIndexValue', advice]],
      [{ acr_values: 'nobody-knows strong' }, ['authlevel', '2']],
      [{ service: 'strong' }, ['service', 'strong']],
      [{ ForceAuth: 'true' }, ['ForceAuth', 'true']],
    ] as const
    for (const [changes, [name, value]] of demands) {
      const login = await sent(changes)
      assert.equal(login.get(name), value, JSON.stringify(changes))
      assert.equal(login.get('goto'), back.href, 'without what was asked for, or it would be asked for ever')
    }
    assert.equal((await browser.get(address({ acr_values: 'nobody-knows' }))).status, 200)
    signIn('alice', '/employees', 2)
    assert.equal((await browser.get(address({ acr_values: 'strong' }))).status, 200)
    const page = await browser.get(back.pathname + back.search)
    assert.deepEqual([field(page, 'state'), claimsIn(page)['nonce']], [ASKED.state, ASKED.nonce])
  })

  test('a script or a frame gets 401 and the address of the login, and no form', async (t) => {
    const { browser, signIn } = await open(t)
    signIn('alice')
    const kinds = [
      { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', origin: APP },
      { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
      { accept: 'text/html', 'x-requested-with': 'XMLHttpRequest' },
      { accept: '*/*' },
    ]
    for (const headers of kinds) {
      const answer = await browser.get(address(), headers)
      assert.equal(answer.status, 401, JSON.stringify(headers))
      assert.match(answer.headers['www-authenticate'] ?? '', /^Gatehouse realm="\/employees", login_url="https:/)
      assert.match(answer.text, /"error":"login_required"/)
      assert.equal(answer.headers['access-control-allow-origin'], undefined)
    }
  })

  test('without agent_provider it is the provider’s, and so is every other address below /oauth2', async (t) => {
    const { browser, signIn } = await open(t)
    signIn('alice')
    const path = '/oauth2/realms/root/realms/employees/authorize'
    for (const changes of [{ agent_provider: undefined }, { agent_provider: 'false' }]) {
      assert.equal((await browser.get(address(changes, path))).status, 404, 'here there is none')
    }
    assert.equal((await browser.get(address({}, '/oauth2/realms/root/realms/employees/access_token'))).status, 404)
    assert.equal((await browser.post(address(), {})).status, 405)
  })

  test('the keys are where agents look for them', async (t) => {
    const { browser } = await open(t)
    for (const path of ['/oauth2/connect/jwk_uri', '/am/oauth2/realms/root/realms/employees/connect/jwk_uri'])
      assert.deepEqual(JSON.parse((await browser.get(path)).text), { keys: [{ kid: 'agents' }] })
  })
})
