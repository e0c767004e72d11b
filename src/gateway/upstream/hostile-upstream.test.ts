import assert from 'node:assert/strict'
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

/** Heads that are not HTTP, or say two things at once: the client must get a 502 and not a byte of them. */
const REFUSED: Readonly<Record<string, string>> = {
  'bare LF for line ends': 'HTTP/1.1 200 OK\nX-Secret: 1\nContent-Length: 2\n\nok',
  'NUL in a header value': 'HTTP/1.1 200 OK\r\nX-Secret: a\0b\r\nContent-Length: 2\r\n\r\nok',
  'bare CR in a header value': 'HTTP/1.1 200 OK\r\nX-Secret: a\rSet-Cookie: b=1\r\nContent-Length: 2\r\n\r\nok',
  'space before the colon': 'HTTP/1.1 200 OK\r\nX-Secret : a\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/0.9': '<html>secret</html>',
  'HTTP/2 over a version 1 connection': 'HTTP/2.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'a head of 64 KiB': `HTTP/1.1 200 OK\r\nX-Secret: ${'a'.repeat(65_536)}\r\nContent-Length: 2\r\n\r\nok`,
  'status 99': 'HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nok',
  'two different lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
  'length and chunks': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'a length that is no number': 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok',
  'a transfer coding nobody asked for':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'a switch of protocol nobody asked for':
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nsecret',
  'a bare 101': 'HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  '100 Continue nobody asked for': `HTTP/1.1 100 Continue\r\n\r\n${OK}`,
  'a thousand interim answers': `${'HTTP/1.1 103 Early Hints\r\nX-Secret: 1\r\n\r\n'.repeat(1_000)}${OK}`,
}

for (const [name, answer] of Object.entries(REFUSED)) {
  test(`${name} is a 502 of which nothing reaches the client`, async (t) => {
    const { url, wires } = await rawUpstream(t, answering(answer))
    const gateway = await gatewayTo(t, url)
    const got = await ask(t, gateway.port)
    assert.equal(statusOf(got), 502)
    assert.equal(bodyOf(got), 'GH_UPSTREAM_PROTOCOL')
    assert.doesNotMatch(got, /secret/i)
    assert.equal(gateway.misbehaviour.length, 1)
    await wires[0]!.closed()
    assert.equal(wires.length, 1, 'the request was not sent again')
  })
}

test('interim answers other than 103 are swallowed while they are few', async (t) => {
  const { url } = await rawUpstream(t, answering(`${'HTTP/1.1 102 Processing\r\nLink: </a>\r\n\r\n'.repeat(3)}${OK}`))
  const gateway = await gatewayTo(t, url)
  assert.match(await ask(t, gateway.port), /^HTTP\/1\.1 200 OK/)
})

/** Answers that break after the head: the client's connection must end without the end of the answer. */
const CUT: Readonly<Record<string, string>> = {
  'a body shorter than its length': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart',
  'chunks without the last': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n',
  'a chunk size that is no number': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nZZ\r\n',
}

for (const [name, answer] of Object.entries(CUT)) {
  test(`${name} is never shown as complete`, async (t) => {
    const { url } = await rawUpstream(t, (wire) => {
      void wire.until('\r\n\r\n').then(() => wire.socket.end(answer, 'latin1'))
    })
    const gateway = await gatewayTo(t, url)
    const got = await ask(t, gateway.port)
    assert.doesNotMatch(got, /0\r\n\r\n$/)
    assert.ok(!got.includes('Content-Length') || bodyOf(got).length < 10)
    await gateway.settled(1)
    assert.deepEqual([gateway.results[0]!.status, gateway.results[0]!.aborted], [200, 'by-upstream'])
    assert.equal(gateway.misbehaviour.length, 1)
  })
}

test('to an HTTP/1.0 client, which knows no other end than the connection, a cut answer is a reset', async (t) => {
  const { url } = await rawUpstream(t, (wire) => {
    void wire
      .until('\r\n\r\n')
      .then(() => wire.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'))
  })
  const gateway = await gatewayTo(t, url)
  const client = send(t, gateway.port, `GET / HTTP/1.0\r\n${HEAD}\r\n`)
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => client.socket.on('error', resolve))
  await client.until('part')
  gateway.session.abort()
  assert.equal((await failed).code, 'ECONNRESET')
})

test('two answers to one request: the second reaches nobody', async (t) => {
  const evil = 'HTTP/1.1 200 OK\r\nSet-Cookie: sid=evil\r\nContent-Length: 4\r\n\r\nevil'
  const { url, wires } = await rawUpstream(t, (wire, nth) => answering(nth === 1 ? `${OK}${evil}` : OK)(wire))
  const gateway = await gatewayTo(t, url)
  const first = await ask(t, gateway.port, '/first')
  const second = await ask(t, gateway.port, '/second')
  assert.equal(bodyOf(first), 'ok')
  assert.equal(bodyOf(second), 'ok')
  assert.doesNotMatch(first + second, /evil/)
  assert.equal(wires.length, 2, 'the poisoned connection was not used again')
})

