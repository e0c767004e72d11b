import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, NAVIGATION, type Answer } from '../../gateway/answer.fixture.ts'
import { Jar } from '../../gateway/jar.fixture.ts'
import { Browser, startGateway, type Gateway } from '../oidc-op/provider.fixture.ts'

/* Two sites on other domains that sign in by the provider of their realm, in one gateway: `shop` and `files`. */

const AGED = `policies:
  - name: aged
    policySet: aged
    resources: ['http://files.supplier.localhost:*/*', 'http://files.supplier.localhost:*/*?*']
    actions: { GET: allow }
    subject: { type: AuthenticatedUsers }
    condition: { type: AuthLevel, authLevel: 2 }
`

let gateway: Gateway
let port: number

before(async () => {
  gateway = await startGateway('{}', (on) => {
    const site = (host: string, more: string): string =>
      `title: ${host}\nurl: http://${host}:${on}\nrealm: /staff\nsso: oidc\nupstream: { servers: [http://127.0.0.1:9] }\n${more}\n`
    return {
      'agent-config/shop.yaml': site('shop.partner.localhost', 'ssoOnly: true'),
      'agent-config/files.yaml': site('files.supplier.localhost', 'policySet: aged'),
      'realms/staff/policies.yaml': AGED,
    }
  })
  port = Number(new URL(gateway.origin).port)
})
after(() => gateway.close())

type Site = 'shop.partner' | 'files.supplier'

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

  /** Goes to the site, and on to where the provider sends the browser back to it. */
  async wayBack(site: Site, target = '/', username = 'alice'): Promise<URL> {
    const start = await this.at(site, target)
    return new URL((await this.through(start.headers.get('location') ?? '', username)).location ?? 'http://none')
  }

  async through(authorization: string, username = 'alice') {
    const page = await this.login.open(authorization)
    return page.status === 200 ? this.login.signIn(page, username) : page
  }

  async arrive(site: Site, back: URL): Promise<Answer> {
    return this.at(site, back.pathname + back.search)
  }
}

const hasToken = ({ cookies }: Answer): boolean => cookies.some((cookie) => cookie.startsWith('SSOTokenID='))
const reasons = (): readonly string[] =>
  gateway
    .log()
    .split('\n')
    .filter((line) => line.includes('"event":"HandshakeRefused"'))
    .map((line) => (JSON.parse(line) as { readonly reason: string }).reason)

test('one login opens the sites of other domains, each with a token of its own', async () => {
  const alice = new Person()
  const done = await alice.arrive('shop.partner', await alice.wayBack('shop.partner', '/cart?x=1'))
  assert.deepEqual([done.status, done.headers.get('location')], [303, `http://shop.partner.localhost:${port}/cart?x=1`])
  assert.ok(hasToken(done))
  // 502: it would be forwarded.
  assert.equal((await alice.at('shop.partner', '/cart')).status, 502)
  const stolen = alice.jar('shop.partner').lines
  for (const host of [`files.supplier.localhost:${port}`, `app.acme.localhost:${port}`])
    assert.equal(
      (await ask(port, '/', { host, headers: [...NAVIGATION, ...stolen] })).status,
      302,
      'a cookie that was copied',
    )
})

test('a step-up across domains comes back with the level, and the other site keeps its own', async () => {
  const alice = new Person()
  await alice.arrive('shop.partner', await alice.wayBack('shop.partner'))
  const silent = await alice.wayBack('files.supplier')
  const weak = await alice.arrive('files.supplier', silent)
  assert.ok(hasToken(weak), 'signed in already')
  const stepUp = (await alice.at('files.supplier')).headers.get('location') ?? ''
  assert.equal(new URL(stepUp).searchParams.get('acr_values'), '2')
  const back = new URL((await alice.through(stepUp)).location ?? '')
  assert.ok(hasToken(await alice.arrive('files.supplier', back)))
  assert.equal((await alice.at('files.supplier')).status, 502)
})

