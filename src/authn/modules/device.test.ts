import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { NOTHING_PRESENTED } from '../../http/presented.ts'
import type { User } from '../../identity/directory.ts'
import type { Session } from '../../session/session.ts'
import type { LoginContext } from '../login-call.ts'
import { suffices, type LoginDemand } from '../demand.ts'
import {
  asked,
  context,
  createBench,
  DESTINATION,
  done,
  EMPLOYEES,
  NO_DEMAND,
  TOTP_SECRET,
  user,
  type Bench,
  type BenchOptions,
} from '../login.fixture.ts'
import type { Step } from '../step.ts'

const MINUTE = 60_000
const DAY = 86_400_000

const STRONG = [
  { module: 'password', criteria: 'REQUISITE' },
  { module: 'totp', or: ['device'], criteria: 'REQUIRED' },
]
const AUTHENTICATION = {
  modules: { password: { type: 'password' }, totp: { type: 'totp' }, device: { type: 'device', rememberFor: '30d' } },
  chains: { default: STRONG, real: STRONG.map(({ module, criteria }) => ({ module, criteria })) },
}
/** The same where a remembered browser reaches the level of the factor. */
const AS_STRONG = {
  modules: { ...AUTHENTICATION.modules, device: { type: 'device', authLevel: 2 } },
  chains: { default: STRONG },
}

/** One browser: keeps what it is given, and sends it back. */
class Browser {
  readonly cookies = new Map<string, string>()
  readonly #bench: Bench

  constructor(bench: Bench) {
    this.#bench = bench
  }

  copy(): Browser {
    const copy = new Browser(this.#bench)
    for (const [name, value] of this.cookies) copy.cookies.set(name, value)
    return copy
  }

  async begin(session?: Session, demand: LoginDemand = NO_DEMAND): Promise<Step> {
    const request = { realm: EMPLOYEES, demand, destination: DESTINATION }
    return this.#kept(await this.#bench.authn.begin(request, this.#context(session)))
  }

  async answer(step: Step, answers: readonly string[], session?: Session): Promise<Step> {
    const request = { realm: EMPLOYEES, authId: asked(step).authId, answers }
    return this.#kept(await this.#bench.authn.submit(request, this.#context(session)))
  }

  /** To the page after the password. */
  async password(username: string, session?: Session, demand?: LoginDemand): Promise<Step> {
    return this.answer(await this.begin(session, demand), [username, username], session)
  }

  #kept(step: Step): Step {
    for (const { name, value } of step.keeps ?? []) this.cookies.set(name, value)
    return step
  }

  #context(session: Session | undefined): LoginContext {
    const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const origin = { requestId: 'r-1', clientIp: '192.0.2.1', userAgent }
    return context(session, { origin, presented: { ...NOTHING_PRESENTED, cookie: (name) => this.cookies.get(name) } })
  }
}

interface Scene extends Bench {
  readonly browser: Browser
  /** Each a step later, so that none was used before. */
  readonly code: () => string
  readonly remembered: () => Promise<Session>
  readonly devices: (
    username?: string,
  ) => Promise<readonly { readonly name: string; readonly until?: number | undefined }[]>
}

async function scene(t: TestContext, authentication: object = {}, options: BenchOptions = {}): Promise<Scene> {
  const bench = await createBench(t, { ...options, authentication: { ...AUTHENTICATION, ...authentication } })
  const browser = new Browser(bench)
  const { time, ownFactors } = bench
  const code = (): string => {
    time.now += 30_000
    return new TOTP({ secret: Secret.fromBase32(TOTP_SECRET) }).generate({ timestamp: time.now })
  }
  let last: Session | undefined
  const remembered = async (): Promise<Session> => {
    const page = await browser.password('bob')
    last = done(await browser.answer(page, [code(), 'true'])).issued.session
    return last
  }
  const devices: Scene['devices'] = async () => {
    const { factors } = last === undefined ? { factors: [] } : await ownFactors.holdings(last)
    return factors.filter(({ type }) => type === 'device')
  }
  return { ...bench, browser, code, remembered, devices }
}

function pageOf(step: Step): readonly (string | undefined)[] {
  const { stage, callbacks } = asked(step)
  return [stage, ...callbacks.map(({ type }) => type)]
}

