import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { after, before, test } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { startApp, type App } from '../../app.ts'
import { loadConfig } from '../../config/load.ts'
import { freePort } from '../../free-port.fixture.ts'
import { ask, NAVIGATION, nextOf, type Answer } from '../../gateway/answer.fixture.ts'
import { Jar } from '../../gateway/jar.fixture.ts'
import { Browser, startGateway, type Gateway } from '../oidc-op/provider.fixture.ts'
import { formOf } from '../saml-idp/sp.fixture.ts'

/* A login server, and a gateway that has nothing of it but its metadata: `files`, at an address of its own. */

const CLASS = 'urn:example:two-factors'
const ONE_FACTOR = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'

let login: Gateway
let application: ReturnType<typeof createServer>
let port: number
let host: string
let root: string
let app: App
let log = ''

before(async () => {
  port = await freePort()
  host = `localhost:${port}`
  const url = `http://${host}`
  login = await startGateway(`{ acr: [{ name: '${CLASS}', level: 2 }] }`, (on) => ({
    'agent-config/other.yaml': `url: http://other.acme.localhost:${on}\nrealm: /staff\nsso: saml\nupstream: { servers: [http://127.0.0.1:9] }\nssoOnly: true\n`,
    'realms/staff/realm.yaml': `authentication:
  modules: { password: { type: password }, strong: { type: password, authLevel: 2 } }
  chains:
    default: [{ module: password, criteria: REQUIRED }]
    strong: [{ module: strong, criteria: REQUIRED }]
session: { maxIdle: 15m, maxLife: 15m }
`,
  }))
  application = createServer((request, response) => response.end(String(request.headers['x-who']))).listen(
    0,
    '127.0.0.1',
  )
  await new Promise((resolve) => application.once('listening', resolve))
  const place = application.address()
  const upstream = `http://127.0.0.1:${typeof place === 'object' && place !== null ? place.port : 0}`
  root = mkdtempSync(join(tmpdir(), 'gatehouse-remote-saml-'))
  const rule = (path: string, more: object) => ({
    ...{ name: path, resources: [`*://*:*/${path}*`], actions: { GET: 'allow' } },
    ...{ subject: { type: 'Group', groups: ['staff'] }, ...more },
  })
  const level = (authLevel: number) => ({ condition: { type: 'AuthLevel', authLevel } })
  const entityId = `${login.origin}/saml2/staff/metadata`
  const files = {
    'master.key': 'q2Zt5nVJ0cKx8BwLrD1eYhTgUo7fMiSa4PzN3EvXk9Q',
    'agent-config/gatehouse.yaml': `listeners: [{ address: 127.0.0.1, port: ${port} }]
login: { url: "${login.origin}" }
store: { driver: embedded, path: ${join(root, 'cts.db')} }
secrets: { masterKey: "\${file:master.key}" }
shutdown: { drain: 1s }
`,
    'agent-config/files.yaml': `url: ${url}
realm: /partners
upstream: { servers: ["${upstream}"] }
identity: { headers: { X-Who: username } }
`,
    'realms/realm.yaml': '',
    'realms/partners/realm.yaml': `ssoProvider:
  type: saml
  entityId: "${entityId}"
  metadataUrl: { url: "${entityId}", internal: true }
  claims: { id: id }
  acr: [{ name: '${ONE_FACTOR}', level: 1 }, { name: '${CLASS}', level: 2 }]
  recheck: 10m
`,
    'realms/partners/policies.yaml': JSON.stringify({
      policies: [
        rule('x', {}),
        rule('board', { subject: { type: 'Group', groups: ['board'] } }),
        rule('vault/', level(2)),
        rule('top/', level(3)),
      ],
    }),
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, { mode: 0o600 })
  }
  const loaded = await loadConfig(root, { env: {} })
  if (loaded.snapshot === undefined) throw new Error(loaded.problems.map(({ message }) => message).join('\n'))
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log += chunk.toString()
      done()
    },
  })
  app = await startApp({ configRoot: root, output, loaded, snapshot: loaded.snapshot, worker: undefined })
  const { body } = await ask(port, '/.gatehouse/metadata', { host })
  await login.write('files.xml', body)
  await login.write(
    'realms/staff/clients.yaml',
    `acr: [{ name: '${CLASS}', level: 2 }]
saml:
  serviceProviders:
    - id: files
      entityId: ${url}/.gatehouse/metadata
      metadata: "\${file:files.xml}"
      attributes:
        - { name: id, from: userId }
        - { name: uid, from: username }
        - { name: groups, from: groups }
        - { name: mail, from: 'attribute:mail' }
`,
  )
})

