import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Client } from '../client.ts'
import { startEnvoyStandIn } from './envoy-stand-in.ts'
import { exchange } from './exchange.ts'
import { passwordOf, startGateway, type Gateway } from './gateway.ts'
import { freePort } from '../../src/free-port.fixture.ts'
import { closeServer, scratchDirectory, startProgram } from './program.ts'

const PAGE = readFileSync(new URL('../../docs/forward-auth.md', import.meta.url), 'utf8')
/** Envoy by gRPC is one of ours that speaks its protocol. */
const PROXIES = ['nginx', 'caddy', 'haproxy', 'envoy'] as const
type Proxy = (typeof PROXIES)[number]

interface Arrived {
  readonly target: string
  readonly headers: IncomingHttpHeaders
}

const running = new AsyncDisposableStack()
const scratch = scratchDirectory('forward-auth')
running.defer(() => scratch.remove())
const arrived: Arrived[] = []
const origins = new Map<Proxy, string>()
let gateway: Gateway

const EVERYTHING = ['*://*:*/*', '*://*:*/*?*']
const ALL = { GET: 'allow', POST: 'allow', PUT: 'allow' }
const POLICIES = [
  { name: 'staff', resources: EVERYTHING, actions: ALL, subject: { type: 'AuthenticatedUsers' } },
  {
    name: 'not for all',
    resources: ['*://*:*/audits/*'],
    actions: { GET: 'deny' },
    subject: { type: 'NOT', subject: { type: 'Group', groups: ['auditors'] } },
  },
  {
    name: 'proved again',
    resources: ['*://*:*/strong/*'],
    actions: { GET: 'allow' },
    subject: { type: 'AuthenticatedUsers' },
    condition: { type: 'AuthLevel', authLevel: 2 },
  },
]
const REALM = {
  authentication: {
    modules: { password: { type: 'password', authLevel: 1 }, again: { type: 'password', authLevel: 2 } },
    chains: {
      default: [{ module: 'password', criteria: 'REQUIRED' }],
      strong: [{ module: 'again', criteria: 'REQUIRED' }],
    },
    defaultChain: 'default',
  },
}

before(async () => {
  const application = createServer((incoming, response) => {
    note(incoming)
    response.writeHead(200, { 'content-type': 'text/plain' }).end('application')
  })
  application.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
    note(incoming)
    const key = `${incoming.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}`
    socket.end(
      ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket', accept, '', ''].join('\r\n'),
    )
  })
  application.listen(0, '127.0.0.1')
  await once(application, 'listening')
  running.defer(() => closeServer(application))
  const app = (application.address() as AddressInfo).port
  const [port, asked, grpc] = [await freePort(), await freePort(), await freePort()]
  for (const proxy of PROXIES) origins.set(proxy, `http://${proxy}.acme.localhost:${await freePort()}`)
  const servers = [`http://127.0.0.1:${app}`]
  gateway = await startGateway({
    port,
    forwardAuthPort: asked,
    grpcPort: grpc,
    trustedProxies: ['127.0.0.1'],
    realm: REALM,
    policies: POLICIES,
    agents: Object.fromEntries(
      [...origins].map(([proxy, url]) => [proxy, { url, upstream: { servers }, notEnforced: [{ path: '/public/*' }] }]),
    ),
  })
  running.defer(() => gateway.stop())
  for (const proxy of PROXIES) {
    if (proxy !== 'envoy') await start(proxy, { app, port, asked })
  }
  const own = Number(new URL(originOf('envoy')).port)
  const envoy = await startEnvoyStandIn({ port: own, app, gateway: port, grpc })
  running.defer(() => envoy.stop())
})

after(() => running.disposeAsync())

function note({ url = '', headers }: IncomingMessage): void {
  arrived.push({ target: url, headers })
}

interface Ports {
  readonly app: number
  readonly port: number
  readonly asked: number
}