const CODE_PAGE = ['totp', 'NameCallback', 'BooleanAttributeInputCallback']

suite('remembering a browser', () => {
  test('a box on the page of the code: who ticks it is not asked for the code there the next time', async (t) => {
    const { browser, remembered, devices, time, events } = await scene(t)
    assert.deepEqual(pageOf(await browser.begin()), ['password', 'NameCallback', 'PasswordCallback'])
    assert.deepEqual(pageOf(await browser.password('bob')), CODE_PAGE)
    await remembered()
    assert.equal(browser.cookies.size, 1)
    const [[name, value] = ['', '']] = browser.cookies
    assert.match(name, /^__Host-gatehouse-device-[\w-]{16}$/)
    assert.match(value, /^[\w-]{16}\.[\w-]{43}$/)
    const [device] = await devices()
    assert.deepEqual([device?.name, device?.until], ['Firefox, Linux', time.now + 30 * DAY])
    assert.ok(events().some((event) => 'type' in event && event.type === 'device'))

    time.now += DAY
    const { issued } = done(await browser.password('bob'))
    assert.deepEqual([issued.session.authLevel, issued.session.authModules], [1, ['password', 'device']])
    assert.notEqual(browser.cookies.get(name), value, 'its secret is another one')
    assert.equal((await devices()).length, 1)
  })

  test('nobody is remembered who did not ask for it, whose code was wrong, or who is in another browser', async (t) => {
    const { browser, code, remembered, devices, ...bench } = await scene(t)
    done(await browser.answer(await browser.password('bob'), [code()]))
    done(await browser.answer(await browser.password('bob'), [code(), 'false']))
    assert.equal(browser.cookies.size, 0)
    const wrong = asked(await browser.answer(await browser.password('bob'), ['000000', 'true']))
    assert.equal(wrong.failure, 'wrong-code')
    // The box of the page before is none of this answer.
    done(await browser.answer(wrong, [code()]))
    assert.equal(browser.cookies.size, 0)
    await remembered()
    assert.deepEqual(pageOf(await new Browser(bench).password('bob')), CODE_PAGE)
    assert.equal((await devices()).length, 1)
  })

  test('the box tells nothing: after a wrong password of a REQUIRED entry the page is the same', async (t) => {
    const chains = { default: STRONG.map((entry) => ({ ...entry, criteria: 'REQUIRED' })) }
    const { browser, remembered } = await scene(t, { chains })
    await remembered()
    assert.deepEqual(pageOf(await browser.answer(await browser.begin(), ['bob', 'wrong'])), CODE_PAGE)
    assert.deepEqual(pageOf(await browser.answer(await browser.begin(), ['nobody', 'wrong'])), CODE_PAGE)
  })

  test('it ends after its time, which using it does not prolong', async (t) => {
    const { browser, remembered, time, devices } = await scene(t)
    await remembered()
    time.now += 29 * DAY
    done(await browser.password('bob'))
    time.now += DAY
    assert.deepEqual(pageOf(await browser.password('bob')), CODE_PAGE)
    assert.deepEqual(await devices(), [])
  })

  test('it is bound to the person: of two who share a browser each has their own', async (t) => {
    const users = [user('bob', { totp: TOTP_SECRET }), user('carl', { totp: TOTP_SECRET })]
    const { browser, remembered, code } = await scene(t, {}, { users })
    await remembered()
    const page = await browser.password('carl')
    assert.deepEqual(pageOf(page), CODE_PAGE)
    // Even with bob's cookie under the name of carl's.
    done(await browser.answer(page, [code(), 'true']))
    const [[bobs, secret] = ['', ''], [carls] = ['']] = [...browser.cookies]
    assert.notEqual(bobs, carls)
    browser.cookies.set(carls, secret)
    assert.deepEqual(pageOf(await browser.password('carl')), CODE_PAGE)
    done(await browser.password('bob'))
  })

  test('no more than so many are remembered; the one that was used least recently goes', async (t) => {
    const modules = { ...AUTHENTICATION.modules, device: { type: 'device', most: 2 } }
    const { browser, code, remembered, devices, time, ...bench } = await scene(t, { modules })
    await remembered()
    const second = new Browser({ ...bench, time })
    done(await second.answer(await second.password('bob'), [code(), 'true']))
    time.now += MINUTE
    done(await browser.password('bob'))
    const third = new Browser({ ...bench, time })
    done(await third.answer(await third.password('bob'), [code(), 'true']))
    assert.equal((await devices()).length, 2)
    assert.deepEqual(pageOf(await second.password('bob')), CODE_PAGE)
    done(await browser.password('bob'))
  })

  test('as an entry of its own (SUFFICIENT before the code), as in OpenAM', async (t) => {
    const chains = {
      default: [
        { module: 'password', criteria: 'REQUISITE' },
        { module: 'device', criteria: 'SUFFICIENT' },
        { module: 'totp', criteria: 'REQUIRED' },
      ],
    }
    const { browser, remembered } = await scene(t, { chains })
    await remembered()
    done(await browser.password('bob'))
    browser.cookies.clear()
    assert.deepEqual(pageOf(await browser.password('bob')), CODE_PAGE)
  })

  test('where an authentication policy wants a second factor it does as one, and is not carried over as one', async (t) => {
    const policies = [{ name: 'all', secondFactors: ['totp', 'device'] }]
    const chains = { default: [{ module: 'password', criteria: 'REQUIRED' }] }
    const { browser, remembered, time } = await scene(t, { policies, chains })
    await remembered()
    const { session } = done(await browser.password('bob')).issued
    time.now += 10 * MINUTE
    const page = await browser.password('bob', session, { ...NO_DEMAND, maxAgeMs: 5 * MINUTE })
    assert.deepEqual(pageOf(page), CODE_PAGE)
  })
})

