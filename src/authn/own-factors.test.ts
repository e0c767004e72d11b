import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import type { Session } from '../session/session.ts'
import type { LoginDemand } from './demand.ts'
import {
  asked,
  context,
  createBench,
  DESTINATION,
  done,
  EMPLOYEES,
  TOTP_SECRET,
  user,
  type Bench,
} from './login.fixture.ts'
import type { SetUpPage } from './own-factors.ts'

const MINUTE = 60_000
const ORIGIN = { requestId: 'r', clientIp: '192.0.2.1', userAgent: undefined }

const AUTHENTICATION = {
  modules: { password: { type: 'password' }, totp: { type: 'totp' }, recovery: { type: 'recovery', offer: false } },
  chains: {
    default: [{ module: 'password', criteria: 'REQUIRED' }],
    strong: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'totp', or: ['recovery'], criteria: 'REQUIRED' },
    ],
  },
}

interface Scene extends Bench {
  /** A login, or the strengthening of a session, with these answers, a page each. */
  readonly prove: (demand: LoginDemand, session: Session | undefined, ...pages: string[][]) => Promise<Session>
}

async function scene(t: TestContext): Promise<Scene> {
  const users = [user('alice'), user('bob', { totp: TOTP_SECRET })]
  const bench = await createBench(t, { users, authentication: AUTHENTICATION })
  const prove: Scene['prove'] = async (demand, session, ...pages) => {
    let step = await bench.authn.begin({ realm: EMPLOYEES, demand, destination: DESTINATION }, context(session))
    for (const answers of pages) {
      const { authId } = asked(step)
      step = await bench.authn.submit({ realm: EMPLOYEES, authId, answers }, context(session))
    }
    return done(step).issued.session
  }
  return { ...bench, prove }
}

const NOTHING: LoginDemand = { level: undefined, force: false }

function codeAt(now: number, secret = TOTP_SECRET): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now })
}

function page(outcome: { readonly kind: string }): SetUpPage {
  assert.ok(outcome.kind === 'ask' || outcome.kind === 'again', outcome.kind)
  return outcome as SetUpPage
}

function secretOn({ callbacks }: SetUpPage): string {
  const callback = callbacks.find((each) => each.type === 'KeyUriCallback')
  assert.ok(callback?.type === 'KeyUriCallback')
  return callback.secret
}

/** Sets up an app for a session that may. */
async function addApp({ ownFactors, time }: Scene, session: Session): Promise<{ id: string; secret: string }> {
  const shown = page(await ownFactors.begin(session, 'totp'))
  const secret = secretOn(shown)
  const answer = { state: shown.state, answers: [codeAt(time.now, secret)] }
  const outcome = await ownFactors.finish(session, answer, ORIGIN)
  assert.ok(outcome.kind === 'added', outcome.kind)
  return { id: outcome.factor, secret }
}

