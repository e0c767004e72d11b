import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PasswordCheck } from '../identity/directory.ts'
import { asked, context, createBench, DESTINATION, EMPLOYEES, NO_DEMAND } from './login.fixture.ts'

const START = { realm: EMPLOYEES, demand: NO_DEMAND, destination: DESTINATION } as const

type Reason = Extract<PasswordCheck, { readonly kind: 'failed' }>['reason']

test('a password that has expired or must be changed is named; every other refusal has one answer', async (t) => {
  let reason: Reason = 'unknown-user'
  const checkPassword = (): Promise<PasswordCheck> => Promise.resolve({ kind: 'failed', reason })
  const { authn, events } = await createBench(t, { checkPassword })
  const failureFor = async (why: Reason): Promise<unknown> => {
    reason = why
    const { authId } = asked(await authn.begin(START, context()))
    const step = asked(await authn.submit({ realm: EMPLOYEES, authId, answers: [`user-${why}`, 'x'] }, context()))
    return step.failure
  }
  for (const why of ['password-expired', 'must-change'] as const)
    assert.equal(await failureFor(why), 'password-expired', why)
  for (const why of ['unknown-user', 'wrong-password', 'disabled', 'locked'] as const)
    assert.equal(await failureFor(why), 'bad-credentials', why)
  const told = events().map((event) => ('reason' in event ? event.reason : undefined))
  assert.deepEqual(told, ['password-expired', 'must-change', 'unknown-user', 'wrong-password', 'disabled', 'locked'])
})
