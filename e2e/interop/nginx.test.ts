import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { Client } from '../client.ts'
import { exchange, signedIn, type Question, type Reply } from './exchange.ts'
import { startGateway, type Gateway } from './gateway.ts'
import { scratchDirectory, startProgram } from './program.ts'

const CSS = `body { color: teal }\n`.repeat(500)
const HUGE = 256 * 1024 * 1024

const running = new AsyncDisposableStack()
const scratch = scratchDirectory('nginx')
running.defer(() => scratch.remove())
let gateway: Gateway
let alice: Client

before(async () => {
  mkdirSync(join(scratch.path, 'files'))
  writeFileSync(join(scratch.path, 'files', 'site.css'), CSS)
  writeFileSync(join(scratch.path, 'files', 'index.html'), '<h1>Files</h1>')
  writeFileSync(join(scratch.path, 'files', 'huge.bin'), 'begin')
  truncateSync(join(scratch.path, 'files', 'huge.bin'), HUGE)
  writeFileSync(join(scratch.path, 'nginx.conf'), configuration(scratch.path))
  const nginx = await startProgram({
    command: 'nginx',
    args: ['-p', scratch.path, '-c', join(scratch.path, 'nginx.conf')],
    cwd: scratch.path,
    ready: /start worker process \d/,
  })
  running.defer(() => nginx.stop())
  const upstream = { servers: [`unix:${join(scratch.path, 'nginx.sock')}`] }
  gateway = await startGateway({ agents: { files: { ssoOnly: true, upstream } } })
  running.defer(() => gateway.stop())
  alice = await signedIn(gateway, 'files', 'alice')
})

after(() => running.disposeAsync())

function configuration(directory: string): string {
  return `
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr notice;
${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  log_format connections '$status $connection $connection_requests $request_uri $http_x_remote_user';
  access_log ${directory}/access.log connections;
  types { text/html html; text/css css; }
  default_type application/octet-stream;
  gzip on;
  gzip_types text/css;
  gzip_vary on;
  gzip_proxied any;
  client_body_temp_path ${directory}/body;
  client_max_body_size 200m;
  server {
    listen unix:${directory}/nginx.sock;
    root ${directory}/files;
    location /drop/ { dav_methods PUT DELETE; create_full_put_path on; }
    location /brief/ { keepalive_requests 3; return 200 'brief'; }
    location /steady/ { return 200 'steady'; }
  }
}`
}

const ask = (path: string, question: Question = {}): Promise<Reply> =>
  exchange(`${gateway.site('files')}${path}`, { client: alice, ...question })

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

interface Line {
  readonly status: string
  readonly connection: string
  readonly path: string
  readonly user: string
}

/** What nginx says about the requests that it has answered below this path. */
function logged(path: string): readonly Line[] {
  const lines = readFileSync(join(scratch.path, 'access.log'), 'utf8').trim().split('\n')
  return lines
    .map((line) => line.split(' '))
    .map(([status = '', connection = '', , target = '', user = '']) => ({ status, connection, path: target, user }))
    .filter((line) => line.path.startsWith(path))
}

