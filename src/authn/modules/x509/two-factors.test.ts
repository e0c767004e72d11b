import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { NOTHING_PRESENTED } from '../../../http/presented.ts'
import { verificationName } from '../../../crypto/x509/authority.ts'
import { readCertificate } from '../../../crypto/x509/certificate.ts'
import { context, createBench, DESTINATION, EMPLOYEES, NO_DEMAND, type Bench } from '../../login.fixture.ts'
import type { Step } from '../../step.ts'
import { CN, issue, nameOf } from './certificates.fixture.ts'

const ca = issue({ authority: true, name: nameOf([CN, 'ca']) })

interface Scene extends Bench {
  readonly begin: () => Promise<Step>
  readonly answer: (step: Step, ...answers: readonly string[]) => Promise<Step>
}

/** Somebody who holds the certificate of a user, and knows their password or not. */
async function scene(t: TestContext, username: string, authentication: object, more: object = {}): Promise<Scene> {
  const read = readCertificate(ca.der) ?? assert.fail('unreadable')
  const proof = issue({ by: ca, name: nameOf([CN, verificationName(read)]) }).pem
  const x509 = {
    type: 'x509',
    authorities: { corp: { certificate: ca.pem, proof } },
    revocation: { unknown: 'accept' },
    user: { from: 'subject:CN' },
    ...more,
  }
  const modules = { password: { type: 'password' }, totp: { type: 'totp' }, x509 }
  const bench = await createBench(t, { authentication: { modules, ...authentication } })
  const shown = issue({ by: ca, name: nameOf([CN, username]) })
  const presented = { ...NOTHING_PRESENTED, certificate: () => ({ leaf: shown.der, others: [] }) }
  const beside = context(undefined, { presented })
  const start = { realm: EMPLOYEES, demand: NO_DEMAND, destination: DESTINATION }
  return {
    ...bench,
    begin: () => bench.authn.begin(start, beside),
    answer: (step, ...answers) => {
      assert.ok(step.kind === 'ask', step.kind)
      return bench.authn.submit({ realm: EMPLOYEES, authId: step.authId, answers }, beside)
    },
  }
}

const FIRST = { module: 'x509', or: ['password'], criteria: 'REQUISITE' }

test('a certificate that a login began with is no second factor of it', async (t) => {
  for (const authentication of [
    {
      chains: { default: [FIRST] },
      policies: [{ name: 'all', secondFactors: ['totp', 'x509'] }],
    },
    { chains: { default: [FIRST, { module: 'totp', or: ['x509'], criteria: 'REQUIRED' }] } },
  ]) {
    const { begin } = await scene(t, 'bob', authentication)
    const step = await begin()
    assert.ok(step.kind === 'ask', `one certificate counts for two: ${step.kind}`)
    assert.equal(step.stage, 'totp')
    const both = await scene(t, 'bob', authentication, { multiFactor: true })
    assert.equal((await both.begin()).kind, 'done', 'unless the realm says so')
  }
})

test('beside a password it is one, by a policy and in a chain', async (t) => {
  for (const authentication of [
    {
      chains: { default: [{ module: 'password', criteria: 'REQUISITE' }] },
      policies: [{ name: 'all', secondFactors: ['x509'] }],
    },
    {
      chains: {
        default: [
          { module: 'password', criteria: 'REQUISITE' },
          { module: 'x509', criteria: 'REQUIRED' },
        ],
      },
    },
  ]) {
    const { begin, answer } = await scene(t, 'bob', authentication)
    assert.equal((await answer(await begin(), 'bob', 'bob')).kind, 'done')
  }
})

test('nobody sets up a factor in a login that has failed already, although it goes on', async (t) => {
  const criteria = 'REQUIRED'
  const chains = { default: ['password', 'x509', 'totp'].map((module) => ({ module, criteria })) }
  const { begin, answer, events } = await scene(t, 'alice', { chains })
  const step = await answer(await begin(), 'alice', 'wrong')
  assert.ok(step.kind === 'ask')
  assert.deepEqual([step.stage, step.enrols], ['password', false])
  assert.ok(!events().some((event) => 'event' in event && event.event === 'FactorEnrolled'))
  const right = await answer(step, 'alice', 'alice')
  assert.ok(right.kind === 'ask')
  assert.deepEqual([right.stage, right.enrols], ['totp', true])
})
