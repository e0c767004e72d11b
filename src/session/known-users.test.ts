import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import { fault } from '../errors.ts'
import type { EndCause } from '../telemetry/audit.ts'
import { ofKnownUsers } from './known-users.ts'
import type { Session, SessionToken } from './session.ts'

const SESSION = { sid: 's1', realm: '/employees' as RealmName, userId: 'bob', username: 'bob' } as Session
const TOKEN = 'token' as SessionToken

const resolving = (found: Session | undefined, cause: EndCause | undefined) =>
  ofKnownUsers({ sessions: { resolve: () => found }, causeToEnd: () => cause })(TOKEN, 'login')

test('a session of somebody who may go on is a session', async () => {
  assert.equal(await resolving(SESSION, undefined), SESSION)
})

for (const cause of ['user-disabled', 'user-removed', 'user-changed', 'realm-removed'] as const) {
  test(`${cause}: the session is none, before the store has ended it`, async () => {
    assert.equal(await resolving(SESSION, cause), undefined)
  })
}

test('no session stays none, and nobody is asked about it', async () => {
  const resolve = ofKnownUsers({
    sessions: { resolve: () => undefined },
    causeToEnd: () => assert.fail('there is no session to ask about'),
  })
  assert.equal(await resolve(TOKEN, 'login'), undefined)
})

test('who cannot say whether the user is still there lets nobody through', async () => {
  const resolve = ofKnownUsers({
    sessions: { resolve: () => SESSION },
    causeToEnd: () => Promise.reject(fault('GH_DIRECTORY_UNAVAILABLE')),
  })
  await assert.rejects(async () => resolve(TOKEN, 'login'), /user directory/)
})