test('a code is good once, for its agent, its start and its browser, and while its session lives', async (t) => {
  const refusedWith = async (reason: string, attempt: () => Promise<Answer>): Promise<void> => {
    const before = reasons().length
    const answer = await attempt()
    assert.deepEqual([answer.status, hasToken(answer)], [302, false], reason)
    assert.deepEqual(reasons().slice(before), [reason])
  }
  await t.test('twice: the second one gets nothing', async () => {
    const alice = new Person()
    const back = await alice.wayBack('shop.partner')
    assert.ok(hasToken(await alice.arrive('shop.partner', back)))
    await refusedWith('other-start', () => alice.arrive('shop.partner', back))
  })
  await t.test('the code of another start', async () => {
    const [alice, bob] = [new Person(), new Person()]
    const [mine, theirs] = [await alice.wayBack('shop.partner'), await bob.wayBack('shop.partner', '/', 'bob')]
    mine.searchParams.set('code', theirs.searchParams.get('code') ?? '')
    await refusedWith('other-start', () => alice.arrive('shop.partner', mine))
    await refusedWith('unknown-code', () => bob.arrive('shop.partner', theirs))
  })
  await t.test('the code of another agent', async () => {
    const alice = new Person()
    const [shop, files] = [await alice.wayBack('shop.partner'), await alice.wayBack('files.supplier')]
    shop.searchParams.set('code', files.searchParams.get('code') ?? '')
    await refusedWith('other-agent', () => alice.arrive('shop.partner', shop))
  })
  await t.test('the start that somebody has watched and answered as well', async () => {
    const [alice, mallory] = [new Person(), new Person()]
    const sent = (await alice.at('shop.partner')).headers.get('location') ?? ''
    const [mine, planted] = [await alice.through(sent), await mallory.through(sent, 'bob')]
    assert.ok(hasToken(await alice.arrive('shop.partner', new URL(mine.location ?? ''))))
    await refusedWith('other-start', () => alice.arrive('shop.partner', new URL(planted.location ?? '')))
  })
  await t.test('after logout', async () => {
    const alice = new Person()
    const back = await alice.wayBack('shop.partner')
    await alice.login.call('/logout', {})
    await refusedWith('session-ended', () => alice.arrive('shop.partner', back))
  })
  await t.test('after the person has proved who they are anew', async () => {
    const alice = new Person()
    const back = await alice.wayBack('shop.partner')
    gateway.passSeconds(1)
    await alice.login.signIn(await alice.login.open('/login/staff?ForceAuth=true'), 'alice')
    await refusedWith('session-moved-on', () => alice.arrive('shop.partner', back))
  })
})

test('nobody passes for an agent at the token endpoint, and the registration is for its realm and its address alone', async () => {
  const alice = new Person()
  const back = await alice.wayBack('shop.partner')
  const redirect = `http://shop.partner.localhost:${port}/.gatehouse/callback`
  for (const more of [{ client_id: 'shop' }, { client_id: 'shop', client_secret: 'shop' }]) {
    const form = { grant_type: 'authorization_code', code: back.searchParams.get('code') ?? '', redirect_uri: redirect }
    const body = new URLSearchParams({ ...form, ...more })
    const answer = await fetch(`${gateway.issuer}/access_token`, { method: 'POST', body })
    assert.equal(answer.status, 401, await answer.text())
  }
  const sent = new URL((await alice.at('files.supplier')).headers.get('location') ?? '')
  for (const uri of [
    redirect.replace('http:', 'https:'),
    redirect.replace(`:${port}`, ''),
    `${redirect}/x`,
    redirect,
  ]) {
    sent.searchParams.set('redirect_uri', uri)
    const page = await alice.login.call(sent.href)
    assert.deepEqual([page.status, page.location], [400, undefined], uri)
  }
  const own = `${gateway.origin}/login/staff?agent=shop&state=${'S'.repeat(43)}.0`
  assert.doesNotMatch((await alice.login.open(own)).location ?? '', /code=/, 'no code of the other kind')
})

test('a logout at the site ends the login, and one at the login host ends the site', async () => {
  const alice = new Person()
  await alice.arrive('shop.partner', await alice.wayBack('shop.partner'))
  const host = `shop.partner.localhost:${port}`
  const headers = [
    ...alice.jar('shop.partner').lines,
    `Origin: http://${host}`,
    'Sec-Fetch-Site: same-origin',
    'Accept: text/html',
  ]
  const out = await ask(port, '/.gatehouse/logout', { host, method: 'POST', headers })
  assert.equal(out.status, 303)
  assert.equal(
    (await alice.login.open((await alice.at('files.supplier')).headers.get('location') ?? '')).status,
    200,
    'a form',
  )
  const bob = new Person()
  await bob.arrive('shop.partner', await bob.wayBack('shop.partner', '/', 'bob'))
  await bob.login.call('/logout', {})
  assert.equal((await bob.at('shop.partner')).status, 302)
})
