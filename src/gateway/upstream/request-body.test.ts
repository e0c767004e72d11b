import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { requestBody } from './request-body.ts'
import { send, type Wire } from './wire.fixture.ts'

const HEAD = 'Host: app.example.test\r\n'

async function received(
  t: TestContext,
  text: string,
): Promise<{ wire: Wire; request: IncomingMessage; response: ServerResponse }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const wire = send(t, (server.address() as AddressInfo).port, text)
  const [request, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
  server.on('request', (_request, next: ServerResponse) => next.end('second'))
  return { wire, request, response }
}

for (const [headers, expected] of [
  ['', 'none'],
  ['Content-Length: 0\r\n', 'none'],
  ['Content-Length: 0007\r\n', 7],
  ['Transfer-Encoding: chunked\r\n', 'chunks'],
] as const) {
  test(`RFC 9112 §6: a DELETE with "${headers.trim()}" has a body: ${expected}`, async (t) => {
    const { request } = await received(t, `DELETE / HTTP/1.1\r\n${HEAD}${headers}\r\n`)
    const framed = requestBody(request)
    assert.equal(framed === undefined ? 'none' : (framed.length ?? 'chunks'), expected)
    framed?.body.destroy()
  })
}

test('a body nobody reads holds the client back; once it is given up the rest is discarded and the connection lives on', async (t) => {
  const size = 1_048_576
  const { wire, request, response } = await received(t, `POST / HTTP/1.1\r\n${HEAD}Content-Length: ${size}\r\n\r\n`)
  const { body } = requestBody(request)!
  wire.write('x'.repeat(size))
  await once(request, 'pause')
  assert.equal(body.hungry, false)
  response.end('first')
  await wire.until('first')
  body.destroy()
  wire.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`)
  await wire.until('second')
})

test('a client that leaves is an error of the body, not its end', async (t) => {
  const { wire, request } = await received(t, `POST / HTTP/1.1\r\n${HEAD}Content-Length: 10\r\n\r\npart`)
  const { body } = requestBody(request)!
  await once(body, 'data')
  wire.socket.destroy()
  await assert.rejects(once(body, 'end'), /left/)
})
