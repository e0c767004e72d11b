import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { closeFrame, FrameBoundary } from './frame-boundary.ts'
import { bodyOf, gatewayTo, httpUpstream, rawUpstream, send, statusOf, Wire, type Gateway } from './wire.fixture.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
const UPGRADE =
  'GET /ws?a=1 HTTP/1.1\r\nHost: app.example.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n`

async function echoing(t: TestContext): Promise<{ gateway: Gateway; sockets: WebSocketServer }> {
  const { url, server } = await httpUpstream(t, (_request, response) => response.end())
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }))
  })
  return { gateway: await gatewayTo(t, url), sockets }
}

test('the vector of RFC 6455 §1.3 is what the tests use', () => {
  assert.equal(createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'), ACCEPT)
})

test('messages pass both ways, large ones too, and the close code arrives', async (t) => {
  const { gateway, sockets } = await echoing(t)
  const client = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws`)
  const [[application]] = (await Promise.all([once(sockets, 'connection'), once(client, 'open')])) as [
    [WebSocket],
    unknown,
  ]
  for (const text of ['hi', 'x'.repeat(300), 'y'.repeat(1_000_000)]) {
    client.send(text)
    const [echo] = (await once(client, 'message')) as [Buffer]
    assert.equal(echo.toString(), text)
  }
  client.close(4001, 'bye')
  const [code] = (await once(application, 'close')) as [number]
  assert.equal(code, 4001)
  await gateway.settled(1)
  assert.deepEqual([gateway.results[0]!.status, gateway.results[0]!.aborted], [101, undefined])
})

test("the handshake's head is passed on in order, and the 101 goes through rewrite", async (t) => {
  const upstream = await rawUpstream(t, (wire) => {
    void wire.until('\r\n\r\n').then(() => wire.write(`${SWITCH}Set-Cookie: evil=1\r\nX-Keep: 1\r\n\r\n`))
  })
  const gateway = await gatewayTo(t, upstream.url, {
    rewrite: (status, headers) => {
      assert.equal(status, 101)
      return headers.filter((_part, at) => headers[at - (at % 2)] !== 'Set-Cookie')
    },
  })
  const client = send(t, gateway.port, UPGRADE)
  const head = await client.until('\r\n\r\n')
  assert.equal(head, `${SWITCH}X-Keep: 1\r\n\r\n`)
  assert.match(
    upstream.wires[0]!.text,
    /^GET \/ws\?a=1 HTTP\/1\.1\r\nHost: app\.example\.test\r\nSec-WebSocket-Version: 13\r\n/,
  )
  assert.match(upstream.wires[0]!.text, /connection: Upgrade\r\nupgrade: websocket\r\n\r\n$/)
})

test('bytes behind the handshake go upstream only after the 101, bytes behind the 101 reach the client', async (t) => {
  const upstream = await rawUpstream(t, () => undefined)
  const gateway = await gatewayTo(t, upstream.url)
  const client = send(t, gateway.port, `${UPGRADE}EARLY`)
  const wire = await upstream.wire(1)
  const head = await wire.until('\r\n\r\n')
  client.write('MORE')
  assert.doesNotMatch(head, /EARLY/)
  wire.write(`${SWITCH}\r\nFIRST`)
  await client.until('FIRST')
  assert.match(await wire.until('EARLYMORE'), /\r\n\r\nEARLYMORE$/)
})

const REFUSED: Readonly<Record<string, string>> = {
  'a 101 without Sec-WebSocket-Accept':
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'a 101 with a wrong Sec-WebSocket-Accept': `${SWITCH.replace(ACCEPT, KEY)}\r\n`,
  'a 101 to another protocol': `${SWITCH.replace('websocket', 'h2c')}\r\n`,
  'a 101 without Upgrade': 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'a thousand interim answers': `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000)}${SWITCH}\r\n`,
  'a head of 64 KiB': `HTTP/1.1 200 OK\r\nX-Secret: ${'a'.repeat(70_000)}\r\n\r\n`,
  garbage: 'what?\r\n\r\n',
}

for (const [name, answer] of Object.entries(REFUSED)) {
  test(`WebSocket smuggling: ${name} opens no tunnel`, async (t) => {
    const upstream = await rawUpstream(t, (wire) => {
      void wire.until('\r\n\r\n').then(() => wire.write(answer))
    })
    const gateway = await gatewayTo(t, upstream.url)
    const client = send(t, gateway.port, `${UPGRADE}GET /admin HTTP/1.1\r\n\r\n`)
    const got = await client.closed()
    assert.deepEqual([statusOf(got), bodyOf(got)], [502, 'GH_UPSTREAM_PROTOCOL'])
    assert.doesNotMatch(await upstream.wires[0]!.closed(), /admin/)
    assert.equal(gateway.misbehaviour.length, 1)
  })
}

test('any other answer is an ordinary response on a connection that closes, and nothing behind the handshake goes upstream', async (t) => {
  const upstream = await rawUpstream(t, (wire) => {
    void wire.until('\r\n\r\n').then(() => {
      wire.write(
        'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nContent-Length: 4\r\n\r\nnope',
      )
    })
  })
  const gateway = await gatewayTo(t, upstream.url)
  const client = send(t, gateway.port, `${UPGRADE}GET /admin HTTP/1.1\r\n\r\n`)
  const got = await client.closed()
  assert.match(got, /^HTTP\/1\.1 426 .*\r\nConnection: close\r\n.*\r\nnope$/s)
  assert.match(got, /Sec-WebSocket-Version: 13\r\n/)
  assert.doesNotMatch(got, /^upgrade/im)
  assert.doesNotMatch(await upstream.wires[0]!.closed(), /admin/)
  assert.deepEqual([gateway.results[0]!.status, gateway.results[0]!.aborted], [426, undefined])
})

test('a refusal that is cut off is never shown as complete', async (t) => {
  const upstream = await rawUpstream(t, (wire) => {
    void wire
      .until('\r\n\r\n')
      .then(() => wire.socket.end('HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'))
  })
  const gateway = await gatewayTo(t, upstream.url)
  const got = await send(t, gateway.port, UPGRADE).closed()
  assert.doesNotMatch(got, /0\r\n\r\n$/)
  await gateway.settled(1)
  assert.equal(gateway.results[0]!.aborted, 'by-upstream')
})

test('a refusal larger than every buffer arrives whole', async (t) => {
  const { url, server } = await httpUpstream(t, () => undefined)
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 403 No\r\nContent-Length: 20000000\r\nConnection: close\r\n\r\n')
    socket.end(Buffer.alloc(20_000_000))
  })
  const gateway = await gatewayTo(t, url)
  const socket = connect(gateway.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(UPGRADE)
  let bytes = 0
  for await (const chunk of socket) bytes += (chunk as Buffer).length
  assert.ok(bytes > 20_000_000)
})

test('either side may end first and still hear the other', async (t) => {
  for (const first of ['client', 'upstream']) {
    const upstream = await rawUpstream(t, () => undefined)
    const gateway = await gatewayTo(t, upstream.url)
    const socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true })
    t.after(() => socket.destroy())
    socket.write(UPGRADE)
    const wire = await upstream.wire(1)
    await wire.until('\r\n\r\n')
    wire.socket.removeAllListeners('end')
    wire.write(`${SWITCH}\r\n`)
    await once(socket, 'data')
    const [ends, hears] = first === 'client' ? [socket, wire.socket] : [wire.socket, socket]
    const heard = once(hears, 'end')
    ends.end('last words')
    hears.resume()
    await heard
    const answer = once(ends, 'data')
    hears.end('still here')
    assert.equal(String((await answer)[0]), 'still here')
    await gateway.settled(1)
    assert.equal(gateway.results[0]!.aborted, undefined)
  }
})

test('a client that leaves before the answer ends the handshake at the upstream', async (t) => {
  for (const leave of ['destroy', 'end'] as const) {
    const upstream = await rawUpstream(t, () => undefined)
    const gateway = await gatewayTo(t, upstream.url)
    const client = send(t, gateway.port, UPGRADE)
    const wire = await upstream.wire(1)
    await wire.until('\r\n\r\n')
    client.socket[leave]()
    await wire.closed()
    await gateway.settled(1)
    assert.deepEqual(gateway.results[0], { status: 0, upstreamMs: 0, aborted: 'by-client' })
  }
})

test('the death of one side of a tunnel is the death of the other', async (t) => {
  for (const dies of ['client', 'upstream'] as const) {
    const upstream = await rawUpstream(t, (wire) => {
      void wire.until('\r\n\r\n').then(() => wire.write(`${SWITCH}\r\n`))
    })
    const gateway = await gatewayTo(t, upstream.url)
    const client = send(t, gateway.port, UPGRADE)
    await client.until('\r\n\r\n')
    const [dead, other] = dies === 'client' ? [client, upstream.wires[0]!] : [upstream.wires[0]!, client]
    dead.socket.resetAndDestroy()
    await other.closed()
    await gateway.settled(1)
    assert.equal(gateway.results[0]!.aborted, `by-${dies}`)
  }
})

test('the end of the session closes the tunnel with 1008, at once and on both sides', async (t) => {
  const { gateway, sockets } = await echoing(t)
  const client = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws`)
  const [[application]] = (await Promise.all([once(sockets, 'connection'), once(client, 'open')])) as [
    [WebSocket],
    unknown,
  ]
  application.on('error', () => undefined)
  const gone = once(application, 'close')
  gateway.session.abort()
  const [code, reason] = (await once(client, 'close')) as [number, Buffer]
  assert.deepEqual([code, reason.toString()], [1008, 'session ended'])
  await gone
  await gateway.settled(1)
  assert.equal(gateway.results[0]!.aborted, 'by-session-end')
})

