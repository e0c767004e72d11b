import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import type { Session } from '../session/session.ts'
import type { LoginDemand } from './demand.ts'
import {
  asked,
  codeModule,
  context,
  createBench,
  DESTINATION,
  done,
  EMPLOYEES,
  TOTP_SECRET,
  type Bench,
  type BenchOptions,
} from './login.fixture.ts'
import type { Step } from './step.ts'

const LEVEL_2: LoginDemand = { level: 2, force: false }
const MINUTE = 60_000

const AUTHENTICATION = {
  modules: { password: { type: 'password' }, totp: { type: 'totp' } },
  chains: {
    default: [{ module: 'password', criteria: 'REQUIRED' }],
    strong: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'totp', criteria: 'REQUIRED' },
    ],
  },
}

interface Scene extends Bench {
  readonly signIn: (username: string) => Promise<Session>
  readonly begin: (session: Session | undefined, demand?: LoginDemand) => Promise<Step>
  readonly answer: (step: Step, session: Session | undefined, ...answers: string[]) => Promise<Step>
}

async function scene(t: TestContext, authentication: object = {}, options: BenchOptions = {}): Promise<Scene> {
  const bench = await createBench(t, { ...options, authentication: { ...AUTHENTICATION, ...authentication } })
  const begin: Scene['begin'] = (session, demand = LEVEL_2) =>
    bench.authn.begin({ realm: EMPLOYEES, demand, destination: DESTINATION }, context(session))
  const answer: Scene['answer'] = (step, session, ...answers) =>
    bench.authn.submit({ realm: EMPLOYEES, authId: asked(step).authId, answers }, context(session))
  const signIn = async (username: string): Promise<Session> => {
    const page = await begin(undefined, { level: undefined, force: false })
    return done(await answer(page, undefined, username, username)).issued.session
  }
  return { ...bench, begin, answer, signIn }
}

/** What an authenticator app shows. */
function codeAt(now: number, secret = TOTP_SECRET): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now })
}

function secretOn(step: Step): string {
  const callback = asked(step).callbacks.find((each) => each.type === 'KeyUriCallback')
  assert.ok(callback?.type === 'KeyUriCallback')
  assert.ok(new URL(callback.uri).searchParams.get('secret') === callback.secret)
  return callback.secret
}

