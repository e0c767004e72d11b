import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { formatCompositeAdvice } from '../policy/composite-advice.ts'
import { agentSite, LOGIN, openAgentHost } from './agent-browser.fixture.ts'
import type { Answer } from './browser.fixture.ts'

const OLD = 'https://old.example.com'
const ALIAS = 'http://old.example.com'
const SHARING = 'https://share.example.com'

const cookie = {
  name: 'iPlanetDirectoryPro',
  attributes: { secure: true, domain: 'example.com' },
  persistent: false,
} as const
const SITES = [
  agentSite('old', OLD, { openAm: { cdcservlet: true, cookie: undefined }, aliases: [ALIAS] }),
  agentSite('share', SHARING, { openAm: { cdcservlet: false, cookie } }),
]

function open(t: TestContext) {
  return openAgentHost(t, { sites: SITES, origins: [OLD, ALIAS, SHARING, 'http://app.example.com:8080'] })
}

const location = ({ headers }: Answer): string => headers['location'] ?? ''

suite('the addresses of the login page that OpenAM’s agents and old links know', () => {
  test('lead to ours, which gets what they ask for in its own words', async (t) => {
    const { browser } = await open(t)
    const goto = encodeURIComponent(`${OLD}/x?y=1`)
    const advice = formatCompositeAdvice({ AuthLevelConditionAdvice: ['2'] })
    const redirects = [
      [`/UI/Login?goto=${goto}&realm=%2Femployees`, `/login/employees?goto=${goto}`],
      [`/openam/UI/Login?realm=employees&service=strong`, '/login/employees?service=strong'],
      [`/am/XUI/?org=employees&module=totp`, '/login/employees?module=totp'],
      ['/XUI?realm=/employees&authlevel=2', '/login/employees?authlevel=2'],
      ['/UI/Login?realm=/employees&role=x', '/login/employees?authIndexType=role&authIndexValue=x'],
      ['/UI/Login?user=bob&ForceAuth=yes&locale=de', '/login/?user=bob&locale=de&ForceAuth=true'],
      ['/UI/Login?arg=newsession&IDToken1=bob&IDToken2=secret', '/login/?ForceAuth=true'],
      [`/UI/Login?goto=${goto}`, `/login/employees?goto=${goto}`],
      [
        `/UI/Login?realm=/employees&sunamcompositeadvice=${encodeURIComponent(advice)}`,
        `/login/employees?${new URLSearchParams({ authIndexType: 'composite_advice', authIndexValue: advice }).toString()}`,
      ],
      [`/UI/Logout?realm=/employees&goto=${goto}`, `/logout?realm=%2Femployees&goto=${goto}`],
      ['/UI/Logout?realm=/nowhere', '/logout'],
    ] as const
    for (const [path, target] of redirects) {
      const answer = await browser.get(path)
      assert.deepEqual([answer.status, location(answer)], [302, target], path)
    }
    for (const path of ['/UI/Login?realm=//evil.example', '/UI/Login?realm=/nowhere', '/UI/Login/', '/x/UI/Login'])
      assert.equal((await browser.get(path)).status, 404, path)
  })

  test('never lead elsewhere: our page judges goto', async (t) => {
    const { browser, audit } = await open(t)
    const answer = await browser.get('/UI/Login?realm=/employees&goto=https%3A%2F%2Fevil.example%2F')
    assert.match(location(answer), /^\/login\/employees\?/)
    const page = await browser.get(location(answer))
    assert.equal(page.status, 200)
    assert.ok(audit.some(({ event }) => event === 'GotoRefused'))
  })
})