test('inside a message of the application no Close frame is put: the client is cut off', async (t) => {
  const upstream = await rawUpstream(t, (wire) => {
    void wire.until('\r\n\r\n').then(() => wire.write(`${SWITCH}\r\n\x82\x05abc`))
  })
  const gateway = await gatewayTo(t, upstream.url)
  const client = send(t, gateway.port, UPGRADE)
  await client.until('abc')
  gateway.session.abort()
  assert.match(await client.closed(), /abc$/)
})

test('a client that ignores its Close frame is cut off all the same', async (t) => {
  const upstream = await rawUpstream(t, (wire) => {
    void wire.until('\r\n\r\n').then(() => wire.write(`${SWITCH}\r\n\x81\x02hi`))
  })
  const gateway = await gatewayTo(t, upstream.url)
  const client = send(t, gateway.port, UPGRADE)
  await client.until('hi')
  client.socket.removeAllListeners('end')
  gateway.session.abort()
  assert.match(await client.until('session ended'), /\x88\x0f\x03\xf0session ended$/)
  await gateway.settled(1)
})

test('a session that has ended opens nothing', async (t) => {
  const upstream = await rawUpstream(t, () => undefined)
  const gateway = await gatewayTo(t, upstream.url)
  gateway.session.abort()
  assert.equal(await send(t, gateway.port, UPGRADE).closed(), '')
  assert.equal(upstream.wires.length, 0)
})

