import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { compilePolicies } from '../../policy/compile.ts'
import { checkPattern } from '../../policy/pattern.ts'
import { policiesFileSchema } from '../../policy/policies.schema.ts'
import { profileOf, sessionOf, siteOf, startGateway, type RigOptions } from '../gateway.fixture.ts'
import { openGrpcListener } from './grpc/listener.ts'
import { BY_GRPC, createProxies, NAMES, STRANGER, type Outcome, type Sent } from './proxies.fixture.ts'

interface Vector {
  readonly id: string
  readonly expect: string
  readonly target?: string
  readonly host?: unknown
  readonly h?: unknown
  readonly req?: string
  readonly names?: readonly string[]
  readonly raw?: string
  readonly value?: string
  readonly pattern?: string
  readonly input?: string
}

function vectors(path: string): readonly Vector[] {
  return JSON.parse(readFileSync(new URL(`../../${path}.json`, import.meta.url), 'utf8')) as readonly Vector[]
}

type SiteChanges = NonNullable<Parameters<typeof siteOf>[1]>

async function setup(t: TestContext, profile: Record<string, unknown> = {}, changes: SiteChanges = {}) {
  const forwardAuth = { trustedProxies: ['127.0.0.1'], secret: undefined }
  const options: RigOptions = { forwardAuth, sites: [siteOf(profileOf('http://127.0.0.1:1', profile), changes)] }
  const rig = await startGateway(t, options)
  const grpc = await openGrpcListener({ address: '127.0.0.1', port: 0 }, rig.forwardAuth)
  const proxies = createProxies({ http: rig.authPort, grpc: grpc.port })
  t.after(async () => {
    proxies.close()
    await grpc.close(0)
  })
  const session = ['Cookie', rig.sessions.add(1, sessionOf('s1'))] as const
  /** The same to each kind of proxy. */
  const toEach = async (sent: Sent, look: (outcome: Outcome, name: string) => void): Promise<void> => {
    for (const name of NAMES) look(await proxies.send(name, sent), name)
  }
  return { rig, session, toEach }
}

/** nginx knows 401 and 403 alone. */
const refusals = (name: string, status: number): number => (name === 'nginx' ? 403 : status)

/** A header has no spaces at its ends, and no line has another line within. */
const canBeSaid = (text: string): boolean => text.trim() === text && !/[\r\n\0]/.test(text)

test('path: what can be read in two ways is refused, and nothing opens what is not open', async (t) => {
  const { toEach, session } = await setup(t)
  let asked = 0
  for (const { id, target = '', expect } of vectors('http/vectors/path')) {
    if (!canBeSaid(target)) continue
    // What nobody may say, not even somebody who may do everything that is not closed.
    const isRefused = expect.startsWith('400')
    await toEach({ target, headers: isRefused ? [session] : [] }, ({ status }, name) => {
      asked++
      const others = isRefused ? [400, 403, 404, 421] : [400, 401, 403, 404, 421]
      if (status === 200 && !isRefused) assert.match(target, /^\/public\//, `${id} ${name}`)
      else assert.ok(others.includes(status), `${id} ${name}: ${status}`)
    })
  }
  assert.ok(asked > 500)
})

test('host: it is read as the gateway reads it', async (t) => {
  const { toEach } = await setup(t, { url: 'http://gw.example.com' })
  for (const { id, host, expect } of vectors('http/vectors/host')) {
    if (typeof host !== 'string' || host === '' || !canBeSaid(host)) continue
    await toEach({ target: '/a', host: Buffer.from(host, 'utf8').toString('latin1') }, ({ status }, name) => {
      // Their configuration has the name, and never what a client calls it.
      if (name === 'nginx' || name === 'haproxy') return
      if (expect.startsWith('400')) assert.equal(status, 400, `${id} ${name}`)
      else assert.ok([401, 403, 421].includes(status), `${id} ${name}: ${status}`)
    })
  }
})

test('forwarded: where the client is, and what it asks for, only the proxy says', async (t) => {
  const notEnforced = [{ path: '/inside/*', addresses: ['127.0.0.1', '10.0.0.5'] }, { path: '/public/*' }]
  const { toEach, rig, session } = await setup(t, { notEnforced, allowedMethods: ['GET', 'DELETE'] })
  for (const { id, h, req = 'GET /inside/x' } of vectors('http/vectors/forwarded')) {
    const pairs = (Array.isArray(h) ? h : Object.entries(h ?? {})) as readonly (readonly [string, string])[]
    for (const request of new Set([req, 'GET /inside/x'])) {
      const [wanted = '', target = ''] = request.split(' ')
      await toEach({ method: wanted, target, headers: pairs }, ({ status, asked }, name) => {
        const what = `${id} ${target} ${name}: ${status}`
        assert.ok([400, 401, 403, 404, 431].includes(status) || target.startsWith('/public/'), what)
        const line = rig.lines.at(-1)
        if (asked) assert.ok(line?.clientIp === STRANGER || line?.verdict === 'refuse', `${what} ${line?.clientIp}`)
        if (asked && line?.verdict !== 'refuse') assert.deepEqual([line?.method, line?.path], [wanted, target], what)
      })
    }
    await toEach({ target: '/x', headers: [session, ...pairs] }, ({ status }, name) => {
      // Those who say what proxies say may be refused; never are they somebody else's request.
      if (status === 200) assert.equal(rig.lines.at(-1)?.path, '/x', `${id} ${name}`)
    })
  }
})

/** What an application would read a header as that folds every character but letters and digits. */
const fold = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '-')
    .replace(/^http-/, '')