suite('step-up', () => {
  test('asks for the code alone, and the session goes on: next gen, higher level, both modules', async (t) => {
    const { begin, answer, signIn, time, sessions } = await scene(t)
    const session = await signIn('bob')
    const page = asked(await begin(session))
    assert.deepEqual(page.callbacks, [{ type: 'NameCallback', prompt: 'code', oneTimeCode: true }])
    assert.deepEqual([page.stage, page.username, page.enrols], ['totp', 'bob', false])
    const { issued } = done(await answer(page, session, codeAt(time.now)))
    assert.equal(issued.session.sid, session.sid)
    assert.deepEqual([issued.session.gen, issued.session.authLevel], [2, 2])
    assert.deepEqual(issued.session.authModules, ['password', 'totp'])
    assert.equal((await sessions.find(session.sid))?.gen, 2)
  })

  test('a wrong code leaves the session as it was, may be tried again, and is audited', async (t) => {
    const { begin, answer, signIn, time, sessions, events } = await scene(t)
    const session = await signIn('bob')
    const wrong = asked(await answer(await begin(session), session, '000000'))
    assert.equal(wrong.failure, 'wrong-code')
    assert.deepEqual(await sessions.find(session.sid), session)
    assert.deepEqual(events().at(-1), { event: 'AuthnFailed', realm: EMPLOYEES, username: 'bob', reason: 'wrong-code' })
    assert.equal(done(await answer(wrong, session, codeAt(time.now))).issued.session.gen, 2)
  })

  test('RFC 6238 §5.2: a code works once, and none that is older than the last', async (t) => {
    const { begin, answer, signIn, time } = await scene(t)
    const session = await signIn('bob')
    const code = codeAt(time.now)
    const older = codeAt(time.now - 30_000)
    const again = await begin(session)
    const raised = done(await answer(await begin(session), session, code)).issued.session
    assert.equal(asked(await answer(again, session, code)).failure, 'wrong-code')
    const force = { level: 2, force: false, maxAgeMs: 0 }
    time.now += 1_000
    for (const used of [code, older]) {
      assert.equal(asked(await answer(await begin(raised, force), raised, used)).failure, 'wrong-code')
    }
    time.now += 30_000
    assert.equal(done(await answer(await begin(raised, force), raised, codeAt(time.now))).issued.session.gen, 3)
  })

  test('of many that send one code at once, one gets through', async (t) => {
    const { begin, answer, signIn, time } = await scene(t)
    const session = await signIn('bob')
    const pages = await Promise.all(Array.from({ length: 8 }, () => begin(session)))
    const code = codeAt(time.now)
    const ends = await Promise.all(pages.map((page) => answer(page, session, code)))
    assert.equal(ends.filter(({ kind }) => kind === 'done').length, 1)
  })

  const steps = [-2, -1, 0, 1, 2]
  for (const step of steps) {
    test(`the clock of a telephone may be one step off: ${step}`, async (t) => {
      const { begin, answer, signIn, time } = await scene(t)
      const session = await signIn('bob')
      const end = await answer(await begin(session), session, codeAt(time.now + step * 30_000))
      assert.equal(end.kind, Math.abs(step) <= 1 ? 'done' : 'ask')
    })
  }

  test('nobody else can finish it: not with their own code, nor with their own password', async (t) => {
    const { begin, answer, signIn, time, sessions, events } = await scene(t)
    const session = await signIn('bob')
    const page = asked(await begin(session, { level: 2, force: true }))
    assert.equal(page.stage, 'password', 'ForceAuth carries nothing over')
    const other = asked(await answer(page, session, 'alice', 'alice'))
    assert.equal(other.failure, 'bad-credentials')
    assert.deepEqual(events().at(-1), {
      event: 'AuthnFailed',
      realm: EMPLOYEES,
      username: 'alice',
      reason: 'user-mismatch',
    })
    assert.deepEqual(await sessions.find(session.sid), session)
    const code = await answer(other, session, 'bob', 'bob')
    assert.equal(done(await answer(code, session, codeAt(time.now))).issued.session.sid, session.sid)
  })

  test('a demand for a fresh proof asks for the strongest one again, and takes none for new that is not', async (t) => {
    const { begin, answer, signIn, time } = await scene(t)
    const session = await signIn('bob')
    const raised = done(await answer(await begin(session), session, codeAt(time.now))).issued.session
    time.now += 6 * MINUTE
    const page = asked(await begin(raised, { level: undefined, force: false, maxAgeMs: 5 * MINUTE }))
    assert.equal(page.stage, 'totp')
    const fresh = done(await answer(page, raised, codeAt(time.now))).issued.session
    assert.equal(fresh.authInstant, time.now)
  })

  test('who is gone when the chain is through gets no session, should they be back a moment later', async (t) => {
    let looks = 0
    const removed = Object.assign(new Set<string>(), { has: () => ++looks === 1 })
    const policies = [{ name: 'all', secondFactors: ['totp'] }]
    const { begin, answer } = await scene(t, { policies }, { removed })
    const page = await begin(undefined, { level: undefined, force: false })
    assert.equal(asked(await answer(page, undefined, 'bob', 'bob')).failure, 'bad-credentials')
  })

  const weaker: readonly LoginDemand[] = [
    { level: undefined, force: true },
    { level: undefined, force: false, chain: 'default' },
    { level: undefined, force: false, modules: ['password'] },
    { level: 1, force: false, modules: ['password'], maxAgeMs: 24 * 60 * MINUTE },
  ]
  for (const demand of weaker) {
    test(`a password alone does not make young what a code has proved, whatever is asked: ${JSON.stringify(demand)}`, async (t) => {
      const { begin, answer, signIn, time } = await scene(t)
      const session = await signIn('bob')
      const raised = done(await answer(await begin(session), session, codeAt(time.now))).issued.session
      time.now += 10 * MINUTE
      const page = await begin(raised, demand)
      assert.equal(asked(page).stage, 'password')
      const again = done(await answer(page, raised, 'bob', 'bob')).issued.session
      assert.deepEqual([again.sid, again.authLevel], [raised.sid, 2])
      assert.equal(again.authInstant, raised.authInstant)
    })
  }

  test('a proof that is as strong as any chain of the realm makes a session young, so that nobody is asked for ever', async (t) => {
    const { begin, answer, signIn, time, sessions } = await scene(t)
    const session = await signIn('alice')
    const proof = { authLevel: 9, authModules: ['gone'], properties: {} }
    const raised = (await sessions.upgrade(session, proof, context().origin))?.session
    assert.ok(raised)
    time.now += 10 * MINUTE
    const page = await begin(raised, { level: undefined, force: false, maxAgeMs: MINUTE })
    assert.equal(done(await answer(page, raised, 'alice', 'alice')).issued.session.authInstant, time.now)
  })

  test('what an earlier login proved makes no session look fresh', async (t) => {
    const optional = [
      { module: 'password', criteria: 'REQUIRED' },
      { module: 'totp', criteria: 'OPTIONAL' },
    ]
    const { begin, signIn, time, sessions } = await scene(t, { chains: { ...AUTHENTICATION.chains, optional } })
    const session = await signIn('alice')
    time.now += MINUTE
    // The password is carried over, and she has no code to give.
    assert.equal((await begin(session, { level: undefined, force: false, chain: 'optional' })).kind, 'unreachable')
    assert.equal((await sessions.find(session.sid))?.authInstant, session.authInstant)
  })

  test('a module that no chain has is asked of who has a session, and of nobody else', async (t) => {
    const { begin, signIn } = await scene(t, { chains: { default: AUTHENTICATION.chains.default } })
    const demand: LoginDemand = { level: undefined, force: false, modules: ['totp'] }
    assert.equal((await begin(undefined, demand)).kind, 'unreachable')
    assert.equal(asked(await begin(await signIn('bob'), demand)).stage, 'totp')
  })
})

