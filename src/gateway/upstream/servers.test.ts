import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { WebSocket, WebSocketServer } from 'ws'
import { GatehouseError } from '../../errors.ts'
import { createUpstream } from './create-upstream.ts'
import { ask, bodyOf, configFor, gatewayTo, httpUpstream, statusOf } from './wire.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'))
after(() => rmSync(folder, { recursive: true }))

const at = (name: string): string => join(folder, name)
const pem = (name: string): string => readFileSync(at(name), 'utf8')

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
openssl('req', '-x509', ...EC, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test CA')

function issue(name: string, subjectAltName: string): { cert: string; key: string } {
  openssl(
    'req',
    ...EC,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-subj',
    `/CN=${name}`,
    '-addext',
    `subjectAltName=${subjectAltName}`,
  )
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-days',
    '2',
    '-copy_extensions',
    'copy',
    '-out',
    `${name}.pem`,
  )
  return { cert: pem(`${name}.pem`), key: pem(`${name}.key`) }
}

const byAddress = issue('by-address', 'IP:127.0.0.1')
const byName = issue('by-name', 'DNS:app.internal')
const site = issue('site', 'DNS:app.example.test')
const client = issue('client', 'DNS:gateway.internal')
const ca = pem('ca.pem')

async function tlsUpstream(
  t: TestContext,
  options: ServerOptions,
): Promise<{ url: string; seen: string[]; attempts: () => number }> {
  const seen: string[] = []
  const asked = new WeakMap<object, string | false | undefined>()
  const server = createHttpsServer(options, (request, response) => {
    const { socket } = request
    assert.ok(socket instanceof TLSSocket)
    const { CN: name = 'nobody' } = (socket.getPeerCertificate() as Partial<PeerCertificate>).subject ?? {}
    seen.push(`${String(asked.get(socket))} ${String(socket.alpnProtocol)} ${String(name)}`)
    response.end('ok')
  })
  new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (text) => socket.send(text)))
  server.on('secureConnection', (socket: TLSSocket & { servername?: string | false }) =>
    asked.set(socket, socket.servername),
  )
  let attempts = 0
  server.on('connection', () => attempts++).on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, attempts: () => attempts }
}

test('https with an own authority: verified by the address, HTTP/1.1 only', async (t) => {
  const { url, seen } = await tlsUpstream(t, { ...byAddress, ALPNProtocols: ['h2', 'http/1.1'] })
  const gateway = await gatewayTo(t, url, { tls: { ca } })
  assert.equal(statusOf(await ask(t, gateway.port)), 200)
  assert.deepEqual(seen, ['false http/1.1 nobody'])
})

test('serverName is what is asked for and what is checked', async (t) => {
  const { url, seen } = await tlsUpstream(t, byName)
  const gateway = await gatewayTo(t, url, { tls: { ca, serverName: 'app.internal' } })
  assert.equal(statusOf(await ask(t, gateway.port)), 200)
  assert.match(seen[0]!, /^app\.internal /)
})

test("a certificate for another name is refused, even for the name in the request's Host header", async (t) => {
  for (const wrong of [byName, site]) {
    const { url, seen } = await tlsUpstream(t, wrong)
    const gateway = await gatewayTo(t, url, { tls: { ca } })
    const got = await ask(t, gateway.port)
    assert.deepEqual([statusOf(got), bodyOf(got)], [502, 'GH_UPSTREAM_UNREACHABLE'])
    assert.deepEqual(seen, [])
  }
})

test('a certificate of an unknown authority is refused, once', async (t) => {
  const { url, seen, attempts } = await tlsUpstream(t, byAddress)
  const gateway = await gatewayTo(t, url)
  assert.equal(statusOf(await ask(t, gateway.port)), 502)
  assert.deepEqual(seen, [])
  assert.equal(attempts(), 1)
})

test('the client certificate is shown to a server that asks for one', async (t) => {
  const asking = { ...byAddress, ca, requestCert: true, rejectUnauthorized: true }
  const { url, seen } = await tlsUpstream(t, asking)
  const gateway = await gatewayTo(t, url, { tls: { ca, ...client } })
  assert.equal(statusOf(await ask(t, gateway.port)), 200)
  assert.match(seen[0]!, / client$/)
  const without = await gatewayTo(t, url, { tls: { ca } })
  assert.equal(statusOf(await ask(t, without.port)), 502)
})

test('a WebSocket goes over TLS with the same checks', async (t) => {
  const { url } = await tlsUpstream(t, byName)
  const gateway = await gatewayTo(t, url, { tls: { ca, serverName: 'app.internal' } })
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws`)
  await once(socket, 'open')
  socket.send('hi')
  const [echo] = (await once(socket, 'message')) as [Buffer]
  assert.equal(echo.toString(), 'hi')
  socket.close()
  await once(socket, 'close')

  const wrong = await gatewayTo(t, url, { tls: { ca } })
  const refused = new WebSocket(`ws://127.0.0.1:${wrong.port}/ws`)
  const [, answer] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage]
  assert.equal(answer.statusCode, 502)
})

