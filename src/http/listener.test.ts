import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, type Server as NetServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { GatehouseError } from '../errors.ts'
import { openListener, type Listener, type ListenerHandlers } from './listener.ts'
import { readText } from './read-text.ts'
import { sendHtml, sendJson, sendRedirect } from './respond.ts'

const PLAIN = { address: '127.0.0.1', port: 0 }

function answering(answer: (request: IncomingMessage, response: ServerResponse) => void): ListenerHandlers {
  return {
    request: answer,
    upgrade: (_request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    failed: assert.ifError,
  }
}

const echo = answering((request, response) => {
  response.setHeader('x-seen', `${request.method ?? ''} ${request.url ?? ''}`)
  if (request.readableEnded) response.end('ok')
  else request.resume().on('end', () => response.end('ok'))
})

async function opened(
  t: TestContext,
  handlers: ListenerHandlers,
  config: Parameters<typeof openListener>[0] = PLAIN,
): Promise<Listener> {
  const listener = await openListener(config, handlers)
  t.after(() => listener.close(0))
  return listener
}

/** Everything the server sends until it closes the connection. */
function received(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    socket.on('error', () => resolve(text)).on('close', () => resolve(text))
  })
}

async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(text, 'latin1')
  const answer = received(socket)
  socket.end()
  return answer
}

