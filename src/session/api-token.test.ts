import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bucket } from '../store/store.ts'
import { apiTokenOf, newApiTokenStem, parseApiToken, readApiToken, stemOf, addApiToken } from './api-token.ts'
import { ALICE, createMachine, established } from './processes.fixture.ts'
import type { SessionToken } from './session.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('RFC 9562 §5.4: a token is a UUID of version 4 that carries its bucket, and no two are alike', () => {
  const seen = new Set<string>()
  for (const bucket of [0, 1, 512, 1_023] as readonly Bucket[]) {
    const stem = newApiTokenStem()
    const token = apiTokenOf(stem, bucket)
    assert.match(token, UUID)
    assert.equal(stemOf(token), stem)
    assert.equal(parseApiToken(token)?.bucket, bucket)
    seen.add(stem)
  }
  assert.equal(seen.size, 4)
})

test('a token has one spelling, and nothing else is one', () => {
  const token = apiTokenOf(newApiTokenStem(), 1_023)
  assert.equal(readApiToken(token), token)
  const digits = token.replaceAll('-', '')
  for (const text of [token.toUpperCase(), ` ${token}`, `{${token}}`, digits, `${token.slice(0, -3)}400`, '', 'x']) {
    if (text !== token) assert.equal(readApiToken(text), undefined, text)
  }
})

test('it opens its session at the login host and nowhere else, until the session ends', async (t) => {
  const machine = createMachine(t)
  const { store, sessions } = await machine.start()
  const origin = { requestId: undefined, clientIp: undefined }
  const { session, token: login } = await established(sessions.establish(ALICE, origin))
  const token = apiTokenOf(newApiTokenStem(), session.bucket)
  const asSsoToken = token as string as SessionToken
  assert.equal(await sessions.resolve(asSsoToken, 'login'), undefined, 'not before it was added')
  assert.equal(await addApiToken({ store, clock: machine.clock }, session, token), true)
  assert.equal((await sessions.resolve(asSsoToken, 'login'))?.sid, session.sid)
  assert.equal((await sessions.resolve(login, 'login'))?.sid, session.sid, 'the first token stays')
  assert.equal(await sessions.resolve(asSsoToken, 'agent:app'), undefined)
  assert.equal(await sessions.resolve(asSsoToken, 'api'), undefined)
  const elsewhere = apiTokenOf(stemOf(token), (session.bucket + 1) % 1_024)
  assert.equal(await sessions.resolve(elsewhere as string as SessionToken, 'login'), undefined, 'another bucket')
  await sessions.end(session.sid, 'logout', origin)
  assert.equal(await sessions.resolve(asSsoToken, 'login'), undefined)
  assert.equal(await addApiToken({ store, clock: machine.clock }, session, token), false)
})

test('the store knows a hash of it, never itself', async (t) => {
  const machine = createMachine(t)
  const { store, sessions } = await machine.start()
  const { session } = await established(sessions.establish(ALICE, { requestId: undefined, clientIp: undefined }))
  const token = apiTokenOf(newApiTokenStem(), session.bucket)
  await addApiToken({ store, clock: machine.clock }, session, token)
  assert.equal(await store.sessions.resolve(token, session.bucket), undefined)
  const { hash = '' } = parseApiToken(token) ?? {}
  const found = await store.sessions.resolve(hash, session.bucket)
  assert.equal(found?.token.audience, 'api')
  assert.doesNotMatch(JSON.stringify(found), new RegExp(token))
})