suite('a cookie of the domain', () => {
  test('is set on the way to a site whose agent looks at it, and to no other', async (t) => {
    const { browser, signIn } = await open(t)
    signIn('alice')
    const to = (url: string) => browser.get(`/login/employees?goto=${encodeURIComponent(url)}`)
    const shared = await to(`${SHARING}/a`)
    assert.equal(location(shared), `${SHARING}/a`)
    const [set = '', ...more] = shared.setCookies.filter((text) => text.startsWith('iPlanetDirectoryPro='))
    assert.deepEqual(more, [])
    assert.match(set, /^iPlanetDirectoryPro=[^;]*share[^;]*; .*Domain=example\.com.*HttpOnly; Secure; SameSite=Lax/)
    for (const url of [`${OLD}/a`, 'http://app.example.com:8080/']) {
      const { setCookies } = await to(url)
      assert.ok(!setCookies.some((text) => text.startsWith('iPlanetDirectoryPro=')), url)
    }
  })

  test('is set after a login, too', async (t) => {
    const { browser } = await open(t)
    const page = await browser.get(`/login/employees?goto=${encodeURIComponent(`${SHARING}/a`)}`)
    const typed = { IDToken1: 'alice', IDToken2: 'alice-demo-password' }
    const form = /<form method="post" action="([^"]*)"/.exec(page.text)?.[1] ?? ''
    const hidden = [...page.text.matchAll(/name="(authId|stage)" value="([^"]*)"/g)].map(([, name, value]) => [
      name,
      value,
    ])
    const answer = await browser.post(
      form,
      { ...(Object.fromEntries(hidden) as Record<string, string>), ...typed },
      {
        origin: LOGIN,
      },
    )
    assert.equal(location(answer), `${SHARING}/a`)
    assert.ok(answer.setCookies.some((text) => text.startsWith('iPlanetDirectoryPro=')))
  })

  test('no handshake leads to a site that the gateway does not stand in front of', async (t) => {
    const { browser, signIn, grants } = await open(t)
    signIn('alice')
    const state = `${'B'.repeat(43)}.0`
    await browser.get(`/login/employees?agent=old&state=${state}&goto=${encodeURIComponent(`${OLD}/`)}`)
    assert.deepEqual(grants, [])
  })
})

const ASKED = {
  TARGET: `${OLD}/agent/cdsso?goto=%2Fx`,
  RequestID: 'r6F57eTYvl',
  MajorVersion: '1',
  MinorVersion: '0',
  ProviderID: `${OLD}:443/?Realm=%2Femployees`,
  IssueInstant: '2026-11-29T11:46:02.232Z',
}

function cdc(changes: Readonly<Record<string, string | undefined>> = {}, path = '/cdcservlet'): string {
  const all = Object.entries({ ...ASKED, ...changes }).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string',
  )
  return `${path}?${new URLSearchParams(all).toString()}`
}

function laresIn({ text }: Answer): string {
  const value = /name="LARES" value="([^"]*)"/.exec(text)?.[1] ?? ''
  return Buffer.from(value, 'base64').toString('utf8')
}

