import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import { newAnonymousId } from '../../session/anonymous.ts'
import { claimsProperty, levelOf, provenSince, userOf, userOfSession } from './claims-user.ts'
import { ssoProviderSchema } from './sso-provider.schema.ts'

const config = ssoProviderSchema.parse({
  issuer: 'https://login.example/oauth2',
  clientSecret: 'a-long-enough-secret',
  acr: [{ name: 'gold', level: 3 }],
})
assert.ok(config)

test('who somebody is comes back out of the session as the provider said it', () => {
  const user = userOf(config, { sub: 'u-1', preferred_username: 'alice', groups: ['staff', 7], email: 'a@b.example' })
  assert.ok(user)
  assert.deepEqual([user.username, [...user.groups], user.attributes], ['alice', ['staff'], { mail: ['a@b.example'] }])
  const properties = claimsProperty(user)
  assert.deepEqual(userOfSession({ userId: 'u-1', username: 'alice', properties }), user)
  assert.equal(userOf(config, { sub: 'u-2' })?.username, 'u-2')
  assert.equal(userOfSession({ userId: 'u-1', username: 'alice', properties: {} }), undefined)
})

test('nobody of a provider passes for somebody without a name here', () => {
  assert.equal(userOf(config, { sub: newAnonymousId() }), undefined)
})

test('an acr is a level by its name or its number, and else none', () => {
  const levels = ['gold', '2', 'silver', '-1', '10000', 2, undefined].map((acr) => levelOf(config, acr))
  assert.deepEqual(levels, [3, 2, 0, 0, 0, 0, 0])
})

test('a proof is as old as the provider says, never of later than now, and never new where it says nothing', () => {
  const now = 100_000 as EpochMs
  const since = [70, 101, undefined, '99'].map((at) => provenSince({ sub: 'u-1', auth_time: at }, now))
  assert.deepEqual(since, [70_000, 100_000, 0, 0])
})
