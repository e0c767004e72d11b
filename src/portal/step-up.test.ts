import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { createGotoCheck } from '../authn/goto.ts'
import { createBench, EMPLOYEES, TOTP_SECRET } from '../authn/login.fixture.ts'
import type { AgentId } from '../base/brand.ts'
import { formatCompositeAdvice } from '../policy/composite-advice.ts'
import { createHandshakeService } from '../session/handshake.ts'
import type { Session, SessionToken } from '../session/session.ts'
import type { Audience } from '../store/store.ts'
import { Browser, type Answer } from './browser.fixture.ts'
import { openLoginHost } from './login-host.fixture.ts'

/*
 * A step-up over the pages, on the real journeys, sessions, handshakes and store: for sessions in the store and in the browser, and
 * for agents with a cookie of their own and with one of their domain.
 */

const SITES = { app: 'http://app.example.com:8080', pay: 'http://pay.example.com:8080' } as const
type Agent = keyof typeof SITES
const BINDING = 'B'.repeat(43)
const ORIGIN = { requestId: 'r-1', clientIp: '192.0.2.1' }
const MINUTE = 60_000
const BOB = { IDToken1: 'bob', IDToken2: 'bob' }
const LEVEL_2 = '&authIndexType=level&authIndexValue=2'
const DOMAIN: Audience = 'domain:example.com/SSO'

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

interface Kind {
  readonly mode: 'cts' | 'stateless'
  /** Whether app and pay share the cookie of their domain. */
  readonly shared: boolean
}

async function open(t: TestContext, { mode, shared }: Kind) {
  const bench = await createBench(t, { mode, authentication: AUTHENTICATION })
  const { authn, sessions, stateless, store, time, transactions } = bench
  const clock = (): never => time.now as never
  const audit = { record: (): void => undefined }
  const place = { siteId: '01', serverId: '01' }
  const handshake = createHandshakeService({ store, clock, audit, place, stateless })
  const checkGoto = createGotoCheck({
    loginOrigin: 'http://login.example.com',
    origins: new Map([[EMPLOYEES, Object.values(SITES)]]),
  })
  const host = await openLoginHost({
    parts: { authn, sessions, handshake, checkGoto, clock },
    realms: (realms) =>
      realms.map((realm) => ({
        ...realm,
        sites: realm.sites.map((site) => (shared ? { ...site, audience: DOMAIN } : site)),
      })),
  })
  t.after(() => host.close())
  const browser = new Browser(host.url)

  const audience = (agent: Agent): Audience => (shared ? DOMAIN : `agent:${agent}`)
  const at = (agent: Agent, token: SessionToken) => sessions.resolve(token, audience(agent))
  const login = (): SessionToken => (browser.cookies.get('SSOTokenID') ?? '') as SessionToken
  const atLogin = (token = login()) => sessions.resolve(token, 'login')
  const ask = (agent: Agent, demand = '') =>
    browser.get(`/login/employees?goto=${SITES[agent]}/x&agent=${agent}&state=${BINDING}.0${demand}`)
  /** What the agent gets for the code that the browser comes back with. */
  const redeem = async (agent: Agent, { headers, status }: Answer): Promise<SessionToken> => {
    assert.ok(status === 302 || status === 303, `${status}`)
    const code = new URL(headers['location'] ?? '').searchParams.get('code') ?? ''
    const redeemed = await handshake.redeem(code, agent as AgentId, BINDING, ORIGIN)
    assert.ok(redeemed.kind === 'issued', redeemed.kind)
    return redeemed.token
  }
  /** The one of `ms` from now: each works once, and only in its time. */
  const code = (ms = 0): string => {
    time.now += ms
    return new TOTP({ secret: Secret.fromBase32(TOTP_SECRET) }).generate({ timestamp: time.now })
  }
  /** bob, signed in with his password and known to both agents. */
  const signIn = async () => {
    const app = await redeem('app', await browser.submit(await ask('app'), BOB))
    const pay = await redeem('pay', await ask('pay'))
    return { app, pay, login: login() }
  }
  const answer = async (page: Answer): Promise<Answer> => {
    if (!page.text.includes('one-time-code')) return answer(await browser.submit(page, BOB))
    return browser.submit(page, { IDToken1: code(30_000) })
  }
  const transaction = async (session: Session, requirement: string): Promise<string> => {
    const request = { agent: 'pay' as AgentId, method: 'POST', url: `${SITES.pay}/x`, content: 'c' }
    return (await transactions.ask({ ...request, session, requirements: [requirement] })) ?? ''
  }
  return { ...bench, browser, at, login, atLogin, ask, redeem, code, signIn, answer, transaction }
}

