import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { asked, context, createBench, DESTINATION, done, EMPLOYEES, TOTP_SECRET } from './login.fixture.ts'

const AUTHENTICATION = {
  modules: { password: { type: 'password' }, totp: { type: 'totp' } },
  chains: {
    default: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'totp', criteria: 'REQUIRED' },
    ],
  },
}

test('a login in which the old password was proved is not finished after it was changed', async (t) => {
  let current = 'stamp of the old'
  const bob = { id: 'bob', username: 'bob', groups: new Set<string>(), attributes: {} }
  const { authn, time, events } = await createBench(t, {
    authentication: AUTHENTICATION,
    checkPassword: () => Promise.resolve({ kind: 'passed', user: bob, stamp: current }),
    passwords: {
      minLength: 8,
      change: () => Promise.resolve({ kind: 'stale' }),
      isCurrent: (_, stamp) => Promise.resolve(stamp === current),
    },
  })
  const begin = async () => {
    const start = { realm: EMPLOYEES, demand: { level: undefined, force: false }, destination: DESTINATION }
    const { authId } = asked(await authn.begin(start, context()))
    return asked(await authn.submit({ realm: EMPLOYEES, authId, answers: ['bob', 'bob'] }, context())).authId
  }
  const finish = (authId: string) => {
    const code = new TOTP({ secret: Secret.fromBase32(TOTP_SECRET) }).generate({ timestamp: time.now })
    return authn.submit({ realm: EMPLOYEES, authId, answers: [code] }, context())
  }
  done(await finish(await begin()))
  time.now += 60_000
  const early = await begin()
  current = 'stamp of the new'
  assert.equal(asked(await finish(early)).failure, 'bad-credentials')
  assert.deepEqual(events().at(-1), {
    event: 'AuthnFailed',
    realm: EMPLOYEES,
    username: 'bob',
    reason: 'wrong-password',
  })
  time.now += 60_000
  done(await finish(await begin()))
})
