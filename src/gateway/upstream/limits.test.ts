import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import {
  answering,
  ask,
  bodyOf,
  gatewayTo,
  httpUpstream,
  rawUpstream,
  send,
  statusOf,
  type Wire,
} from './wire.fixture.ts'

const HEAD = 'Host: app.example.test\r\n'
const MIB = 1_048_576

test('an upstream that says nothing within responseTimeout is a 504', async (t) => {
  const { url, wires } = await rawUpstream(t, () => undefined)
  const gateway = await gatewayTo(t, url, { responseTimeout: 30 })
  const got = await ask(t, gateway.port)
  assert.deepEqual([statusOf(got), bodyOf(got)], [504, 'GH_UPSTREAM_TIMEOUT'])
  await wires[0]!.closed()
})

test('a connection that is not there within connectTimeout is a 504', async (t) => {
  // A TLS handshake that nobody answers: connecting has begun and does not end.
  const { url } = await rawUpstream(t, () => undefined)
  const gateway = await gatewayTo(t, url.replace('http:', 'https:'), { connectTimeout: 30 })
  const got = await ask(t, gateway.port)
  assert.deepEqual([statusOf(got), bodyOf(got)], [504, 'GH_UPSTREAM_TIMEOUT'])
  assert.equal(gateway.upstream.health()[0]!.healthy, false)
})

test('an answer that falls silent for idleTimeout is cut off on both sides', async (t) => {
  const { url, wires } = await rawUpstream(t, answering('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart'))
  const gateway = await gatewayTo(t, url, { idleTimeout: 30 })
  const got = await ask(t, gateway.port)
  assert.equal(bodyOf(got), 'part')
  await wires[0]!.closed()
  assert.equal(gateway.results[0]!.aborted, 'by-upstream')
})

test('a client that falls silent during its upload for idleTimeout is cut off on both sides', async (t) => {
  const upstream = await rawUpstream(t, () => undefined)
  const gateway = await gatewayTo(t, upstream.url, { idleTimeout: 30 })
  const client = send(t, gateway.port, `POST / HTTP/1.1\r\n${HEAD}Content-Length: 1000\r\n\r\npart`)
  const wire = await upstream.wire(1)
  await Promise.all([wire.closed(), client.closed()])
  assert.equal(gateway.results[0]!.aborted, 'by-client')
})

test('a client that stops reading for idleTimeout is cut off on both sides; the upstream had to wait for it', async (t) => {
  let taken = 0
  const { url } = await httpUpstream(t, (_request, response) => {
    const fill = (): void => {
      for (; taken < 64; taken++) {
        if (!response.write(Buffer.alloc(MIB))) {
          response.once('drain', fill)
          return
        }
      }
    }
    fill()
  })
  const gateway = await gatewayTo(t, url, { idleTimeout: 100 })
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined)
  t.after(() => socket.destroy())
  socket.pause().write(`GET / HTTP/1.1\r\n${HEAD}\r\n`)
  await gateway.settled(1)
  assert.deepEqual([gateway.results[0]!.status, gateway.results[0]!.aborted], [200, 'by-client'])
  assert.ok(taken < 32, `${taken} MiB were taken from the upstream`)
})

test('an upstream that stops reading makes the client wait, and is a 504', async (t) => {
  const upstream = await rawUpstream(t, (wire) => {
    void wire.until('\r\n\r\n').then(() => wire.socket.pause())
  })
  const gateway = await gatewayTo(t, upstream.url, { responseTimeout: 100 })
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined)
  t.after(() => socket.destroy())
  socket.write(`PUT / HTTP/1.1\r\n${HEAD}Content-Length: ${64 * MIB}\r\n\r\n`)
  let taken = 0
  for (let block = 0; block < 64; block++) socket.write(Buffer.alloc(MIB), () => taken++)
  let atFault = 0
  await gateway.settled(1).then(() => (atFault = taken))
  assert.equal(gateway.faults[0]!.code, 'GH_UPSTREAM_TIMEOUT')
  assert.ok(atFault < 32, `${atFault} MiB were taken from the client`)
})

test('an answer that waits for its whole request is not idle while the upload flows', async (t) => {
  const { url } = await httpUpstream(t, (request, response) => {
    request.resume().on('end', () => response.end('thanks'))
  })
  const gateway = await gatewayTo(t, url, { idleTimeout: 400 })
  const client = send(t, gateway.port, `POST / HTTP/1.1\r\n${HEAD}Connection: close\r\nContent-Length: 10\r\n\r\n`)
  const tick = setInterval(() => client.write('x'), 60)
  t.after(() => clearInterval(tick))
  await client.until('thanks')
})

/** A POST whose body comes in pieces, so many bytes each hundredth of a second. */
function trickle(t: TestContext, port: number, bytes: number): Wire {
  const client = send(t, port, `POST / HTTP/1.1\r\n${HEAD}Content-Length: 1000000\r\n\r\n`)
  const tick = setInterval(() => client.write('x'.repeat(bytes)), 10)
  t.after(() => clearInterval(tick))
  return client
}

/** Milliseconds: on a busy machine the short ones may be over before the request has even reached the upstream. */
const ALLOWANCES = [50, 500, 5_000]

test('a body that trickles is a 408 and gives the connection to the upstream back (slow-body attack)', async (t) => {
  for (const bodyAllowanceMs of ALLOWANCES) {
    const upstream = await rawUpstream(t, () => undefined)
    const gateway = await gatewayTo(t, upstream.url, { connections: 1, minBodyRate: 10_000, bodyAllowanceMs })
    const client = trickle(t, gateway.port, 1)
    assert.equal(statusOf(await client.until('GH_REQUEST_TIMEOUT')), 408)
    const [wire] = upstream.wires
    if (wire?.text.includes('\r\n\r\n') !== true) continue
    await wire.closed()
    return
  }
  assert.fail('the request never reached the upstream')
})