test('a certificate that cannot be read is a configuration fault when the upstream is built', () => {
  const config = configFor(['https://127.0.0.1:1'], { tls: { ca: 'no certificate', cert: 'none', key: 'none' } })
  const silent = { error: ignore, warn: ignore, info: ignore, debug: ignore }
  assert.throws(
    () => createUpstream(config, { name: 'app', siteHost: 'a', log: silent, clock: () => 0 as never }),
    (error) => error instanceof GatehouseError && error.code === 'GH_CONFIG_INVALID',
  )
})

test('a Unix socket serves requests and WebSockets', async (t) => {
  const path = at('app.sock')
  const server = createHttpServer((request, response) => response.end(`${String(request.headers.host)} ok`))
  new WebSocketServer({ server }).on('connection', (socket) => socket.send('hello'))
  server.listen(path)
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const gateway = await gatewayTo(t, `unix:${path}`)
  assert.match(await ask(t, gateway.port), /app\.example\.test ok/)
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws`)
  const [hello] = (await once(socket, 'message')) as [Buffer]
  assert.equal(hello.toString(), 'hello')
  socket.terminate()

  const nobody = await gatewayTo(t, `unix:${at('nobody.sock')}`)
  assert.equal(statusOf(await ask(t, nobody.port)), 502)
})

test('health checks eject a server and admit it again', async (t) => {
  let status = 200
  const checks: string[] = []
  const sick = await httpUpstream(t, (request, response) => {
    if (request.url === '/health')
      checks.push(`${String(request.headers.host)} ${String(request.headers['user-agent'])}`)
    response.writeHead(request.url === '/health' ? status : 200).end('sick')
  })
  const well = await httpUpstream(t, (_request: IncomingMessage, response: ServerResponse) => response.end('well'))
  const said = new Map<string, () => void>()
  const heard = (message: string): Promise<void> => new Promise((resolve) => said.set(message, resolve))
  const ejected = heard('upstream server failed its health check')
  const admitted = heard('upstream server is healthy again')
  status = 500
  const gateway = await gatewayTo(t, [sick.url, well.url], {
    healthCheck: { path: '/health', interval: 10, timeout: 30_000 },
    onLog: (message) => said.get(message)?.(),
  })
  await ejected
  assert.deepEqual(gateway.upstream.health(), [
    { server: sick.url, healthy: false },
    { server: well.url, healthy: true },
  ])
  for (let nth = 0; nth < 4; nth++) assert.match(await ask(t, gateway.port), /well/)
  status = 302
  await admitted
  const answers = [await ask(t, gateway.port), await ask(t, gateway.port)].join('')
  assert.match(answers, /sick/)
  assert.match(answers, /well/)
  assert.equal(checks[0], 'app.example.test gatehouse-health-check')
  await gateway.upstream.close()
})

test('a passed health check ends the ejection after a refused connection', async (t) => {
  const app = await onSocket(t, 'checked.sock')
  let announce: () => void = ignore
  const again = (): Promise<void> => new Promise((resolve) => (announce = resolve))
  const gateway = await gatewayTo(t, app.url, {
    healthCheck: { path: '/health', interval: 10, timeout: 30_000 },
    onLog: (message) => {
      if (/health/.test(message)) announce()
    },
  })
  const failed = again()
  app.stop()
  await failed
  assert.equal(statusOf(await ask(t, gateway.port)), 502)
  const recovered = again()
  app.start()
  await recovered
  assert.deepEqual(gateway.upstream.health(), [{ server: app.url, healthy: true }])
})

test('when every server is unhealthy one is tried anyway, and used if it is back', async (t) => {
  const app = await onSocket(t, 'back.sock')
  const gateway = await gatewayTo(t, [app.url, `unix:${at('nobody.sock')}`])
  app.stop()
  assert.equal(statusOf(await ask(t, gateway.port)), 502)
  assert.deepEqual(
    gateway.upstream.health().map(({ healthy }) => healthy),
    [false, false],
  )
  app.start()
  assert.match(await ask(t, gateway.port), /back/)
})

/** An application that can go away and come back: on a Unix socket, so that nobody takes its address meanwhile. */
async function onSocket(t: TestContext, name: string): Promise<{ url: string; stop: () => void; start: () => void }> {
  const server = createHttpServer((_request, response) => response.end('back'))
  const stop = (): void => {
    server.close()
    server.closeAllConnections()
  }
  const start = (): void => {
    server.listen(at(name))
  }
  start()
  await once(server, 'listening')
  t.after(stop)
  return { url: `unix:${at(name)}`, stop, start }
}

function ignore(): void {
  // This test reads no log.
}