test('nginx: a file with its type and validators; the application is told who asks', async () => {
  const { status, headers, text } = await ask('/site.css')
  assert.deepEqual([status, text, headers['content-type']], [200, CSS, 'text/css'])
  assert.match(headers.etag ?? '', /^"/)
  assert.match(headers['cache-control'] ?? '', /^private/)
  assert.equal(logged('/site.css').at(-1)?.user, 'alice')
})

test('nginx: 304 for a validator that still holds, but never for somebody without a session', async () => {
  const { headers } = await ask('/site.css')
  const validators = ['If-None-Match', headers.etag ?? '']
  const known = await ask('/site.css', { headers: validators })
  assert.deepEqual([known.status, known.bytes.length], [304, 0])
  const dated = await ask('/site.css', { headers: ['If-Modified-Since', headers['last-modified'] ?? ''] })
  assert.equal(dated.status, 304)
  const stranger = await exchange(`${gateway.site('files')}/site.css`, { headers: validators })
  assert.equal(stranger.status, 401)
  assert.equal(stranger.headers.etag, undefined)
})

test('nginx: ranges, several at once, past the end, and only while the file is the same', async () => {
  const { headers } = await ask('/site.css')
  const one = await ask('/site.css', { headers: ['Range', 'bytes=5-9'] })
  assert.deepEqual(
    [one.status, one.text, one.headers['content-range']],
    [206, CSS.slice(5, 10), `bytes 5-9/${CSS.length}`],
  )
  const two = await ask('/site.css', { headers: ['Range', 'bytes=0-3,-4'] })
  assert.equal(two.status, 206)
  assert.match(two.headers['content-type'] ?? '', /^multipart\/byteranges/)
  assert.equal((await ask('/site.css', { headers: ['Range', 'bytes=999999-'] })).status, 416)
  const same = await ask('/site.css', { headers: ['Range', 'bytes=0-3', 'If-Range', headers.etag ?? ''] })
  const changed = await ask('/site.css', { headers: ['Range', 'bytes=0-3', 'If-Range', '"another"'] })
  assert.deepEqual([same.status, changed.status], [206, 200])
})

test('nginx: compressed for who asks for it, and caches are told what it depends on', async () => {
  const packed = await ask('/site.css', { headers: ['Accept-Encoding', 'gzip'] })
  assert.equal(packed.headers['content-encoding'], 'gzip')
  assert.ok(packed.bytes.length < CSS.length / 2)
  assert.equal(gunzipSync(packed.bytes).toString(), CSS)
  assert.match(packed.headers.vary ?? '', /Accept-Encoding/)
  assert.match(packed.headers.vary ?? '', /Cookie/)
  assert.equal((await ask('/site.css')).headers['content-encoding'], undefined)
})

test('nginx: HEAD has the headers and no body, and the connection stays usable', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    const url = `${gateway.site('files')}/site.css`
    const head = await exchange(url, { client: alice, method: 'HEAD' }, agent)
    assert.deepEqual([head.status, head.headers['content-length'], head.bytes.length], [200, String(CSS.length), 0])
    assert.equal((await exchange(url, { client: alice }, agent)).text, CSS)
  } finally {
    agent.destroy()
  }
})

test(
  'nginx: a large download arrives whole, and one that is broken off harms nobody',
  { timeout: 60_000 },
  async () => {
    const whole = await download(Infinity)
    assert.deepEqual(whole, { length: HUGE, received: HUGE })
    const broken = await download(1_000_000)
    assert.ok(broken.received < HUGE)
    assert.equal((await ask('/index.html')).status, 200)
  },
)

/** Counts what arrives, and leaves after so many bytes. */
function download(leaveAfter: number): Promise<{ readonly length: number; readonly received: number }> {
  const { port, host } = new URL(gateway.site('files'))
  const headers = { host, cookie: alice.cookiesFor(gateway.site('files')) }
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path: '/huge.bin', headers, agent: false }, (incoming) => {
      const length = Number(incoming.headers['content-length'])
      let received = 0
      incoming.on('data', (chunk: Buffer) => {
        received += chunk.length
        if (received >= leaveAfter) incoming.destroy()
      })
      incoming.once('error', () => undefined).once('close', () => resolve({ length, received }))
    })
    outgoing.once('error', reject).end()
  })
}

test('nginx: uploads arrive byte for byte, with a length and in chunks', { timeout: 60_000 }, async () => {
  const bytes = randomBytes(24 * 1024 * 1024)
  const chunks = Array.from({ length: 24 }, (_, i) => bytes.subarray(i * 1024 * 1024, (i + 1) * 1024 * 1024))
  for (const [path, body] of [
    ['/drop/whole.bin', bytes],
    ['/drop/chunks.bin', chunks],
  ] as const) {
    assert.equal((await ask(path, { method: 'PUT', body })).status, 201)
    assert.equal(sha256((await ask(path)).bytes), sha256(bytes))
    assert.equal((await ask(path, { method: 'DELETE' })).status, 204)
    assert.equal((await ask(path)).status, 404)
  }
})

test('nginx: many requests share one connection to it, and its closing of connections is never seen', async () => {
  for (let i = 0; i < 40; i++) assert.equal((await ask(`/steady/${i}`)).status, 200)
  assert.equal(new Set(logged('/steady/').map(({ connection }) => connection)).size, 1)
  for (let i = 0; i < 40; i++) assert.equal((await ask(`/brief/${i}`)).status, 200)
  const together = Array.from({ length: 60 }, (_, i) => ask(`/brief/together-${i}`))
  for (const { status } of await Promise.all(together)) assert.equal(status, 200)
  assert.ok(new Set(logged('/brief/').map(({ connection }) => connection)).size > 10, 'nginx did close connections')
})

test('nginx: its strict parser never had to refuse what we sent', () => {
  assert.deepEqual(
    logged('').filter(({ status }) => status === '400'),
    [],
  )
})
