import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Client, loginForm, type Answer } from '../client.ts'
import { startEchoApp, type EchoApp } from '../echo-app.ts'
import { openSocket } from '../load.ts'
import { freePort } from '../../src/free-port.fixture.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'
import { until } from '../until.ts'

/*
 * Invariant 4: no token, password, code or key in a log line, an error, a metric or a URL that we emit. Every secret that goes
 * through the gateway here is noted under a name, and everything the gateway wrote is searched for all of them.
 */

/** Secrets by what they are. */
const secrets = new Map<string, string>()
/** What the gateway wrote, by where. */
const written = new Map<string, string>()

function marked(name: string): string {
  return noted(name, `canary-${name.replaceAll(/[^a-z]+/g, '-')}-${randomBytes(18).toString('base64url')}`)
}

function noted(name: string, secret: string): string {
  assert.ok(secret.length >= 20, `${name} is long enough to be found: ${secret}`)
  secrets.set(name, secret)
  return secret
}

const MASTER_KEY = noted('master key', randomBytes(32).toString('base64url'))
const PASSWORD = marked('password')
const PLANTED = marked('cookie of our name that the application sets')

let app: EchoApp
let dead: string
let rig: OwnRig

before(async () => {
  app = await startEchoApp({
    'set-cookie': [`SSOTokenID=${PLANTED}; Path=/`, `gatehouse-handshake=${PLANTED}; Path=/`],
  })
  dead = `http://127.0.0.1:${await freePort()}`
  const policies = [
    { name: 'all', resources: ['*://app.acme.test:*/*', '*://app.acme.test:*/*?*'], actions: { GET: 'allow' } },
    {
      name: 'none',
      resources: ['*://app.acme.test:*/denied', '*://app.acme.test:*/denied?*'],
      actions: { GET: 'deny' },
    },
    {
      name: 'more',
      resources: ['*://app.acme.test:*/more', '*://app.acme.test:*/more?*'],
      actions: { GET: 'allow' },
      condition: { type: 'AuthLevel', authLevel: 7 },
    },
  ].map((policy) => ({ ...policy, subject: { type: 'AuthenticatedUsers' } }))
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml(),
    'agent-config/app.yaml': agentYaml('app', app.url, 'notEnforced: [{ path: /public/* }]\n'),
    'agent-config/shared.yaml': agentYaml(
      'shared',
      app.url,
      'ssoOnly: true\ncookie: { name: AcmeSSO, domain: acme.test }\n',
    ),
    'agent-config/broken.yaml': agentYaml('broken', dead),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': '',
    'realms/staff/users.yaml': usersYaml([
      { username: 'erin', hash: await hashOf(PASSWORD) },
      { username: 'frank', hash: await hashOf(marked('password of a victim')) },
    ]),
    'realms/staff/policies.yaml': JSON.stringify({ policies }),
  }
  rig = await startOwnRig({ files, env: { MASTER_KEY } })
})

after(() => app.close())

const at = (name: string, path = '/'): string => `http://${name}.acme.test:${rig.port}${path}`

/** Notes what an answer gives away by design, and keeps the rest of it for the search. */
class Watched extends Client {
  readonly #who: string

  constructor(who: string) {
    super()
    this.#who = who
  }

  override async call(url: string, call: Parameters<Client['call']>[1] = {}): Promise<Answer> {
    const answer = await super.call(url, call)
    const { pathname, host } = new URL(url)
    const name = `${this.#who}, ${call.method ?? ''}${host}${pathname} ${written.size}`
    for (const line of answer.headers['set-cookie'] ?? []) {
      const value = /^[^=]+=([^;]*)/.exec(line)?.[1] ?? ''
      if (/^(AcmeSSO|SSOTokenID|gatehouse-(login|handshake))=/.test(line) && value !== '') {
        noted(`${name} cookie`, value)
        noted(`${name} secret in the cookie`, value.split(/[*.]/)[0] ?? '')
      }
    }
    const code = new URL(answer.headers.location ?? '/', url).searchParams.get('code')
    if (code !== null) noted(`${name} code`, code)
    const authId = /name="authId"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="authId"/.exec(answer.body)
    if (authId !== null) noted(`${name} authId`, authId[1] ?? authId[2] ?? '')
    // An application's answer is its own.
    const isOurs = !(answer.status === 200 && /^(app|shared)\./.test(host))
    if (isOurs) written.set(`page: ${name} (${answer.status})`, withoutReturns(answer.body))
    return answer
  }
}

/**
 * A page without what it hands back to the browser that sent it: the authId and the typed name of its form, and the address to
 * return to, which is how people get back to where they were.
 */
