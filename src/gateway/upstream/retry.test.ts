import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
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

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const HEAD = 'Host: app.example.test\r\n'
/** Nothing listens there: the port is reserved and never bound in tests. */
const NOBODY = 'http://127.0.0.1:1'

/** Answers the first request of its first connection and resets it at the second; later connections answer. */
function resetsWhenReused(wire: Wire, nth: number): void {
  if (nth > 1) {
    answering(OK)(wire)
    return
  }
  void wire.until('\r\n\r\n').then((first) => {
    wire.write(OK)
    void wire.until('\r\n\r\n', first.length).then(() => wire.socket.resetAndDestroy())
  })
}

for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PUT']) {
  test(`RFC 9110 §9.2.2: ${method} is sent once more after a reset on a reused connection`, async (t) => {
    const { url, wires } = await rawUpstream(t, resetsWhenReused)
    const gateway = await gatewayTo(t, url)
    await ask(t, gateway.port, '/first')
    const got = await ask(t, gateway.port, '/second', method)
    assert.equal(statusOf(got), 200)
    assert.equal(wires.length, 2)
    assert.match(wires[1]!.text, new RegExp(`^${method} /second`))
  })
}

test('POST is not sent a second time', async (t) => {
  const { url, wires } = await rawUpstream(t, resetsWhenReused)
  const gateway = await gatewayTo(t, url)
  await ask(t, gateway.port, '/first')
  const got = await ask(t, gateway.port, '/second', 'POST', 'Content-Length: 0\r\n')
  assert.equal(statusOf(got), 502)
  assert.equal(bodyOf(got), 'GH_UPSTREAM_UNREACHABLE')
  assert.equal(wires.length, 1)
})

test('a request with a body is not sent a second time, idempotent or not', async (t) => {
  const { url, wires } = await rawUpstream(t, resetsWhenReused)
  const gateway = await gatewayTo(t, url)
  await ask(t, gateway.port, '/first')
  const client = send(
    t,
    gateway.port,
    `PUT /second HTTP/1.1\r\n${HEAD}Connection: close\r\nContent-Length: 3\r\n\r\nabc`,
  )
  assert.equal(statusOf(await client.closed()), 502)
  assert.equal(wires.length, 1)
})

test('a reset on a fresh connection is not retried: the request may be what the application dies of', async (t) => {
  const { url, wires } = await rawUpstream(t, (wire) => {
    void wire.until('\r\n\r\n').then(() => wire.socket.resetAndDestroy())
  })
  const gateway = await gatewayTo(t, url)
  assert.equal(statusOf(await ask(t, gateway.port)), 502)
  assert.equal(wires.length, 1)
})

test('a second reset is the end: nothing is sent three times', async (t) => {
  const { url, wires } = await rawUpstream(t, (wire, nth) => {
    if (nth === 1) resetsWhenReused(wire, nth)
    else void wire.until('\r\n\r\n').then(() => wire.socket.resetAndDestroy())
  })
  const gateway = await gatewayTo(t, url)
  await ask(t, gateway.port, '/first')
  assert.equal(statusOf(await ask(t, gateway.port, '/second')), 502)
  assert.equal(wires.length, 2)
})

test('a head cut off half-way is not retried', async (t) => {
  const { url, wires } = await rawUpstream(t, (wire, nth) => {
    if (nth > 1) return
    void wire.until('\r\n\r\n').then((first) => {
      wire.write(OK)
      void wire.until('\r\n\r\n', first.length).then(() => wire.socket.end('HTTP/1.1 200 OK\r\nX-A'))
    })
  })
  const gateway = await gatewayTo(t, url)
  await ask(t, gateway.port, '/first')
  const got = await ask(t, gateway.port, '/second')
  assert.equal(bodyOf(got), 'GH_UPSTREAM_PROTOCOL')
  assert.equal(wires.length, 1)
})

test('a refused connection goes to the next server, and the first is passed over for a moment', async (t) => {
  const alive = await httpUpstream(t, (_request, response) => response.end('alive'))
  const gateway = await gatewayTo(t, [NOBODY, alive.url])
  assert.match(await ask(t, gateway.port), /alive/)
  assert.deepEqual(gateway.upstream.health(), [
    { server: NOBODY, healthy: false },
    { server: alive.url, healthy: true },
  ])
  assert.deepEqual(gateway.log, [{ level: 'warn', message: 'upstream server cannot be reached' }])
  const post = await ask(t, gateway.port, '/', 'POST', 'Content-Length: 0\r\n')
  assert.equal(statusOf(post), 200, 'a POST is not sent to a server known to be down')
  gateway.now += 5_000
  assert.deepEqual(
    gateway.upstream.health().map(({ healthy }) => healthy),
    [true, true],
  )
})

test('a POST that meets a refused connection fails rather than being sent elsewhere', async (t) => {
  const alive = await httpUpstream(t, (_request, response) => response.end('alive'))
  const gateway = await gatewayTo(t, [NOBODY, alive.url])
  const got = await ask(t, gateway.port, '/', 'POST', 'Content-Length: 0\r\n')
  assert.deepEqual([statusOf(got), bodyOf(got)], [502, 'GH_UPSTREAM_UNREACHABLE'])
})

test('servers take turns', async (t) => {
  const servers = await Promise.all(
    ['a', 'b', 'c'].map((name) => httpUpstream(t, (_request, response) => response.end(name))),
  )
  const gateway = await gatewayTo(
    t,
    servers.map(({ url }) => url),
  )
  const order: string[] = []
  for (let nth = 0; nth < 6; nth++)
    order.push(bodyOf(await ask(t, gateway.port, '/', 'GET')).replaceAll(/\r\n|\d/g, ''))
  assert.equal(order.join(''), 'abcabc')
})

test('past twice its connections a server gets no more requests, and the client a 503', async (t) => {
  const upstream = await rawUpstream(t, () => undefined)
  const gateway = await gatewayTo(t, upstream.url, { connections: 1 })
  const first = send(t, gateway.port, `GET /1 HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`)
  const wire = await upstream.wire(1)
  await wire.until('GET /1')
  const second = send(t, gateway.port, `GET /2 HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`)
  await once(gateway.server, 'request')
  const third = await ask(t, gateway.port, '/3')
  assert.deepEqual([statusOf(third), bodyOf(third)], [503, 'GH_BUSY'])
  wire.write(OK)
  assert.match(await first.closed(), /ok$/)
  await wire.until('GET /2')
  wire.write(OK)
  assert.match(await second.closed(), /ok$/)
})

test('a client that leaves the queue costs no connection', async (t) => {
  const upstream = await rawUpstream(t, () => undefined)
  const gateway = await gatewayTo(t, upstream.url, { connections: 1 })
  const first = send(t, gateway.port, `GET /1 HTTP/1.1\r\n${HEAD}\r\n`)
  const wire = await upstream.wire(1)
  await wire.until('GET /1')
  const second = send(t, gateway.port, `GET /2 HTTP/1.1\r\n${HEAD}\r\n`)
  await once(gateway.server, 'request')
  second.socket.destroy()
  await gateway.settled(1)
  wire.write(OK)
  await first.until('ok')
  first.write(`GET /3 HTTP/1.1\r\n${HEAD}\r\n`)
  assert.doesNotMatch(await wire.until('GET /3'), /GET \/2/)
})
