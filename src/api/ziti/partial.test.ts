import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPERATIONS } from './operations.ts'
import { CLIENT, MANAGEMENT, openZiti, text } from './ziti.fixture.ts'

const USES = new Set([
  'POST authenticate/mfa',
  'DELETE current-api-session',
  'GET current-identity/mfa',
  'POST current-identity/mfa',
  'POST current-identity/mfa/verify',
  'GET current-identity/mfa/qr-code',
  'GET current-identity/mfa/qr-text',
])

test('half a login is good for answering, setting up and leaving, and for nothing else anywhere', async (t) => {
  const { ask, authenticate, bench } = await openZiti(t)
  const { data } = await authenticate('bob')
  const [token, id] = [text(data, 'token'), text(data, 'id')]
  let refused = 0
  for (const { method, path, for: whom, api } of OPERATIONS) {
    if (whom === 'everybody' || USES.has(`${method} ${path}`)) continue
    assert.equal(whom, 'full', `${method} ${path}`)
    for (const base of [CLIENT, MANAGEMENT]) {
      if (api !== undefined && !base.includes(api)) continue
      const filled: string = path.replace(':', id).replace(':', 'enrollments')
      const body = method === 'POST' ? { body: { serviceId: 'app', type: 'Dial', code: '123456' } } : {}
      const answer = await ask(method, `${base}/${filled}`, { token, ...body })
      assert.deepEqual([answer.status, answer.code], [401, 'UNAUTHORIZED'], `${method} ${base}/${filled}`)
      refused++
    }
  }
  assert.ok(refused > 30)
  assert.equal(await bench.sessions.resolve(token as never, 'login'), undefined, 'no SSO token either')
  assert.equal(await bench.sessions.resolve(token as never, 'agent:app'), undefined)
})

test('a code makes it full, under the same token; the code works once', async (t) => {
  const { ask, authenticate, code, bench } = await openZiti(t)
  const first = await authenticate('bob')
  const token = text(first.data, 'token')
  assert.equal((await bench.store.sessions.find(text(first.data, 'id')))?.kind, 'partial')
  const answer = await ask('POST', `${CLIENT}/authenticate/mfa`, { token, body: { code: code() } })
  const { authQueries, isMfaComplete, isMfaRequired } = answer.data
  assert.deepEqual(
    [answer.status, answer.data['token'], authQueries, isMfaComplete, isMfaRequired],
    [...[200, token, [], true, true]],
  )
  assert.equal(await bench.store.sessions.find(text(first.data, 'id')), undefined, 'the partial one is over')
  const current = await ask('GET', `${CLIENT}/current-api-session`, { token })
  assert.deepEqual([current.status, current.data['isMfaComplete']], [200, true])
  const another = text((await authenticate('bob')).data, 'token')
  const again = await ask('POST', `${CLIENT}/authenticate/mfa`, { token: another, body: { code: code() } })
  assert.deepEqual([again.status, again.code], [400, 'MFA_INVALID_TOKEN'])
})

test('a wrong code, a used one and none at all are answered alike, and the login goes on', async (t) => {
  const { ask, tokenOf, code } = await openZiti(t)
  const token = await tokenOf('bob')
  const mfa = (body: unknown) => ask('POST', `${CLIENT}/authenticate/mfa`, { token, body })
  const answers = [await mfa({ code: '000000' }), await mfa({ code: 'AAAA-BBBB-CCCC-DDDD' }), await mfa({})]
  for (const { status, body } of answers) assert.deepEqual([status, body], [400, answers[0]?.body])
  assert.equal((await mfa({ code: code() })).status, 200)
})

test('guesses are slowed as at the login page', async (t) => {
  const { ask, tokenOf, bench } = await openZiti(t)
  const token = await tokenOf('bob')
  let answer = await ask('POST', `${CLIENT}/authenticate/mfa`, { token, body: { code: '000000' } })
  for (let i = 0; i < 20 && answer.status === 400; i++) {
    answer = await ask('POST', `${CLIENT}/authenticate/mfa`, { token, body: { code: '000000' } })
  }
  assert.deepEqual([answer.status, answer.code], [429, 'RATE_LIMITED'])
  assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/)
  assert.ok(bench.audited.some((event) => event.event === 'AuthnFailed' && event.reason === 'wrong-code'))
})

test('whoever leaves, and whoever is ended by an administrator, cannot go on with the right code', async (t) => {
  const { ask, authenticate, code, tokenOf, bench } = await openZiti(t)
  const one = (await authenticate('bob')).data
  const left = await ask('DELETE', `${CLIENT}/current-api-session`, { token: text(one, 'token') })
  assert.deepEqual([left.status, left.body], [200, { data: {}, meta: {} }])
  const admin = await tokenOf('carol')
  const two = (await authenticate('bob')).data
  const ended = await ask('DELETE', `${MANAGEMENT}/api-sessions/${text(two, 'id')}`, { token: admin })
  assert.equal(ended.status, 200)
  for (const data of [one, two]) {
    const answer = await ask('POST', `${CLIENT}/authenticate/mfa`, {
      token: text(data, 'token'),
      body: { code: code() },
    })
    assert.deepEqual([answer.status, answer.code], [401, 'UNAUTHORIZED'])
  }
  assert.deepEqual(await bench.sessions.ofUser({ realm: '/employees' as never, userId: 'bob' }), [])
})

test('its token is nowhere in the store, in no event and in no log, nor is what it answers with', async (t) => {
  const values: string[] = []
  const { ask, tokenOf, code, bench, logged } = await openZiti(t, {
    deps: (made) => {
      const { versioned } = made.store
      const create: typeof versioned.create = (...written) => {
        values.push(written.join(' '))
        return versioned.create(...written)
      }
      const replace: typeof versioned.replace = (...written) => {
        values.push(written.join(' '))
        return versioned.replace(...written)
      }
      return { ...made, store: { ...made.store, versioned: { ...versioned, create, replace } } }
    },
  })
  const token = await tokenOf('bob')
  await ask('POST', `${CLIENT}/authenticate/mfa`, { token, body: { code: '000000' } })
  const digits = code()
  await ask('POST', `${CLIENT}/authenticate/mfa`, { token, body: { code: digits } })
  assert.equal(values.length, 2)
  const seen = JSON.stringify([bench.audited, logged, values, await bench.store.sessions.list({ limit: 10 })])
  for (const secret of [token, digits, 'authId', 'bob\\"']) assert.ok(!JSON.stringify(values).includes(secret), secret)
  assert.ok(!seen.includes(token))
})
