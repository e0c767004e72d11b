import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { request, type RequestOptions } from 'node:https'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { openListener } from '../../../http/listener.ts'
import { listenerSchema, type ClientCertificateHeader } from '../../../http/listener.schema.ts'
import { createPresentedReader, type Presented, type PresentedCertificate } from '../../../http/presented.ts'
import { CN, issue, nameOf } from './certificates.fixture.ts'

type Shown = PresentedCertificate | 'unreadable' | undefined

function der(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64')
}

/** What a reader makes of a request with these header lines, from an address that is trusted or not. */
async function read(
  t: TestContext,
  headers: Readonly<Record<string, string | string[]>>,
  { header, trusted = true }: { readonly header?: ClientCertificateHeader; readonly trusted?: boolean } = {},
): Promise<Presented> {
  const reader = createPresentedReader(trusted ? ['127.0.0.1'] : ['192.0.2.1'], header)
  const arrived = Promise.withResolvers<Presented>()
  const server = createServer({ maxHeaderSize: 65_536 }, (message, response) => {
    arrived.resolve(reader(message))
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => socket.destroy())
  const lines = Object.entries(headers).flatMap(([name, values]) => [values].flat().map((value) => `${name}: ${value}`))
  socket.write(['GET / HTTP/1.1', 'Host: x', ...lines, '', ''].join('\r\n'))
  return arrived.promise
}

interface Authority {
  readonly cert: string
  issue(name: string): { readonly cert: string; readonly key: string }
}

function createAuthority(): Authority {
  const own = issue({ authority: true, name: nameOf([CN, 'People']) })
  return {
    cert: own.pem,
    issue(name) {
      const { pem: cert, keyPem: key } = issue({ by: own, name: nameOf([CN, name]) })
      return { cert, key }
    },
  }
}

test('RFC 9440: the certificate that a trusted proxy names counts, with its chain, and nobody else’s', async (t) => {
  const authority = createAuthority()
  const [leaf, root] = [der(authority.issue('alice').cert), der(authority.cert)]
  const item = (bytes: Buffer): string => `:${bytes.toString('base64')}:`
  const header = { format: 'rfc9440' } as const
  const headers = { 'Client-Cert': item(leaf), 'Client-Cert-Chain': `${item(root)}, ${item(leaf)}` }
  assert.deepEqual((await read(t, headers, { header })).certificate(), { leaf, others: [root, leaf] })
  assert.equal((await read(t, headers, { header, trusted: false })).certificate(), undefined)
  assert.equal((await read(t, headers)).certificate(), undefined, 'where no header is configured')
  assert.equal((await read(t, {}, { header })).certificate(), undefined)
  const broken: Record<string, string | string[]>[] = [
    { 'Client-Cert': [item(leaf), item(root)] },
    { 'Client-Cert': leaf.toString('base64') },
    { 'Client-Cert': `${item(leaf)};a=1` },
    { 'Client-Cert': item(leaf), 'Client-Cert-Chain': 'x' },
    { 'Client-Cert': item(leaf), 'Client-Cert-Chain': Array.from({ length: 11 }, () => item(Buffer.of(1))) },
    { 'Client-Cert': item(Buffer.alloc(20_000)) },
  ]
  for (const each of broken)
    assert.equal((await read(t, each, { header })).certificate(), 'unreadable', JSON.stringify(each).slice(0, 60))
})

test('nginx: an escaped PEM certificate, under the name that is configured', async (t) => {
  const { cert } = createAuthority().issue('alice')
  const header = { format: 'nginx' } as const
  const escaped = encodeURIComponent(cert)
  const shown: Shown = { leaf: der(cert), others: [] }
  assert.deepEqual((await read(t, { 'X-SSL-Client-Cert': escaped }, { header })).certificate(), shown)
  const named = { header: { ...header, name: 'x-cert' } }
  assert.deepEqual((await read(t, { 'X-Cert': escaped }, named)).certificate(), shown)
  assert.equal((await read(t, { 'X-SSL-Client-Cert': escaped }, named)).certificate(), undefined)
  for (const value of ['%', 'x', encodeURIComponent(cert.replace('M', '')), [escaped, escaped].join(', ')])
    assert.notEqual((await read(t, { 'X-SSL-Client-Cert': value }, { header })).certificate(), undefined)
  for (const value of ['%', [escaped, escaped].join(', ')])
    assert.equal((await read(t, { 'X-SSL-Client-Cert': value }, { header })).certificate(), 'unreadable')
})

test('Envoy: the certificate of X-Forwarded-Client-Cert, from a trusted proxy and where it is configured', async (t) => {
  const { cert } = createAuthority().issue('alice')
  const leaf = der(cert)
  const hash = createHash('sha256').update(leaf).digest('hex')
  const value = `Hash=${hash};Cert="${encodeURIComponent(cert)}"`
  const header = { format: 'xfcc' } as const
  const headers = { 'X-Forwarded-Client-Cert': value }
  assert.deepEqual((await read(t, headers, { header })).certificate(), { leaf, others: [] })
  // What came before the proxy's own is another line, or before a comma in the same one.
  assert.deepEqual((await read(t, { 'X-Forwarded-Client-Cert': ['By=x;Hash=00', value] }, { header })).certificate(), {
    leaf,
    others: [],
  })
  assert.equal((await read(t, headers, { header, trusted: false })).certificate(), undefined)
  assert.equal((await read(t, headers)).certificate(), undefined)
  assert.equal((await read(t, headers, { header: { format: 'rfc9440' } })).certificate(), undefined)
  for (const text of ['x', `${value},By=x`, `${value},${'x'.repeat(24_000)}`])
    assert.equal((await read(t, { 'X-Forwarded-Client-Cert': text }, { header })).certificate(), 'unreadable')
})

test('RFC 6750 §2.1: a bearer token of a bounded length', async (t) => {
  assert.equal((await read(t, { Authorization: 'Bearer a.b.c' })).bearer, 'a.b.c')
  for (const value of ['Basic YTpi', 'Bearer', 'Bearer a b', `Bearer ${'x'.repeat(16_001)}`])
    assert.equal((await read(t, { Authorization: value })).bearer, undefined, value.slice(0, 20))
})

interface Opened {
  readonly port: number
  readonly seen: Shown[]
}

/** A listener that asks for certificates. */
async function open(t: TestContext, authority: Authority): Promise<Opened> {
  const server = authority.issue('server')
  const seen: Shown[] = []
  const config = listenerSchema.parse({
    port: 0,
    tls: { certificates: [server], clientCertificates: {} },
  })
  const reader = createPresentedReader([], undefined)
  const listener = await openListener(config, {
    request: (message: IncomingMessage, response) => {
      seen.push(reader(message).certificate())
      response.end()
    },
    upgrade: (_request, socket) => void socket.destroy(),
    failed: (error) => assert.fail(error),
  })
  t.after(() => listener.close(0))
  return { port: listener.port, seen }
}

async function get(options: RequestOptions): Promise<void> {
  const sent = request({ host: '127.0.0.1', rejectUnauthorized: false, agent: false, ...options }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
}

test('mutual TLS: a listener that asks takes any certificate, so that what is wrong with it can be said on a page', async (t) => {
  const [authority, stranger] = [createAuthority(), createAuthority()]
  const { port, seen } = await open(t, authority)
  const [alice, mallory] = [authority.issue('alice'), stranger.issue('mallory')]
  await get({ port })
  await get({ port, ...alice })
  await get({ port, ...mallory, maxVersion: 'TLSv1.2' })
  // With others behind it, in any order.
  await get({ port, key: alice.key, cert: [alice.cert, stranger.cert, authority.cert].join('') })
  assert.equal(seen[0], undefined)
  const leaves = seen.slice(1).map((shown) => (typeof shown === 'object' ? shown.leaf.toString('hex') : shown))
  assert.deepEqual(
    leaves,
    [alice, mallory, alice].map(({ cert }) => der(cert).toString('hex')),
  )
  const last = seen[3]
  assert.ok(typeof last === 'object' && last.others.some((each) => each.equals(der(authority.cert))))
})

test('a connection that asks for certificates is never resumed and never negotiates again', async (t) => {
  const authority = createAuthority()
  const { port } = await open(t, authority)
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const tls = { host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion, ...authority.issue('alice') }
    const first = connectTls(tls)
    const tickets: Buffer[] = []
    first.on('session', (session: Buffer) => tickets.push(session))
    await once(first, 'secureConnect')
    first.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(first, 'data')
    if (maxVersion === 'TLSv1.2') {
      const refused = Promise.withResolvers<Error | null>()
      first.once('error', refused.resolve)
      first.renegotiate({}, refused.resolve)
      assert.match(String(await refused.promise), /no.renegotiation/i)
    }
    first.destroy()
    const session = tickets.at(-1)
    const second = connectTls({ ...tls, ...(session === undefined ? {} : { session }) })
    await once(second, 'secureConnect')
    assert.equal(second.isSessionReused(), false, maxVersion)
    second.destroy()
  }
})

test('the certificate of a trusted proxy is its own, and never a person’s', () => {
  const authority = createAuthority()
  const reader = createPresentedReader(['127.0.0.1'], { format: 'rfc9440' })
  const own = { raw: der(authority.cert) }
  const socket = { remoteAddress: '127.0.0.1', getPeerCertificate: () => own } as unknown as Socket
  const presented = reader({ socket, headers: {} } as unknown as IncomingMessage)
  assert.equal(presented.certificate(), undefined)
})

test('RFC 7617 credentials, whom a program speaks for, and cookies: each once, or not at all', async (t) => {
  const basic = `Basic ${Buffer.from('portal:a:b').toString('base64')}`
  const presented = await read(t, {
    Authorization: basic,
    'X-Asserted-User': 'zoë',
    Cookie: 'one=1; two=2; two=3',
  })
  assert.deepEqual(presented.basic, { username: 'portal', password: 'a:b' })
  assert.equal(presented.assertedUser, 'zoë')
  assert.deepEqual(
    ['one', 'two', 'three'].map((name) => presented.cookie(name)),
    ['1', undefined, undefined],
  )
  const twice = await read(t, { 'X-Asserted-User': ['alice', 'bob'], Authorization: 'Bearer x' })
  assert.deepEqual([twice.basic, twice.cookie('one')], [undefined, undefined])
  assert.notEqual(twice.assertedUser, 'alice')
  assert.notEqual(twice.assertedUser, 'bob')
})