suite('a remembered browser proves nothing anew', () => {
  test('ForceAuth, an age and a transaction ask for the factor itself', async (t) => {
    const { browser, remembered, time } = await scene(t, AS_STRONG)
    await remembered()
    time.now += DAY
    const { session } = done(await browser.password('bob')).issued
    assert.equal(session.authLevel, 2)
    const forced = await browser.password('bob', session, { level: undefined, force: true })
    assert.deepEqual(pageOf(forced), CODE_PAGE)
    const aged = asked(await browser.begin(session, { level: undefined, force: false, maxAgeMs: 5 * MINUTE }))
    assert.equal(aged.stage, 'totp', 'the strongest is asked anew, and it is the code')
    const fresh = await browser.password('bob', undefined, { level: 2, force: false, maxAgeMs: 5 * MINUTE })
    assert.deepEqual(pageOf(fresh), CODE_PAGE)
  })

  test('a session is as old as the factor that was proved: an age of five minutes is not met by the password', async (t) => {
    const { browser, remembered, code, time } = await scene(t, AS_STRONG)
    await remembered()
    const provenAt = time.now
    time.now += DAY
    const { session } = done(await browser.password('bob')).issued
    const demand = { level: 2, force: false, maxAgeMs: 5 * MINUTE }
    assert.equal(session.authInstant, provenAt)
    assert.equal(suffices(session, demand, time.now), false)
    const { issued } = done(await browser.answer(await browser.begin(session, demand), [code()], session))
    assert.equal(suffices(issued.session, demand, time.now), true)
  })

  test('a step-up by it makes the session no younger, either', async (t) => {
    const chains = { default: [{ module: 'password', criteria: 'REQUIRED' }], strong: STRONG }
    const { browser, code, time } = await scene(t, { ...AS_STRONG, chains })
    const first = done(await browser.password('bob')).issued.session
    const page = await browser.begin(first, { level: 2, force: false })
    done(await browser.answer(page, [code(), 'true'], first))
    const provenAt = time.now
    time.now += DAY
    const { session } = done(await browser.password('bob')).issued
    assert.equal(session.authInstant, time.now)
    const { issued } = done(await browser.begin(session, { level: 2, force: false }))
    assert.deepEqual([issued.session.authLevel, issued.session.authInstant], [2, provenAt])
  })

  test('it is no proof for the account page: nothing there may be changed by it', async (t) => {
    const { browser, remembered, time, ownFactors } = await scene(t, AS_STRONG)
    assert.equal(await ownFactors.mayChange(await remembered()), true)
    time.now += DAY
    const { session } = done(await browser.password('bob')).issued
    assert.equal(await ownFactors.mayChange(session), false)
    assert.equal(
      Object.keys(session.properties).some((name) => name === 'provenAt.device'),
      false,
    )
    assert.equal((await ownFactors.demandOf(session)).level, 2)
  })

  test('with its own level it does not reach what asks for the level of a factor', async (t) => {
    const { browser, remembered } = await scene(t)
    await remembered()
    const { session } = done(await browser.password('bob')).issued
    assert.equal(suffices(session, { level: 2, force: false }, 0), false)
    assert.equal(asked(await browser.begin(session, { level: 2, force: false })).stage, 'totp')
  })
})

