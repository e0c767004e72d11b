import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { SessionToken } from '../../../session/session.ts'
import { AT, cookieOf, createClient, filled, password } from './authenticate.fixture.ts'

const EMPTY_FORM = { 'content-type': 'application/x-www-form-urlencoded' }

suite('a login as OpenAM’s clients know it', () => {
  test('a name and a password are asked for, and come to a session', async (t) => {
    const client = await createClient(t)
    const step = await client.begin()
    assert.deepEqual(
      { ...step, authId: '' },
      {
        authId: '',
        template: '',
        stage: 'password',
        header: 'en:login.title title of /employees',
        callbacks: [
          {
            type: 'NameCallback',
            output: [{ name: 'prompt', value: 'en:username' }],
            input: [{ name: 'IDToken1', value: '' }],
            _id: 0,
          },
          {
            type: 'PasswordCallback',
            output: [{ name: 'prompt', value: 'en:password' }],
            input: [{ name: 'IDToken2', value: '' }],
            _id: 1,
          },
        ],
      },
    )
    const answer = await client.post(AT, { body: password(step, 'alice') })
    assert.equal(answer.status, 200)
    const token = cookieOf(answer, 'SSOTokenID')
    assert.deepEqual(answer.body, { tokenId: token, successUrl: '/', realm: '/employees' })
    assert.match((answer.headers['set-cookie'] ?? []).join(), /^SSOTokenID=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/)
    assert.equal(answer.headers['content-api-version'], 'protocol=1.0,resource=2.1')
    const session = await client.sessions.resolve((token ?? '') as SessionToken, 'login')
    assert.deepEqual([session?.username, session?.realm], ['alice', '/employees'])
  })

  test('an empty body of any type begins one, as {} does', async (t) => {
    const client = await createClient(t)
    for (const call of [{}, { body: {} }, { headers: EMPTY_FORM }])
      assert.equal((await client.post(AT, call)).status, 200)
    const form = await client.post(AT, { headers: EMPTY_FORM, body: 'a=b' })
    assert.equal(form.status, 415)
    assert.equal((await client.post(AT, { method: 'GET' })).status, 405)
    assert.equal((await client.post(`${AT}/x`)).status, 404)
  })

  test('whatever is wrong is one answer, in the form of its version, and ends the login', async (t) => {
    const client = await createClient(t)
    for (const [name, secret] of [
      ['alice', 'wrong'],
      ['nobody', 'nobody'],
      ['gone', 'gone'],
    ] as const) {
      const step = await client.begin()
      const call = { body: password(step, name, secret) }
      const second = await client.post(AT, call)
      const first = await client.post(AT, { ...call, headers: { 'accept-api-version': 'resource=1.0' } })
      const about = { code: 401, reason: 'Unauthorized' }
      assert.deepEqual(second.body, { ...about, message: 'Login failure', detail: { failureUrl: '' } })
      assert.deepEqual(first.body, { ...about, message: 'Authentication Failed', failureUrl: '' })
      assert.equal(second.status, 401)
      assert.equal(first.headers['content-api-version'], 'protocol=1.0,resource=1.1')
      assert.equal(first.headers['set-cookie'], undefined)
    }
    const unknown = await client.post(AT, { headers: { 'accept-api-version': 'resource=999.0' } })
    const message = 'Accept-API-Version: Requested version "999.0" does not match any routes.'
    assert.deepEqual(unknown.body, { code: 404, reason: 'Not Found', message })
    assert.equal((await client.post('/json/realms/root/realms/nowhere/authenticate')).status, 404)
  })

  test('inputs are taken by their names: every one, no other, each once, of the right kind', async (t) => {
    const client = await createClient(t)
    const step = await client.begin()
    const input = (...inputs: object[]) => ({ authId: step.authId, callbacks: [{ input: inputs }] })
    const name = { name: 'IDToken1', value: 'alice' }
    const secret = { name: 'IDToken2', value: 'alice' }
    const refused: readonly [object, RegExp][] = [
      [{ authId: step.authId }, /^callbacks: send/],
      [{ authId: step.authId, callbacks: 'x' }, /^callbacks: send/],
      [{ authId: 7, callbacks: [] }, /^send nothing/],
      [input(name), /^callbacks|^IDToken2: the input is missing/],
      [input(name, { ...secret, value: 7 }), /^IDToken2: the value has to be a text/],
      [input(name, { ...secret, value: null }), /^callbacks: send/],
    ]
    for (const [body, message] of refused) {
      const answer = await client.post(AT, { body })
      assert.equal(answer.status, 400)
      assert.match((answer.body as { message: string }).message, message)
    }
    const one = { authId: step.authId, callbacks: [{ input: [name] }, { input: [secret] }, { input: [name] }] }
    assert.equal((await client.post(AT, { body: one })).status, 400, 'twice')
    const other = {
      authId: step.authId,
      callbacks: [{ input: [name, secret] }, { input: [{ ...name, name: 'IDToken3' }] }],
    }
    assert.match(JSON.stringify((await client.post(AT, { body: other })).body), /no input of the name IDToken3/)
    const moved = { callbacks: [{ input: [secret] }, { input: [name] }], authId: step.authId, stage: 'other' }
    assert.equal((await client.post(AT, { body: moved })).status, 200, 'in any order')
  })

  test('an authId that is made up is a mistake, one that is too old or used is a login that timed out', async (t) => {
    const client = await createClient(t)
    for (const authId of ['', 'x', 'x'.repeat(20_000)].slice(0, 2))
      assert.equal((await client.post(AT, { body: { authId, callbacks: [] } })).status, 400)
    const step = await client.begin()
    const timedOut = { code: 408, reason: 'Request Timeout', message: 'Session has timed out' }
    assert.equal((await client.post(AT, { body: password(step, 'alice') })).status, 200)
    const replayed = await client.post(AT, { body: password(step, 'alice') })
    assert.deepEqual([replayed.status, replayed.body], [408, { ...timedOut, detail: { errorCode: '110' } }])
    const late = await client.begin()
    client.time.now += 301_000
    const answer = await client.post(AT, { body: password(late, 'alice') })
    assert.deepEqual([answer.status, answer.body], [408, { ...timedOut, detail: { errorCode: '110' } }])
    const other = '/json/realms/root/realms/customers/authenticate'
    assert.equal((await client.post(other, { body: password(await client.begin(), 'alice') })).status, 408)
  })

  test('a second step is asked by name, and a wrong code ends the login', async (t) => {
    const client = await createClient(t)
    const query = '?authIndexType=service&authIndexValue=two-steps'
    const first = await client.begin(query)
    const second = await client.begin('', { body: password(first, 'alice') })
    assert.deepEqual([second.stage, second.header], ['code', 'en:login.confirm title of /employees'])
    const wrong = await client.post(AT, { body: filled(second, { IDToken1: '000000' }) })
    assert.equal(wrong.status, 401)
    const again = await client.post(AT, { body: filled(second, { IDToken1: '123456' }) })
    assert.equal(again.status, 408, 'the login is over')
  })
})
