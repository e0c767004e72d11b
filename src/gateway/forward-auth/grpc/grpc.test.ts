import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Settings } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Client, credentials } from '@grpc/grpc-js'
import { LOGIN, profileOf, sessionOf, siteOf, startGateway, type RigOptions } from '../../gateway.fixture.ts'
import { check, type Asked } from './check.fixture.ts'
import { openGrpcListener } from './listener.ts'
import type { CheckResponse, HeaderOption } from './protocol.ts'

const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

async function setup(t: TestContext, { policySet, ...options }: Partial<RigOptions> & { policySet?: string } = {}) {
  const forwardAuth = { trustedProxies: ['127.0.0.1'], secret: undefined }
  const site = siteOf(profileOf('http://127.0.0.1:1', policySet === undefined ? {} : { policySet }))
  const rig = await startGateway(t, { forwardAuth, ...options, sites: [site] })
  const listener = await openGrpcListener({ address: '127.0.0.1', port: 0 }, rig.forwardAuth)
  const client = new Client(`127.0.0.1:${listener.port}`, credentials.createInsecure())
  t.after(async () => {
    client.close()
    await listener.close(0)
  })
  const cookie = `a=1; ${rig.sessions.add(1, sessionOf('s1'))}`
  const ask = (asked: Asked = {}): Promise<CheckResponse> => check(client, asked)
  return { rig, cookie, ask }
}

const valueOf = (headers: readonly HeaderOption[] = [], name: string): string | undefined =>
  headers.find(({ header }) => header.key === name)?.header.value

test('gRPC: a session passes, with what Envoy sets and what it takes off', async (t) => {
  const { ask, cookie, rig } = await setup(t)
  const { status, okResponse, deniedResponse } = await ask({ headers: { cookie } })
  assert.deepEqual([status.code, deniedResponse], [0, undefined])
  const of = (name: string) => valueOf(okResponse?.headers, name)
  assert.deepEqual([of('x-remote-user'), of('cookie'), of('content-length')], ['alice', 'a=1', undefined])
  assert.deepEqual(okResponse?.headersToRemove, ['authorization'])
  assert.equal(rig.lines[0]?.clientIp, '198.51.100.7')
  const open = await ask({ path: '/public/x' })
  for (const name of ['x-remote-user', 'x-gatehouse-assertion', 'cookie', 'authorization'])
    assert.ok(open.okResponse?.headersToRemove.includes(name), name)
})

test('gRPC: a person is sent to the login, a script told, and who may not is refused', async (t) => {
  const { ask, cookie } = await setup(t)
  const page = (await ask({ headers: NAVIGATION })).deniedResponse
  assert.equal(page?.status.code, 302)
  assert.ok(valueOf(page.headers, 'location')?.startsWith(`${LOGIN}/login/employees?`))
  assert.match(valueOf(page.headers, 'set-cookie') ?? '', /^gatehouse-handshake=/)
  assert.equal((await ask()).deniedResponse?.status.code, 401)
  const refused = await ask({ path: '/admin', headers: { cookie } })
  assert.deepEqual([refused.status.code, refused.deniedResponse?.status.code, refused.okResponse], [7, 403, undefined])
})

test('gRPC: both challenges of a step-up arrive', async (t) => {
  const { ask, cookie } = await setup(t, { policySet: 'level' })
  const { deniedResponse } = await ask({ path: '/level/x', headers: { cookie } })
  const challenges = deniedResponse?.headers.filter(({ header }) => header.key === 'www-authenticate') ?? []
  assert.deepEqual([challenges.length, challenges.map(({ append }) => append.value)], [2, [false, true]])
})

test('gRPC: headers of the client choose nothing', async (t) => {
  const { ask, cookie, rig } = await setup(t)
  const claims = {
    'x-original-url': 'http://app.test/public/x',
    'x-forwarded-uri': '/public/x',
    'x-forwarded-method': 'GET',
  }
  assert.equal((await ask({ headers: claims })).deniedResponse?.status.code, 401)
  assert.equal((await ask({ headers: { cookie, x_remote_user: 'admin' } })).deniedResponse?.status.code, 403)
  for (const path of ['/public/../x', '//x', '/a%2fb', 'x', ''])
    assert.notEqual((await ask({ path, headers: { cookie } })).status.code, 0, path)
  assert.equal((await ask({ host: 'nobody.test', headers: { cookie } })).deniedResponse?.status.code, 421)
  assert.equal(
    rig.lines.some(({ status }) => status === 200),
    false,
  )
})

