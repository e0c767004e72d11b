import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import {
  asked,
  binding,
  CODE,
  codeModule,
  context,
  createBench,
  DESTINATION,
  done,
  EMPLOYEES,
  type Bench,
  type BenchOptions,
} from './login.fixture.ts'
import type { Step } from './step.ts'

const START = { realm: EMPLOYEES, demand: { level: 2, force: false }, destination: DESTINATION } as const

interface SecondStep extends Bench {
  readonly first: string
  readonly authId: string
  readonly submit: (authId: string, ...answers: readonly string[]) => Promise<Step>
}

/** Alice, her password passed, in front of the page that asks for the code. */
async function atSecondStep(t: TestContext, options: BenchOptions): Promise<SecondStep> {
  const bench = await createBench(t, options)
  const submit: SecondStep['submit'] = (authId, ...answers) =>
    bench.authn.submit({ realm: EMPLOYEES, authId, answers }, context())
  const { authId: first } = asked(await bench.authn.begin(START, context()))
  const page = asked(await submit(first, 'alice', 'alice'))
  assert.equal(page.stage, 'code')
  assert.equal(page.failure, undefined)
  return { ...bench, first, authId: page.authId, submit }
}

suite('a chain of two steps', () => {
  test('passes when both have, at the higher level, with both names and all properties', async (t) => {
    const { submit, authId, kept } = await atSecondStep(t, {})
    assert.deepEqual(
      kept.calls,
      ['oneTime.put', 'versioned.create'],
      'in the store from the first correct credential on',
    )
    const { session } = done(await submit(authId, CODE)).issued
    assert.deepEqual([session.username, session.authLevel], ['alice', 2])
    assert.deepEqual(session.authModules, ['password', 'code'])
    const { code, Service, ...proven } = session.properties
    assert.deepEqual([code, Service], ['yes', 'two-steps'])
    assert.deepEqual(Object.keys(proven), ['provenAt.password', 'provenAt.code'])
  })

  test('the page of the first step is spent once its answer was right', async (t) => {
    const { submit, first } = await atSecondStep(t, {})
    assert.deepEqual(await submit(first, 'alice', 'alice'), { kind: 'expired', destination: DESTINATION })
  })

  test('a wrong code fails the login: it starts again at the first step, and nothing of it is left', async (t) => {
    const { submit, authId, events } = await atSecondStep(t, {})
    const again = asked(await submit(authId, '000000'))
    assert.deepEqual([again.stage, again.failure], ['password', 'bad-credentials'])
    assert.doesNotMatch(JSON.stringify(again.callbacks), /000000/)
    assert.deepEqual(events().at(-1), {
      event: 'AuthnFailed',
      realm: EMPLOYEES,
      username: 'alice',
      reason: 'wrong-password',
    })
    assert.equal((await submit(authId, CODE)).kind, 'expired', 'the second step cannot be tried again')
  })

  test('of 200 answers to one page one is judged; the others get the page again', async (t) => {
    const code = codeModule()
    const { submit, authId } = await atSecondStep(t, { code })
    const steps = await Promise.all(Array.from({ length: 200 }, (_, i) => submit(authId, `${i}`.padStart(6, '9'))))
    assert.equal(code.judged.length, 1)
    for (const step of steps) assert.ok(step.kind === 'ask' || step.kind === 'expired')
  })

  test('the right code, twenty times at once, makes one session', async (t) => {
    const { submit, authId, sessions } = await atSecondStep(t, {})
    const steps = await Promise.all(Array.from({ length: 20 }, () => submit(authId, CODE)))
    assert.equal(steps.filter(({ kind }) => kind === 'done').length, 1)
    assert.equal((await sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' })).length, 1)
    assert.equal((await submit(authId, CODE)).kind, 'expired')
  })

  test('a page that was handed out while an answer is being judged cannot finish the login a second time', async (t) => {
    const gate = Promise.withResolvers<undefined>()
    const entered = Promise.withResolvers<undefined>()
    const inner = codeModule()
    let waits = true
    const code = {
      ...inner,
      process: async (...args: Parameters<typeof inner.process>) => {
        const outcome = await inner.process(...args)
        if (outcome.kind === 'passed' && waits) {
          waits = false
          entered.resolve(undefined)
          await gate.promise
        }
        return outcome
      },
    }
    const { submit, authId, sessions } = await atSecondStep(t, { code })
    const slow = submit(authId, CODE)
    await entered.promise
    const same = asked(await submit(authId, CODE))
    assert.equal(same.stage, 'code')
    const quick = await submit(same.authId, CODE)
    gate.resolve(undefined)
    const kinds = [quick, await slow].map(({ kind }) => kind)
    assert.deepEqual(kinds.sort(), ['done', 'expired'])
    assert.equal((await sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' })).length, 1)
  })

  test('the second step belongs to the browser of the first', async (t) => {
    const code = codeModule()
    const { authn, authId } = await atSecondStep(t, { code })
    const other = context(undefined, { binding: binding('another browser') })
    const step = await authn.submit({ realm: EMPLOYEES, authId, answers: [CODE] }, other)
    assert.deepEqual(step, { kind: 'expired', destination: undefined })
    assert.deepEqual(code.judged, [])
  })

  test("somebody else's second factor does not count for the first", async (t) => {
    const { submit, authId, events } = await atSecondStep(t, { code: codeModule(() => 'bob') })
    assert.equal(asked(await submit(authId, CODE)).failure, 'bad-credentials')
    assert.equal((events().at(-1) as { reason: string }).reason, 'user-mismatch')
  })

  test('a user who was removed between the steps does not get in', async (t) => {
    const removed = new Set<string>()
    const { submit, authId, sessions } = await atSecondStep(t, { removed })
    removed.add('alice')
    assert.equal(asked(await submit(authId, CODE)).failure, 'bad-credentials')
    assert.deepEqual(await sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' }), [])
  })

  test('the time of the whole login counts, not that of a step', async (t) => {
    const bench = await createBench(t)
    const submit = (authId: string, ...answers: string[]): Promise<Step> =>
      bench.authn.submit({ realm: EMPLOYEES, authId, answers }, context())
    const { authId: first } = asked(await bench.authn.begin(START, context()))
    bench.time.now += 4 * 60_000
    const { authId } = asked(await submit(first, 'alice', 'alice'))
    bench.time.now += 60_000
    assert.equal((await submit(authId, CODE)).kind, 'expired')
  })

  test('a logout between the steps ends the login: what was proved before it is proved again', async (t) => {
    const { authn, submit, authId: early } = await atSecondStep(t, {})
    const { session } = done(await submit(early, CODE)).issued
    const beside = context(session)
    const { authId: first } = asked(await authn.begin({ ...START, demand: { level: 2, force: true } }, beside))
    const answer = { realm: EMPLOYEES, authId: first, answers: ['alice', 'alice'] }
    const { authId } = asked(await authn.submit(answer, beside))
    assert.equal(asked(await submit(authId, CODE)).failure, 'session-changed')
    assert.equal((await authn.submit({ realm: EMPLOYEES, authId, answers: [CODE] }, beside)).kind, 'expired')
  })

  test('a session that had ended before anything was proved does not end the login', async (t) => {
    const { authn, submit, authId: early } = await atSecondStep(t, {})
    const { session } = done(await submit(early, CODE)).issued
    const { authId: first } = asked(
      await authn.begin({ ...START, demand: { level: 2, force: true } }, context(session)),
    )
    const { authId } = asked(await submit(first, 'alice', 'alice'))
    assert.equal((await submit(authId, CODE)).kind, 'done')
  })

  test('a session that came in another window meanwhile ends the login', async (t) => {
    const { authn, submit, authId } = await atSecondStep(t, {})
    const plain = { ...START, demand: { level: undefined, force: false } }
    const other = asked(await authn.begin(plain, context()))
    const { session } = done(await submit(other.authId, 'bob', 'bob')).issued
    const step = await authn.submit({ realm: EMPLOYEES, authId, answers: [CODE] }, context(session))
    assert.equal(asked(step).failure, 'session-changed')
    assert.equal((await submit(authId, CODE)).kind, 'expired')
  })
})