const OURS = new Set(['x-remote-user', 'x-remote-groups', 'x-gatehouse-assertion'])

test('identity_header: who a client says it is reaches no application', async (t) => {
  const { toEach, session } = await setup(t)
  const refused = new Map(NAMES.map((name) => [name, 0]))
  for (const { id, raw, names = raw === undefined ? [...OURS] : [], value = '' } of vectors(
    'gateway/vectors/identity_header',
  )) {
    const said = names.map((name) => [name, value] as const)
    const upgrade =
      id === 'ws-upgrade'
        ? ([
            ['Upgrade', 'websocket'],
            ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
          ] as const)
        : []
    for (const [target, who] of [
      ['/a', [session]],
      ['/public/a', []],
    ] as const) {
      const sent = { target, headers: [...who, ...said, ...upgrade], ...(raw === undefined ? {} : { raw }) }
      await toEach(sent, ({ status, replaced }, name) => {
        if (status !== 200) {
          refused.set(name, (refused.get(name) ?? 0) + 1)
          return
        }
        const left = names.filter((header) => OURS.has(fold(header)) && !replaced.has(header.toLowerCase()))
        assert.deepEqual(left, [], `${id} ${target} ${name}`)
        // A line that is none was read as one of ours, or as part of another.
        assert.ok(raw === undefined || id === 'conn-strip' || !/remote/i.test(raw), `${id} ${target} ${name}`)
      })
    }
  }
  for (const [name, count] of refused) assert.ok(count > 20, `${name} ${count}`)
})

/** Paths that take ages where a pattern can be made to try everything. */
const LONG = ['a', '/', ',', 'a/', '-', '/a'].map((unit) => `/${unit.repeat(Math.floor(9_000 / unit.length))}!`)

test('redos: no pattern makes a decision take longer, and none is more than its letters', async (t) => {
  const written = vectors('policy/vectors/redos').flatMap(({ id, pattern = '' }) => {
    const path = `/${pattern.replace(/^\^?\/?/, '')}`.replaceAll('?', '%3F').replaceAll('#', '%23')
    const resources = [`*://*:*${path}`].filter((resource) => checkPattern(resource) === undefined)
    return resources.length === 0
      ? []
      : [{ name: id, resources, actions: { GET: 'allow' as const }, subject: { type: 'AuthenticatedUsers' as const } }]
  })
  assert.ok(written.length > 5)
  const pdp = compilePolicies(policiesFileSchema.parse({ policies: written }).policies)
  const { toEach, session } = await setup(t, {}, { pdp })
  const headers = [session]
  for (const target of LONG)
    await toEach({ target, headers }, ({ status }, name) =>
      assert.ok(status >= 400 && status < 500, `${name} ${status}`),
    )
  const expected: readonly (readonly [Sent, number])[] = [
    [{ target: '/admin' }, 200],
    [{ target: '/administrator' }, 403],
    [{ target: '/admin-x' }, 403],
    [{ target: '/ADM%C4%B0N' }, 403],
    [{ target: '/public/%0a/../admin' }, 400],
    [{ target: '/admin%0a' }, 400],
    [{ target: '/admin', host: 'appxtest' }, 421],
  ]
  for (const [sent, status] of expected)
    await toEach({ ...sent, headers }, (outcome, name) => {
      assert.equal(outcome.status, status === 200 ? 200 : refusals(name, status), `${sent.target} ${name}`)
    })
  assert.ok(NAMES.includes(BY_GRPC))
})