suite('a cookie in two hands', () => {
  test('a secret that was used opens nothing, and ends the browser for both', async (t) => {
    const { browser, remembered, time, devices, events } = await scene(t)
    await remembered()
    const thief = browser.copy()
    time.now += MINUTE
    done(await thief.password('bob'))
    time.now += MINUTE
    assert.deepEqual(pageOf(await browser.password('bob')), CODE_PAGE)
    assert.ok(events().some((event) => 'reason' in event && event.reason === 'copied-device'))
    assert.deepEqual(await devices(), [])
    assert.deepEqual(pageOf(await thief.password('bob')), CODE_PAGE)
  })

  test('an older one ends it as well, and so does one that was made up', async (t) => {
    for (const spoil of [(value: string) => value, (value: string) => `${value.slice(0, 17)}${'A'.repeat(43)}`]) {
      const { browser, remembered, time, devices } = await scene(t)
      await remembered()
      const thief = browser.copy()
      for (const [name, value] of thief.cookies) thief.cookies.set(name, spoil(value))
      for (let i = 0; i < 3; i++) {
        time.now += MINUTE
        done(await browser.password('bob'))
      }
      assert.deepEqual(pageOf(await thief.password('bob')), CODE_PAGE)
      assert.deepEqual(await devices(), [])
    }
  })

  test('of twenty logins at once with one secret one is through', async (t) => {
    const { browser, remembered, time } = await scene(t)
    await remembered()
    time.now += MINUTE
    const copies = Array.from({ length: 20 }, () => browser.copy())
    const pages = await Promise.all(copies.map((copy) => copy.begin()))
    const steps = await Promise.all(copies.map((copy, i) => copy.answer(pages[i] as Step, ['bob', 'bob'])))
    assert.equal(steps.filter(({ kind }) => kind === 'done').length, 1)
  })

  test('a form that was sent twice ends nothing: the second time it only opens nothing', async (t) => {
    const { browser, remembered, time, devices } = await scene(t)
    await remembered()
    time.now += MINUTE
    const twice = browser.copy()
    done(await browser.password('bob'))
    time.now += 5_000
    assert.deepEqual(pageOf(await twice.password('bob')), CODE_PAGE)
    assert.equal((await devices()).length, 1)
    done(await browser.password('bob'))
  })

  test('two logins that were both let pass with one secret do not both end in a session', async (t) => {
    const modules = { ...AUTHENTICATION.modules, last: { type: 'password' } }
    const chains = { default: [...STRONG, { module: 'last', criteria: 'REQUIRED' }] }
    const { browser, code, devices, time, ownFactors } = await scene(t, { modules, chains })
    const last = await browser.answer(await browser.password('bob'), [code(), 'true'])
    const { session } = done(await browser.answer(last, ['bob', 'bob'])).issued
    time.now += MINUTE
    const thief = browser.copy()
    const [own, copied] = [await browser.password('bob'), await thief.password('bob')]
    assert.deepEqual([asked(own).stage, asked(copied).stage], ['last', 'last'])
    done(await browser.answer(own, ['bob', 'bob']))
    time.now += 11_000
    assert.notEqual((await thief.answer(copied, ['bob', 'bob'])).kind, 'done')
    const { factors } = await ownFactors.holdings(session)
    assert.ok(factors.every(({ type }) => type !== 'device'))
    assert.deepEqual(await devices(), [])
  })

  test('without the password it is worth nothing, and names no other factor to be removed', async (t) => {
    const { browser, ownFactors, time } = await scene(t, {}, { users: [user('dora')] })
    const page = asked(await browser.password('dora'))
    const uri = page.callbacks.find((each) => each.type === 'KeyUriCallback')
    const app = new TOTP({ secret: Secret.fromBase32(uri?.type === 'KeyUriCallback' ? uri.secret : '') })
    const code = (): string => app.generate({ timestamp: (time.now += MINUTE) })
    time.now -= MINUTE
    done(await browser.answer(page, [code()]))
    const { session } = done(await browser.answer(await browser.password('dora'), [code(), 'true'])).issued
    const wrong = asked(await browser.answer(await browser.begin(), ['dora', 'wrong']))
    assert.equal(wrong.failure, 'bad-credentials')
    const { factors } = await ownFactors.holdings(session)
    const totp = factors.find(({ type }) => type === 'totp')
    const stranger = browser.copy()
    for (const [name] of browser.cookies) stranger.cookies.set(name, `${totp?.id ?? ''}.${'A'.repeat(43)}`)
    done(await stranger.answer(await stranger.password('dora'), [code(), 'true']))
    const after = (await ownFactors.holdings(session)).factors.map(({ type }) => type)
    assert.deepEqual(after, ['totp', 'device', 'device'])
  })
})

