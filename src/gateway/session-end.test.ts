import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { profileOf, sessionOf, siteOf, startGateway, type Rig } from './gateway.fixture.ts'
import { answering, rawUpstream, send, type RawUpstream } from './upstream/wire.fixture.ts'

const HOST = 'Host: app.test\r\n'
const SLOW = `GET /public/slow HTTP/1.1\r\n${HOST}\r\n`
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

async function silent(
  t: TestContext,
  connections = 8,
): Promise<{ readonly up: RawUpstream; readonly rig: Rig; readonly cookie: string }> {
  const up = await rawUpstream(t, () => undefined)
  const rig = await startGateway(t, {
    sites: [siteOf(profileOf(up.url, { upstream: { servers: [up.url], connections } }))],
  })
  return { up, rig, cookie: rig.sessions.add(1, sessionOf('s1')) }
}

test('an upload that waits behind another answer ends with its session: the application gets nothing more', async (t) => {
  const { up, rig, cookie } = await silent(t)
  const upload = `POST /upload HTTP/1.1\r\n${HOST}Cookie: ${cookie}\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nbefore\r\n`
  const client = send(t, rig.port, SLOW + upload)
  const second = await up.wire(2)
  await second.until('before')
  await rig.sessions.end('s1')
  client.write('5\r\nAFTER\r\n0\r\n\r\n')
  assert.doesNotMatch(await second.closed(), /AFTER|\r\n0\r\n/)
  await client.closed()
  await rig.recorded(2)
  assert.equal(rig.lines.find(({ path }) => path === '/upload')?.reason, 'by-session-end')
})

test('a request that waits for a connection to the application is not sent once its session has ended', async (t) => {
  const { up, rig, cookie } = await silent(t, 2)
  const other = send(t, rig.port, `GET /public/other HTTP/1.1\r\n${HOST}\r\n`)
  const first = await up.wire(1)
  await first.until('/public/other')
  const client = send(t, rig.port, `${SLOW}GET /secret HTTP/1.1\r\n${HOST}Cookie: ${cookie}\r\n\r\n`)
  await (await up.wire(2)).until('/public/slow')
  await rig.sessions.end('s1')
  await client.closed()
  first.write(OK)
  await other.until('ok')
  other.write(`GET /public/next HTTP/1.1\r\n${HOST}\r\n`)
  await first.until('/public/next')
  assert.ok(up.wires.every(({ text }) => !text.includes('/secret')))
})

test('a request whose refusal fails while its session ends is not forwarded instead', async (t) => {
  const up = await rawUpstream(t, answering(OK))
  const site = siteOf(profileOf(up.url))
  const rig = await startGateway(t, { sites: [site] })
  const cookie = rig.sessions.add(1, sessionOf('s1'))
  await send(t, rig.port, `GET /public/warm HTTP/1.1\r\n${HOST}\r\n`).until('ok')
  rig.gateway.sessionEnded('s1')
  Object.defineProperty(site, 'loginUrl', {
    get: () => {
      throw new Error('no page can be made')
    },
  })
  await send(t, rig.port, `POST /transfer HTTP/1.1\r\n${HOST}Cookie: ${cookie}\r\nContent-Length: 2\r\n\r\nhi`).closed()
  await send(t, rig.port, `GET /public/after HTTP/1.1\r\n${HOST}\r\n`).until('ok')
  assert.ok(up.wires.every(({ text }) => !text.includes('/transfer')))
})

test('an HTTP/1.0 client cannot take what its session let through for the whole answer', async (t) => {
  const { up, rig, cookie } = await silent(t)
  const client = send(t, rig.port, `GET /download HTTP/1.0\r\n${HOST}Cookie: ${cookie}\r\n\r\n`)
  const failed = once(client.socket, 'error')
  const wire = await up.wire(1)
  await wire.until('\r\n\r\n')
  wire.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n')
  await client.until('first')
  await rig.sessions.end('s1')
  assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, 'ECONNRESET')
})

test('the access line of an exchange that its session ended says what the client got', async (t) => {
  const { up, rig, cookie } = await silent(t)
  const client = send(t, rig.port, `GET /page HTTP/1.1\r\n${HOST}Cookie: ${cookie}\r\n\r\n`)
  await (await up.wire(1)).until('/page')
  await rig.sessions.end('s1')
  await client.until('HTTP/1.1 401')
  await rig.recorded(1)
  assert.deepEqual([rig.lines[0]?.status, rig.lines[0]?.reason], [401, 'by-session-end'])
})