const STATUSES: readonly (readonly [what: string, text: string, status: number])[] = [
  ['a plain request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 200],
  ['HTTP/1.0 without Host', 'GET / HTTP/1.0\r\n\r\n', 400],
  ['HTTP/1.1 without Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /\r\n\r\n', 400],
  ['a request line of HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n', 400],
  [
    'RFC 9112 §6.1: a transfer coding besides chunked',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    501,
  ],
  ['chunked in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  [
    'Transfer-Encoding with Content-Length',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX',
    400,
  ],
  ['a head of more than 32 KiB', `GET / HTTP/1.1\r\nHost: a\r\nA: ${'x'.repeat(33_000)}\r\n\r\n`, 431],
  ['more than 200 headers', `GET / HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(201)}\r\n`, 431],
  ['CONNECT', 'CONNECT 127.0.0.1:6379 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  [
    'an expectation nobody knows',
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: y 100-continue\r\nContent-Length: 1\r\n\r\nx',
    417,
  ],
  ['an upgrade to h2c', 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n', 200],
  ['an upgrade to WebSocket', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n', 101],
  ['noise', '\u0000\u0001<script>\r\n\r\n', 400],
]

for (const [what, text, status] of STATUSES) {
  test(`${what} is answered with ${status}`, async (t) => {
    const { port } = await opened(t, echo)
    const answer = await raw(port, text)
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
    assert.ok(!answer.includes('<script>'), 'nothing is echoed')
  })
}

test('whoever reads the body of a request that has none gets it empty, and at once', async (t) => {
  const reading = answering((request, response) => {
    const { readableEnded } = request
    void readText(request).then((text) => response.end(JSON.stringify([text, readableEnded])))
  })
  const { port } = await opened(t, reading)
  for (const head of ['GET / HTTP/1.1', 'POST / HTTP/1.1', 'DELETE / HTTP/1.0']) {
    assert.match(await raw(port, `${head}\r\nHost: a\r\nConnection: close\r\n\r\n`), /\["",true\]/)
  }
  const sent = await raw(port, 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi')
  assert.match(sent, /\["hi",false\]/)
})

test('a broken request after a good one does not corrupt the answer to the good one', async (t) => {
  const { port } = await opened(
    t,
    answering((request, response) => {
      response.writeHead(200, { 'content-length': 4 })
      response.write('ab')
      request.socket.once('close', () => response.destroy())
    }),
  )
  const socket = connect(port, '127.0.0.1')
  const answer = received(socket)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  socket.once('data', () => socket.write('\u0000broken\r\n\r\n'))
  assert.equal((await answer).match(/HTTP\/1\.1/g)?.length, 1)
})

test('the body of a client that asked first is only sent for when the handler wants it', async (t) => {
  const { port } = await opened(
    t,
    answering((request, response) => {
      if (request.url === '/yes') response.writeContinue()
      request.on('data', () => undefined).on('end', () => response.end('done'))
      if (request.url === '/no') response.writeHead(403, { connection: 'close' }).end()
    }),
  )
  const ask = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n`
  const socket = connect(port, '127.0.0.1')
  const answer = received(socket)
  socket.write(ask('/yes'))
  socket.once('data', () => socket.write('x'))
  assert.match(await answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
  assert.match(await raw(port, ask('/no')), /^HTTP\/1\.1 403 /)
})

test('closing lets what is under way finish, and tells clients that ask for more to go', async () => {
  const started: ServerResponse[] = []
  const { promise: both, resolve: bothStarted } = Promise.withResolvers<undefined>()
  const { promise: one, resolve: oneStarted } = Promise.withResolvers<undefined>()
  const listener = await openListener(
    PLAIN,
    answering((_request, response) => {
      if (started.push(response) === 2) bothStarted(undefined)
      oneStarted(undefined)
    }),
  )
  const socket = connect(listener.port, '127.0.0.1')
  const answer = received(socket)
  socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')
  await one
  const closed = listener.close(60_000)
  socket.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
  await both
  for (const response of started) response.end('done')
  const [first = '', second = ''] = (await answer).split(/(?=HTTP\/1\.1 200)/)
  assert.match(first, /Connection: keep-alive[^]*done/)
  assert.match(second, /Connection: close[^]*done$/)
  await closed
})

test('closing cuts what does not finish before the deadline, tunnels included', async () => {
  const { promise: started, resolve: start } = Promise.withResolvers<undefined>()
  const listener = await openListener(PLAIN, {
    request: () => start(undefined),
    upgrade: (_request, socket) => void socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    failed: assert.ifError,
  })
  const stuck = connect(listener.port, '127.0.0.1')
  stuck.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const tunnel = connect(listener.port, '127.0.0.1')
  tunnel.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  const ended = [received(stuck), received(tunnel)]
  await Promise.all([started, new Promise((resolve) => tunnel.once('data', resolve))])
  await listener.close(10)
  await Promise.all(ended)
})

test('connections that cannot be accepted are told once a second at most, and end nothing', async (t) => {
  const servers: NetServer[] = []
  const opening = (message: unknown): void => void servers.push((message as { server: NetServer }).server)
  subscribe('tracing:net.server.listen:asyncStart', opening)
  t.after(() => unsubscribe('tracing:net.server.listen:asyncStart', opening))
  const told: string[] = []
  const { port } = await opened(t, { ...echo, failed: (error) => told.push(error.message) })
  for (const server of servers)
    for (const nth of ['first', 'second']) server.emit('error', new Error(`accept EMFILE, ${nth}`))
  assert.deepEqual(told, ['accept EMFILE, first'])
  assert.match(await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /)
})

test('an address that is taken rejects', async (t) => {
  const { port } = await opened(t, echo)
  await assert.rejects(openListener({ address: '127.0.0.1', port }, echo), {
    code: 'GH_LISTENER_UNAVAILABLE',
    detail: `127.0.0.1:${port} is in use by another program`,
  })
})

interface Pair {
  readonly cert: string
  readonly key: string
}

function certificates(t: TestContext, ...names: readonly string[]): readonly Pair[] {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return names.map((name) => {
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
    const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    execFileSync('openssl', ['req', ...made, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' })
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  })
}

async function shown(port: number, servername: string, client: Partial<Pair> = {}): Promise<string> {
  const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false, ...client })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  const name = socket.getPeerCertificate().subject.CN
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  const answer = await received(socket)
  return `${String(name)} ${answer.slice(9, 12)}`
}

function tlsConfig(pairs: readonly Pair[], ca?: string): Parameters<typeof openListener>[0] {
  const clients = ca === undefined ? {} : { clientCertificates: { ca, required: true } }
  return { ...PLAIN, tls: { certificates: [...pairs], minVersion: 'TLSv1.2', ...clients } }
}

test('the certificate is chosen by name: exact, wildcard of one label, else the first', async (t) => {
  const listener = await opened(t, echo, tlsConfig(certificates(t, 'first.test', 'exact.test', '*.wild.test')))
  const names = ['exact.test', 'EXACT.test', 'a.wild.test', 'b.a.wild.test', 'other.test']
  const seen: string[] = []
  for (const name of names) seen.push(await shown(listener.port, name))
  assert.deepEqual(seen, ['exact.test 200', 'exact.test 200', '*.wild.test 200', 'first.test 200', 'first.test 200'])
})

test('a reload changes certificates without a new listener, and a broken one changes nothing', async (t) => {
  const [one, two] = certificates(t, 'one.test', 'two.test') as [Pair, Pair]
  const listener = await opened(t, echo, tlsConfig([one]))
  assert.throws(() => listener.reload(tlsConfig([{ cert: two.cert, key: one.key }])), GatehouseError)
  assert.equal(await shown(listener.port, 'x.test'), 'one.test 200')
  listener.reload(tlsConfig([two]))
  assert.equal(await shown(listener.port, 'x.test'), 'two.test 200')
})

test('where client certificates are required, a client without one of the authority gets no answer', async (t) => {
  const [server, client, stranger] = certificates(t, 'server.test', 'client.test', 'stranger.test') as [
    Pair,
    Pair,
    Pair,
  ]
  const listener = await opened(t, echo, tlsConfig([server], client.cert))
  assert.equal(await shown(listener.port, 'server.test', client), 'server.test 200')
  assert.notEqual(await shown(listener.port, 'server.test', stranger).catch(() => 'refused'), 'server.test 200')
  assert.notEqual(await shown(listener.port, 'server.test').catch(() => 'refused'), 'server.test 200')
})

test('closing cuts TLS connections that never came to be', { timeout: 30_000 }, async (t) => {
  const listener = await openListener(tlsConfig(certificates(t, 'a.test')), echo)
  const ended = ['', '\x16\x03\x01\x02\0\x01'].map((opening) => {
    const socket = connect(listener.port, '127.0.0.1')
    socket.write(opening, 'latin1')
    return received(socket)
  })
  assert.equal(await shown(listener.port, 'a.test'), 'a.test 200', 'by then they have been accepted')
  await listener.close(10)
  await Promise.all(ended)
})

test('our own answers are never stored, never framed, and run no script', async (t) => {
  const { port } = await opened(
    t,
    answering((request, response) => {
      if (request.url === '/html') sendHtml(response, { status: 403, html: '<p>no</p>' })
      else if (request.url === '/json') sendJson(response, { status: 401, body: { error: 'x' } })
      else sendRedirect(response, { status: 302, location: 'https://a.test/' })
    }),
  )
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' })
  for (const path of ['/html', '/json', '/redirect']) {
    const { headers } = await get(path)
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
  }
  const policy = (await get('/html')).headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.doesNotMatch(policy, /script-src|unsafe/)
  assert.deepEqual(await (await get('/json')).json(), { error: 'x' })
})

test('RFC 9112 §9.6: what is sent behind a refused request is not carried out (request smuggling)', async (t) => {
  const seen: string[] = []
  const { port } = await opened(
    t,
    answering((request, response) => {
      seen.push(request.url ?? '')
      response.end()
    }),
  )
  const behind = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
  const refused = [
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 0\r\n\r\n',
  ]
  for (const text of refused) {
    assert.doesNotMatch((await raw(port, text + behind)).slice(9), /HTTP\/1\.1/, 'one answer')
    await raw(port, `${text}GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
  }
  assert.deepEqual(seen, [])
})

test('an upgrade behind an unanswered request is an ordinary request and takes no connection away', async (t) => {
  const waiting: ServerResponse[] = []
  let upgrades = 0
  const { port } = await opened(t, {
    request: (_request, response) => {
      waiting.push(response)
      if (waiting.length === 2) waiting.forEach((each, at) => each.end(String(at)))
    },
    upgrade: () => upgrades++,
    failed: assert.ifError,
  })
  const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  const answer = await raw(port, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${upgrade}`)
  assert.equal(upgrades, 0)
  assert.match(answer, /^HTTP\/1\.1 200 .*\r\n\r\n0HTTP\/1\.1 200 .*\r\n\r\n1$/s)
})

test('CONNECT behind an unanswered request ends the connection and lands in no answer', async (t) => {
  const { port } = await opened(
    t,
    answering(() => undefined),
  )
  assert.equal(await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\nCONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n'), '')
})

test('a refused client that stays and goes on talking is cut off', async (t) => {
  const { port } = await opened(t, echo)
  const socket = connect(port, '127.0.0.1')
  const answer = received(socket)
  socket.write('CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n')
  const talking = setInterval(() => socket.write('more'), 100)
  t.after(() => clearInterval(talking))
  assert.match(await answer, /^HTTP\/1\.1 405 /)
})

/** Sends the bytes, then resets the TCP connection, at once or when the answer begins; settles when it is closed. */
async function reset(port: number, text: string, how: { secure: boolean; answered: boolean }): Promise<void> {
  const { secure, answered } = how
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const stream = secure ? connectTls({ socket, rejectUnauthorized: false }).on('error', () => undefined) : socket
  await new Promise((resolve) => stream.once(secure ? 'secureConnect' : 'connect', resolve))
  const sent = new Promise((resolve) => stream.write(text, resolve))
  await Promise.race([closed, answered ? new Promise((resolve) => stream.once('data', resolve)) : sent])
  socket.resetAndDestroy()
  await closed
}

const RESET_AFTER = [
  'CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\nCONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  '\u0000broken\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
]

for (const secure of [false, true]) {
  test(`no connection that is reset ends the process, whatever it asked for, ${secure ? 'over TLS' : 'plain'}`, async (t) => {
    const keepsOpen: ListenerHandlers = {
      request: echo.request,
      upgrade: (_request, socket) => void socket.write('101'),
      failed: assert.ifError,
    }
    const { port } = await opened(t, keepsOpen, secure ? tlsConfig(certificates(t, 'a.test')) : PLAIN)
    for (let round = 0; round < 20; round++) {
      const answered = round % 2 === 1
      await Promise.all(RESET_AFTER.map((text) => reset(port, text, { secure, answered })))
    }
    if (secure) assert.equal(await shown(port, 'a.test'), 'a.test 200')
    else assert.match(await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1\.1 200 /)
  })
}

test('RFC 9112 §9.6: a request that comes on a kept connection just after the drain began is answered, with Connection: close', async (t) => {
  const listener = await opened(t, echo)
  const socket = connect(listener.port, '127.0.0.1')
  const answers = received(socket)
  socket.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  const closed = listener.close(60_000)
  socket.write('GET /second HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(await answers, /keep-alive[^]*x-seen: GET \/second[^]*connection: close/i)
  await closed
})

test('a kept connection that stays silent does not hold up the drain', async (t) => {
  const listener = await opened(t, echo)
  const socket = connect(listener.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  const started = performance.now()
  await listener.close(60_000)
  assert.ok(performance.now() - started < 30_000)
})
