import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { authQueriesOf } from '../session/partial.ts'
import { asked, CODE, context, createBench, DESTINATION, done, EMPLOYEES, NO_DEMAND } from './login.fixture.ts'
import type { Step } from './step.ts'

const START = { realm: EMPLOYEES, demand: { level: 2, force: false }, destination: DESTINATION } as const

/** alice, her password passed, in front of the page that asks for the code. */
async function halfWay(t: TestContext) {
  const bench = await createBench(t)
  const submit = (authId: string, ...answers: readonly string[]): Promise<Step> =>
    bench.authn.submit({ realm: EMPLOYEES, authId, answers }, context())
  const records = () => bench.store.sessions.list({ limit: 9 })
  const signIn = async () => {
    const { authId } = asked(await bench.authn.begin(START, context()))
    assert.deepEqual(await records(), [], 'nobody has proved anything')
    return asked(await submit(authId, 'alice', 'alice')).authId
  }
  const authId = await signIn()
  const [partial, ...others] = await records()
  assert.ok(partial && others.length === 0)
  return { ...bench, submit, records, authId, partial }
}

test('after the first factor there is a partial session with what is outstanding; the last makes it a whole one', async (t) => {
  const { submit, records, authId, partial } = await halfWay(t)
  assert.deepEqual(
    [partial.kind, partial.username, partial.authLevel, partial.authModules],
    ['partial', 'alice', 1, ['password']],
  )
  assert.deepEqual(authQueriesOf(partial), [{ module: 'code', type: 'code', or: [], enrols: false }])
  const { session } = done(await submit(authId, CODE)).issued
  const after = await records()
  assert.deepEqual(
    after.map(({ sid, kind }) => [sid, kind]),
    [[session.sid, 'cts']],
  )
})

test('a wrong last answer that ends the login ends its partial session', async (t) => {
  const { submit, records, authId } = await halfWay(t)
  asked(await submit(authId, '000000'))
  assert.deepEqual(await records(), [])
})

test('whoever ends it ends the login: the right code comes too late', async (t) => {
  const { submit, records, sessions, authId, partial, events } = await halfWay(t)
  await sessions.end(partial.sid, 'admin', { requestId: undefined, clientIp: undefined })
  assert.equal((await submit(authId, CODE)).kind, 'expired')
  assert.deepEqual(await records(), [])
  assert.ok(!JSON.stringify(events()).includes('AuthnSucceeded'))
})

test('ended between the claim of the last page and its answer, it comes to nothing either', async (t) => {
  const { submit, sessions, store, authId, partial } = await halfWay(t)
  const { sessions: records } = store
  const find = records.find.bind(records)
  const late: typeof find = async (sid) => {
    const found = await find(sid)
    await sessions.end(sid, 'admin', { requestId: undefined, clientIp: undefined })
    return found
  }
  Object.assign(records, { find: late })
  assert.equal((await submit(authId, CODE)).kind, 'expired')
  assert.equal((await store.sessions.list({ limit: 9 })).length, 0)
  assert.equal(partial.kind, 'partial')
})

test('a login that strengthens a session is that session’s, and another of one step is never half done', async (t) => {
  const bench = await createBench(t)
  const begin = async (
    demand: typeof NO_DEMAND | { readonly level: number; readonly force: boolean },
    whose = context(),
  ) => asked(await bench.authn.begin({ ...START, demand }, whose)).authId
  const answers = ['alice', 'alice']
  const { issued } = done(
    await bench.authn.submit({ realm: EMPLOYEES, authId: await begin(NO_DEMAND), answers }, context()),
  )
  const signedIn = context(issued.session)
  await begin({ level: 2, force: false }, signedIn)
  const kinds = (await bench.store.sessions.list({ limit: 9 })).map(({ kind }) => kind)
  assert.deepEqual(kinds, ['cts'])
})