suite('forgetting a browser', () => {
  test('its owner removes it on the account page', async (t) => {
    const { browser, remembered, ownFactors } = await scene(t)
    const session = await remembered()
    const { factors } = await ownFactors.holdings(session)
    const device = factors.find(({ type }) => type === 'device')
    const removed = await ownFactors.remove(session, device?.id ?? '', context().origin)
    assert.equal(removed.kind, 'removed')
    assert.deepEqual(pageOf(await browser.password('bob')), CODE_PAGE)
  })

  test('a new password, chosen in the login, has it asked for everything again', async (t) => {
    const first: { stamp: string | undefined } = { stamp: undefined }
    const bob: User = { id: 'bob', username: 'bob', groups: new Set(), attributes: {} }
    const { browser, remembered, devices } = await scene(
      t,
      {},
      {
        passwords: { minLength: 1, change: () => Promise.resolve({ kind: 'changed', user: bob }) },
        checkPassword: () => {
          const { stamp } = first
          return Promise.resolve(
            stamp === undefined
              ? { kind: 'passed', user: bob }
              : { kind: 'change-first', reason: 'must-change', user: bob, stamp },
          )
        },
      },
    )
    await remembered()
    first.stamp = 'one'
    const chooses = await browser.password('bob')
    assert.deepEqual(pageOf(await browser.answer(chooses, ['a new one', 'a new one'])), CODE_PAGE)
    assert.deepEqual(await devices(), [])
  })

  test('who has no factor left that it stood for is not let in by it', async (t) => {
    const modules = { ...AUTHENTICATION.modules, totp: { type: 'totp' } }
    const users = [user('dora')]
    const { browser, ownFactors, time } = await scene(t, { modules }, { users })
    const page = asked(await browser.password('dora'))
    const uri = page.callbacks.find((each) => each.type === 'KeyUriCallback')
    const app = new TOTP({ secret: Secret.fromBase32(uri?.type === 'KeyUriCallback' ? uri.secret : '') })
    done(await browser.answer(page, [app.generate({ timestamp: time.now })]))
    time.now += MINUTE
    const again = await browser.password('dora')
    const { session } = done(await browser.answer(again, [app.generate({ timestamp: time.now }), 'true'])).issued
    const totp = (await ownFactors.holdings(session)).factors.find(({ type }) => type === 'totp')
    await ownFactors.remove(session, totp?.id ?? '', context().origin)
    assert.equal(asked(await browser.password('dora')).enrols, true)
  })

  test('a chain that only a remembered browser could pass is refused when it is loaded', async (t) => {
    const chains = {
      default: [
        { module: 'password', criteria: 'REQUISITE' },
        { module: 'device', criteria: 'REQUIRED' },
      ],
    }
    await assert.rejects(createBench(t, { authentication: { ...AUTHENTICATION, chains } }), {
      code: 'GH_CONFIG_INVALID',
    })
  })
})
