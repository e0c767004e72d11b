import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { after, before, test } from 'node:test'
import { startApp, type App } from '../../app.ts'
import { loadConfig } from '../../config/load.ts'
import { freePort } from '../../free-port.fixture.ts'
import { ask, NAVIGATION, type Answer } from '../../gateway/answer.fixture.ts'
import { Jar } from '../../gateway/jar.fixture.ts'
import { Browser, startGateway, type Gateway } from '../oidc-op/provider.fixture.ts'

/* A login server, and a gateway that shares nothing with it but its address and a key: `files`, at an address of its own. */

let login: Gateway
let application: ReturnType<typeof createServer>
let port: number
let root: string
let app: App
let log = ''

async function startRemote(): Promise<App> {
  const loaded = await loadConfig(root, { env: {} })
  if (loaded.snapshot === undefined) throw new Error(loaded.problems.map(({ message }) => message).join('\n'))
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log += chunk.toString()
      done()
    },
  })
  return startApp({ configRoot: root, output, loaded, snapshot: loaded.snapshot, worker: undefined })
}

before(async () => {
  port = await freePort()
  const url = `http://localhost:${port}`
  // Another site of the realm: a client of its own, which nobody here signs in at.
  const papers = `http://papers.localhost:${port}`
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'files-1', alg: 'ES256', use: 'sig' }] }
  login = await startGateway('{}', () => ({
    ...Object.fromEntries(
      Object.entries({ files: url, papers }).map(([id, at]) => [
        `agent-config/${id}.yaml`,
        `url: ${at}\nrealm: /staff\nsso: oidc\nclient: { jwks: ${JSON.stringify(jwks)} }\n`,
      ]),
    ),
  }))
  application = createServer((request, response) => response.end(String(request.headers['x-who']))).listen(
    0,
    '127.0.0.1',
  )
  await new Promise((resolve) => application.once('listening', resolve))
  const place = application.address()
  const upstream = `http://127.0.0.1:${typeof place === 'object' && place !== null ? place.port : 0}`
  root = mkdtempSync(join(tmpdir(), 'gatehouse-remote-'))
  const files = {
    'files.pem': privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
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
identity: { headers: { X-Who: username, X-Groups: groups } }
`,
    'agent-config/papers.yaml': `url: ${papers}\nrealm: /partners\nupstream: { servers: ["${upstream}"] }\n`,
    'realms/realm.yaml': '',
    'realms/partners/realm.yaml': `ssoProvider: { issuer: "${login.issuer}", clientKey: "\${file:files.pem}", clientKeyId: files-1, timeout: 1s, recheck: 10m }\n`,
    'realms/partners/policies.yaml': JSON.stringify({
      policies: [
        {
          name: 'staff',
          resources: ['*://*:*/*', '*://*:*/*?*'],
          actions: { GET: 'allow' },
          subject: { type: 'Group', groups: ['staff'] },
        },
        {
          name: 'vault',
          resources: ['*://*:*/vault/*'],
          actions: { GET: 'allow' },
          subject: { type: 'AuthenticatedUsers' },
          condition: { type: 'AuthLevel', authLevel: 2 },
        },
      ],
    }),
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, { mode: 0o600 })
  }
  app = await startRemote()
})

after(async () => {
  await app.close()
  await login.close()
  application.close()
  rmSync(root, { recursive: true, force: true })
})

class Person {
  readonly login = new Browser(login.origin)
  readonly jar = new Jar()
  readonly name: string

  constructor(name = 'alice') {
    this.name = name
  }

  async at(target: string): Promise<Answer> {
    return this.jar.keep(
      await ask(port, target, { host: `localhost:${port}`, headers: [...NAVIGATION, ...this.jar.lines] }),
    )
  }

  /** From an answer of the gateway through the login, as far as a person is needed, back to what the gateway says then. */
  async through(answer: Answer): Promise<Answer> {
    const page = await this.login.open(answer.headers.get('location') ?? '')
    const back = page.status === 200 ? await this.login.signIn(page, this.name) : page
    const { pathname, search } = new URL(back.location ?? 'http://none')
    return this.at(pathname + search)
  }

  async signIn(): Promise<this> {
    const done = await this.through(await this.at('/x'))
    assert.deepEqual([done.status, done.headers.get('location')], [303, `http://localhost:${port}/x`], done.body)
    return this
  }
}

