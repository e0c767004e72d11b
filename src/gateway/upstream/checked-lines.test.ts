import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { checkLines, LinesClient, type CheckedLines, type CheckedOptions } from './checked-lines.ts'
import { answering, rawUpstream, type RawUpstream } from './wire.fixture.ts'
import { Pool } from '../../http/undici.ts'

const LINES = ['Host', 'app.example.test', 'accept', 'text/html', 'x-remote-user', 'alice', 'accept', '*/*']

async function setup(t: TestContext): Promise<{ readonly upstream: RawUpstream; readonly pool: Pool }> {
  const upstream = await rawUpstream(t, answering('HTTP/1.1 204 No Content\r\n\r\n'))
  const pool = new Pool(upstream.url, {
    connections: 1,
    factory: (origin, options) => new LinesClient(origin, options),
  })
  t.after(() => pool.destroy())
  return { upstream, pool }
}

/** In two parts, as the gateway keeps them. */
function linesOf(lines: readonly string[]): readonly CheckedLines[] {
  const parts = [lines.slice(0, 4), lines.slice(4)].map(checkLines)
  return parts.filter((part) => part !== undefined)
}

function send(pool: Pool, options: Omit<CheckedOptions, 'path' | 'method'>, path = '/'): Promise<number> {
  const all: CheckedOptions = { path, method: 'GET', ...options }
  return new Promise((resolve, reject) => {
    let status = 0
    pool.dispatch(all, {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, got) => void (status = got),
      onResponseData: () => undefined,
      onResponseEnd: () => resolve(status),
      onResponseError: (_controller, error) => reject(error),
    })
  })
}

test('lines that were checked arrive as those that are checked each time', async (t) => {
  const { upstream, pool } = await setup(t)
  const own = ['x-request-id', 'a-1']
  await send(pool, { headers: [...own, ...LINES] })
  const { text } = await upstream.wire(1)
  await send(pool, { headers: own, checked: linesOf(LINES) })
  assert.equal((await upstream.wire(1)).text, text + text)
  assert.match(text, /^GET \/ HTTP\/1\.1\r\nhost: app\.example\.test\r\n/)
  assert.match(text, /\r\nx-request-id: a-1\r\naccept: text\/html\r\nx-remote-user: alice\r\naccept: \*\/\*\r\n\r\n$/)
})

test('a Host among the other lines counts before the checked one', async (t) => {
  const { upstream, pool } = await setup(t)
  await send(pool, { headers: ['host', 'inner.example.test'], checked: linesOf(LINES) })
  const { text } = await upstream.wire(1)
  assert.equal(text.match(/^host:.*$/gim)?.join(), 'host: inner.example.test')
})

test('requests that wait for the connection keep their checked lines', async (t) => {
  const { upstream, pool } = await setup(t)
  const paths = ['/a', '/b', '/c']
  const statuses = await Promise.all(
    paths.map((path) => send(pool, { headers: ['x-path', path], checked: linesOf([...LINES, 'x-for', path]) }, path)),
  )
  assert.deepEqual(statuses, [204, 204, 204])
  const { text } = await upstream.wire(1)
  for (const path of paths)
    assert.match(
      text,
      new RegExp(`GET ${path} HTTP/1\\.1\r\n[^]*?\r\nx-path: ${path}\r\n[^]*?\r\nx-for: ${path}\r\n\r\n`),
    )
})

test('a body beside checked lines is refused, and nothing of it sent', async (t) => {
  const { upstream, pool } = await setup(t)
  await assert.rejects(send(pool, { headers: [], checked: linesOf(LINES), body: 'x' }), TypeError)
  assert.equal(upstream.wires.length, 0)
})

test('what undici would not send is not checked', () => {
  for (const value of ['a\r\nx-admin: 1', 'a\n', 'a\0', 'Ā']) assert.throws(() => checkLines([...LINES, 'x-a', value]))
  for (const name of ['x a', 'x:', 'x\r\ny', '']) assert.throws(() => checkLines([...LINES, name, 'a']))
  assert.throws(() => checkLines([...LINES, 'host', 'other.example.test']))
})

test('lines about framing or the connection are never remembered', () => {
  assert.equal(checkLines([...LINES, 'content-length', '3']), undefined)
  assert.equal(checkLines([...LINES, 'connection', 'close']), undefined)
  assert.equal(checkLines(['host', 'app.example.test']), undefined)
  assert.throws(() => checkLines([...LINES, 'transfer-encoding', 'chunked']))
})

test('its destruction is undici’s own', async (t) => {
  const { pool } = await setup(t)
  await send(pool, { headers: [], checked: linesOf(LINES) })
  const disconnected = once(pool, 'disconnect')
  await pool.destroy()
  await disconnected
  await assert.rejects(send(pool, { headers: [], checked: linesOf(LINES) }))
})
