import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { readAnswer, sendRaw } from './answer.fixture.ts'
import { echoApp, headerValues, type EchoApp } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway, tokenOf, type Rig } from './gateway.fixture.ts'

interface Setup extends Rig {
  readonly app: EchoApp
  readonly cookie: string
  readonly upgrades: string[][]
}

async function setup(
  t: TestContext,
  profile: Record<string, unknown> = {},
  options: { readonly touchEveryMs?: number } = {},
): Promise<Setup> {
  const app = await echoApp(t)
  const upgrades: string[][] = []
  const open = new Set<Duplex>()
  app.server.on('upgrade', (request, socket) => {
    upgrades.push(request.rawHeaders)
    open.add(socket)
    socket.on('error', () => undefined)
    const accept = createHash('sha1').update(
      `${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    )
    const evil = 'Set-Cookie: __Host-SSOTokenID=evil\r\nSet-Cookie: theme=dark\r\n'
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${evil}Sec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
    )
    socket.on('data', (chunk) => socket.write(chunk)).on('end', () => socket.end())
  })
  t.after(() => open.forEach((socket) => socket.destroy()))
  const rig = await startGateway(t, { sites: [siteOf(profileOf(app.url, profile))], ...options })
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}`
  return Object.assign(rig, { app, cookie, upgrades })
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

const FIELDS = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': KEY,
  Origin: 'http://app.test',
} as const

function handshake(
  cookie: string,
  changes: Record<string, string | undefined> = {},
  first = 'GET /ws HTTP/1.1',
): string {
  const fields = Object.entries<string | undefined>({ ...FIELDS, ...changes }).filter(
    ([, value]) => value !== undefined,
  )
  const lines = fields.map(([name, value]) => `${name}: ${value ?? ''}`)
  return `${[first, 'Host: app.test', cookie, ...lines].join('\r\n')}\r\n\r\n`
}

async function opened(port: number, bytes: string): Promise<{ readonly socket: Socket; readonly head: string }> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes, 'latin1')
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return { socket, head: chunk.toString('latin1') }
}

const REFUSED: readonly (readonly [
  what: string,
  changes: Record<string, string | undefined>,
  status: number,
  first?: string,
])[] = [
  ['a foreign Origin', { Origin: 'https://evil.example' }, 403],
  ['Origin null', { Origin: 'null' }, 403],
  ['an Origin with a suffix', { Origin: 'http://app.test.evil.example' }, 403],
  ['an Origin of another port', { Origin: 'http://app.test:444' }, 403],
  ['no Origin where a cookie decides', { Origin: undefined }, 403],
  ['POST', {}, 400, 'POST /ws HTTP/1.1'],
  ['HTTP/1.0', {}, 400, 'GET /ws HTTP/1.0'],
  ['another version', { 'Sec-WebSocket-Version': '777' }, 400],
  ['no key', { 'Sec-WebSocket-Key': undefined }, 400],
  ['a key of 15 bytes', { 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') }, 400],
  ['a key with slack bits', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZR==' }, 400],
  ['a list of upgrades', { Upgrade: 'websocket, h2c' }, 400],
  ['a body', { 'Content-Length': '5' }, 400],
  ['chunks', { 'Transfer-Encoding': 'chunked' }, 400],
  ['a dot segment', {}, 400, 'GET /ws/../admin/ws HTTP/1.1'],
  ['a denied path', {}, 403, 'GET /admin/ws HTTP/1.1'],
  ['an endpoint of ours', {}, 404, 'GET /.gatehouse/whoami HTTP/1.1'],
]

for (const [what, changes, status, first] of REFUSED) {
  test(`a WebSocket handshake with ${what} is ${status} before the upstream is dialled`, async (t) => {
    const { port, cookie, upgrades, app } = await setup(t)
    const answer = await sendRaw(port, handshake(cookie, changes, first))
    assert.equal(answer.status, status)
    assert.equal(answer.headers.get('connection'), 'close')
    assert.deepEqual([upgrades, app.seen], [[], []])
  })
}

test('websocket vector path: every ambiguous target is 400 as an upgrade too', async (t) => {
  const { port, cookie, upgrades } = await setup(t)
  const vectors = JSON.parse(readFileSync(new URL('../http/vectors/path.json', import.meta.url), 'utf8')) as readonly {
    readonly target: string
    readonly expect: string
  }[]
  for (const { target, expect } of vectors.filter(({ expect }) => expect.startsWith('400'))) {
    assert.equal(
      (await sendRaw(port, handshake(cookie, {}, `GET ${target} HTTP/1.1`))).status,
      400,
      `${target}: ${expect}`,
    )
  }
  assert.deepEqual(upgrades, [])
})

test('a WebSocket without a session is 401, with a dead token too', async (t) => {
  const { port, upgrades } = await setup(t)
  for (const cookie of ['X-A: 1', `Cookie: SSOTokenID=${tokenOf(9)}`]) {
    assert.equal((await sendRaw(port, handshake(cookie, { Accept: 'text/html' }))).status, 401)
  }
  assert.deepEqual(upgrades, [])
})

test('an allowed WebSocket is tunnelled, its cookie stripped, identity set, our cookies not settable', async (t) => {
  const { port, cookie, upgrades } = await setup(t)
  const { socket, head } = await opened(port, handshake(`${cookie}; theme=dark\r\nX_Remote_User: eve`))
  assert.match(head, /^HTTP\/1\.1 101 /)
  assert.match(head, /Set-Cookie: theme=dark/i)
  assert.ok(!head.includes('evil'))
  socket.write('ping')
  const [echo] = (await once(socket, 'data')) as [Buffer]
  assert.equal(echo.toString(), 'ping')
  const [headers = []] = upgrades
  assert.deepEqual(headerValues(headers, 'Cookie'), ['theme=dark'])
  assert.deepEqual(headerValues(headers, 'X-Remote-User'), ['alice'])
  assert.ok(!headers.includes('eve'))
  assert.deepEqual(headerValues(headers, 'Sec-WebSocket-Key'), [KEY])
  socket.destroy()
})

test('other origins may open a WebSocket where the profile lists them', async (t) => {
  const { port, cookie } = await setup(t, { websocket: { origins: ['https://spa.test'] } })
  const { socket, head } = await opened(port, handshake(cookie, { Origin: 'https://spa.test' }))
  assert.match(head, /^HTTP\/1\.1 101 /)
  socket.destroy()
})

test('on a not-enforced path a client without Origin may, a foreign page may not', async (t) => {
  const { port } = await setup(t)
  const { socket, head } = await opened(port, handshake('X-A: 1', { Origin: undefined }, 'GET /public/ws HTTP/1.1'))
  assert.match(head, /^HTTP\/1\.1 101 /)
  socket.destroy()
  const foreign = handshake('X-A: 1', { Origin: 'https://evil.example' }, 'GET /public/ws HTTP/1.1')
  assert.equal((await sendRaw(port, foreign)).status, 403)
})

/** Settles when the next access line is written. */
function nextLine(lines: Setup['lines']): Promise<void> {
  return new Promise<void>((resolve) => {
    const push = lines.push.bind(lines)
    lines.push = (...entries) => {
      resolve()
      return push(...entries)
    }
  })
}

test('one session holds no more WebSockets than the profile says, and may again after one closed', async (t) => {
  const { port, cookie, lines } = await setup(t, { websocket: { maxPerSession: 2 } })
  const first = await opened(port, handshake(cookie))
  const second = await opened(port, handshake(cookie))
  assert.equal((await sendRaw(port, handshake(cookie))).status, 429)
  const closed = nextLine(lines)
  first.socket.destroy()
  await closed
  const third = await opened(port, handshake(cookie))
  assert.match(third.head, /^HTTP\/1\.1 101 /)
  second.socket.destroy()
  third.socket.destroy()
})

test('without a session one client address holds no more WebSockets than the profile says', async (t) => {
  const rig = await startGateway(t, {
    sites: [siteOf(profileOf((await setup(t)).app.url, { websocket: { maxPerAddress: 2 } }))],
    trustedProxies: ['127.0.0.1'],
  })
  const from = (ip: string): string => handshake(`X-Forwarded-For: ${ip}`, {}, 'GET /public/ws HTTP/1.1')
  const { socket } = await opened(rig.port, from('2001:db8::1'))
  const others = [await opened(rig.port, from('2001:db8::2')), await opened(rig.port, from('2001:db8:0:1::1'))]
  const third = await opened(rig.port, from('2001:db8::3'))
  assert.match(third.head, /^HTTP\/1\.1 429 /, 'the third of one /64')
  const closed = nextLine(rig.lines)
  socket.destroy()
  await closed
  others.push(await opened(rig.port, from('2001:db8::3')))
  for (const { socket, head } of others) {
    assert.match(head, /^HTTP\/1\.1 101 /)
    socket.destroy()
  }
})

test('a WebSocket that the application refuses is not counted any more', async (t) => {
  const rig = await startGateway(t, {
    sites: [siteOf(profileOf('http://127.0.0.1:1', { websocket: { maxPerAddress: 1 } }))],
  })
  for (let i = 0; i < 3; i++) {
    assert.equal((await sendRaw(rig.port, handshake('X-A: 1', {}, 'GET /public/ws HTTP/1.1'))).status, 502)
  }
})

test('the end of a session closes its WebSockets', async (t) => {
  const { port, cookie, sessions } = await setup(t)
  const { socket } = await opened(port, handshake(cookie))
  socket.resume()
  const closed = once(socket, 'close')
  await sessions.end('s1')
  await closed
})

test('an application that is not there is 502 for a WebSocket as well', async (t) => {
  const rig = await startGateway(t, { sites: [siteOf(profileOf('http://127.0.0.1:1'))] })
  const socket = connect(rig.port, '127.0.0.1')
  socket.write(handshake('X-A: 1', {}, 'GET /public/ws HTTP/1.1'))
  const answer = await readAnswer(socket)
  assert.equal(answer.status, 502)
  assert.equal(rig.lines[0]?.status, 502)
})

test('an open WebSocket counts as use of its session, over and over', async (t) => {
  const { port, cookie, sessions } = await setup(t, {}, { touchEveryMs: 5 })
  const { socket } = await opened(port, handshake(cookie))
  t.after(() => socket.destroy())
  const twice = Promise.withResolvers<readonly string[]>()
  const seen: string[] = []
  sessions.touched.push = (...sids: string[]) => {
    if (seen.push(...sids) >= 2) twice.resolve(seen)
    return seen.length
  }
  assert.deepEqual((await twice.promise).slice(0, 2), ['s1', 's1'])
})