test('once the answer has begun, a body that trickles ends both sides', async (t) => {
  for (const bodyAllowanceMs of ALLOWANCES) {
    const upstream = await rawUpstream(t, answering('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart'))
    const gateway = await gatewayTo(t, upstream.url, { minBodyRate: 10_000, bodyAllowanceMs })
    const client = trickle(t, gateway.port, 1)
    await gateway.settled(1)
    // A 408: the answer had not begun.
    if (gateway.faults.length > 0) continue
    assert.match(await client.closed(), /part$/)
    await upstream.wires[0]!.closed()
    assert.equal(gateway.results[0]!.aborted, 'by-client')
    return
  }
  assert.fail('the answer never began')
})

test('a body that keeps the rate, or has none to keep, may take its time', async (t) => {
  for (const [bytes, minBodyRate] of [
    [1_000, 10_000],
    [1, 0],
  ] as const) {
    // A machine that keeps the client from sending for longer than the short ones has it cut off.
    const goesOn = async (bodyAllowanceMs: number): Promise<boolean> => {
      const upstream = await rawUpstream(t, () => undefined)
      const gateway = await gatewayTo(t, upstream.url, { minBodyRate, bodyAllowanceMs })
      const client = trickle(t, gateway.port, bytes)
      const passed = upstream
        .wire(1)
        .then((wire) => wire.until('x'.repeat((bodyAllowanceMs / 4) * bytes)))
        .catch(() => '')
      await Promise.race([passed, client.closed()])
      return client.text === '' && !client.over
    }
    assert.ok((await goesOn(60)) || (await goesOn(600)) || (await goesOn(6_000)), `${bytes} bytes at a time`)
  }
})

test('an upstream that stops reading is not held against the client', async (t) => {
  const upstream = await rawUpstream(t, (wire) => {
    void wire.until('\r\n\r\n').then(() => wire.socket.pause())
  })
  // What there is room for on the way to the upstream has to have arrived within the allowance.
  const codes = new Set<string>()
  for (const bodyAllowanceMs of [150, 1_500, 8_000]) {
    const limits = { responseTimeout: 2 * bodyAllowanceMs, minBodyRate: 1_000_000_000, bodyAllowanceMs }
    const gateway = await gatewayTo(t, upstream.url, limits)
    const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined)
    t.after(() => socket.destroy())
    socket.write(`PUT / HTTP/1.1\r\n${HEAD}Content-Length: ${64 * MIB}\r\n\r\n`)
    socket.write(Buffer.alloc(64 * MIB))
    await gateway.settled(1)
    codes.add(gateway.faults[0]!.code)
    if (codes.has('GH_UPSTREAM_TIMEOUT')) return
  }
  assert.fail([...codes].join())
})

/** More than sockets hold between here and there; what grows beyond that is held by us. */
const UNDER_WAY = 40 * MIB

test('200 MiB down to a slow reader: the upstream waits, and little is under way', async (t) => {
  const size = 200 * MIB
  let sent = 0
  const { url } = await httpUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-length': size })
    let left = size
    const fill = (): void => {
      while (left > 0) {
        left -= MIB
        sent += MIB
        if (!response.write(Buffer.alloc(MIB))) {
          response.once('drain', fill)
          return
        }
      }
      response.end()
    }
    fill()
  })
  const gateway = await gatewayTo(t, url)
  const socket = connect(gateway.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(`GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`)
  let peak = 0
  let bytes = 0
  for await (const chunk of socket) {
    bytes += (chunk as Buffer).length
    await new Promise(setImmediate)
    peak = Math.max(peak, sent - bytes)
  }
  assert.ok(bytes > size)
  assert.ok(peak < UNDER_WAY, `${Math.round(peak / MIB)} MiB were under way`)
})

test('100 MiB up to a slow upstream: the client waits, and little is under way', async (t) => {
  const size = 100 * MIB
  let peak = 0
  let [sent, bytes] = [0, 0]
  const { url } = await httpUpstream(t, (request, response) => {
    void (async () => {
      for await (const chunk of request) {
        bytes += (chunk as Buffer).length
        await new Promise(setImmediate)
        peak = Math.max(peak, sent - bytes)
      }
      response.end('ok')
    })()
  })
  const gateway = await gatewayTo(t, url)
  const socket = connect(gateway.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(`PUT / HTTP/1.1\r\n${HEAD}Connection: close\r\nContent-Length: ${size}\r\n\r\n`)
  const block = Buffer.alloc(MIB)
  while (sent < size) {
    sent += MIB
    if (!socket.write(block)) await once(socket, 'drain')
  }
  socket.resume()
  await once(socket, 'close')
  assert.equal(bytes, size)
  assert.ok(peak < UNDER_WAY, `${Math.round(peak / MIB)} MiB were under way`)
})

test('close waits for the exchanges in flight and refuses new ones', async (t) => {
  const upstream = await rawUpstream(t, () => undefined)
  const gateway = await gatewayTo(t, upstream.url)
  const client = send(t, gateway.port, `GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`)
  const wire = await upstream.wire(1)
  await wire.until('\r\n\r\n')
  let closed = false
  const closing = gateway.upstream.close().then(() => (closed = true))
  assert.equal(statusOf(await ask(t, gateway.port, '/late')), 502)
  assert.equal(closed, false)
  wire.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  assert.match(await client.closed(), /ok$/)
  await closing
  await wire.closed()
})
