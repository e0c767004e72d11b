import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { isAnonymous } from '../../session/anonymous.ts'
import type { Session } from '../../session/session.ts'
import { suffices, type LoginDemand } from '../demand.ts'
import {
  asked,
  context,
  createBench,
  DESTINATION,
  done,
  EMPLOYEES,
  NO_DEMAND,
  user,
  type Bench,
  type BenchOptions,
} from '../login.fixture.ts'
import type { Step } from '../step.ts'

const LEVEL_1: LoginDemand = { level: 1, force: false }
const FORCED: LoginDemand = { level: undefined, force: true }
const MODULES = { password: { type: 'password' }, anonymous: { type: 'anonymous' }, totp: { type: 'totp' } }
const GUESTS = {
  modules: MODULES,
  chains: {
    default: [{ module: 'anonymous', criteria: 'REQUIRED' }],
    people: [{ module: 'password', criteria: 'REQUIRED' }],
  },
}
/** The login page, with a button that does without. */
const EITHER = {
  ...GUESTS,
  chains: { ...GUESTS.chains, default: [{ module: 'password', or: ['anonymous'], criteria: 'REQUIRED' }] },
}

interface Scene extends Bench {
  readonly begin: (session?: Session, demand?: LoginDemand, clientIp?: string) => Promise<Step>
  readonly answer: (step: Step, session: Session | undefined, ...answers: readonly string[]) => Promise<Step>
  readonly live: () => Promise<readonly string[]>
}

async function scene(t: TestContext, authentication: object = {}, options: BenchOptions = {}): Promise<Scene> {
  const bench = await createBench(t, { ...options, authentication: { ...GUESTS, ...authentication } })
  const request = { realm: EMPLOYEES, destination: DESTINATION }
  const begin: Scene['begin'] = (session, demand = NO_DEMAND, clientIp = '192.0.2.1') =>
    bench.authn.begin({ ...request, demand }, context(session, { origin: { requestId: 'r-1', clientIp } }))
  const answer: Scene['answer'] = (step, session, ...answers) =>
    bench.authn.submit({ realm: EMPLOYEES, authId: asked(step).authId, answers }, context(session))
  const live = async (): Promise<readonly string[]> =>
    (await bench.store.sessions.list({ limit: 100 })).map(({ sid }) => sid)
  return { ...bench, begin, answer, live }
}

suite('a session without proof', () => {
  test('asks nothing, is of level 0, and is somebody else’s each time', async (t) => {
    const { begin, audited, live } = await scene(t)
    const [one, other] = [done(await begin()).issued.session, done(await begin()).issued.session]
    assert.deepEqual([one.username, one.authLevel, one.authModules], ['anonymous', 0, ['anonymous']])
    assert.ok(isAnonymous(one) && isAnonymous(other))
    assert.notEqual(one.userId, other.userId)
    assert.deepEqual(new Set(await live()), new Set([one.sid, other.sid]), 'no quota of the one counts the other')
    const said = audited.find(({ event }) => event === 'AuthnSucceeded')
    assert.ok(said?.event === 'AuthnSucceeded')
    assert.deepEqual([said.username, said.modules, said.authLevel], ['anonymous', ['anonymous'], 0])
  })

  test('a quota of one session is not shared by strangers', async (t) => {
    const { begin } = await scene(t, {}, { quota: { limit: 1, action: 'DENY_ACCESS' } })
    for (let i = 0; i < 3; i++) assert.equal((await begin()).kind, 'done')
  })

  test('from one network no more than so many are started; others come in', async (t) => {
    const modules = { ...MODULES, anonymous: { type: 'anonymous', sessionsPerNetwork: 2 } }
    const { begin, time, live } = await scene(t, { modules })
    for (let i = 0; i < 2; i++) assert.equal((await begin()).kind, 'done')
    const refused = await begin()
    assert.ok(refused.kind === 'unreachable' && refused.cause === 'too-many-anonymous')
    assert.equal((await live()).length, 2)
    assert.equal((await begin(undefined, NO_DEMAND, '198.51.100.1')).kind, 'done')
    time.now += 15 * 60_000
    assert.equal((await begin()).kind, 'done')
  })

  test('beside the password it is a button, and its chain promises no level', async (t) => {
    const { authn, begin } = await scene(t, EITHER)
    const page = asked(await begin())
    assert.deepEqual([page.stage, page.others], ['password', ['anonymous']])
    const request = { realm: EMPLOYEES, authId: page.authId, answers: [], choose: 'anonymous' }
    assert.ok(isAnonymous(done(await authn.submit(request, context())).issued.session))
    assert.deepEqual(asked(await begin(undefined, LEVEL_1)).others, [])
  })
})

test('it may be chosen on a page that another module stands on beside the password', async (t) => {
  const modules = { ...MODULES, webauthn: { type: 'webauthn' } }
  const chains = {
    ...EITHER.chains,
    default: [{ module: 'password', or: ['webauthn', 'anonymous'], criteria: 'REQUIRED' }],
  }
  const { authn, begin } = await scene(t, { modules, chains })
  const { authId } = asked(await begin())
  const request = { realm: EMPLOYEES, authId, answers: [], choose: 'anonymous' }
  assert.equal((await authn.submit(request, context())).kind, 'done')
})