function withoutReturns(body: string): string {
  return body
    .replaceAll(/<input[^>]*(name="(authId|goto)"|autocomplete="username)[^>]*>/g, '<input>')
    .replaceAll(/([?&]|&amp;)goto=[^"&]*/g, '$1goto=')
}

const queryOf = (name: string): string =>
  ['access_token', 'token', 'code', 'password', 'client_secret', 'SAMLResponse', 'LARES', 'state', 'anything']
    .map((key) => `${key}=${marked(`${name} ${key}`)}`)
    .join('&')

const credentials = (name: string): string =>
  `Basic ${noted(`${name} basic`, Buffer.from(`erin:${marked(`${name} basic password`)}`).toString('base64'))}`

async function signIn(who: string, site = 'app'): Promise<Watched> {
  const client = new Watched(who)
  const home = await client.signIn(await client.open(at(site)), 'erin', PASSWORD)
  assert.equal(home.status, 200)
  return client
}

/** A raw request, for what no client would send. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(rig.port, '127.0.0.1')
    socket.setEncoding('utf8').on('data', (piece: string) => (answer += piece))
    socket.on('error', () => undefined).on('close', () => resolve(answer))
    socket.end(text)
  })
}

test('secrets go through every flow', { timeout: 110_000 }, async (t) => {
  await t.test('logins that pass, at a host-only and at a shared cookie, and those that do not', async () => {
    await signIn('erin')
    await signIn('erin with the shared cookie', 'shared')
    const client = new Watched('a guesser')
    let page = await client.open(at('app', `/?${queryOf('goto')}`))
    for (let i = 0; i < 8; i++)
      page = await client.signIn(page, i < 7 ? 'frank' : 'nobody', marked(`wrong password ${'i'.repeat(i)}`))
    page = await client.signIn(page, marked('password in the field of the name'), 'x')
    assert.match(page.body, /type="password"/)
    const { action, form } = loginForm(page, 'frank', marked('password with a forged authId'))
    const forged = marked('forged authId')
    await client.call(action, { form: { ...form, authId: forged } })
    await client.call(action, { form, headers: { 'sec-fetch-site': 'cross-site', origin: 'http://evil.test' } })
    await client.call(
      at('login', `/login/staff?goto=${encodeURIComponent(`http://evil.test/?${queryOf('refused goto')}`)}`),
    )
    await client.call(at('login', `/nowhere?${queryOf('login host')}`), {
      headers: { authorization: credentials('login host') },
    })
    await client.call(at('login', '/login/staff'), {
      form: { password: 'x'.repeat(20_000) + marked('password in a body that is too large') },
    })
  })

  await t.test('handshakes that are refused: used, foreign and invented codes, states and cookies', async () => {
    const client = new Watched('erin, step by step')
    const first = await client.call(at('app', `/deep?${queryOf('original address')}`))
    const page = await client.call(String(first.headers.location))
    const { action, form } = loginForm(page, 'erin', PASSWORD)
    const callback = String((await client.call(action, { form })).headers.location)
    await new Watched('a thief').call(callback)
    await client.call(callback)
    await client.call(callback)
    await client.call(
      at('app', `/.gatehouse/callback?code=${marked('invented code')}&state=${marked('invented state')}`),
    )
    await client.call(at('app', '/.gatehouse/callback'), {
      headers: { cookie: `gatehouse-handshake=${marked('invented binding')}` },
    })
    const token = marked('invented token')
    for (const cookie of [`SSOTokenID=${token}`, `SSOTokenID=${token}; SSOTokenID=${marked('second token')}`])
      for (const name of ['app', 'login']) await client.call(at(name), { headers: { cookie } })
  })

  await t.test('requests that are forwarded, denied, refused and not understood', async () => {
    const client = await signIn('erin at work')
    const headers = { authorization: credentials('application'), 'x-api-key': marked('key for the application') }
    for (const path of ['/', '/public/x', '/denied', '/more', '/.gatehouse/whoami', '/.gatehouse/none'])
      await client.call(at('app', `${path}?${queryOf(path)}`), { headers })
    await client.call(at('app', `/?${queryOf('method')}`), { method: 'PROPFIND', headers })
    await client.call(at('app', `/a%2f..%2fb?${queryOf('ambiguous path')}`), { headers })
    await (
      await signIn('erin at a dead application', 'broken').catch(() => client)
    ).call(at('broken', `/?${queryOf('dead application')}`), { headers })
    await client.call(at('unknown', `/?${queryOf('unknown host')}`), { headers })
    await client.call(at('login', `/account?${queryOf('account page')}&ended=${marked('ended session')}`))
    await client.call(at('login', '/account'), { form: { session: marked('name of a session') } })
    const cookie = client.cookiesFor(at('app'))
    const socket = await openSocket({ url: at('app', `/clock?${queryOf('socket')}`), cookie })
    socket.close()
    const host = `Host: app.acme.test:${rig.port}\r\nCookie: ${cookie}`
    for (const [name, text] of [
      [
        'bad request',
        `GET /?${queryOf('bad request')} HTTP/1.1\r\n${host}\r\nTransfer-Encoding: x\r\nContent-Length: 1\r\n\r\n`,
      ],
      ['no host', `GET /?${queryOf('no host')} HTTP/1.1\r\nAuthorization: ${credentials('no host')}\r\n\r\n`],
      [
        'large head',
        `GET / HTTP/1.1\r\n${host}\r\nAuthorization: Bearer ${marked('large head')}${'x'.repeat(40_000)}\r\n\r\n`,
      ],
      ['user in the host', `GET / HTTP/1.1\r\nHost: erin:${marked('user in the host')}@app.acme.test\r\n\r\n`],
      [
        'socket',
        `GET /clock?${queryOf('foreign socket')} HTTP/1.1\r\n${host}\r\nOrigin: http://evil.test\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n`,
      ],
    ] as const)
      written.set(`raw: ${name}`, await raw(text))
    await client.call(at('app', `/.gatehouse/logout?${queryOf('logout')}`), { form: { token: marked('logout form') } })
  })

  await t.test('a configuration with secrets in the wrong places', async () => {
    const users = `users:\n  - username: erin\n    password: ${marked('password in clear')}\n`
    const refusals = (): number => rig.lines().filter(({ event }) => event === 'ConfigRefused').length
    const bad = [
      { 'realms/staff/users.yaml': users },
      { 'realms/staff/users.yaml': `${users}  password: "${marked('unfinished text')}\n` },
      { 'realms/staff/users.yaml': usersYaml([{ username: 'erin', hash: `$argon2id$${marked('broken hash')}` }]) },
      { 'agent-config/app.yaml': agentYaml('app', `http://erin:${marked('password in an address')}@127.0.0.1:1`) },
      {
        'agent-config/gatehouse.yaml': gatehouseYaml().replace(
          '${env:MASTER_KEY}',
          `${marked('short key')}\${env:MASTER_KEY}`,
        ),
      },
    ]
    for (const [index, files] of bad.entries()) {
      rig.write(files)
      await until(`mistake ${index} is refused`, () => refusals() > index)
    }
  })
})

test('nothing that the gateway wrote contains one of them', async (t) => {
  for (const path of ['/healthz', '/readyz', '/.well-known/jwks.json'])
    await new Watched('a probe').call(at('login', path))
  written.set('standard output, while it runs', rig.log())
  const store = join(rig.root, '.gatehouse')
  for (const file of readdirSync(store)) written.set(`store: ${file}`, readFileSync(join(store, file), 'latin1'))
  rig.kill('SIGTERM')
  assert.equal(await rig.ended, 0)
  written.set('standard output', rig.log())
  written.set('standard error', rig.errors())
  await rig.stop()
  written.set('requests to the application', JSON.stringify(app.seen.map(({ headers }) => headers.cookie)))

  const texts = [...written].filter(([name]) => !name.startsWith('store: ') || !name.endsWith('.key'))
  const contains = (text: string, secret: string): boolean => spellings(secret).some((one) => text.includes(one))
  const found = [...secrets].flatMap(([secret, value]) =>
    texts.filter(([, text]) => contains(text, value)).map(([where]) => `${secret} in ${where}`),
  )
  t.diagnostic(`${secrets.size} secrets, ${texts.length} texts`)
  assert.deepEqual(found, [])
  const kinds = [/password/, / cookie$/, / code$/, / authId$/, /basic/, /master key/]
  for (const kind of kinds)
    assert.ok(
      [...secrets.keys()].some((name) => kind.test(name)),
      String(kind),
    )
})

test('the search would find one: the store holds the SHA-256 of every live token', () => {
  const database = [...written]
    .filter(([name]) => name.startsWith('store: '))
    .map(([, text]) => text)
    .join('')
  const live = [...secrets].filter(([name]) => /erin with the shared cookie.* secret in the cookie$/.test(name))
  const hashed = live.filter(([, secret]) => database.includes(createHash('sha256').update(secret).digest('base64url')))
  assert.ok(hashed.length >= 2, `${hashed.length} of ${live.length}`)
})

/** A secret as it is, in a URL, in JSON, in base64 and in hexadecimal. */
function spellings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64url').slice(0, -2),
    bytes.toString('hex'),
  ]
}
