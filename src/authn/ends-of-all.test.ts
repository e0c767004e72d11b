import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { epochKeys, realmEpochKey } from '../session/stateless-claims.ts'
import {
  asked,
  CODE,
  context,
  countingHasher,
  createBench,
  CUSTOMERS,
  DESTINATION,
  done,
  EMPLOYEES,
  type Bench,
  type BenchOptions,
} from './login.fixture.ts'
import type { Step } from './step.ts'

interface Login extends Bench {
  readonly begin: (level: number | undefined) => Promise<string>
  readonly submit: (authId: string, ...answers: readonly string[]) => Promise<Step>
  readonly running: (userId: string) => Promise<number>
}

async function scene(t: TestContext, options: BenchOptions = {}): Promise<Login> {
  const bench = await createBench(t, options)
  return {
    ...bench,
    begin: async (level) => {
      const start = { realm: EMPLOYEES, demand: { level, force: false }, destination: DESTINATION }
      return asked(await bench.authn.begin(start, context())).authId
    },
    submit: (authId, ...answers) => bench.authn.submit({ realm: EMPLOYEES, authId, answers }, context()),
    running: async (userId) => (await bench.sessions.ofUser({ realm: EMPLOYEES, userId })).length,
  }
}

const [alice] = epochKeys({ realm: EMPLOYEES, userId: 'alice' })
const [bob] = epochKeys({ realm: EMPLOYEES, userId: 'bob' })

suite('when all sessions are ended, what was proved in a login under way opens nothing any more', () => {
  for (const [whose, key] of [
    ['of the realm', realmEpochKey(EMPLOYEES)],
    ['of the person', alice],
  ] as const) {
    test(`all ${whose}: the login starts anew`, async (t) => {
      const { begin, submit, running, store } = await scene(t)
      const { authId } = asked(await submit(await begin(2), 'alice', 'alice'))
      await store.epochs.raise(key)
      for (let n = 0; n < 2; n++) {
        assert.deepEqual(await submit(authId, CODE), { kind: 'expired', destination: DESTINATION })
      }
      assert.equal(await running('alice'), 0)
      const { authId: again } = asked(await submit(await begin(2), 'alice', 'alice'))
      assert.equal((await submit(again, CODE)).kind, 'done')
    })
  }

  test('all of somebody else or of another realm: the login goes on, and so does one in which nothing was proved', async (t) => {
    const { begin, submit, store } = await scene(t)
    const untouched = await begin(undefined)
    const { authId } = asked(await submit(await begin(2), 'alice', 'alice'))
    for (const key of [bob, realmEpochKey(CUSTOMERS)]) await store.epochs.raise(key)
    assert.equal((await submit(authId, CODE)).kind, 'done')
    await store.epochs.raise(realmEpochKey(EMPLOYEES))
    assert.equal((await submit(untouched, 'bob', 'bob')).kind, 'done')
  })

  test('a complete login that waits for room does not get it afterwards', async (t) => {
    const { begin, submit, running, store, sessions } = await scene(t, { quota: { limit: 1, action: 'DENY_ACCESS' } })
    const { session } = done(await submit(await begin(undefined), 'alice', 'alice')).issued
    const full = await submit(await begin(undefined), 'alice', 'alice')
    assert.ok(full.kind === 'quota-reached')
    await store.epochs.raise(realmEpochKey(EMPLOYEES))
    await sessions.end(session.sid, 'admin', { requestId: undefined, clientIp: undefined })
    assert.equal((await submit(full.authId, session.sid)).kind, 'expired')
    assert.equal(await running('alice'), 0)
  })

  test('while a login that asks nothing is beginning: nothing comes of it either', async (t) => {
    const chains = {
      default: [{ module: 'anonymous', criteria: 'REQUIRED' }],
      people: [{ module: 'password', criteria: 'REQUIRED' }],
    }
    const modules = { anonymous: { type: 'anonymous' }, password: { type: 'password' } }
    const authentication = { modules, chains }
    const { authn, sessions, store, audited } = await scene(t, { authentication })
    const establish = sessions.establish.bind(sessions)
    t.mock.method(sessions, 'establish', async (...draft: Parameters<typeof establish>) => {
      await store.epochs.raise(realmEpochKey(EMPLOYEES))
      return establish(...draft)
    })
    const start = { realm: EMPLOYEES, demand: { level: undefined, force: false }, destination: DESTINATION }
    assert.deepEqual(await authn.begin(start, context()), { kind: 'expired', destination: DESTINATION })
    assert.deepEqual(await store.sessions.list({ limit: 10 }), [])
    assert.ok(audited.some((event) => event.event === 'SessionEnded' && event.cause === 'admin'))
  })

  for (const level of [undefined, 2]) {
    test(`while a password is being checked, for level ${level}: nothing comes of it, whoever listed sessions before`, async (t) => {
      const hooks = { checking: (): Promise<unknown> => Promise.resolve() }
      const hasher = countingHasher()
      const verify: typeof hasher.verify = async (...check) => {
        await hooks.checking()
        return hasher.verify(...check)
      }
      const { begin, submit, running, store, audited } = await scene(t, { hasher: { ...hasher, verify } })
      const authId = await begin(level)
      hooks.checking = () => store.epochs.raise(realmEpochKey(EMPLOYEES))
      assert.deepEqual(await submit(authId, 'alice', 'alice'), { kind: 'expired', destination: DESTINATION })
      assert.equal(await running('alice'), 0)
      const causes = audited.flatMap((event) => (event.event === 'SessionEnded' ? [event.cause] : []))
      assert.deepEqual(causes, level === undefined ? ['admin'] : [])
    })
  }
})
