import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { OwnPasswords, PasswordCheck, User } from '../identity/directory.ts'
import { openLdap, person, service } from '../identity/ldap/ldap.fixture.ts'
import { asked, context, createBench, DESTINATION, EMPLOYEES, NO_DEMAND } from './login.fixture.ts'
import type { Step } from './step.ts'

const ALICE: User = { id: 'alice', username: 'alice', groups: new Set(), attributes: {} }
const FIRST: PasswordCheck = { kind: 'change-first', reason: 'must-change', user: ALICE, stamp: 'first' }

/** Alice's password has to be changed; `changes` are what was chosen, from which password. */
async function bench(t: TestContext) {
  const changes: string[] = []
  let stamp = 'first'
  const passwords: OwnPasswords = {
    minLength: 15,
    change: (userId, from, next) => {
      if (from !== stamp) return Promise.resolve({ kind: 'stale' })
      if (next.length < 15) return Promise.resolve({ kind: 'refused', flaw: { kind: 'too-short', atLeast: 15 } })
      changes.push(`${userId}: ${next}`)
      stamp = 'second'
      return Promise.resolve({ kind: 'changed', user: ALICE })
    },
  }
  const checkPassword = (): Promise<PasswordCheck> => Promise.resolve(FIRST)
  const opened = await createBench(t, { passwords, checkPassword })
  const { authn } = opened
  const answer = (step: Step, ...answers: readonly string[]): Promise<Step> =>
    authn.submit({ realm: EMPLOYEES, authId: asked(step).authId, answers }, context())
  const begin = (): Promise<Step> =>
    authn.begin({ realm: EMPLOYEES, demand: NO_DEMAND, destination: DESTINATION }, context())
  return { ...opened, changes, answer, begin }
}

const said = (step: Step): readonly string[] =>
  asked(step).callbacks.flatMap((callback) => (callback.type === 'TextOutputCallback' ? [callback.message] : []))

test('a right password that must be changed opens nothing before another has taken its place', async (t) => {
  const { begin, answer, changes, events, kept } = await bench(t)
  const chooses = await answer(await begin(), 'alice', 'right')
  assert.deepEqual(said(chooses), ['password.must-change'])
  assert.deepEqual(kept.calls, [], 'nothing is kept of it')
  const differs = await answer(chooses, 'one good password', 'another good one')
  assert.deepEqual(said(differs), ['password.must-change', 'password.differ'])
  const short = await answer(differs, 'short', 'short')
  assert.deepEqual(said(short), ['password.must-change', 'password.too-short'])
  assert.deepEqual(changes, [])
  assert.equal((await answer(short, 'one good password', 'one good password')).kind, 'done')
  assert.deepEqual(changes, ['alice: one good password'])
  assert.ok(events().some((event) => 'by' in event && event.by === 'login'))
})

test('the page stands for one change of exactly that password, for ten minutes', async (t) => {
  const { begin, answer, changes, time } = await bench(t)
  const chooses = await answer(await begin(), 'alice', 'right')
  const late = await answer(await begin(), 'alice', 'right')
  assert.equal((await answer(chooses, 'one good password', 'one good password')).kind, 'done')
  const replayed = asked(await answer(chooses, 'another good password', 'another good password'))
  assert.deepEqual(
    replayed.callbacks.map(({ type }) => type),
    ['NameCallback', 'PasswordCallback'],
  )
  time.now += 10 * 60_000
  assert.notEqual((await answer(late, 'another good password', 'another good password')).kind, 'done')
  assert.equal(changes.length, 1)
})

test('LDAP: who must change their password does so in the login, by what the server takes, and no page holds it', async (t) => {
  const old = 'o'.repeat(1_024)
  const { server, directory } = await openLdap(t, {
    entries: [service, person('alice', old, { entryUUID: ['alice'] })],
    onBind: (_, password) => (password === old ? { code: 0, policy: { error: 2 } } : undefined),
    config: () => ({ groups: undefined, passwordChange: 'passwordModify' }),
  })
  const { passwords } = directory
  assert.ok(passwords)
  const { authn } = await createBench(t, { passwords, checkPassword: (...typed) => directory.checkPassword(...typed) })
  const begun = await authn.begin({ realm: EMPLOYEES, demand: NO_DEMAND, destination: DESTINATION }, context())
  const answer = (step: Step, ...answers: readonly string[]): Promise<Step> =>
    authn.submit({ realm: EMPLOYEES, authId: asked(step).authId, answers }, context())
  const chooses = await answer(begun, 'alice', old)
  assert.deepEqual(said(chooses), ['password.must-change'])
  assert.ok(!JSON.stringify(chooses).includes('oooo'))
  server.options = { ...server.options, onChange: () => ({ code: 19, policy: { error: 5 } }) }
  const weak = await answer(chooses, 'one good password', 'one good password')
  assert.deepEqual(said(weak), ['password.must-change', 'password.too-weak'])
  server.options = {}
  assert.equal((await answer(weak, 'one good password', 'one good password')).kind, 'done')
  assert.equal((await directory.checkPassword('alice', 'one good password')).kind, 'passed')
})
