import assert from 'node:assert/strict'
import { inflateRawSync } from 'node:zlib'
import { after, before, test } from 'node:test'
import { ask, NAVIGATION, nextOf, type Answer } from '../../gateway/answer.fixture.ts'
import { Jar } from '../../gateway/jar.fixture.ts'
import { Browser, startGateway, type Gateway } from '../oidc-op/provider.fixture.ts'
import { formOf } from '../saml-idp/sp.fixture.ts'

/* Sites on other domains that sign in by the SAML identity provider of their realm, in one gateway. */

const STRONG = `policies:
  - name: strong
    policySet: strong
    resources: ['http://vault.bank.localhost:*/*', 'http://vault.bank.localhost:*/*?*']
    actions: { GET: allow }
    subject: { type: AuthenticatedUsers }
    condition: { type: AuthLevel, authLevel: 2 }
`
const CLASS = 'urn:example:two-factors'

let gateway: Gateway
let port: number

before(async () => {
  gateway = await startGateway(`{ acr: [{ name: '${CLASS}', level: 2 }] }`, (on) => {
    const site = (host: string, more: string): string =>
      `title: ${host}\nurl: http://${host}:${on}\nrealm: /staff\nsso: saml\nupstream: { servers: [http://127.0.0.1:9] }\n${more}\n`
    return {
      'agent-config/files.yaml': site('files.supplier.localhost', 'ssoOnly: true'),
      'agent-config/chain.yaml': site(
        'chain.supplier.localhost',
        'ssoOnly: true\nloginRules: [{ path: /*, chain: strong }]',
      ),
      'agent-config/vault.yaml': site('vault.bank.localhost', 'policySet: strong'),
      'realms/staff/policies.yaml': STRONG,
    }
  })
  port = Number(new URL(gateway.origin).port)
})
after(() => gateway.close())

type Site = 'files.supplier' | 'chain.supplier' | 'vault.bank'
type Fields = Readonly<Record<string, string>>

const FROM_IDP = [
  ...['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document', 'Sec-Fetch-Site: cross-site'],
  'Content-Type: application/x-www-form-urlencoded',
]

/** A browser: one jar for each of the sites, and one for the login host. */
class Person {
  readonly login = new Browser(gateway.origin)
  readonly #jars = new Map<Site, Jar>()

  jar(site: Site): Jar {
    const jar = this.#jars.get(site) ?? new Jar()
    this.#jars.set(site, jar)
    return jar
  }

  async at(site: Site, target = '/'): Promise<Answer> {
    const jar = this.jar(site)
    const host = `${site}.localhost:${port}`
    return jar.keep(await ask(port, target, { host, headers: [...NAVIGATION, ...jar.lines] }))
  }

  /** Goes to the site, and on to the form by which the identity provider answers. */
  async answered(site: Site, target = '/', username = 'alice'): Promise<Fields> {
    return this.through(nextOf(await this.at(site, target)), username)
  }

  async through(signOn: string, username = 'alice'): Promise<Fields> {
    const page = await this.login.open(signOn)
    const there = page.body.includes('IDToken1') ? await this.login.signIn(page, username) : page
    return formOf(there).fields
  }

  /** Posts the form as a browser does, without the cookies of the site, and goes on. */
  async arrive(site: Site, fields: Fields): Promise<Answer> {
    const host = `${site}.localhost:${port}`
    const body = new URLSearchParams(fields).toString()
    const page = await ask(port, '/.gatehouse/acs', { method: 'POST', host, headers: FROM_IDP, body })
    return page.status === 200 ? this.at(site, nextOf(page).replace(/^http:\/\/[^/]+/, '')) : page
  }
}

const hasToken = ({ cookies }: Answer): boolean => cookies.some((cookie) => cookie.startsWith('SSOTokenID='))
const reasons = (): readonly string[] =>
  gateway
    .log()
    .split('\n')
    .filter((line) => line.includes('"event":"HandshakeRefused"'))
    .map((line) => (JSON.parse(line) as { readonly reason: string }).reason)

function requestIn(signOn: string): string {
  const message = new URL(signOn).searchParams.get('SAMLRequest') ?? ''
  return inflateRawSync(Buffer.from(message, 'base64')).toString()
}