after(async () => {
  await app.close()
  await login.close()
  application.close()
  rmSync(root, { recursive: true, force: true })
})

type Fields = Readonly<Record<string, string>>

const FROM_IDP = [
  ...['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document', 'Sec-Fetch-Site: cross-site'],
  'Content-Type: application/x-www-form-urlencoded',
]

class Person {
  readonly login = new Browser(login.origin)
  readonly jar = new Jar()

  async at(target: string): Promise<Answer> {
    return this.jar.keep(await ask(port, target, { host, headers: [...NAVIGATION, ...this.jar.lines] }))
  }

  /** From where the gateway sends the browser, through the login as far as somebody is needed, to the form of the answer. */
  async answered(start: Answer, name = 'alice'): Promise<Fields> {
    const page = await this.login.open(nextOf(start))
    return formOf(page.body.includes('IDToken1') ? await this.login.signIn(page, name) : page).fields
  }

  /** Posts the form as a browser does, without the cookies of the site, and goes on. */
  async arrive(fields: Fields): Promise<Answer> {
    const body = new URLSearchParams(fields).toString()
    const page = await ask(port, '/.gatehouse/acs', { method: 'POST', host, headers: FROM_IDP, body })
    assert.equal(page.status, 200, page.body)
    return this.at(nextOf(page).replace(/^http:\/\/[^/]+/, ''))
  }

  async signIn(): Promise<this> {
    const done = await this.arrive(await this.answered(await this.at('/x')))
    assert.deepEqual([done.status, done.headers.get('location')], [303, `http://${host}/x`], done.body + log)
    return this
  }

  async whoami(): Promise<Readonly<Record<string, unknown>>> {
    return JSON.parse((await this.at('/.gatehouse/whoami')).body) as Readonly<Record<string, unknown>>
  }
}

const isOut = ({ status, headers }: Answer): boolean =>
  status === 302 && (headers.get('location') ?? '').startsWith(`${login.origin}/saml2/staff/sso?`)
const hasToken = ({ cookies }: Answer): boolean => cookies.some((cookie) => cookie.startsWith('SSOTokenID='))
const lastRefusal = (): string =>
  log
    .split('\n')
    .filter((line) => line.includes('"event":"HandshakeRefused"'))
    .map((line) => (JSON.parse(line) as { readonly reason: string }).reason)
    .at(-1) ?? ''
const requestIn = (address: string): string =>
  inflateRawSync(Buffer.from(new URL(address).searchParams.get('SAMLRequest') ?? '', 'base64')).toString()

test('somebody whom no directory here knows is who the assertion says, with their groups', async () => {
  const alice = new Person()
  const start = await alice.at('/x')
  assert.ok(isOut(start) && new URL(nextOf(start)).searchParams.get('Signature') !== null, 'a signed request')
  await alice.arrive(await alice.answered(start))
  assert.deepEqual([(await alice.at('/x')).body, (await alice.at('/board')).status], ['alice', 403])
  const { userId, groups, authLevel, maxExpiresAt } = await alice.whoami()
  assert.deepEqual([userId, groups, authLevel], ['u-alice', ['staff'], 1])
  assert.ok(Date.parse(String(maxExpiresAt)) <= Date.now() + 600_000, 'no longer than `recheck`')
})

test('a step-up is asked for by its class and comes back with the level, and the session of before is over', async () => {
  const alice = await new Person().signIn()
  const before = alice.jar.lines
  const needed = await alice.at('/vault/x')
  assert.match(requestIn(nextOf(needed)), new RegExp(`exact"><saml:AuthnContextClassRef>${CLASS}</saml:`))
  await alice.arrive(await alice.answered(needed))
  assert.equal((await alice.at('/vault/x')).status, 200)
  assert.ok(isOut(await ask(port, '/x', { host, headers: [...NAVIGATION, ...before] })), 'the token of before')
  assert.equal((await alice.at('/top/x')).status, 500)
  assert.match(log, /has no class for[^\n]*AuthLevelConditionAdvice/)
})

