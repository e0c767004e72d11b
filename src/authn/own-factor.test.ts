import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { asked, context, createBench, done, EMPLOYEES, TOTP_SECRET, user } from './login.fixture.ts'
import type { Step } from './step.ts'

/** The realm's default chain is a password alone; bob has an authenticator app, alice has nothing. */
async function open(t: TestContext, more: Readonly<Record<string, unknown>> = {}) {
  const modules = { password: { type: 'password' }, totp: { type: 'totp' }, ...more }
  const users = [user('alice'), user('bob', { totp: TOTP_SECRET })]
  const bench = await createBench(t, { users, authentication: { modules } })
  const destination = { goto: undefined, handshake: undefined }
  const demand = { level: undefined, force: false, ownFactor: true } as const
  const submit = (authId: string, ...answers: string[]): Promise<Step> =>
    bench.telling.submit({ realm: EMPLOYEES, authId, answers }, context())
  const signIn = async (username: string, ownFactor = true): Promise<Step> => {
    const wanted = ownFactor ? demand : { level: undefined, force: false }
    const page = asked(await bench.telling.begin({ realm: EMPLOYEES, demand: wanted, destination }, context()))
    assert.equal(page.partial, undefined, 'nothing is proved')
    return submit(page.authId, username, username)
  }
  const code = (): string =>
    new TOTP({ secret: Secret.fromBase32(TOTP_SECRET) }).generate({ timestamp: bench.time.now })
  return { bench, submit, signIn, code }
}

test('a login that demands it asks whoever has a second factor for it, whatever the chain says', async (t) => {
  const { submit, signIn, code, bench } = await open(t)
  const page = asked(await signIn('bob'))
  assert.equal(page.stage, 'totp')
  const { sid, ...partial } = page.partial ?? {}
  assert.deepEqual(partial, {
    ...{ userId: 'bob', username: 'bob', authModules: ['password'] },
    authQueries: [{ module: 'totp', type: 'totp', or: [], enrols: false }],
  })
  assert.equal((await bench.store.sessions.find(sid ?? ''))?.kind, 'partial')
  const { session } = done(await submit(page.authId, code())).issued
  assert.deepEqual([session.authModules, session.authLevel], [['password', 'totp'], 2])
})

test('a wrong code is asked again, with the password proved as before', async (t) => {
  const { submit, signIn, code } = await open(t)
  const page = asked(await signIn('bob'))
  const again = asked(await submit(page.authId, '000000'))
  assert.deepEqual([again.stage, again.failure, again.partial], ['totp', 'wrong-code', page.partial])
  done(await submit(again.authId, code()))
})

test('a page is not told what is proved: where several proofs follow, that would say which was right', async (t) => {
  const { bench } = await open(t)
  const demand = { level: undefined, force: false, ownFactor: true } as const
  const destination = { goto: undefined, handshake: undefined }
  for (const authn of [bench.authn, bench.programs]) {
    const first = await authn.begin({ realm: EMPLOYEES, demand, destination }, context())
    assert.ok(first.kind === 'ask')
    const second = await authn.submit({ realm: EMPLOYEES, authId: first.authId, answers: ['bob', 'bob'] }, context())
    assert.ok(second.kind === 'ask')
    assert.deepEqual([second.stage, 'partial' in second], ['totp', false])
  }
})

test('whoever has none is through, and so is everybody where it is not demanded', async (t) => {
  const { signIn } = await open(t)
  assert.deepEqual(done(await signIn('alice')).issued.session.authModules, ['password'])
  assert.deepEqual(done(await signIn('bob', false)).issued.session.authModules, ['password'])
})