suite('TOTP at a login', () => {
  test('a wrong password and a wrong code end alike where the chain goes on after the password', async (t) => {
    const required = AUTHENTICATION.chains.strong.map(({ module }) => ({ module, criteria: 'REQUIRED' }))
    const { begin, answer } = await scene(t, { chains: { ...AUTHENTICATION.chains, strong: required } })
    const [pages, ends]: [Step[], Step[]] = [[], []]
    for (const password of ['bob', 'wrong']) {
      const code = await answer(await begin(undefined), undefined, 'bob', password)
      assert.equal(asked(code).stage, 'totp')
      pages.push(code)
      ends.push(await answer(code, undefined, '000000'))
    }
    for (const [right, wrong] of [pages, ends].map((steps) => steps.map(asked))) {
      assert.deepEqual({ ...right, authId: right?.authId.length }, { ...wrong, authId: wrong?.authId.length })
    }
    assert.equal(asked(pages[0] ?? assert.fail()).begun, true, 'no page of a new login takes its place')
  })

  test('tries are counted for the account from everywhere, apart from those at the password', async (t) => {
    const { begin, answer, signIn, authn, time } = await scene(t)
    const session = await signIn('bob')
    let page = await begin(session)
    let judged = 0
    for (let i = 0; i < 12; i++) {
      const where = { ...context(session), origin: { requestId: 'r', clientIp: `198.51.100.${i}` } }
      page = await authn.submit({ realm: EMPLOYEES, authId: asked(page).authId, answers: ['000000'] }, where)
      if (asked(page).failure === 'wrong-code') judged++
      else assert.equal(asked(page).failure, 'throttled')
    }
    assert.equal(judged, 6)
    const late = await answer(page, session, codeAt(time.now))
    assert.equal(asked(late).failure, 'throttled', 'not even a right one is looked at')
    assert.equal((await signIn('bob')).username, 'bob', 'the password is not locked')
  })

  test('an authentication policy asks for a second factor whatever the chain, and says which first ones do', async (t) => {
    const policies = [{ name: 'bob', users: ['bob'], secondFactors: ['totp'] }]
    const { begin, answer, time } = await scene(t, { policies })
    const code = await answer(await begin(undefined, { level: undefined, force: false }), undefined, 'bob', 'bob')
    assert.equal(asked(code).stage, 'totp')
    assert.equal(done(await answer(code, undefined, codeAt(time.now))).issued.session.authLevel, 2)
    const alice = await answer(await begin(undefined, { level: undefined, force: false }), undefined, 'alice', 'alice')
    assert.equal(alice.kind, 'done')
  })
})