suite('the way out of it', () => {
  test('a step-up signs somebody in: a new session under a new token, and the old one is over', async (t) => {
    const { begin, answer, sessions, events } = await scene(t)
    const nobody = done(await begin())
    const page = asked(await begin(nobody.issued.session, LEVEL_1))
    assert.deepEqual([page.stage, page.username], ['password', undefined])
    assert.deepEqual(page.callbacks[0], { type: 'NameCallback', prompt: 'username' }, 'no name is offered')
    const alice = done(await answer(page, nobody.issued.session, 'alice', 'alice'))
    assert.equal(alice.issued.session.username, 'alice')
    assert.notEqual(alice.issued.session.sid, nobody.issued.session.sid)
    assert.notEqual(alice.issued.token, nobody.issued.token)
    assert.equal(await sessions.find(nobody.issued.session.sid), undefined)
    assert.equal(await sessions.resolve(nobody.issued.token, 'login'), undefined)
    assert.deepEqual(alice.issued.session.authModules, ['password'], 'nothing of it is carried over')
    assert.ok(events().some((event) => 'cause' in event && event.cause === 'replaced'))
  })

  test('a failed one leaves it as it was', async (t) => {
    const { begin, answer, sessions } = await scene(t)
    const { session } = done(await begin()).issued
    const page = asked(await answer(await begin(session, LEVEL_1), session, 'alice', 'wrong'))
    assert.equal(page.failure, 'bad-credentials')
    assert.ok(await sessions.find(session.sid))
  })

  test('it is never enough for what asks for a level, whoever it was started by', async (t) => {
    const { begin } = await scene(t)
    const { session } = done(await begin()).issued
    assert.equal(suffices(session, LEVEL_1, 0), false)
    assert.equal(suffices(session, NO_DEMAND, 0), true)
  })
})

suite('attacks on it', () => {
  test('who is signed in is not made nobody by an address: ForceAuth, the module, the chain', async (t) => {
    const { begin, answer, sessions } = await scene(t)
    const alice = done(await answer(await begin(undefined, LEVEL_1), undefined, 'alice', 'alice')).issued.session
    const demands: readonly LoginDemand[] = [
      FORCED,
      { ...NO_DEMAND, modules: ['anonymous'] },
      { ...NO_DEMAND, chain: 'default' },
      { ...FORCED, chain: 'default' },
      NO_DEMAND,
    ]
    for (const demand of demands) assert.notEqual((await begin(alice, demand)).kind, 'done', JSON.stringify(demand))
    assert.equal((await sessions.find(alice.sid))?.username, 'alice')
  })

  test('nobody sets up a second factor for it', async (t) => {
    const chains = {
      ...GUESTS.chains,
      both: [
        { module: 'anonymous', criteria: 'REQUISITE' },
        { module: 'totp', criteria: 'REQUIRED' },
      ],
    }
    const { begin, ownFactors } = await scene(t, { chains })
    assert.equal((await begin(undefined, { ...NO_DEMAND, chain: 'both' })).kind, 'unreachable')
    const { session } = done(await begin()).issued
    assert.equal((await ownFactors.begin(session, 'totp')).kind, 'gone')
    assert.deepEqual(await ownFactors.holdings(session), { factors: [], addable: [] })
  })

  test('an OPTIONAL anonymous after a wrong password lets nobody in as somebody', async (t) => {
    const chains = {
      ...GUESTS.chains,
      lax: [
        { module: 'password', criteria: 'REQUIRED' },
        { module: 'anonymous', criteria: 'OPTIONAL' },
      ],
    }
    const { begin, answer } = await scene(t, { chains })
    const request: LoginDemand = { ...NO_DEMAND, chain: 'lax' }
    assert.equal(
      asked(await answer(await begin(undefined, request), undefined, 'alice', 'wrong')).failure,
      'bad-credentials',
    )
    const { session } = done(await answer(await begin(undefined, request), undefined, 'alice', 'alice')).issued
    assert.deepEqual([session.username, session.authModules], ['alice', ['password']])
  })

  test('a person with its name cannot sign in: nobody could tell them apart', async (t) => {
    const users = [user('Anonymous'), user('anonymous~x'), user('alice')]
    const { begin, answer } = await scene(t, {}, { users })
    const page = asked(await answer(await begin(undefined, LEVEL_1), undefined, 'anonymous', 'Anonymous'))
    assert.equal(page.failure, 'bad-credentials')
  })

  test('an authentication policy for everybody holds for it, too', async (t) => {
    const policies = [{ name: 'all', secondFactors: ['totp'] }]
    const { begin } = await scene(t, { policies })
    assert.equal((await begin()).kind, 'unreachable')
  })

  test('a realm that nobody could sign in to after it, or with two of it, is refused when it is loaded', async (t) => {
    const alone = { chains: { default: GUESTS.chains.default } }
    await assert.rejects(scene(t, alone), { code: 'GH_CONFIG_INVALID' })
    const modules = { ...MODULES, guest: { type: 'anonymous' } }
    await assert.rejects(scene(t, { modules }), { code: 'GH_CONFIG_INVALID' })
  })
})
