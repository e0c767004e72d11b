import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Session } from '../../../session/session.ts'
import { asked, done } from '../../login.fixture.ts'
import { MINUTE, optionsOf, scene } from './webauthn.fixture.ts'

const FRESH = { level: undefined, force: false, maxAgeMs: 5 * MINUTE }

/** A realm in which a passkey proves both factors; the second one is `criteria`. */
const twoSteps = (criteria: string) => ({
  modules: {
    password: { type: 'password' },
    totp: { type: 'totp' },
    webauthn: { type: 'webauthn', multiFactor: true, authLevel: 3 },
  },
  chains: {
    default: [
      { module: 'password', or: ['webauthn'], criteria: 'REQUISITE' },
      { module: 'totp', or: ['webauthn'], criteria },
    ],
    set: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'totp', or: ['webauthn'], criteria: 'REQUIRED' },
    ],
  },
})

for (const criteria of ['REQUIRED', 'OPTIONAL']) {
  test(`a key that proved two factors a while ago proves none now: ${criteria}`, async (t) => {
    const { begin, prove, answer, choose, authenticator, time } = await scene(t, twoSteps(criteria))
    const first = await begin(undefined, { level: undefined, force: false, chain: 'set' })
    const form = await choose(await answer(first, undefined, 'alice', 'alice'), undefined, 'webauthn')
    const key = authenticator()
    done(await prove(form, undefined, key.create(optionsOf(form))))

    const page = await begin()
    const session: Session = done(await prove(page, undefined, key.get(optionsOf(page)))).issued.session
    assert.deepEqual([session.authLevel, session.authModules], [3, ['webauthn']])
    time.now += 20 * MINUTE
    const step = asked(await begin(session, FRESH))
    assert.equal(step.stage, 'webauthn')
    const renewed = done(await prove(step, session, key.get(optionsOf(step)))).issued.session
    assert.equal(renewed.authInstant, time.now)
  })
}