suite('own factors', () => {
  test('one secret is set up once, from whichever of the pages that show it', async (t) => {
    const { ownFactors, time, prove } = await scene(t)
    const demand = { level: 2, force: false }
    const bob = await prove(demand, await prove(NOTHING, undefined, ['bob', 'bob']), [codeAt(time.now)])
    const first = page(await ownFactors.begin(bob, 'totp'))
    const second = page(await ownFactors.finish(bob, { state: first.state, answers: ['000000'] }, ORIGIN))
    const finish = async ({ state }: SetUpPage, at: number): Promise<string> =>
      (await ownFactors.finish(bob, { state, answers: [codeAt(at, secretOn(first))] }, ORIGIN)).kind
    assert.equal(await finish(first, time.now), 'added')
    assert.equal(await finish(second, time.now + 30_000), 'gone')
    assert.equal((await ownFactors.holdings(bob)).factors.length, 2)
  })

  test('who has none adds the first with a password of the last five minutes, names it and removes it, audited', async (t) => {
    const bench = await scene(t)
    const { ownFactors, time, prove, events } = bench
    const alice = await prove(NOTHING, undefined, ['alice', 'alice'])
    assert.deepEqual((await ownFactors.holdings(alice)).addable, [{ module: 'totp', type: 'totp', replaces: false }])
    const shown = page(await ownFactors.begin(alice, 'totp'))
    const again = page(await ownFactors.finish(alice, { state: shown.state, answers: ['000000'] }, ORIGIN))
    assert.equal(again.kind, 'again')
    assert.equal(secretOn(again), secretOn(shown), 'the picture was scanned already')
    const { id, secret } = await addApp(bench, alice)

    // From now on the app has to be proved.
    assert.equal((await ownFactors.rename(alice, id, 'Phone')).kind, 'prove-first')
    time.now += MINUTE
    const strong = await prove(await ownFactors.demandOf(alice), alice, [codeAt(time.now, secret)])
    assert.equal((await ownFactors.rename(strong, id, `  Phone\n${'x'.repeat(100)}`)).kind, 'renamed')
    const [factor] = (await ownFactors.holdings(strong)).factors
    assert.equal(factor?.name, `Phone ${'x'.repeat(54)}`)
    assert.equal(factor.isLast, true)
    assert.equal((await ownFactors.remove(strong, id, ORIGIN)).kind, 'removed')
    assert.equal((await ownFactors.remove(strong, id, ORIGIN)).kind, 'gone')
    const about = { realm: EMPLOYEES, username: 'alice', type: 'totp', factor: id }
    assert.deepEqual(
      events().filter((event) => 'factor' in event),
      [
        { event: 'FactorEnrolled', ...about },
        { event: 'FactorRemoved', ...about },
      ],
    )
  })

  test('an older password is not enough, whatever is asked for', async (t) => {
    const { ownFactors, time, prove } = await scene(t)
    const alice = await prove(NOTHING, undefined, ['alice', 'alice'])
    const shown = page(await ownFactors.begin(alice, 'totp'))
    time.now += 5 * MINUTE
    assert.equal(await ownFactors.mayChange(alice), false)
    assert.equal((await ownFactors.begin(alice, 'totp')).kind, 'prove-first')
    const answer = { state: shown.state, answers: [codeAt(time.now, secretOn(shown))] }
    assert.equal((await ownFactors.finish(alice, answer, ORIGIN)).kind, 'prove-first')
    assert.equal((await ownFactors.remove(alice, 'x', ORIGIN)).kind, 'prove-first')
    assert.deepEqual(await ownFactors.demandOf(alice), { level: undefined, maxAgeMs: 300_000, force: false })
    const fresh = await prove(await ownFactors.demandOf(alice), alice, ['alice', 'alice'])
    assert.equal(await ownFactors.mayChange(fresh), true)
  })

  test('who has a second factor proves that one: a password that is fresh does not make an old code so', async (t) => {
    const { ownFactors, time, prove } = await scene(t)
    const weak = await prove(NOTHING, undefined, ['bob', 'bob'])
    assert.equal(await ownFactors.mayChange(weak), false)
    const bob = await prove({ level: 2, force: false }, weak, [codeAt(time.now)])
    assert.equal(await ownFactors.mayChange(bob), true)
    time.now += 6 * MINUTE
    assert.equal(await ownFactors.mayChange(bob), false)
    assert.deepEqual(await ownFactors.demandOf(bob), { level: 2, maxAgeMs: 300_000, force: false })
    const renewed = await prove({ level: undefined, force: true }, bob, ['bob', 'bob'])
    assert.equal(renewed.authLevel, 2)
    assert.equal(await ownFactors.mayChange(renewed), false)
    const strong = await prove(await ownFactors.demandOf(renewed), renewed, [codeAt(time.now)])
    assert.equal(await ownFactors.mayChange(strong), true)
  })

  test('what the configuration declares is neither named nor removed; recovery codes come after another factor, and are counted', async (t) => {
    const { ownFactors, time, prove } = await scene(t)
    const weak = await prove(NOTHING, undefined, ['bob', 'bob'])
    const bob = await prove({ level: 2, force: false }, weak, [codeAt(time.now)])
    const { factors, addable } = await ownFactors.holdings(bob)
    assert.deepEqual(
      factors.map(({ type, declared, left }) => [type, declared, left]),
      [['totp', true, undefined]],
    )
    const [declared] = factors
    assert.equal((await ownFactors.rename(bob, declared?.id ?? '', 'x')).kind, 'gone')
    assert.equal((await ownFactors.remove(bob, declared?.id ?? '', ORIGIN)).kind, 'gone')
    assert.deepEqual(
      addable.map(({ module, replaces }) => [module, replaces]),
      [
        ['totp', false],
        ['recovery', true],
      ],
    )
    const shown = page(await ownFactors.begin(bob, 'recovery'))
    const callback = shown.callbacks.find((each) => each.type === 'RecoveryCodesCallback')
    const codes = callback?.type === 'RecoveryCodesCallback' ? callback.codes : []
    const answer = { state: shown.state, answers: [codes[0] ?? ''] }
    assert.equal((await ownFactors.finish(bob, answer, ORIGIN)).kind, 'added')
    const set = (await ownFactors.holdings(bob)).factors.find(({ type }) => type === 'recovery')
    assert.deepEqual([set?.left, set?.isLast], [codes.length, false])

    const alice = await prove(NOTHING, undefined, ['alice', 'alice'])
    assert.equal((await ownFactors.begin(alice, 'recovery')).kind, 'gone')
    assert.equal((await ownFactors.begin(alice, 'password')).kind, 'gone')
    assert.equal((await ownFactors.begin(alice, 'nonesuch')).kind, 'gone')
  })

  test('a page sets up one factor, once, for the session that it was shown to', async (t) => {
    const { ownFactors, time, prove } = await scene(t)
    const alice = await prove(NOTHING, undefined, ['alice', 'alice'])
    const other = await prove(NOTHING, undefined, ['alice', 'alice'])
    const shown = page(await ownFactors.begin(alice, 'totp'))
    const answer = { state: shown.state, answers: [codeAt(time.now, secretOn(shown))] }
    for (const state of ['', `${shown.state}A`]) {
      assert.equal((await ownFactors.finish(alice, { ...answer, state }, ORIGIN)).kind, 'gone')
    }
    assert.equal((await ownFactors.finish(other, answer, ORIGIN)).kind, 'gone')
    const outcomes = await Promise.all([1, 2, 3].map(() => ownFactors.finish(alice, answer, ORIGIN)))
    assert.equal(outcomes.filter(({ kind }) => kind === 'added').length, 1)
    assert.equal((await ownFactors.holdings(alice)).factors.length, 1)
  })

  test("somebody else's factor is none of theirs", async (t) => {
    const bench = await scene(t)
    const alice = await bench.prove(NOTHING, undefined, ['alice', 'alice'])
    const { id } = await addApp(bench, alice)
    const weak = await bench.prove(NOTHING, undefined, ['bob', 'bob'])
    const bob = await bench.prove({ level: 2, force: false }, weak, [codeAt(bench.time.now)])
    assert.equal((await bench.ownFactors.rename(bob, id, 'mine')).kind, 'gone')
    assert.equal((await bench.ownFactors.remove(bob, id, ORIGIN)).kind, 'gone')
    assert.equal((await bench.ownFactors.holdings(alice)).factors.length, 1)
  })
})