test('gRPC: a WebSocket by HTTP/2, which brings no key, is not taken for a page: its Origin would count for nothing', async (t) => {
  const { ask, cookie } = await setup(t)
  const socket = { cookie, upgrade: 'websocket', connection: 'upgrade', origin: 'http://evil.test' }
  assert.equal((await ask({ headers: socket })).deniedResponse?.status.code, 400)
})

test('gRPC: only from proxies that are named, with the secret where there is one; a fault is no yes', async (t) => {
  const secret = 'a-secret-of-thirty-two-characters'
  const own = await setup(t, { forwardAuth: { trustedProxies: ['127.0.0.1'], secret } })
  const code = async (asked: Asked) => (await own.ask({ ...asked })).deniedResponse?.status.code
  assert.equal(
    await code({ headers: { cookie: own.cookie, 'x-gatehouse-proxy-secret': secret } }),
    403,
    'of the client',
  )
  assert.equal(await code({ headers: { cookie: own.cookie }, secret: 'wrong' }), 403)
  assert.equal(await code({ headers: { cookie: own.cookie }, secret }), undefined)
  own.rig.sessions.outage = 'without-grace'
  assert.equal(await code({ headers: { cookie: own.cookie }, secret }), 503)
  const other = await setup(t, { forwardAuth: { trustedProxies: ['192.0.2.1'], secret: undefined } })
  assert.equal((await other.ask({ headers: { cookie: other.cookie } })).deniedResponse?.status.code, 403)
})

function certificates(
  t: TestContext,
  ...names: readonly string[]
): readonly { readonly cert: string; readonly key: string }[] {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-grpc-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return names.map((name) => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
    const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    execFileSync('openssl', ['req', ...made, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' })
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  })
}

test('gRPC: where certificates are required, a proxy without one of the authority gets no answer', async (t) => {
  const [server, proxy, stranger] = certificates(t, 'server.test', 'proxy.test', 'stranger.test')
  assert.ok(server !== undefined && proxy !== undefined && stranger !== undefined)
  const { rig, cookie } = await setup(t)
  const clientCertificates = { ca: proxy.cert, required: true }
  const tls = { certificates: [server], minVersion: 'TLSv1.2' as const, clientCertificates }
  const listener = await openGrpcListener({ address: '127.0.0.1', port: 0, tls }, rig.forwardAuth)
  t.after(() => listener.close(0))
  const code = async (pair?: { readonly cert: string; readonly key: string }) => {
    const [key, cert] = pair === undefined ? [null, null] : [Buffer.from(pair.key), Buffer.from(pair.cert)]
    const shown = credentials.createSsl(Buffer.from(server.cert), key, cert)
    const client = new Client(`127.0.0.1:${listener.port}`, shown, { 'grpc.ssl_target_name_override': 'server.test' })
    try {
      return (await check(client, { headers: { cookie } })).status.code
    } catch {
      return 'refused'
    } finally {
      client.close()
    }
  }
  assert.equal(await code(proxy), 0)
  assert.equal(await code(stranger), 'refused')
  assert.equal(await code(), 'refused')
})

test('gRPC: nobody begins questions without end on one connection', async (t) => {
  const { rig } = await setup(t)
  const listener = await openGrpcListener({ address: '127.0.0.1', port: 0 }, rig.forwardAuth)
  t.after(() => listener.close(0))
  const session = connect(`http://127.0.0.1:${listener.port}`)
  t.after(() => session.destroy())
  const [{ maxConcurrentStreams }] = (await once(session, 'remoteSettings')) as [Settings]
  assert.equal(maxConcurrentStreams, 1_000)
})

test('gRPC: connections have an end, those before a handshake too, and what is open does not hold up a stop', async (t) => {
  const { rig } = await setup(t)
  const listener = await openGrpcListener({ address: '127.0.0.1', port: 0 }, rig.forwardAuth)
  const open = Array.from({ length: 1_001 }, () => connectTcp(listener.port, '127.0.0.1'))
  const refused = Promise.withResolvers<Socket>()
  for (const socket of open) socket.on('error', () => undefined).once('close', () => refused.resolve(socket))
  await refused.promise
  const client = new Client(`127.0.0.1:${listener.port}`, credentials.createInsecure())
  await assert.rejects(check(client, {}), { code: 14 })
  for (const socket of open) if (!socket.destroyed) socket.resume()
  client.close()
  await listener.close(0)
})

test('gRPC: an address that is taken rejects', async (t) => {
  const { rig } = await setup(t)
  const config = { address: '127.0.0.1', port: rig.port }
  await assert.rejects(openGrpcListener(config, rig.forwardAuth), { code: 'GH_LISTENER_UNAVAILABLE' })
})
