import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import type { Session } from '../session/session.ts'
import type { LoginDemand } from './demand.ts'
import { asked, context, createBench, DESTINATION, done, EMPLOYEES, type Bench } from './login.fixture.ts'
import { LATER, type Step } from './step.ts'

const LEVEL_2: LoginDemand = { level: 2, force: false }
const MINUTE = 60_000

const AUTHENTICATION = {
  modules: { password: { type: 'password' }, totp: { type: 'totp' }, recovery: { type: 'recovery' } },
  chains: {
    default: [{ module: 'password', criteria: 'REQUIRED' }],
    strong: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'totp', or: ['recovery'], criteria: 'REQUIRED' },
    ],
  },
}

interface Scene extends Bench {
  readonly begin: (session?: Session, demand?: LoginDemand) => Promise<Step>
  readonly answer: (step: Step, session: Session | undefined, ...answers: string[]) => Promise<Step>
  readonly choose: (step: Step, session: Session | undefined, choose: string) => Promise<Step>
  /** Alice, by password. */
  readonly signIn: () => Promise<Session>
  /** Alice with an app; the page that offers her codes. */
  readonly offered: (session: Session) => Promise<Step>
}

async function scene(t: TestContext, modules: object = {}, chains: object = AUTHENTICATION.chains): Promise<Scene> {
  const authentication = { chains, modules: { ...AUTHENTICATION.modules, ...modules } }
  const bench = await createBench(t, { authentication })
  const begin: Scene['begin'] = (session, demand = LEVEL_2) =>
    bench.authn.begin({ realm: EMPLOYEES, demand, destination: DESTINATION }, context(session))
  const answer: Scene['answer'] = (step, session, ...answers) =>
    bench.authn.submit({ realm: EMPLOYEES, authId: asked(step).authId, answers }, context(session))
  const choose: Scene['choose'] = (step, session, module) =>
    bench.authn.submit({ realm: EMPLOYEES, authId: asked(step).authId, answers: [], choose: module }, context(session))
  const signIn = async (): Promise<Session> => {
    const page = await begin(undefined, { level: undefined, force: false })
    return done(await answer(page, undefined, 'alice', 'alice')).issued.session
  }
  const offered = async (session: Session): Promise<Step> => {
    const page = asked(await begin(session))
    const uri = page.callbacks.find((each) => each.type === 'KeyUriCallback')
    assert.ok(uri?.type === 'KeyUriCallback', 'the app comes first: codes alone are no second factor')
    const code = new TOTP({ secret: Secret.fromBase32(uri.secret) }).generate({ timestamp: bench.time.now })
    return answer(page, session, code)
  }
  return { ...bench, begin, answer, choose, signIn, offered }
}

function codesOn(step: Step): readonly string[] {
  const callback = asked(step).callbacks.find((each) => each.type === 'RecoveryCodesCallback')
  assert.ok(callback?.type === 'RecoveryCodesCallback', 'no codes are shown')
  return callback.codes
}

/** The level that alice reaches with a code, on a session of its own. */
async function use({ signIn, begin, choose, answer }: Scene, code: string): Promise<Step> {
  const session = await signIn()
  const page = await begin(session)
  const chosen = asked(page).stage === 'recovery' ? page : await choose(page, session, 'recovery')
  return answer(chosen, session, code)
}