test('an answer that nobody asked for, sent while the connection is idle, reaches nobody (GHSA-35p6-xmwp-9g52)', async (t) => {
  const { url, wires } = await rawUpstream(t, (wire) => answering(OK)(wire))
  const gateway = await gatewayTo(t, url)
  await ask(t, gateway.port, '/first')
  const sent = new Promise((resolve) =>
    wires[0]!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil', resolve),
  )
  await sent
  const second = await ask(t, gateway.port, '/second')
  assert.equal(bodyOf(second), 'ok')
})

test('a 204 with a body does not leave that body to the next client', async (t) => {
  const { url } = await rawUpstream(t, (wire, nth) =>
    answering(
      nth === 1 ? `HTTP/1.1 204 No Content\r\nContent-Length: ${OK.length}\r\n\r\n${OK.replace('ok', 'no')}` : OK,
    )(wire),
  )
  const gateway = await gatewayTo(t, url)
  assert.equal(bodyOf(await ask(t, gateway.port, '/first')), '')
  assert.equal(bodyOf(await ask(t, gateway.port, '/second')), 'ok')
})

test('HEAD answered with a body does not leave that body to the next client', async (t) => {
  const { url } = await rawUpstream(t, (wire, nth) =>
    answering(nth === 1 ? `${OK}${OK.replace('ok', 'no')}` : OK)(wire),
  )
  const gateway = await gatewayTo(t, url)
  assert.equal(bodyOf(await ask(t, gateway.port, '/first', 'HEAD')), '')
  assert.equal(bodyOf(await ask(t, gateway.port, '/second')), 'ok')
})

for (const method of ['DELETE', 'OPTIONS', 'GET', 'POST']) {
  test(`a chunked ${method} body stays one framed body (nodejs/node#27880, CVE-2026-29057)`, async (t) => {
    const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n'
    const upstream = await rawUpstream(t, (wire) => answerEachRequest(wire, (target) => seen.push(target)))
    const seen: string[] = []
    const gateway = await gatewayTo(t, upstream.url)
    const client = send(
      t,
      gateway.port,
      `${method} /first HTTP/1.1\r\n${HEAD}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n` +
        `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
    )
    assert.match(await client.closed(), /ok$/)
    await ask(t, gateway.port, '/next')
    assert.deepEqual(seen, ['/first', '/next'])
    assert.match(
      upstream.wires[0]!.text,
      /content-length: 38\r\n\r\nGET \/smuggled|transfer-encoding: chunked\r\n\r\n26\r\nGET \/smuggled/,
    )
  })
}

test('a body sent in pieces stays in chunks whatever the method', async (t) => {
  const seen: string[] = []
  const upstream = await rawUpstream(t, (wire) => answerEachRequest(wire, (target) => seen.push(target)))
  const gateway = await gatewayTo(t, upstream.url)
  const client = send(
    t,
    gateway.port,
    `DELETE /first HTTP/1.1\r\n${HEAD}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n`,
  )
  await (await upstream.wire(1)).until('GET')
  client.write('e\r\n /smuggled HTT\r\n0\r\n\r\n')
  assert.match(await client.closed(), /ok$/)
  assert.deepEqual(seen, ['/first'])
  assert.match(
    upstream.wires[0]!.text,
    /transfer-encoding: chunked\r\n\r\n3\r\nGET\r\ne\r\n \/smuggled HTT\r\n0\r\n\r\n$/,
  )
})

test('a connection that NTLM or Negotiate logged in is not used for the next person', async (t) => {
  const upstream = await httpUpstream(t, (_request, response) => response.end('ok'))
  const gateway = await gatewayTo(t, upstream.url)
  for (const scheme of ['NTLM TlRMTVNTUAAD', 'Negotiate YII='])
    await ask(t, gateway.port, '/', 'GET', `Authorization: ${scheme}\r\n`)
  await ask(t, gateway.port, '/', 'GET', 'Authorization: Basic YTpi\r\n')
  // Node shows only the first of two; the application may take the other.
  await ask(t, gateway.port, '/', 'GET', 'Authorization: Basic YTpi\r\nAuthorization: NTLM TlRMTVNTUAAD\r\n')
  await ask(t, gateway.port)
  assert.equal(upstream.connections(), 4)
})

test('a request line that undici would read as another origin never leaves', async (t) => {
  const { url, wires } = await rawUpstream(t, answering(OK))
  const gateway = await gatewayTo(t, url)
  assert.equal(statusOf(await ask(t, gateway.port, 'http://evil.test/admin')), 500)
  assert.equal(wires.length, 0)
})

/** A lenient server: reads bodies only where a header frames them, and takes whatever follows for the next request. */
function answerEachRequest(wire: Wire, onRequest: (target: string) => void): void {
  let from = 0
  wire.socket.on('data', () => {
    for (;;) {
      const end = wire.text.indexOf('\r\n\r\n', from)
      if (end === -1) return
      const head = wire.text.slice(from, end)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      const chunked = /transfer-encoding: chunked/i.test(head)
      const next = chunked ? wire.text.indexOf('\r\n0\r\n\r\n', end) + 7 : end + 4 + length
      if (next === 6 || next > wire.text.length) return
      from = next
      onRequest(head.split(' ')[1] ?? '')
      wire.write(OK)
    }
  })
}