test('an answer counts once, for its request, in the browser that began', async () => {
  const [alice, bob] = [new Person(), new Person()]
  const mine = await alice.answered(await alice.at('/x'))
  const theirs = await bob.answered(await bob.at('/x'), 'bob')
  assert.ok(!hasToken(await alice.arrive(theirs)))
  assert.equal(lastRefusal(), 'other-browser')
  const { SAMLResponse = '' } = theirs
  assert.ok(!hasToken(await alice.arrive({ ...mine, SAMLResponse })))
  assert.match(lastRefusal(), /^saml-in-response-to/)
  const unsigned = Buffer.from(SAMLResponse, 'base64')
    .toString()
    .replaceAll(/<ds:Signature.*?<\/ds:Signature>/gs, '')
  assert.ok(!hasToken(await bob.arrive({ ...theirs, SAMLResponse: Buffer.from(unsigned).toString('base64') })))
  assert.match(lastRefusal(), /^saml-unsigned/)
  assert.ok(hasToken(await alice.arrive(mine)))
  assert.ok(!hasToken(await alice.arrive(mine)))
  assert.equal(lastRefusal(), 'other-start')
})

test('a logout at the provider ends the session here by its server, without the browser', async () => {
  const [alice, phone] = [await new Person().signIn(), await new Person().signIn()]
  const page = await alice.login.open('/logout')
  await alice.login.submit(page, {})
  while (!isOut(await alice.at('/x'))) await new Promise(setImmediate)
  assert.equal((await phone.at('/x')).status, 200, 'another session of the same person')
})

test('a logout here leads to the provider, which ends its own, and back', async () => {
  const alice = await new Person().signIn()
  const headers = [...alice.jar.lines, `Origin: http://${host}`, 'Sec-Fetch-Site: same-origin', 'Accept: text/html']
  const out = await ask(port, '/.gatehouse/logout', { host, method: 'POST', headers })
  assert.match(requestIn(nextOf(out)), /<samlp:LogoutRequest .*<samlp:SessionIndex>/)
  const back = await alice.login.open(nextOf(out))
  const { pathname, search } = new URL(back.location ?? 'http://none')
  assert.equal(pathname, '/.gatehouse/slo')
  const end = await alice.at(pathname + search)
  assert.deepEqual([end.status, nextOf(end)], [303, `${login.origin}/logged-out?agent=files`])
  assert.ok((await alice.login.open(nextOf(await alice.at('/x')))).body.includes('IDToken1'), 'a form')
})

test('nobody but the provider signs anybody out', async () => {
  const alice = await new Person().signIn()
  const xml = requestIn(nextOf(await alice.at('/vault/x'))).replaceAll('AuthnRequest', 'LogoutRequest')
  const field = new URLSearchParams({ SAMLRequest: Buffer.from(xml).toString('base64') }).toString()
  for (const [type, body] of [
    ['application/x-www-form-urlencoded', field],
    ['application/x-www-form-urlencoded', 'x=1'],
    ['text/xml', xml],
    ['text/xml', 'x'.repeat(140_000)],
  ] as const) {
    const headers = [`Content-Type: ${type}`]
    assert.equal((await ask(port, '/.gatehouse/slo', { host, method: 'POST', headers, body })).status, 400, body)
  }
  assert.equal((await alice.at(`/.gatehouse/slo?${field}`)).status, 400)
  assert.equal((await alice.at('/x')).status, 200)
})

test('after `recheck` the browser comes by the provider, where nobody is asked', async () => {
  const alice = await new Person().signIn()
  const signedIn = Date.now()
  login.passSeconds(601)
  const start = await alice.at('/x')
  assert.ok(isOut(start))
  const page = await alice.login.open(nextOf(start))
  assert.ok(!page.body.includes('IDToken1'))
  assert.ok(hasToken(await alice.arrive(formOf(page).fields)))
  const { maxExpiresAt } = await alice.whoami()
  assert.ok(Date.parse(String(maxExpiresAt)) <= signedIn + 15 * 60_000, 'no longer than the session there')
})