suite('/cdcservlet', () => {
  test('has the browser take a restricted token to the agent, and nothing else anywhere', async (t) => {
    const { browser, signIn, touched } = await open(t)
    signIn('alice')
    const page = await browser.get(cdc({}, '/openam/cdcservlet'))
    assert.equal(page.status, 200)
    assert.equal(page.headers['cache-control'], 'no-store')
    const policy = page.headers['content-security-policy'] ?? ''
    assert.match(policy, /form-action 'self' https:\/\/old\.example\.com;.*frame-ancestors 'none'/)
    assert.ok(page.text.includes(`action="${OLD}/agent/cdsso?goto=%2Fx"`))
    const lares = laresIn(page)
    assert.match(lares, /<saml:NameIdentifier NameQualifier="[^"]+">&lt;old&amp;sid-alice&gt;<\/saml:NameIdentifier>/)
    assert.match(lares, / InResponseTo="r6F57eTYvl"/)
    assert.match(lares, / Issuer="https:\/\/login\.example\.com\/openam\/cdcservlet"/)
    assert.match(lares, /NotBefore="1970-01-01T00:00:00Z" NotOnOrAfter="1970-01-01T00:01:00Z"/)
    assert.match(lares, /<saml:Audience>https:\/\/old\.example\.com:443\/\?Realm=%2Femployees<\/saml:Audience>/)
    assert.ok(!page.text.includes(browser.cookies.get('__Host-SSOTokenID') ?? '?'), 'not the login token')
    assert.equal(touched.length, 1)
  })

  test('what stands in the request stands escaped in the answer', async (t) => {
    const { browser, signIn } = await open(t)
    signIn('alice')
    const lares = laresIn(await browser.get(cdc({ ProviderID: `${OLD}/"><evil a='&` })))
    assert.match(lares, /<saml:Audience>https:\/\/old\.example\.com\/&quot;&gt;&lt;evil a=&apos;&amp;<\/saml:Audience>/)
  })

  test('CVE-2026-45049: refuses every address that is not the agent’s own, with and without a session', async (t) => {
    const { browser, signIn, audit } = await open(t)
    const refusals: readonly (readonly [Readonly<Record<string, string | undefined>>, string])[] = [
      [{ TARGET: 'https://evil.example/' }, 'not-registered'],
      [{ TARGET: `${OLD}.evil.example/` }, 'not-registered'],
      [{ TARGET: `${OLD}@evil.example/` }, 'not-registered'],
      [{ TARGET: `${SHARING}/` }, 'not-its-own'],
      [{ TARGET: `${LOGIN}/` }, 'not-its-own'],
      [{ TARGET: '/agent/cdsso' }, 'not-its-own'],
      [{ TARGET: 'javascript:alert(1)' }, 'not-canonical'],
      [{ TARGET: undefined }, 'no-goto'],
      [{ goto: `${OLD}/` }, 'no-goto'],
      [{ ProviderID: SHARING }, 'unknown-provider'],
      [{ ProviderID: 'http://app.example.com:8080' }, 'unknown-provider'],
      [{ ProviderID: 'https://evil.example' }, 'unknown-provider'],
      [{ ProviderID: undefined }, 'unknown-provider'],
      [{ RequestID: undefined }, 'no-request-id'],
      [{ RequestID: '"/><x>' }, 'no-request-id'],
    ]
    for (const signedIn of [false, true]) {
      if (signedIn) signIn('alice')
      for (const [changes, reason] of refusals) {
        audit.length = 0
        const answer = await browser.get(cdc(changes))
        assert.equal(answer.status, 400, JSON.stringify(changes))
        assert.ok(!answer.text.includes('LARES'))
        const [event] = audit
        assert.ok(event?.event === 'CdcRefused')
        assert.equal(event.reason, reason, JSON.stringify(changes))
      }
    }
  })

  test('takes the token to the site’s own origin from whatever alias it was asked', async (t) => {
    const { browser, signIn } = await open(t)
    signIn('alice')
    const page = await browser.get(cdc({ TARGET: undefined, goto: `${ALIAS}/x`, ProviderID: ALIAS }))
    assert.ok(page.text.includes(`action="${OLD}/x"`), 'never in the clear')
  })

  test('who is not signed in, in another realm, or not strongly enough, signs in first and comes back', async (t) => {
    const { browser, signIn } = await open(t)
    const advice = formatCompositeAdvice({ AuthLevelConditionAdvice: ['2'] })
    const back = `${LOGIN}/cdcservlet?${new URLSearchParams({ RequestID: ASKED.RequestID, ProviderID: ASKED.ProviderID, TARGET: ASKED.TARGET }).toString()}`
    const sent = async (changes: Readonly<Record<string, string>> = {}) => {
      const answer = await browser.get(cdc(changes))
      assert.equal(answer.status, 302)
      const url = new URL(location(answer), LOGIN)
      assert.equal(url.pathname, '/login/employees')
      assert.equal(url.searchParams.get('goto'), back, 'without what was asked for, or it would be asked for ever')
      return url.searchParams
    }
    await sent()
    signIn('dave', '/customers')
    await sent()
    signIn('alice')
    assert.equal((await sent({ sunamcompositeadvice: advice })).get('authIndexValue'), advice)
    assert.equal((await sent({ ForceAuth: 'true' })).get('ForceAuth'), 'true')
    await sent({ authlevel: '2' })
    signIn('alice', '/employees', 2)
    assert.equal((await browser.get(cdc({ sunamcompositeadvice: advice }))).status, 200)
    const page = await browser.get(new URL(back).pathname + new URL(back).search)
    assert.ok(page.text.includes('LARES'))
  })

  test('no agent hears of people who have proved nothing: they sign in first, and come back', async (t) => {
    const { browser, beAnonymous } = await open(t)
    beAnonymous()
    for (const path of [cdc(), '/UI/Login?locale=de&realm=/employees', '/UI/Login?realm=/employees']) {
      const answer = await browser.get(path)
      assert.equal(answer.status, 302, path)
      const to = new URL(location(answer), LOGIN)
      assert.deepEqual([to.searchParams.get('authIndexType'), to.searchParams.get('authIndexValue')], ['level', '1'])
      assert.equal((await browser.get(to.pathname + to.search)).status, 200, 'the form')
    }
    assert.equal((await browser.get(cdc({ service: 'guests' }))).status, 302)
    const shared = await browser.get(`/login/employees?goto=${encodeURIComponent(`${SHARING}/a`)}`)
    assert.equal(location(shared), `${SHARING}/a`)
    assert.ok(!shared.setCookies.some((text) => text.startsWith('iPlanetDirectoryPro=')))
  })

  test('is there for GET alone', async (t) => {
    const { browser, signIn } = await open(t)
    signIn('alice')
    assert.equal((await browser.post(cdc(), {})).status, 405)
  })
})
