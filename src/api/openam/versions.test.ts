import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLoginHost, type Answer } from '../login-host.fixture.ts'

const ROOT = '/json/realms/root/sessions'

function says(answer: Answer, body: unknown, status = 200): void {
  assert.deepEqual([answer.status, answer.body], [status, body])
}

const inVersion = (resource: string) => ({ headers: { 'accept-api-version': `resource=${resource}` } })

test('each API version takes the token where it always did, and nothing else is needed', async (t) => {
  const host = await createLoginHost(t)
  const { token, session } = await host.signIn('alice')
  const before4 = { valid: true, uid: 'alice', realm: '/employees' }
  const valid = { ...before4, sessionUid: session.sid }
  for (const version of ['1.1', '1.2'])
    says(await host.call(`/json/sessions/${token}?_action=validate`, inVersion(version)), before4)
  const in2 = inVersion('2.0')
  says(await host.call(`/json/sessions?_action=validate&tokenId=${encodeURIComponent(token)}`, in2), before4)
  const body = { tokenId: token }
  says(await host.call(`${ROOT}?_action=validate`, { ...inVersion('3.0'), body }), before4)
  says(await host.call(`${ROOT}?_action=validate`, { ...inVersion('5.1'), body }), valid)
  says(await host.call(`${ROOT}?_action=validate`, { token }), valid)
  const answer = await host.call(`${ROOT}/?_action=validate`, { cookie: token })
  says(answer, valid)
  assert.equal(answer.headers['content-api-version'], 'protocol=1.0,resource=4.0')
  assert.equal(answer.headers['cache-control'], 'no-store')
  says(
    await host.call(`${ROOT}/${token}?_action=validate`),
    { code: 404, reason: 'Not Found', message: 'Not Found' },
    404,
  )
})

test('a token that stands where its version has none is refused, never passed over', async (t) => {
  const host = await createLoginHost(t)
  const [alice, bob] = [await host.signIn('alice'), await host.signIn('bob')]
  for (const version of ['1.2', '2.1']) {
    const answer = await host.call(`${ROOT}?_action=logout`, {
      ...inVersion(version),
      cookie: alice.token,
      body: { tokenId: bob.token },
    })
    assert.equal(answer.status, 400, version)
  }
  const both = await host.call(`/json/sessions/${alice.token}?_action=logout&tokenId=${bob.token}`, inVersion('1.2'))
  assert.equal(both.status, 400)
  for (const { token } of [alice, bob])
    assert.equal(((await host.call(`${ROOT}?_action=validate`, { token })).body as { valid: boolean }).valid, true)
})

test('where tokens in addresses are switched off, none is looked at there', async (t) => {
  const host = await createLoginHost(t, { tokensInAddresses: false })
  const { token } = await host.signIn('alice')
  const message = 'a token must not stand in the address here: send it in the body, from resource=3.0 on'
  for (const action of ['validate', 'logout', 'getSessionInfo']) {
    for (const [path, version] of [
      [`/json/sessions/${token}?_action=${action}`, '1.2'],
      [`${ROOT}?_action=${action}&tokenId=${encodeURIComponent(token)}`, '2.0'],
      [`${ROOT}?_action=${action}&tokenId=${encodeURIComponent(token)}`, '5.1'],
    ] as const) {
      const answer = await host.call(path, { ...inVersion(version), cookie: token })
      says(answer, { code: 400, reason: 'Bad Request', message }, 400)
    }
  }
  const byHeader = await host.call('/json/sessions?_action=validate', { ...inVersion('1.2'), token })
  says(byHeader, { valid: true, uid: 'alice', realm: '/employees' })
})

test('what a version does not have it does not do, and says so', async (t) => {
  const host = await createLoginHost(t)
  const { token } = await host.signIn('alice')
  host.pass(61_000)
  const times = { idletime: 61, maxidletime: 30, maxsessiontime: 120, maxtime: 7_139 }
  const info = await host.call(`${ROOT}?_action=getSessionInfo`, { ...inVersion('3.1'), token })
  says(info, { uid: 'alice', realm: '/employees', ...times })
  assert.equal(info.headers['content-api-version'], 'protocol=1.0,resource=3.1')
  const message = 'the action is not supported by this version of the resource'
  const refusal = { code: 501, reason: 'Not Implemented', message }
  for (const [action, version] of [
    ['logoutByUser', '4.0'],
    ['fly', '5.1'],
  ] as const) {
    const body = action === 'fly' ? {} : { username: 'alice' }
    says(await host.call(`${ROOT}?_action=${action}`, { ...inVersion(version), token, body }), refusal, 501)
  }
  const newest = await host.call(`${ROOT}?_action=logoutByUser`, {
    ...inVersion('5.0'),
    token,
    body: { username: 'x' },
  })
  assert.deepEqual([newest.status, newest.headers['content-api-version']], [403, 'protocol=1.0,resource=5.1'])
})