const isOut = ({ status, headers }: Answer): boolean =>
  status === 302 && (headers.get('location') ?? '').startsWith(`${login.issuer}/authorize?`)

test('somebody whom no directory here knows is who the provider says, with their groups', async () => {
  const alice = await new Person().signIn()
  const page = await alice.at('/x')
  assert.deepEqual([page.status, page.body], [200, 'alice'])
  const whoami = JSON.parse((await alice.at('/.gatehouse/whoami')).body) as Record<string, unknown>
  assert.deepEqual([whoami['userId'], whoami['groups'], whoami['authLevel']], ['u-alice', ['staff'], 1])
})

test('a step-up comes back with the level, and the session of before is over', async () => {
  const alice = await new Person().signIn()
  const before = alice.jar.lines
  const needed = await alice.at('/vault/x')
  assert.equal(new URL(needed.headers.get('location') ?? '').searchParams.get('acr_values'), '2')
  await alice.through(needed)
  assert.equal((await alice.at('/vault/x')).status, 200)
  const old = await ask(port, '/x', { host: `localhost:${port}`, headers: [...NAVIGATION, ...before] })
  assert.ok(isOut(old), 'the token of before')
})

test('an answer counts once, in the browser that began', async () => {
  const [alice, other] = [new Person(), new Person()]
  const start = await alice.at('/x')
  const back = await alice.login.signIn(await alice.login.open(start.headers.get('location') ?? ''), 'alice')
  const { pathname, search } = new URL(back.location ?? '')
  assert.ok(isOut(await other.at(pathname + search)), 'another browser')
  assert.equal((await alice.at(pathname + search)).status, 303)
  const again = await alice.at(pathname + search)
  assert.ok(isOut(again) && !again.cookies.some((cookie) => cookie.startsWith('SSOTokenID=')))
  assert.match(log, /"event":"HandshakeRefused"[^\n]*"reason":"other-start"/)
})

test('a logout at the provider ends the session here by its message', async () => {
  const alice = await new Person().signIn()
  await alice.login.call('/logout', {})
  while (!isOut(await alice.at('/x'))) await new Promise(setImmediate)
  for (const body of ['logout_token=x', 'x=1', `logout_token=${'x'.repeat(20_000)}`])
    assert.equal(
      (await ask(port, '/.gatehouse/backchannel-logout', { host: `localhost:${port}`, method: 'POST', body })).status,
      400,
    )
})

test('a logout here leads to the provider, where nobody is asked, and ends the login', async () => {
  const alice = await new Person().signIn()
  const host = `localhost:${port}`
  const headers = [...alice.jar.lines, `Origin: http://${host}`, 'Sec-Fetch-Site: same-origin', 'Accept: text/html']
  const out = await ask(port, '/.gatehouse/logout', { host, method: 'POST', headers })
  assert.equal(out.status, 303)
  const page = await alice.login.open(out.headers.get('location') ?? '')
  assert.match(page.body, /data-relay/, 'it goes on by itself')
  await alice.login.submit(page, { logout: 'yes' })
  const next = await alice.login.open((await alice.at('/x')).headers.get('location') ?? '')
  assert.equal(next.status, 200, 'a form')
})

test('word of a logout that is lost counts when the provider is asked next', async () => {
  const alice = await new Person().signIn()
  await app.close()
  await alice.login.call('/logout', {})
  app = await startRemote()
  assert.ok(isOut(await alice.at('/x')))
})

test('while the provider is away sessions go on for a moment, and then nobody passes and nobody is signed out', async () => {
  const alice = await new Person().signIn()
  await alice.through(await alice.at('/vault/x'))
  assert.equal((await alice.at('/vault/x')).status, 200)
  await login.app.close()
  login.passSeconds(601)
  assert.equal((await alice.at('/x')).status, 200, 'within the grace')
  assert.equal((await alice.at('/vault/x')).status, 503, 'no grace where a level is asked for')
  login.passSeconds(15)
  const late = await alice.at('/x')
  assert.deepEqual([late.status, late.cookies], [503, []])
  assert.doesNotMatch(log, /PRIVATE KEY|refresh_token/)
})