function xmlOf({ SAMLResponse = '' }: Fields): string {
  return Buffer.from(SAMLResponse, 'base64').toString()
}

test('one login opens the sites of other domains, each with a token of its own', async () => {
  const alice = new Person()
  const start = await alice.at('files.supplier', '/cart?x=1')
  const asked = requestIn(nextOf(start))
  assert.match(asked, / ID="_[\w-]{43}" .*<saml:Issuer>http:\/\/files\.supplier\.localhost:\d+\/\.gatehouse\/metadata</)
  assert.doesNotMatch(nextOf(start), /cart|x%3D1/)
  const fields = await alice.through(nextOf(start))
  assert.doesNotMatch(xmlOf(fields), /alice|AttributeStatement/, 'nobody is named')
  const done = await alice.arrive('files.supplier', fields)
  assert.deepEqual(
    [done.status, done.headers.get('location')],
    [303, `http://files.supplier.localhost:${port}/cart?x=1`],
  )
  assert.ok(hasToken(done))
  // 502: it would be forwarded.
  assert.equal((await alice.at('files.supplier', '/cart')).status, 502)
  const stolen = alice.jar('files.supplier').lines
  for (const host of [`vault.bank.localhost:${port}`, `app.acme.localhost:${port}`])
    assert.equal((await ask(port, '/', { host, headers: [...NAVIGATION, ...stolen] })).status, 302, 'a copied cookie')
})

test('a step-up is asked for in words of SAML, and the other site keeps its own level', async () => {
  const alice = new Person()
  await alice.arrive('files.supplier', await alice.answered('files.supplier'))
  await alice.arrive('vault.bank', await alice.answered('vault.bank'))
  const stepUp = nextOf(await alice.at('vault.bank'))
  assert.ok(requestIn(stepUp).includes(`<saml:AuthnContextClassRef>${CLASS}</saml:AuthnContextClassRef>`))
  assert.ok(hasToken(await alice.arrive('vault.bank', await alice.through(stepUp))))
  assert.equal((await alice.at('vault.bank')).status, 502)
  assert.equal((await alice.at('files.supplier')).status, 502)
})

test('a chain, which has no word in SAML, is passed on the login page first', async () => {
  const alice = new Person()
  await alice.arrive('files.supplier', await alice.answered('files.supplier'))
  const login = new URL(nextOf(await alice.at('chain.supplier', '/x?y=1')))
  assert.deepEqual([login.pathname, login.searchParams.get('authIndexValue')], ['/login/staff', 'strong'])
  const page = await alice.login.open(login.href)
  const back = new URL((await alice.login.signIn(page, 'alice')).location ?? '')
  assert.equal(back.origin, `http://chain.supplier.localhost:${port}`)
  const signOn = nextOf(await alice.at('chain.supplier', back.pathname + back.search))
  assert.ok(signOn.includes('/saml2/staff/sso?'), 'and is not asked for again')
  const done = await alice.arrive('chain.supplier', await alice.through(signOn))
  assert.ok(done.headers.get('location')?.endsWith('/x?y=1'))
  assert.ok(hasToken(done))
})