suite('recovery codes', () => {
  test('ten are offered after the first factor is set up, and kept once one of them is typed', async (t) => {
    const bench = await scene(t)
    const session = await bench.signIn()
    const page = asked(await bench.offered(session))
    const codes = codesOn(page)
    assert.deepEqual([page.stage, page.enrols, page.optional], ['recovery', true, true])
    assert.equal(new Set(codes).size, 10)
    for (const code of codes) {
      assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}$/)
      assert.ok(!page.authId.includes(code))
    }
    const wrong = asked(await bench.answer(page, session, '0000-0000-0000-0000'))
    assert.deepEqual([wrong.failure, codesOn(wrong)], ['wrong-code', codes])
    const typed = codes[3]?.toLowerCase().replaceAll('-', ' ') ?? ''
    const { issued } = done(await bench.answer(wrong, session, typed))
    assert.deepEqual(issued.session.authModules, ['password', 'totp'], 'what was offered proves nothing')
    assert.equal(bench.events().filter((event) => 'type' in event && event.type === 'recovery').length, 1)
    const again = done(await use(bench, codes[3] ?? ''))
    assert.equal(again.issued.session.authLevel, 2)
    assert.deepEqual(again.issued.session.authModules, ['password', 'recovery'])
  })

  test('nobody sets them up first, wherever a chain names them', async (t) => {
    const codesFirst = [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'recovery', or: ['totp'], criteria: 'REQUIRED' },
    ]
    const bench = await scene(t, {}, { ...AUTHENTICATION.chains, strong: codesFirst })
    const page = asked(await bench.begin(await bench.signIn()))
    assert.deepEqual([page.stage, page.enrols, page.others], ['totp', true, []])
  })

  test('put off, they are not kept, and not offered with every login', async (t) => {
    const bench = await scene(t)
    const session = await bench.signIn()
    const page = await bench.offered(session)
    const codes = codesOn(page)
    done(await bench.choose(page, session, LATER))
    const next = asked(await bench.begin(await bench.signIn()))
    assert.deepEqual([next.stage, next.others], ['totp', []])
    assert.notEqual((await use(bench, codes[0] ?? '')).kind, 'done')
  })

  test('where the realm does not want them offered, they are not', async (t) => {
    const bench = await scene(t, { recovery: { type: 'recovery', offer: false } })
    done(await bench.offered(await bench.signIn()))
  })

  test('each works once, wherever and however often it is sent at once', async (t) => {
    const bench = await scene(t)
    const session = await bench.signIn()
    const page = await bench.offered(session)
    const [code = ''] = codesOn(page)
    await bench.answer(page, session, code)
    const pages = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const own = await bench.signIn()
        return { own, page: await bench.choose(await bench.begin(own), own, 'recovery') }
      }),
    )
    const ends = await Promise.all(pages.map((each) => bench.answer(each.page, each.own, code)))
    assert.equal(ends.filter(({ kind }) => kind === 'done').length, 1)
    bench.time.now += 30 * MINUTE
    const late = asked(await use(bench, code))
    assert.deepEqual([late.stage, late.failure], ['recovery', 'wrong-code'])
  })

  test('a new set is offered once three are left, and takes the place of the old one as a whole', async (t) => {
    const bench = await scene(t)
    const session = await bench.signIn()
    const page = await bench.offered(session)
    const codes = codesOn(page)
    await bench.answer(page, session, codes[0] ?? '')
    for (const code of codes.slice(0, 6)) assert.equal((await use(bench, code)).kind, 'done')
    const own = await bench.signIn()
    const chosen = await bench.choose(await bench.begin(own), own, 'recovery')
    const offer = asked(await bench.answer(chosen, own, codes[6] ?? ''))
    assert.equal(offer.optional, true)
    assert.ok(
      offer.callbacks.some((each) => each.type === 'TextOutputCallback' && each.parameters?.['left'] === '3'),
      'it says how many are left',
    )
    const fresh = codesOn(offer)
    done(await bench.answer(offer, own, fresh[0] ?? ''))
    assert.notEqual((await use(bench, codes[7] ?? '')).kind, 'done', 'the old set is gone')
    assert.equal((await use(bench, fresh[0] ?? '')).kind, 'done')
  })

  test('a set that nobody confirmed in time is not kept', async (t) => {
    const bench = await scene(t)
    const session = await bench.signIn()
    const page = await bench.offered(session)
    bench.time.now += 6 * MINUTE
    assert.equal((await bench.answer(page, session, codesOn(page)[0] ?? '')).kind, 'expired')
  })

  test('guesses are throttled for the account, apart from those at the app', async (t) => {
    const bench = await scene(t)
    const session = await bench.signIn()
    const offer = await bench.offered(session)
    const [code = ''] = codesOn(offer)
    await bench.answer(offer, session, code)
    const own = await bench.signIn()
    let page = await bench.choose(await bench.begin(own), own, 'recovery')
    for (let i = 0; i < 7; i++) page = await bench.answer(page, own, `0000-0000-0000-000${i}`)
    assert.equal(asked(page).failure, 'throttled')
    assert.equal(asked(await bench.answer(page, own, code)).failure, 'throttled')
  })
})
