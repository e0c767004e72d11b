import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import type { AgentId } from '../base/brand.ts'
import { chainsPassed } from '../policy/chains-passed.ts'
import type { Session } from '../session/session.ts'
import { TRANSACTION_MS, type AskedRequest } from '../session/transactions.ts'
import type { LoginDemand } from './demand.ts'
import { asked, context, createBench, DESTINATION, done, EMPLOYEES, TOTP_SECRET } from './login.fixture.ts'
import type { Step } from './step.ts'

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
const NOTHING: LoginDemand = { level: undefined, force: false }

async function scene(t: TestContext) {
  const bench = await createBench(t, { authentication: AUTHENTICATION })
  const begin = (session: Session | undefined, demand: LoginDemand): Promise<Step> =>
    bench.authn.begin({ realm: EMPLOYEES, demand, destination: DESTINATION }, context(session))
  const answer = (step: Step, session: Session | undefined, ...answers: string[]): Promise<Step> =>
    bench.authn.submit({ realm: EMPLOYEES, authId: asked(step).authId, answers }, context(session))
  const signIn = async (username: string): Promise<Session> =>
    done(await answer(await begin(undefined, NOTHING), undefined, username, username)).issued.session
  const code = (): string => {
    bench.time.now += 30_000
    return new TOTP({ secret: Secret.fromBase32(TOTP_SECRET) }).generate({ timestamp: bench.time.now })
  }
  /** bob, who has proved both already. */
  const strong = async (): Promise<Session> => {
    const session = await signIn('bob')
    return done(await answer(await begin(session, { level: 2, force: false }), session, code())).issued.session
  }
  const ask = async (session: Session, requirement: string) => {
    const request = requestOf(session, requirement)
    const id = (await bench.transactions.ask(request)) ?? ''
    return { id, request, demand: { ...NOTHING, transaction: id } }
  }
  return { ...bench, begin, answer, signIn, code, strong, ask }
}

function requestOf(session: Session, requirement: string): AskedRequest {
  const requirements = [requirement]
  return {
    session,
    agent: 'pay' as AgentId,
    method: 'POST',
    url: 'https://pay/transfer?a=1',
    content: 'c',
    requirements,
  }
}

suite('approving a request', () => {
  for (const requirement of ['AuthLevel:2', 'AuthScheme:totp']) {
    test(`${requirement}: what it takes is proved anew, however fresh the session is`, async (t) => {
      const { begin, answer, code, strong, ask, transactions, events } = await scene(t)
      const session = await strong()
      const { request, demand, id } = await ask(session, requirement)
      const page = asked(await begin(session, demand))
      assert.equal(page.stage, 'totp')
      const { agent, method, path } = page.approves ?? {}
      assert.deepEqual([agent, method, path], ['pay', 'POST', '/transfer'])
      assert.equal(asked(await answer(page, session, '000000')).failure, 'wrong-code')
      assert.equal(await transactions.redeem(request), undefined)
      const again = await begin(session, demand)
      const { issued } = done(await answer(again, session, code()))
      assert.deepEqual([issued.session.sid, issued.session.gen], [session.sid, session.gen + 1])
      assert.equal(await transactions.redeem(request), id)
      const approved = events().filter((event) => 'event' in event && event.event === 'TransactionApproved')
      assert.equal(approved.length, 1)
    })
  }

  test('AuthenticateToService: the whole chain is run', async (t) => {
    const { begin, answer, code, strong, ask, transactions } = await scene(t)
    const session = await strong()
    const { request, demand } = await ask(session, 'AuthenticateToService:strong')
    const page = asked(await begin(session, demand))
    assert.equal(page.stage, 'password')
    const second = asked(await answer(page, session, 'bob', 'bob'))
    assert.equal(second.stage, 'totp')
    assert.equal(second.approves?.path, '/transfer')
    done(await answer(second, session, code()))
    assert.ok(await transactions.redeem(request))
  })

  test('waits for the session it was asked of: another one of the same person, or nobody, approves nothing', async (t) => {
    const { begin, strong, ask } = await scene(t)
    const session = await strong()
    const other = await strong()
    const { demand } = await ask(session, 'AuthLevel:2')
    assert.equal((await begin(other, demand)).kind, 'approval-over')
    assert.equal((await begin(undefined, demand)).kind, 'approval-over')
    assert.equal((await begin(session, { ...NOTHING, transaction: 'x' })).kind, 'approval-over')
    assert.equal(asked(await begin(session, demand)).stage, 'totp')
  })

  test('another person cannot answer it', async (t) => {
    const { begin, answer, strong, ask, transactions } = await scene(t)
    const session = await strong()
    const { request, demand } = await ask(session, 'AuthenticateToService:default')
    const page = asked(await answer(await begin(session, demand), session, 'alice', 'alice'))
    assert.equal(page.failure, 'bad-credentials')
    assert.equal(await transactions.redeem(request), undefined)
  })

  test('an ordinary step-up of the same session approves nothing', async (t) => {
    const { begin, answer, code, strong, ask, transactions } = await scene(t)
    const session = await strong()
    const { request } = await ask(session, 'AuthLevel:2')
    done(await answer(await begin(session, { level: 2, force: false, maxAgeMs: 0 }), session, code()))
    assert.equal(await transactions.redeem(request), undefined)
  })

  test('of two pages of one transaction one approves; the other strengthens the session only', async (t) => {
    const { begin, answer, code, strong, ask, transactions } = await scene(t)
    const session = await strong()
    const { request, demand } = await ask(session, 'AuthLevel:2')
    const [one, two] = [await begin(session, demand), await begin(session, demand)]
    const { issued } = done(await answer(one, session, code()))
    assert.ok(await transactions.redeem(request))
    await answer(two, issued.session, code())
    assert.equal(await transactions.redeem(request), undefined)
  })

  test('what comes after three minutes approves nothing', async (t) => {
    const { begin, answer, code, strong, ask, transactions, time } = await scene(t)
    const session = await strong()
    const { request, demand } = await ask(session, 'AuthLevel:2')
    const page = await begin(session, demand)
    time.now += TRANSACTION_MS
    await answer(page, session, code())
    assert.equal(await transactions.redeem(request), undefined)
  })
})

suite('chains that a session has passed', () => {
  test('are remembered, in order, and not asked again', async (t) => {
    const { begin, answer, signIn, code } = await scene(t)
    const session = await signIn('bob')
    assert.deepEqual(chainsPassed(session.properties), ['default'])
    const demand: LoginDemand = { ...NOTHING, chain: 'strong' }
    const page = asked(await begin(session, demand))
    assert.equal(page.stage, 'totp', 'what was proved is not asked again')
    const { issued } = done(await answer(page, session, code()))
    assert.deepEqual(chainsPassed(issued.session.properties), ['default', 'strong'])
  })
})