suite('setting up at a login', () => {
  test('who has no second factor sets up the first one with a fresh password, and it is theirs from then on', async (t) => {
    const { begin, answer, signIn, time, events } = await scene(t)
    const session = await signIn('alice')
    time.now += 4 * MINUTE
    const page = asked(await begin(session))
    assert.deepEqual([page.stage, page.enrols], ['totp', true])
    const secret = secretOn(page)
    assert.equal(Secret.fromBase32(secret).bytes.length, 20)
    assert.doesNotMatch(page.authId, new RegExp(secret))
    const wrong = asked(await answer(page, session, '000000'))
    assert.deepEqual([wrong.failure, secretOn(wrong)], ['wrong-code', secret])
    const code = codeAt(time.now, secret)
    const raised = done(await answer(wrong, session, code)).issued.session
    assert.equal(raised.authLevel, 2)
    assert.ok(events().some((event) => 'event' in event && event.event === 'FactorEnrolled'))
    const next = asked(await begin(raised, { ...LEVEL_2, maxAgeMs: -1 }))
    assert.equal(next.enrols, false)
    assert.equal(asked(await answer(next, raised, code)).failure, 'wrong-code', 'the code that confirmed it is used')
  })

  test('what a chain may do without is set up by nobody there', async (t) => {
    const optional = [
      { module: 'password', criteria: 'REQUIRED' },
      { module: 'totp', criteria: 'OPTIONAL' },
    ]
    const { begin, answer, events } = await scene(t, { chains: { default: optional } })
    const page = await begin(undefined, { level: undefined, force: false })
    assert.equal(done(await answer(page, undefined, 'alice', 'alice')).issued.session.authLevel, 1)
    assert.ok(events().every((event) => 'event' in event && event.event !== 'AuthnFailed'))
  })

  test('five minutes after the password it is asked again first', async (t) => {
    const { begin, answer, signIn, time } = await scene(t)
    const session = await signIn('alice')
    time.now += 5 * MINUTE + 1
    const page = asked(await begin(session))
    assert.equal(page.stage, 'password')
    const setUp = asked(await answer(page, session, 'alice', 'alice'))
    assert.deepEqual([setUp.stage, setUp.enrols], ['totp', true])
    const code = codeAt(time.now, secretOn(setUp))
    assert.equal(done(await answer(setUp, session, code)).issued.session.sid, session.sid)
  })

  test('who has another second factor cannot set one up with a password, and is told so plainly', async (t) => {
    const code = { ...codeModule(), isEnrolled: () => Promise.resolve(true) }
    const { begin, signIn, events } = await scene(t, {}, { code })
    assert.equal((await begin(await signIn('alice'))).kind, 'unreachable')
    assert.deepEqual(events().at(-1), {
      event: 'AuthnFailed',
      realm: EMPLOYEES,
      username: 'alice',
      reason: 'not-enrolled',
    })
  })

  test('of two browsers that set up at once one does, and the other is asked for the code of the first', async (t) => {
    const { begin, answer, signIn, time, events } = await scene(t)
    const sessions = [await signIn('alice'), await signIn('alice')]
    const pages = await Promise.all(sessions.map((session) => begin(session)))
    const ends = await Promise.all(pages.map((page, i) => answer(page, sessions[i], codeAt(time.now, secretOn(page)))))
    assert.deepEqual(ends.map(({ kind }) => kind).sort(), ['ask', 'done'])
    assert.ok(ends.every((end) => end.kind !== 'ask' || !end.enrols))
    assert.equal(events().filter((event) => 'event' in event && event.event === 'FactorEnrolled').length, 1)
  })
})