test('an answer is good once, for its agent, its start and its browser, and while its session lives', async (t) => {
  const refusedWith = async (reason: string | RegExp, attempt: () => Promise<Answer>): Promise<void> => {
    const before = reasons().length
    const answer = await attempt()
    assert.deepEqual([answer.status, hasToken(answer)], [302, false], String(reason))
    const [said = '', ...more] = reasons().slice(before)
    assert.deepEqual(more, [])
    assert.match(said, new RegExp(reason))
  }
  await t.test('twice: the second one gets nothing', async () => {
    const alice = new Person()
    const fields = await alice.answered('files.supplier')
    assert.ok(hasToken(await alice.arrive('files.supplier', fields)))
    await refusedWith('other-start', () => alice.arrive('files.supplier', fields))
  })
  await t.test('the answer to another start of the same browser', async () => {
    const alice = new Person()
    const [one, other] = [await alice.answered('files.supplier', '/1'), await alice.answered('files.supplier', '/2')]
    const { SAMLResponse = '' } = other
    await refusedWith('saml-in-response-to', () => alice.arrive('files.supplier', { ...one, SAMLResponse }))
  })
  await t.test('the answer of another browser, with its state and with one of this', async () => {
    const [alice, bob] = [new Person(), new Person()]
    const [mine, theirs] = [await alice.answered('files.supplier'), await bob.answered('files.supplier', '/', 'bob')]
    await refusedWith('other-browser', () => alice.arrive('files.supplier', theirs))
    const { SAMLResponse = '' } = theirs
    await refusedWith('saml-in-response-to', () => alice.arrive('files.supplier', { ...mine, SAMLResponse }))
  })
  await t.test('the answer for another agent', async () => {
    const alice = new Person()
    const [files, vault] = [await alice.answered('files.supplier'), await alice.answered('vault.bank')]
    assert.equal((await alice.arrive('files.supplier', vault)).status, 400, 'its state is none of this site')
    const { SAMLResponse = '' } = vault
    await refusedWith('saml-destination', () => alice.arrive('files.supplier', { ...files, SAMLResponse }))
  })
  await t.test('one that was changed, or signed by nobody', async () => {
    const alice = new Person()
    const fields = await alice.answered('files.supplier')
    const changed = (edit: (xml: string) => string): Fields => ({
      ...fields,
      SAMLResponse: Buffer.from(edit(xmlOf(fields))).toString('base64'),
    })
    await refusedWith('saml-', () =>
      alice.arrive(
        'files.supplier',
        changed((xml) => xml.replace(/(<saml:NameID[^>]*>)[^<]*/, '$1_somebody-else')),
      ),
    )
    await refusedWith('saml-unsigned', () =>
      alice.arrive(
        'files.supplier',
        changed((xml) => xml.replace(/<ds:Signature[^]*<\/ds:Signature>/, '')),
      ),
    )
    assert.ok(hasToken(await alice.arrive('files.supplier', fields)), 'and is not used up by that')
  })
  await t.test('one in an address', async () => {
    const alice = new Person()
    const query = new URLSearchParams(await alice.answered('files.supplier')).toString()
    await refusedWith('other-state', () => alice.at('files.supplier', `/.gatehouse/acs?${query}`))
  })
  await t.test('one that nobody asked for', async () => {
    const alice = new Person()
    const { SAMLResponse = '' } = await alice.answered('files.supplier')
    assert.equal((await alice.arrive('files.supplier', { SAMLResponse })).status, 400)
    const files = `http://files.supplier.localhost:${port}/.gatehouse/metadata`
    const begun = await alice.login.open(`/saml2/staff/init?${new URLSearchParams({ spEntityID: files }).toString()}`)
    assert.equal(begun.status, 400, 'nor does the identity provider begin one')
  })
  await t.test('after the session has ended', async () => {
    const alice = new Person()
    const fields = await alice.answered('files.supplier')
    await alice.arrive('vault.bank', await alice.answered('vault.bank'))
    const { port: on } = new URL(gateway.origin)
    const host = `vault.bank.localhost:${on}`
    const headers = [...NAVIGATION.slice(0, 3), 'Sec-Fetch-Site: same-origin', ...alice.jar('vault.bank').lines]
    assert.equal((await ask(port, '/.gatehouse/logout', { method: 'POST', host, headers })).status, 303)
    await refusedWith('session-ended', () => alice.arrive('files.supplier', fields))
  })
})

test('signing out at one site is signing out at the other, and at the login host', async () => {
  const alice = new Person()
  for (const site of ['files.supplier', 'vault.bank'] as const) await alice.arrive(site, await alice.answered(site))
  const host = `vault.bank.localhost:${port}`
  const headers = [...NAVIGATION.slice(0, 3), 'Sec-Fetch-Site: same-origin', ...alice.jar('vault.bank').lines]
  await ask(port, '/.gatehouse/logout', { method: 'POST', host, headers })
  assert.equal((await alice.at('files.supplier')).status, 302)
  assert.ok((await alice.login.open(nextOf(await alice.at('files.supplier')))).body.includes('IDToken1'))
})

