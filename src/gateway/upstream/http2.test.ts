import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ClientHttp2Session, connect, constants, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { ExchangeResult } from './upstream.ts'
import { answering, type Gateway, gatewayTo, rawUpstream, forwarded } from './wire.fixture.ts'

/** An HTTP/2 listener before the gateway's upstream. */
async function http2Front(
  t: TestContext,
  gateway: Gateway,
): Promise<{ session: ClientHttp2Session; results: Promise<ExchangeResult>[] }> {
  const results: Promise<ExchangeResult>[] = []
  const front = createServer((request, response) => {
    const exchange = {
      request: request as unknown as IncomingMessage,
      outgoing: { method: request.method, target: request.url, headers: ['host', 'app.example.test'] },
      rewrite: (_status: number, list: readonly string[]) => list,
      signal: undefined,
    }
    results.push(forwarded(gateway.upstream, exchange, response as unknown as ServerResponse))
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  const session = connect(`http://127.0.0.1:${(front.address() as AddressInfo).port}`)
  t.after(() => {
    session.destroy()
    front.close()
  })
  return { session, results }
}

test('over HTTP/2 a DELETE with a body that no header announces is framed, and duplicate headers are kept', async (t) => {
  const upstream = await rawUpstream(t, (wire) => {
    void wire
      .until('0\r\n\r\n')
      .then(() =>
        wire.write(
          'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: x\r\nContent-Length: 2\r\n\r\nok',
        ),
      )
  })
  const { session } = await http2Front(t, await gatewayTo(t, upstream.url))
  const upload = session.request({ ':path': '/up', ':method': 'DELETE' }, { endStream: false })
  upload.write('GET /smuggled HTTP/1.1\r\n\r\n')
  const wire = await upstream.wire(1)
  await wire.until('smuggled')
  upload.end()
  const [head] = (await once(upload, 'response')) as [Record<string, unknown>]
  assert.deepEqual([head[':status'], head['set-cookie']], [200, ['a=1', 'b=2']])
  assert.match(wire.text, /^DELETE \/up HTTP\/1\.1\r\n[^]*transfer-encoding: chunked\r\n\r\n1a\r\nGET \/smuggled/)
})

test('over HTTP/2 a cut answer ends in RST_STREAM', async (t) => {
  const { url } = await rawUpstream(t, (wire) => {
    void wire.until('\r\n\r\n').then(() => wire.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart'))
  })
  const { session, results } = await http2Front(t, await gatewayTo(t, url))
  const cut = session.request({ ':path': '/cut' })
  cut.on('error', () => undefined).resume()
  await new Promise((resolve) => cut.once('close', resolve))
  assert.equal(cut.rstCode, constants.NGHTTP2_INTERNAL_ERROR)
  assert.equal((await results[0])?.aborted, 'by-upstream')
})

test('over HTTP/2 a client that leaves during its upload ends the request at the upstream', async (t) => {
  const upstream = await rawUpstream(t, () => undefined)
  const { session, results } = await http2Front(t, await gatewayTo(t, upstream.url))
  const upload = session.request({ ':path': '/up', ':method': 'POST' }, { endStream: false })
  upload.on('error', () => undefined).write('part')
  const wire = await upstream.wire(1)
  await wire.until('part')
  upload.close(constants.NGHTTP2_CANCEL)
  await wire.closed()
  assert.equal((await results[0])?.aborted, 'by-client')
})

test('over HTTP/2 a GET stays without a body, and trailers come after the answer where the client takes them', async (t) => {
  const trailed =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=1\r\n\r\n'
  const upstream = await rawUpstream(t, answering(trailed))
  const { session } = await http2Front(t, await gatewayTo(t, upstream.url))
  for (const [fields, expected] of [
    [{ te: 'trailers' }, '1'],
    [{}, undefined],
  ] as const) {
    const stream = session.request({ ':path': '/get', ...fields })
    let body = ''
    let trailers: Record<string, unknown> = {}
    stream.on('trailers', (given: Record<string, unknown>) => (trailers = given))
    stream.setEncoding('utf8').on('data', (text: string) => (body += text))
    await once(stream, 'close')
    assert.deepEqual([body, trailers['x-sum'], trailers['set-cookie']], ['ok', expected, undefined])
  }
  const [wire] = upstream.wires
  assert.equal(wire?.text.match(/^GET \/get HTTP\/1\.1\r\n/gm)?.length, 2)
  assert.doesNotMatch(wire.text, /content-length|transfer-encoding/i)
})