/** Bytes go up for longer than `idleTimeout`, then none; the longest time between two of them, and how many were left to send. */
async function tickThroughTunnel(t: TestContext, idleTimeout: number): Promise<{ longest: number; left: number }> {
  const upstream = await rawUpstream(t, (wire) => {
    void wire.until('\r\n\r\n').then(() => wire.write(`${SWITCH}\r\n`))
  })
  const gateway = await gatewayTo(t, upstream.url, { idleTimeout })
  const client = send(t, gateway.port, UPGRADE)
  await client.until('\r\n\r\n')
  let [left, last, longest] = [12, performance.now(), 0]
  const tick = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    client.write('x')
    if (--left === 0) clearInterval(tick)
  }, idleTimeout / 8)
  t.after(() => clearInterval(tick))
  await Promise.all([client.closed(), upstream.wires[0]!.closed()])
  // Closed before the next byte could come: so long has it been silent.
  return { longest: Math.max(longest, left > 0 ? performance.now() - last : 0), left }
}

test('silence in both directions for idleTimeout closes the tunnel; bytes in one keep it open', async (t) => {
  for (let idleTimeout = 2_000; ; idleTimeout *= 2) {
    const { longest, left } = await tickThroughTunnel(t, idleTimeout)
    // A machine that held everything up for half of the time says nothing about it.
    if (longest > idleTimeout / 2 && left > 0) continue
    assert.equal(left, 0)
    return
  }
})

test('an upstream that does not answer the handshake is a 504, one that is not there a 502', async (t) => {
  const silent = await rawUpstream(t, () => undefined)
  const slow = await gatewayTo(t, silent.url, { responseTimeout: 30 })
  assert.equal(statusOf(await send(t, slow.port, UPGRADE).closed()), 504)
  await silent.wires[0]!.closed()
  const nowhere = await gatewayTo(t, 'http://127.0.0.1:1')
  assert.equal(statusOf(await send(t, nowhere.port, UPGRADE).closed()), 502)
})

test('a handshake that meets a dead server goes to the next', async (t) => {
  const { gateway } = await echoing(t)
  const alive = gateway.upstream.health()[0]!.server
  const both = await gatewayTo(t, ['http://127.0.0.1:1', alive])
  const client = new WebSocket(`ws://127.0.0.1:${both.port}/ws`)
  await once(client, 'open')
  client.terminate()
})

test('close waits for open tunnels', async (t) => {
  const { gateway } = await echoing(t)
  const client = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws`)
  await once(client, 'open')
  let closed = false
  const closing = gateway.upstream.close().then(() => (closed = true))
  client.send('still open')
  await once(client, 'message')
  assert.equal(closed, false)
  client.close()
  await closing
})

test('frame boundaries are found whatever the pieces', () => {
  const frames = Buffer.concat([
    Buffer.from([0x81, 0x02, 0x68, 0x69]),
    Buffer.from([0x82, 0x7e, 0x01, 0x00]),
    Buffer.alloc(256),
    Buffer.from([0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]),
    Buffer.alloc(65_536),
    Buffer.from([0x81, 0x81, 1, 2, 3, 4, 5]),
    Buffer.from([0x89, 0x00]),
    closeFrame(1008, 'session ended'),
  ])
  const ends = new Set([0, 4, 264, 65_810, 65_817, 65_819, frames.length])
  for (const step of [1, 3, 1_000]) {
    const boundary = new FrameBoundary()
    for (let at = 0; at < frames.length; at += step) {
      const to = Math.min(at + step, frames.length)
      boundary.push(frames.subarray(at, to))
      assert.equal(boundary.between, ends.has(to), `at ${to}, step ${step}`)
    }
  }
})

test('an upgrade that ends its connection before it is looked at opens nothing', async (t) => {
  const upstream = await rawUpstream(t, () => undefined)
  const gateway = await gatewayTo(t, upstream.url)
  const wire = new Wire(connect(gateway.port, '127.0.0.1'))
  wire.socket.end(UPGRADE, 'latin1')
  await gateway.settled(1)
  assert.equal(gateway.results[0]!.aborted, 'by-client')
})
