import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { ask, type Answer } from '../answer.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway } from '../gateway.fixture.ts'

const PATH = '/.gatehouse/forward-auth'

interface Vector {
  readonly id: string
  readonly expect: string
  readonly target?: string
  readonly host?: unknown
  readonly h?: unknown
  readonly names?: readonly string[]
  readonly value?: string
}

function vectors(path: string): readonly Vector[] {
  return JSON.parse(readFileSync(new URL(`../../${path}.json`, import.meta.url), 'utf8')) as readonly Vector[]
}

async function setup(t: TestContext, profile: Record<string, unknown> = {}) {
  const forwardAuth = { trustedProxies: ['127.0.0.1'], secret: undefined }
  const rig = await startGateway(t, { forwardAuth, sites: [siteOf(profileOf('http://127.0.0.1:1', profile))] })
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}`
  const about = (target: string, headers: readonly string[], host = 'app.test'): Promise<Answer> =>
    ask(rig.authPort, PATH, {
      host: 'proxy',
      headers: [
        ...['X-Forwarded-Method: GET', 'X-Forwarded-Proto: http', `X-Forwarded-Host: ${host}`],
        ...[`X-Forwarded-Uri: ${target}`, 'X-Forwarded-For: 198.51.100.7', ...headers],
      ],
    })
  return { rig, cookie, about }
}

test('every path that can be read in two ways is refused, and none opens what is not open', async (t) => {
  const { about, cookie } = await setup(t)
  for (const { target = '', expect } of vectors('http/vectors/path')) {
    // A header has no spaces at its ends: what it cannot say nobody can ask.
    if (target.trim() !== target || /[\r\n\0]/.test(target)) continue
    const stranger = await about(target, [])
    if (stranger.status === 200) assert.match(target, /^\/public\//)
    else assert.ok([400, 401, 403].includes(stranger.status), `${target}: ${stranger.status}`)
    if (expect.startsWith('400')) assert.equal((await about(target, [cookie])).status, 400, target)
  }
})

test('a host is read as the gateway reads it', async (t) => {
  const { about } = await setup(t, { url: 'http://gw.example.com' })
  for (const { id, host, expect } of vectors('http/vectors/host')) {
    if (typeof host !== 'string' || host === '' || host.trim() !== host || /[\r\n\0]/.test(host)) continue
    const { status } = await about('/a', [], Buffer.from(host, 'utf8').toString('latin1'))
    if (expect.startsWith('400')) assert.equal(status, 400, id)
    else assert.ok(status === 401 || status === 421, `${id}: ${status}`)
  }
})

test('no header but X-Forwarded-For says where the client is, and of that only what the proxy wrote', async (t) => {
  const { about, rig } = await setup(t, { notEnforced: [{ path: '/inside/*', addresses: ['127.0.0.1'] }] })
  for (const { id, h } of vectors('http/vectors/forwarded')) {
    const pairs = (Array.isArray(h) ? h : Object.entries(h ?? {})) as readonly (readonly [string, string])[]
    const others = pairs.filter(([name]) => !/^x-forwarded-(?:for|uri|host|proto|method)$/i.test(name))
    const { status } = await about(
      '/inside/x',
      others.map(([name, value]) => `${name}: ${value}`),
    )
    assert.ok(status === 401 || status === 400 || status === 403, `${id}: ${status}`)
    assert.notEqual(rig.lines.at(-1)?.clientIp, '127.0.0.1', id)
  }
})

/** What an application would read a header as that folds every character but letters and digits. */
const fold = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

test('an identity that a client sends is refused, or replaced by a proxy that does as it is told', async (t) => {
  const { about, cookie } = await setup(t)
  const ours = new Set(['x-remote-user', 'x-remote-groups', 'x-gatehouse-assertion', 'remote-user', 'x-forwarded-user'])
  let refused = 0
  for (const { id, names = [], value = '' } of vectors('gateway/vectors/identity_header')) {
    for (const [target, session] of [
      ['/a', [cookie]],
      ['/public/a', []],
    ] as const) {
      const answer = await about(target, [...session, ...names.map((name) => `${name}: ${value}`)])
      if (answer.status !== 200) {
        refused++
        continue
      }
      const left = names.filter((name) => !answer.headers.has(name.toLowerCase()))
      assert.deepEqual(
        left.filter((name) => ours.has(fold(name).replace(/^http-/, ''))),
        [],
        id,
      )
    }
  }
  assert.ok(refused > 10, 'most of them')
})
