import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { formBody, type FormBodyOptions } from './form-body.ts'

/** Everything that the server says to these bytes until it closes the connection. */
async function said(t: TestContext, bytes: string, options?: FormBodyOptions): Promise<string> {
  const read = formBody(options)
  const server = createServer((request, response) => {
    read(request, response, (error) => {
      const status = error instanceof Error && 'status' in error ? Number(error.status) : 200
      response.statusCode = status
      response.end(JSON.stringify((request as { body?: unknown }).body ?? null))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return text
}

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n'

test('a form is read', async (t) => {
  assert.match(await said(t, `${HEAD}Connection: close\r\nContent-Length: 3\r\n\r\na=b`), /200 OK.*\{"a":"b"\}$/s)
})

test('a form that says it is too large is refused before it comes', async (t) => {
  assert.match(await said(t, `${HEAD}Content-Length: 10000000\r\n\r\n`), /^HTTP\/1\.1 413 .*Connection: close/s)
})

test('a form that turns out too large is refused at once, not at its end', async (t) => {
  const chunk = 'a'.repeat(0x5000)
  assert.match(await said(t, `${HEAD}Transfer-Encoding: chunked\r\n\r\n5000\r\n${chunk}\r\n`), /^HTTP\/1\.1 413 /)
})

test('a form that does not arrive in time is refused once, and the connection ends', async (t) => {
  const answer = await said(t, `${HEAD}Content-Length: 10\r\n\r\na`, { arrivalMs: 50 })
  assert.match(answer, /^HTTP\/1\.1 408 .*Connection: close/s)
  assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1)
})

test('a compressed form is not unpacked', async (t) => {
  const bytes = `${HEAD}Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\na=b`
  assert.match(await said(t, bytes), /^HTTP\/1\.1 415 /)
})