/** A block of the manual's page, with the addresses of this test. */
function fromPage(language: string, proxy: Proxy, { app, port, asked }: Ports): string {
  const block = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(PAGE)?.[1]
  assert.ok(block !== undefined, `the page has no ${language}`)
  const { host, hostname, port: own } = new URL(originOf(proxy))
  return block
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
    .replaceAll('127.0.0.1:9180', `127.0.0.1:${asked}`)
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${app}`)
    .replace('server_name app.example.com', `server_name ${hostname}`)
    .replaceAll('app.example.com', host)
    .replace('listen 80;', `listen 127.0.0.1:${own};`)
    .replace('bind :80', `bind 127.0.0.1:${own}`)
}

const originOf = (proxy: Proxy): string => origins.get(proxy) ?? ''

async function start(proxy: Exclude<Proxy, 'envoy'>, ports: Ports): Promise<void> {
  const { path } = scratch
  const write = (name: string, text: string): string => {
    writeFileSync(join(path, name), text)
    return join(path, name)
  }
  const programs = {
    nginx: () => {
      const http = `access_log off; client_body_temp_path ${path}/body; ${fromPage('nginx', proxy, ports)}`
      const user = process.getuid?.() === 0 ? 'user root;' : ''
      const head = `daemon off; worker_processes 1; pid ${path}/nginx.pid; error_log stderr notice; ${user} events {}`
      const file = write('nginx.conf', `${head}\nhttp {\n${http}\n}`)
      return { args: ['-p', path, '-c', file], ready: /start worker process \d/ }
    },
    caddy: () => {
      const file = write('Caddyfile', `{\n admin off\n}\n${fromPage('caddy', proxy, ports)}`)
      return { args: ['run', '--adapter', 'caddyfile', '--config', file], ready: /serving initial configuration/ }
    },
    haproxy: () => {
      write('gatehouse.lua', fromPage('lua', proxy, ports))
      const file = write('haproxy.cfg', fromPage('haproxy', proxy, ports))
      return { args: ['-W', '-db', '-f', file], ready: /Loading success/ }
    },
  }
  const env = { ...process.env, HOME: path, XDG_DATA_HOME: path, XDG_CONFIG_HOME: path }
  const program = await startProgram({ command: proxy, cwd: path, env, ...programs[proxy]() })
  running.defer(() => program.stop())
}

/** What reached the application while `body` ran. */
async function reached(body: () => Promise<unknown>): Promise<readonly Arrived[]> {
  const from = arrived.length
  await body()
  return arrived.slice(from)
}

async function signedIn(proxy: Proxy, name: 'alice' | 'bob'): Promise<Client> {
  const client = new Client()
  const form = await client.open(`${originOf(proxy)}/page`)
  const page = await client.signIn(form, name, passwordOf(name))
  assert.equal(page.body, 'application', `${proxy}: ${page.status} ${page.url}`)
  return client
}

function openSocket(proxy: Proxy, client: Client, origin: string): Promise<number> {
  const { hostname, port, host } = new URL(originOf(proxy))
  const headers = {
    ...{ host, origin, connection: 'Upgrade', upgrade: 'websocket', cookie: client.cookiesFor(`http://${hostname}`) },
    ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' },
  }
  const outgoing = request({ host: '127.0.0.1', port, path: '/socket', headers, agent: false })
  return new Promise((resolve, reject) => {
    outgoing.once('response', (incoming) => {
      incoming.resume()
      resolve(incoming.statusCode ?? 0)
    })
    outgoing.once('upgrade', (incoming, socket) => {
      socket.destroy()
      resolve(incoming.statusCode ?? 0)
    })
    outgoing.once('error', reject).end()
  })
}

