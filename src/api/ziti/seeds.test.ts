import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENT, MANAGEMENT, openZiti, text, type Data } from './ziti.fixture.ts'

/** The example of OpenZiti's documentation, as it stands there. */
const EXAMPLE = {
  data: {
    _links: {
      self: { href: './api-sessions/cl4zptpgqcrinn0hhgm7ek5ve' },
      sessions: { href: './api-sessions/cl4zptpgqcrinn0hhgm7ek5ve/sessions' },
    },
    createdAt: '2022-06-29T14:51:07.946Z',
    id: 'cl4zptpgqcrinn0hhgm7ek5ve',
    tags: {},
    updatedAt: '2022-06-29T14:51:07.946Z',
    authQueries: [
      {
        format: 'alphaNumeric',
        httpMethod: 'POST',
        httpUrl: './authenticate/mfa',
        maxLength: 6,
        minLength: 4,
        provider: 'ziti',
        typeId: 'MFA',
      },
    ],
    authenticatorId: 'vxtlfvUj6',
    cachedLastActivityAt: '2022-06-29T14:51:07.945Z',
    configTypes: [],
    identity: {
      _links: {
        'auth-policies': { href: './auth-policies/default' },
        authenticators: { href: './identities/vxtlfvUj6/authenticators' },
        'edge-router-policies': { href: './identities/vxtlfvUj6/edge-routers' },
        enrollments: { href: './identities/vxtlfvUj6/enrollments' },
        'failed-service-requests': { href: './identities/vxtlfvUj6/failed-service-requests' },
        'posture-data': { href: './identities/vxtlfvUj6/posture-data' },
        self: { href: './identities/vxtlfvUj6' },
        'service-policies': { href: './identities/vxtlfvUj6/service-policies' },
      },
      entity: 'identities',
      id: 'vxtlfvUj6',
      name: 'Default Admin',
    },
    identityId: 'vxtlfvUj6',
    ipAddress: '127.0.0.1',
    isMfaComplete: false,
    isMfaRequired: true,
    lastActivityAt: '2022-06-29T14:51:07.945Z',
    token: '44a20395-1a0e-469d-ad9b-80df8dbbf8c4',
    expirationSeconds: 1800,
    expiresAt: '2022-06-29T15:21:07.945Z',
  },
  meta: {},
}

/** The same with every text that is of this one session replaced by what it says. */
function shapeOf(value: unknown, names: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((each) => shapeOf(each, names))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shapeOf(each, names)]))
  }
  if (typeof value !== 'string') return value
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return 'TIME'
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(value)) return 'UUID'
  return Object.entries(names).reduce((text, [name, is]) => text.replaceAll(name, is), value)
}

test('POST /edge/management/v1/authenticate answers field by field as the documentation shows', async (t) => {
  const { authenticate } = await openZiti(t)
  const { status, body, data } = await authenticate('bob', 'bob', MANAGEMENT)
  assert.equal(status, 200)
  const own = shapeOf(body, {
    [text(data, 'id')]: 'ID',
    'updb.bob': 'IDENTITY',
    bob: 'IDENTITY',
    '192.0.2.9': 'ADDRESS',
  }) as Data
  const names = {
    cl4zptpgqcrinn0hhgm7ek5ve: 'ID',
    vxtlfvUj6: 'IDENTITY',
    'Default Admin': 'IDENTITY',
    '127.0.0.1': 'ADDRESS',
  }
  const theirs = shapeOf(EXAMPLE, names) as Data
  const { expirationSeconds, ...rest } = own['data'] as Data
  const { expirationSeconds: documented, ...expected } = theirs['data'] as Data
  assert.deepEqual({ ...own, data: rest }, { ...theirs, data: expected })
  // Of half a login: how long there is to finish it. Of a session: for how long it may idle.
  assert.ok(typeof expirationSeconds === 'number' && typeof documented === 'number')
})

test('POST /edge/client/v1/authenticate of who has no second factor: a session, with its 30 minutes', async (t) => {
  const { authenticate, ask } = await openZiti(t)
  const { status, data } = await authenticate('alice')
  assert.equal(status, 200)
  assert.deepEqual(Object.keys(data).sort(), Object.keys(EXAMPLE.data).sort())
  const { authQueries, isMfaComplete, isMfaRequired, expirationSeconds } = data
  assert.deepEqual(
    { authQueries, isMfaComplete, isMfaRequired, expirationSeconds },
    {
      ...{ authQueries: [], isMfaComplete: false, isMfaRequired: false, expirationSeconds: 1800 },
    },
  )
  assert.equal(Date.parse(text(data, 'expiresAt')) - Date.parse(text(data, 'lastActivityAt')), 1_800_000)
  const current = await ask('GET', `${CLIENT}/current-api-session`, { token: text(data, 'token') })
  assert.deepEqual([current.status, current.body], [200, { data, meta: {} }])
})

test('the requests of the documentation, as they stand there', async (t) => {
  const { ask, tokenOf, code } = await openZiti(t, { deps: (made) => ({ ...made }) })
  const wrong = { body: { username: 'my-name', password: 'my-password' } }
  assert.equal((await ask('POST', `${CLIENT}/authenticate?method=password`, wrong)).code, 'INVALID_AUTH')
  assert.equal((await ask('POST', `${MANAGEMENT}/authenticate?method=cert`, { body: {} })).code, 'INVALID_AUTH')
  const headers = { authorization: 'Bearer eyJhbGciOiJIUzI1NiIsInR5cC' }
  assert.equal((await ask('POST', `${CLIENT}/authenticate?method=ext-jwt`, { body: {}, headers })).code, 'INVALID_AUTH')
  const token = await tokenOf('bob')
  const mfa = (digits: string) => ask('POST', `${CLIENT}/authenticate/mfa`, { token, body: { code: digits } })
  assert.equal((await mfa('123456')).code, 'MFA_INVALID_TOKEN')
  assert.equal((await mfa(code())).status, 200)
  const logout = await ask('DELETE', `${CLIENT}/current-api-session`, { token })
  assert.deepEqual([logout.status, logout.body], [200, { data: {}, meta: {} }])
  assert.equal((await ask('GET', `${CLIENT}/current-api-session`, { token })).status, 401)
})

test('every link of a session and of its identity leads somewhere, for whoever has the session', async (t) => {
  const { ask, tokenOf } = await openZiti(t)
  const token = await tokenOf('alice')
  for (const api of [CLIENT, MANAGEMENT]) {
    const { data } = await ask('GET', `${api}/current-api-session`, { token })
    const { identity } = data as { identity: Data }
    const links = [data['_links'], identity['_links']].flatMap((all) =>
      Object.values(all as Record<string, { href: string }>),
    )
    assert.equal(links.length, 10)
    for (const { href } of links) {
      const { pathname } = new URL(href, `http://x${api}/authenticate`)
      const { status, body } = await ask('GET', pathname, { token })
      assert.deepEqual([status, 'data' in body, 'meta' in body], [200, true, true], pathname)
    }
  }
})
