import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { compilePolicies } from '../policy/compile.ts'
import { policiesFileSchema } from '../policy/policies.schema.ts'
import { ask } from './answer.fixture.ts'
import { echoApp, headerValues } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway } from './gateway.fixture.ts'

/** Everybody with the device d1, and below /green/ with a green cookie as well. */
const pdp = compilePolicies(
  policiesFileSchema.parse({
    policies: [
      allowing('device', '*://*:*/*', { device: ['d1'] }),
      allowing('green', '*://*:*/green/*', { color: ['green'] }, 'deny'),
    ],
  }).policies,
)

function allowing(name: string, resource: string, properties: object, effect = 'allow'): object {
  const environment = { type: 'Environment', properties }
  const condition = effect === 'deny' ? { type: 'NOT', condition: environment } : environment
  return {
    name,
    resources: [resource, `${resource}?*`],
    subject: { type: 'AuthenticatedUsers' },
    actions: { GET: effect },
    condition,
  }
}

async function setup(t: TestContext) {
  const app = await echoApp(t)
  const environment = { headers: { 'X-Device': 'device' }, cookies: { color: 'color' } }
  const rig = await startGateway(t, {
    sites: [siteOf(profileOf(app.url, { environment }), { pdp })],
    forwardAuth: { trustedProxies: ['127.0.0.1'] },
  })
  const token = rig.sessions.add(1, sessionOf('s1'))
  const status = async (target: string, cookies: string, ...headers: readonly string[]): Promise<number> =>
    (await ask(rig.port, target, { headers: [`Cookie: ${token}${cookies}`, ...headers] })).status
  return { ...rig, app, token, status }
}

test('a session is good as long as its requests say what policies ask for: each is asked about by itself', async (t) => {
  const { status, app } = await setup(t)
  for (let i = 0; i < 3; i++) {
    assert.equal(await status('/a', '', 'X-Device: d1'), 200)
    assert.equal(await status('/a', '', 'X-Device: d2'), 403)
    assert.equal(await status('/a', ''), 403)
    assert.equal(await status('/green/a', '; color=green', 'X-Device: d1'), 200)
    assert.equal(await status('/green/a', '; color=red', 'X-Device: d1'), 403)
  }
  assert.equal(app.seen.length, 6)
  assert.deepEqual(headerValues(app.seen[0]?.headers ?? [], 'x-device'), ['d1'], 'the application may ask, too')
})

test('what is said twice, in another spelling, in the query, or at too great a length is not said', async (t) => {
  const { status, audit } = await setup(t)
  const long = 'd1'.repeat(600)
  assert.equal(await status('/a?X-Device=d1', '', 'X-Device: d1'), 200)
  for (const headers of [
    ['X-Device: d1', 'X-Device: d2'],
    ['X-Device: d1, d1'],
    ['X_Device: d1'],
    [`X-Device: ${long}`, 'X-Device: d1'],
    ['Connection: X-Device, close', 'X-Device: D1'],
  ])
    assert.equal(await status('/a?X-Device=d1', '', ...headers), 403, headers.join().slice(0, 60))
  assert.equal(await status('/green/a', '', 'X-Device: d1'), 403)
  assert.equal(await status('/green/a', '; color=green; color=red', 'X-Device: d1'), 403)
  assert.equal(await status('/a', '', 'X-Device: secret-value'), 403)
  assert.doesNotMatch(JSON.stringify(audit), /secret-value/, 'values stay out of the log')
})

test('a proxy that asks hears the same', async (t) => {
  const { authPort, token } = await setup(t)
  for (const [device, status] of [
    ['d1', 200],
    ['d2', 403],
  ] as const) {
    const answer = await ask(authPort, '/.gatehouse/forward-auth', {
      headers: [
        'X-Forwarded-Method: GET',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Host: app.test',
        'X-Forwarded-Uri: /a',
        'X-Forwarded-For: 192.0.2.1',
        `X-Device: ${device}`,
        `Cookie: ${token}`,
      ],
    })
    assert.equal(answer.status, status)
  }
})