for (const proxy of PROXIES) {
  suite(proxy, () => {
    test('a stranger is sent to the login, a script is told where it is, and neither gets to the application', async () => {
      const client = new Client()
      const seen = await reached(async () => {
        const page = await client.call(`${originOf(proxy)}/page?a=1`)
        assert.equal(page.status, 302)
        const location = new URL(page.headers.location ?? '')
        assert.equal(location.origin, gateway.login)
        assert.equal(location.searchParams.get('goto'), `${originOf(proxy)}/page?a=1`)
        assert.match(page.headers['set-cookie']?.join() ?? '', /^gatehouse-handshake=/)
        const script = await exchange(`${originOf(proxy)}/api`, { headers: ['Accept', 'application/json'] })
        assert.equal(script.status, 401)
        assert.match(script.headers['www-authenticate'] ?? '', /login_url="/)
      })
      assert.deepEqual(seen, [])
    })

    test('signed in: the application gets who it is and the bytes of the request, and none of our cookies', async () => {
      const alice = await signedIn(proxy, 'alice')
      alice.setCookie(new URL(originOf(proxy)).hostname, 'own', '1')
      const [seen] = await reached(() => alice.call(`${originOf(proxy)}/page?a=%20b&c`))
      assert.equal(seen?.target, '/page?a=%20b&c')
      assert.equal(seen.headers['x-remote-user'], 'alice')
      assert.equal(seen.headers['x-remote-groups'], 'operators')
      assert.match(String(seen.headers['x-gatehouse-assertion']), /^ey[\w-]+\.[\w-]+\.[\w-]+$/)
      assert.equal(seen.headers.cookie, 'own=1')
      const who = await exchange(`${originOf(proxy)}/.gatehouse/whoami`, { client: alice })
      assert.equal((JSON.parse(who.text) as { username: string }).username, 'alice')
    })

    test('what no policy allows, and who is allowed it', async () => {
      const [alice, bob] = [await signedIn(proxy, 'alice'), await signedIn(proxy, 'bob')]
      const url = `${originOf(proxy)}/audits/x`
      const seen = await reached(async () => {
        assert.equal((await alice.call(url)).status, 403)
        assert.equal((await exchange(url, { client: alice })).status, 403)
      })
      assert.deepEqual(seen, [])
      assert.equal((await bob.call(url)).status, 200)
    })

    test('a path that needs more: proved again, and then let in', async () => {
      const alice = await signedIn(proxy, 'alice')
      const url = `${originOf(proxy)}/strong/x`
      const script = await exchange(url, { client: alice })
      assert.equal(script.status, 401)
      assert.match(script.headers['www-authenticate'] ?? '', /acr_values="2"/)
      const form = await alice.open(url)
      assert.match(form.url, /authIndexType=level/)
      const page = await alice.signIn(form, 'alice', passwordOf('alice'))
      assert.deepEqual([page.url, page.body], [url, 'application'])
    })

    test('open paths need nobody, and nobody may say there who they are', async () => {
      const url = `${originOf(proxy)}/public/x`
      const [seen] = await reached(async () => assert.equal((await exchange(url)).status, 200))
      assert.equal(seen?.headers['x-remote-user'] ?? '', '')
      assert.equal(seen?.headers['x-gatehouse-assertion'] ?? '', '')
    })

    test('spoofed headers open nothing and never arrive', async () => {
      const alice = await signedIn(proxy, 'alice')
      const { host } = new URL(originOf(proxy))
      const claims = ['X-Remote-User', 'x-remote-user', 'X_Remote_User', 'X-Gatehouse-Assertion', 'X-Remote-Groups']
      for (const url of [`${originOf(proxy)}/page`, `${originOf(proxy)}/public/x`]) {
        for (const name of claims) {
          const seen = await reached(() => exchange(url, { client: alice, headers: [name, 'admin'] }))
          assert.equal(JSON.stringify(seen).includes('admin'), false, `${name} ${url}`)
        }
      }
      const elsewhere = [
        ['X-Original-URL', `${originOf(proxy)}/public/x`],
        ['X-Original-URI', '/public/x'],
        ['X-Original-Method', 'OPTIONS'],
        ['X-Forwarded-Uri', '/public/x'],
        ['X-Forwarded-Method', 'OPTIONS'],
        ['X-Forwarded-Host', host],
        ['X-Forwarded-Host', 'nobody.test'],
        ['X-Forwarded-For', '127.0.0.1'],
        ['X-Forwarded-Proto', 'https'],
      ]
      const seen = await reached(async () => {
        for (const headers of elsewhere) {
          const { status } = await exchange(`${originOf(proxy)}/page`, { headers })
          assert.ok([400, 401, 403].includes(status), `${headers.join(': ')}: ${status}`)
        }
      })
      assert.deepEqual(seen, [])
    })

    test('nobody has the proxy take off who they are', async () => {
      const alice = await signedIn(proxy, 'alice')
      const seen = await reached(async () => {
        for (const named of ['X-Remote-User', 'x-remote-groups, close', 'X-Gatehouse-Assertion', 'Cookie'])
          await exchange(`${originOf(proxy)}/page`, { client: alice, headers: ['Connection', named] })
      })
      assert.equal(seen.length, proxy === 'caddy' ? 0 : 4, 'Caddy would, and refuses')
      for (const { headers } of seen) {
        assert.deepEqual([headers['x-remote-user'], headers['x-remote-groups']], ['alice', 'operators'])
        assert.ok(headers['x-gatehouse-assertion'])
      }
    })

    test('a path that can be read in two ways does not arrive', async () => {
      const alice = await signedIn(proxy, 'alice')
      const seen = await reached(async () => {
        for (const path of [
          '/public/..%2fpage',
          '/public%2f../page',
          '/a%2Fb',
          '/public/..;/page',
          '/a\\b',
          '/a/./b',
        ]) {
          const { status } = await exchange(`${originOf(proxy)}${path}`, { client: alice })
          assert.ok(status === 400 || status === 403, `${path}: ${status}`)
        }
      })
      assert.deepEqual(seen, [])
    })

    test('a WebSocket is opened by the site itself, and by no other', async () => {
      const alice = await signedIn(proxy, 'alice')
      assert.equal(await openSocket(proxy, alice, originOf(proxy)), 101)
      assert.equal(await openSocket(proxy, alice, 'http://evil.test'), 403)
      assert.equal(await openSocket(proxy, new Client(), originOf(proxy)), 401)
    })

    test('signing out there is signing out', async () => {
      const alice = await signedIn(proxy, 'alice')
      const { origin } = new URL(originOf(proxy))
      const out = await alice.call(`${origin}/.gatehouse/logout`, {
        method: 'POST',
        headers: { origin, 'sec-fetch-site': 'same-origin' },
      })
      assert.equal(out.status, 303)
      assert.equal((await alice.call(`${origin}/page`)).status, 302)
    })
  })
}