test('cdsso-post-preserve: a form of the site is kept until its sender has signed in, and another site’s is not', async () => {
  const alice = new Person()
  await alice.arrive('files.supplier', await alice.answered('files.supplier'))
  const jar = alice.jar('files.supplier')
  jar.forget('SSOTokenID')
  const host = `files.supplier.localhost:${port}`
  const post = (from: string) =>
    ask(port, '/order', {
      ...{ method: 'POST', host, body: 'item=7' },
      headers: [
        ...FROM_IDP.filter((line) => !line.startsWith('Sec-Fetch-Site')),
        `Sec-Fetch-Site: ${from}`,
        ...jar.lines,
      ],
    })
  const backFrom = async (answer: Answer): Promise<string> =>
    (await alice.arrive('files.supplier', await alice.through(nextOf(jar.keep(answer))))).headers.get('location') ?? ''
  assert.match(await backFrom(await post('same-origin')), /\/\.gatehouse\/form\?ticket=[\w-]{43}$/)
  jar.forget('SSOTokenID')
  assert.doesNotMatch(await backFrom(await post('cross-site')), /ticket/)
})

test('a refusal of the identity provider ends in a page, not in a circle', async () => {
  const alice = new Person()
  const signOn = new URL(nextOf(await alice.at('files.supplier')))
  const passive = requestIn(signOn.href).replace(' ProtocolBinding', ' IsPassive="true" ProtocolBinding')
  const { deflateRawSync } = await import('node:zlib')
  signOn.searchParams.set('SAMLRequest', deflateRawSync(Buffer.from(passive)).toString('base64'))
  const answer = await alice.arrive('files.supplier', await alice.through(signOn.href))
  assert.equal(answer.status, 403)
  assert.match(reasons().at(-1) ?? '', /^saml-status: /)
})

test('an address that is too long to be kept is shortened to its page', async () => {
  const alice = new Person()
  const long = `/list?${'x'.repeat(480)}`
  for (const [path, page] of [
    [long, long],
    [`/list?${'x'.repeat(600)}`, '/list'],
    [`/${'x'.repeat(600)}`, '/'],
  ] as const) {
    const done = await alice.arrive('files.supplier', await alice.answered('files.supplier', path))
    assert.equal(done.headers.get('location'), `http://files.supplier.localhost:${port}${page}`)
    alice.jar('files.supplier').forget('SSOTokenID')
  }
  await alice.arrive('vault.bank', await alice.answered('vault.bank', long))
  const stepUp = await alice.through(nextOf(await alice.at('vault.bank', long)))
  assert.ok((await alice.arrive('vault.bank', stepUp)).headers.get('location')?.endsWith(long), 'with a class as well')
})

test('tabs that were opened before one login all arrive', async () => {
  const alice = new Person()
  const starts = [nextOf(await alice.at('files.supplier', '/1')), nextOf(await alice.at('files.supplier', '/2'))]
  const arrived: unknown[] = []
  for (const start of starts)
    arrived.push((await alice.arrive('files.supplier', await alice.through(start))).headers.get('location'))
  assert.deepEqual(
    arrived,
    ['/1', '/2'].map((path) => `http://files.supplier.localhost:${port}${path}`),
  )
})

test('the site tells its metadata, and a code of our own comes to nothing there', async () => {
  const host = `files.supplier.localhost:${port}`
  const metadata = await ask(port, '/.gatehouse/metadata', { host })
  assert.equal(metadata.headers.get('content-type'), 'application/samlmetadata+xml; charset=utf-8')
  assert.match(metadata.body, /entityID="http:\/\/files\.supplier\.localhost:\d+\/\.gatehouse\/metadata"/)
  assert.equal((await ask(port, '/.gatehouse/callback?code=x&state=y', { host, headers: NAVIGATION })).status, 404)
  for (const path of ['acs', 'begin?goto=/', 'metadata'])
    assert.equal(
      (await ask(port, `/.gatehouse/${path}`, { host: `app.acme.localhost:${port}`, headers: NAVIGATION })).status,
      404,
      path,
    )
  const alice = new Person()
  const state = `${'B'.repeat(43)}.0`
  const goto = `http://${host}/`
  const login = await alice.login.open(
    `/login/staff?${new URLSearchParams({ agent: 'files', state, goto }).toString()}`,
  )
  const back = await alice.login.signIn(login, 'alice')
  assert.equal(back.location, goto, 'without a code')
})