type Scene = Awaited<ReturnType<typeof open>>

const composite = (advices: Parameters<typeof formatCompositeAdvice>[0]): string =>
  `&authIndexType=composite_advice&authIndexValue=${encodeURIComponent(formatCompositeAdvice(advices))}`

/** What asks for a step-up, in words and as an address has it. */
const DEMANDS: Readonly<Record<string, (scene: Scene, session: Session) => string | Promise<string>>> = {
  'a level': () => LEVEL_2,
  ForceAuth: () => `${LEVEL_2}&ForceAuth=true`,
  'a fresh proof': ({ time }) => {
    time.now += 6 * MINUTE
    return composite({ AuthLevelConditionAdvice: ['2'], AuthenticationAgeConditionAdvice: ['300'] })
  },
  'an approval': async ({ transaction }, session) =>
    composite({ TransactionConditionAdvice: [await transaction(session, 'AuthLevel:2')] }),
}

const KINDS: readonly Kind[] = [
  { mode: 'cts', shared: false },
  { mode: 'cts', shared: true },
  { mode: 'stateless', shared: false },
  { mode: 'stateless', shared: true },
]

for (const kind of KINDS) {
  const { mode, shared } = kind
  suite(`step-up, ${mode}, ${shared ? "the domain's cookie" : 'a cookie an agent'}`, () => {
    for (const [what, demandOf] of Object.entries(DEMANDS)) {
      test(`${what}: the session goes on under a new token; what the old ones opened, they open no more`, async (t) => {
        const scene = await open(t, kind)
        const { ask, answer, redeem, signIn, at, atLogin } = scene
        const old = await signIn()
        const before = (await atLogin()) ?? assert.fail()
        const pay = await redeem('pay', await answer(await ask('pay', await demandOf(scene, before))))
        const after = (await atLogin()) ?? assert.fail()
        assert.deepEqual([after.sid, after.gen, after.authLevel], [before.sid, before.gen + 1, 2])
        assert.equal(after.authInstant, scene.time.now)
        assert.deepEqual((await at('pay', pay))?.authLevel, 2)
        assert.equal(await atLogin(old.login), undefined)
        assert.equal(await at('pay', old.pay), undefined)
        // A token in the store keeps the level it was issued with; one that the browser carries has no gen of its own.
        const elsewhere = mode === 'cts' && !shared ? 1 : undefined
        assert.equal((await at('app', old.app))?.authLevel, elsewhere)
        const app = await redeem('app', await ask('app'))
        assert.equal((await at('app', app))?.authLevel, 2, 'without another question')
      })
    }

    test('cancel and failure leave the session and its tokens as they were', async (t) => {
      const { browser, ask, signIn, at, atLogin, login, transaction, transactions, code } = await open(t, kind)
      const old = await signIn()
      const before = (await atLogin()) ?? assert.fail()
      const asItWas = async (when: string): Promise<void> => {
        const now = (await atLogin()) ?? assert.fail(when)
        assert.equal(login(), old.login, when)
        assert.deepEqual(
          [now.sid, now.gen, now.authLevel, now.authInstant],
          [before.sid, 1, 1, before.authInstant],
          when,
        )
        for (const agent of ['app', 'pay'] as const) {
          // The cookie of a domain is one: the last handshake's.
          if (!shared || agent === 'pay') assert.equal((await at(agent, old[agent]))?.gen ?? 0, 1, `${when}, ${agent}`)
        }
      }
      const id = await transaction(before, 'AuthLevel:2')
      for (const demand of [LEVEL_2, composite({ TransactionConditionAdvice: [id] })]) {
        let page = await ask('pay', demand)
        const cancel = /<a[^>]*href="([^"]*)"[^>]*>\s*Cancel/.exec(page.text)?.[1] ?? assert.fail(page.text)
        assert.equal((await browser.get(cancel)).status, 200)
        await asItWas('cancelled')
        for (let wrong = 0; wrong < 4; wrong++) page = await browser.submit(page, { IDToken1: '000000' })
        await asItWas('wrong codes')
      }
      const request = { agent: 'pay' as AgentId, method: 'POST', url: `${SITES.pay}/x`, content: 'c' }
      const asked = { ...request, session: before, requirements: ['AuthLevel:2'] }
      assert.equal(await transactions.redeem(asked), undefined, 'nothing was approved')
      let page = await ask('pay', LEVEL_2)
      for (let wrong = 0; wrong < 3; wrong++) page = await browser.submit(page, { IDToken1: '000000' })
      assert.equal(page.status, 429)
      await browser.submit(page, { IDToken1: code() })
      await asItWas('throttled')
    })
  })
}
