import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { limitLateUpload } from './client-errors.ts'

/** A connection to a server that answers before it has read anything. */
async function early(t: TestContext): Promise<Socket> {
  const server = createServer((request, response) => {
    limitLateUpload(request, response, 50)
    response.end('no')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined)
}

test('an answered client that never finishes its upload loses the connection', async (t) => {
  for (const framing of ['Content-Length: 1000', 'Transfer-Encoding: chunked']) {
    const socket = await early(t)
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`)
    socket.resume()
    await once(socket, 'close')
  }
})

test('one that finishes in time keeps it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const socket = await early(t)
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab')
  await once(socket, 'data')
  socket.write('cd')
  // Once the next request is answered the upload has been read.
  for (const passed of [0, 100]) {
    t.mock.timers.tick(passed)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.match(answer.toString(), /^HTTP\/1\.1 200 /)
  }
  socket.destroy()
})
