import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { EMPLOYEES, TOTP_SECRET } from '../../../authn/login.fixture.ts'
import type { AgentId } from '../../../base/brand.ts'
import { formatCompositeAdvice } from '../../../policy/composite-advice.ts'
import type { Session, SessionToken } from '../../../session/session.ts'
import { TRANSACTION_MS } from '../../../session/transactions.ts'
import type { Answer } from '../../login-host.fixture.ts'
import { employeesPolicies, policiesFrom } from '../policies/policies.fixture.ts'
import {
  APP,
  AT,
  cookieOf,
  createClient,
  filled,
  password,
  stepOf,
  type ClientOptions,
} from './authenticate.fixture.ts'

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
const SITE = 'http://app.acme.test:80'
const LEVEL_2 = '?authIndexType=level&authIndexValue=2'

/** Pages below the site that take these levels. */
function ofLevels(...levels: readonly number[]) {
  return policiesFrom(
    levels.map((authLevel) => ({
      name: `level ${authLevel}`,
      resources: [`${SITE}/${authLevel}`],
      actions: { GET: 'allow' as const },
      subject: { type: 'AuthenticatedUsers' as const },
      condition: { type: 'AuthLevel' as const, authLevel },
    })),
  )
}

async function scene(t: Parameters<typeof createClient>[0], options: ClientOptions = {}) {
  const client = await createClient(t, { authentication: AUTHENTICATION, ...options })
  const signIn = async (username: string, at = AT): Promise<SessionToken> => {
    const step = stepOf(await client.post(at))
    return tokenIn(await client.post(at, { body: password(step, username) }))
  }
  const resolve = async (token: SessionToken): Promise<Session | undefined> => client.sessions.resolve(token, 'login')
  const code = (): string => {
    client.time.now += 30_000
    return new TOTP({ secret: Secret.fromBase32(TOTP_SECRET) }).generate({ timestamp: client.time.now })
  }
  return { ...client, signIn, resolve, code }
}

function tokenIn(answer: Answer): SessionToken {
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const token = cookieOf(answer, 'SSOTokenID')
  assert.ok(token, 'no session')
  return token as SessionToken
}

suite('a login beside a session', () => {
  test('what a session has proved already is not asked, unless that is wanted', async (t) => {
    const { signIn, post, touched, resolve } = await scene(t)
    const cookie = await signIn('alice')
    const answer = await post(`${AT}?goto=${APP}/x`, { cookie })
    assert.deepEqual(answer.body, { tokenId: cookie, successUrl: `${APP}/x`, realm: '/employees' })
    assert.equal(answer.headers['set-cookie'], undefined)
    assert.deepEqual(touched, [(await resolve(cookie))?.sid])
    for (const query of ['?ForceAuth=true', '?arg=newsession', '?noSession=true', LEVEL_2])
      stepOf(await post(AT + query, { cookie }))
    stepOf(await post('/json/realms/root/realms/customers/authenticate', { cookie }))
    stepOf(await post(AT, { cookie: `${cookie}x` }))
  })

  test('more is proved of the session of the cookie, or of the one that is named: a new token, and the old one is dead', async (t) => {
    const { signIn, post, resolve, code } = await scene(t)
    for (const how of ['cookie', 'name', 'header'] as const) {
      const token = await signIn('bob')
      const before = await resolve(token)
      const query = how === 'name' ? `${LEVEL_2}&sessionUpgradeSSOTokenId=${encodeURIComponent(token)}` : LEVEL_2
      const call = how === 'name' ? {} : how === 'cookie' ? { cookie: token } : { token }
      const step = stepOf(await post(AT + query, call))
      assert.equal(step.stage, 'totp')
      const upgraded = tokenIn(await post(AT + query, { ...call, body: filled(step, { IDToken1: code() }) }))
      const after = await resolve(upgraded)
      assert.deepEqual([after?.sid, after?.authLevel], [before?.sid, 2], how)
      assert.equal(await resolve(token), undefined, how)
    }
  })

  test('a wrong code ends the login, and nothing of it goes on', async (t) => {
    const { post, code, time } = await scene(t)
    const first = stepOf(await post(AT + LEVEL_2))
    const second = stepOf(await post(AT, { body: password(first, 'bob') }))
    const wrong = await post(AT, { body: filled(second, { IDToken1: '000000' }) })
    assert.equal(wrong.status, 401)
    time.now += 60_000
    for (const step of [first, second]) {
      const values = step === first ? { IDToken1: 'bob', IDToken2: 'bob' } : { IDToken1: code() }
      assert.equal((await post(AT, { body: filled(step, values) })).status, 408)
    }
  })

  test('a session that cannot be strengthened is a mistake in the call, and stays as it is', async (t) => {
    const { signIn, post, resolve } = await scene(t)
    const token = await signIn('alice')
    const named = (value: string, more = '&ForceAuth=true') =>
      `${AT}?sessionUpgradeSSOTokenId=${encodeURIComponent(value)}${more}`
    for (const bad of ['', 'x', `${token}x`]) assert.equal((await post(named(bad))).status, 400)
    const elsewhere = `/json/realms/root/realms/customers/authenticate?sessionUpgradeSSOTokenId=${encodeURIComponent(token)}`
    assert.equal((await post(elsewhere)).status, 400)
    assert.equal((await resolve(token))?.username, 'alice')
  })

  test('out of a session that is named nobody else comes, and nobody comes out with another one', async (t) => {
    const { signIn, post, resolve } = await scene(t)
    const token = await signIn('alice')
    const before = await resolve(token)
    const named = `${AT}?sessionUpgradeSSOTokenId=${encodeURIComponent(token)}&ForceAuth=true`
    const asOther = await post(named, { body: password(stepOf(await post(named)), 'bob') })
    assert.equal(asOther.status, 401)
    assert.equal((await resolve(token))?.username, 'alice')
    const again = tokenIn(await post(named, { body: password(stepOf(await post(named)), 'alice') }))
    assert.equal((await resolve(again))?.sid, before?.sid)
  })

  test('whoever has a session does not learn beside it which password of somebody else is right', async (t) => {
    const { signIn, post, resolve } = await scene(t)
    const token = await signIn('alice')
    // One module alone, where the chains of the realm may keep to themselves which proof was wrong.
    const alone = `${AT}?authIndexType=module&authIndexValue=password&ForceAuth=true`
    const answers = ['bob', 'wrong'].map(async (secret) => {
      const step = stepOf(await post(alone, { token }))
      const { status, body, headers } = await post(alone, { token, body: password(step, 'bob', secret) })
      return { status, body, cookie: headers['set-cookie'] }
    })
    const [right, wrong] = await Promise.all(answers)
    assert.equal(right?.status, 401)
    assert.deepEqual(right, wrong)
    assert.equal((await resolve(token))?.username, 'alice')
  })

  test('where tokens must not stand in addresses none is looked at there', async (t) => {
    const { signIn, post } = await scene(t, { tokensInAddresses: false })
    const token = await signIn('bob')
    const named = `${AT}${LEVEL_2}&sessionUpgradeSSOTokenId=${encodeURIComponent(token)}`
    assert.match(JSON.stringify((await post(named)).body), /must not stand in the address/)
    stepOf(await post(AT + LEVEL_2, { cookie: token }))
  })

  test('noSession: it is proved who somebody is, and no session begins or changes', async (t) => {
    const { signIn, post, resolve, events, sessions } = await scene(t)
    const cookie = await signIn('alice')
    const userId = (await resolve(cookie))?.userId ?? ''
    for (const call of [{}, { cookie }]) {
      const step = stepOf(await post(`${AT}?noSession=true`, call))
      const answer = await post(AT, { ...call, body: password(step, 'alice') })
      const body = { message: 'Authentication Successful', successUrl: '/', realm: '/employees' }
      assert.deepEqual([answer.status, answer.body, answer.headers['set-cookie']], [200, body, undefined])
    }
    assert.equal((await sessions.ofUser({ realm: EMPLOYEES, userId })).length, 1)
    const proved = { event: 'AuthnSucceeded', realm: '/employees', username: 'alice', sid: undefined, authLevel: 1 }
    assert.deepEqual(events().at(-1), { ...proved, modules: ['password'] })
    const wrong = stepOf(await post(`${AT}?noSession=true`))
    assert.equal((await post(AT, { body: password(wrong, 'alice', 'x') })).status, 401)
  })

  test('an approval leaves the session and its token as they are', async (t) => {
    const { signIn, post, resolve, transactions, time } = await scene(t)
    const cookie = await signIn('alice')
    const session = await resolve(cookie)
    assert.ok(session)
    const request = {
      session,
      agent: 'pay' as AgentId,
      ...{ method: 'POST', url: 'https://pay/transfer', content: 'c', requirements: ['AuthScheme:password'] },
    }
    const id = (await transactions.ask(request)) ?? ''
    const advice = formatCompositeAdvice({ TransactionConditionAdvice: [id] })
    // As the SDK has it from a gateway: encoded twice.
    const query = `?authIndexType=composite_advice&authIndexValue=${encodeURIComponent(encodeURIComponent(advice))}`
    const step = stepOf(await post(AT + query, { cookie }))
    const wrong = await post(AT, { cookie, body: password(step, 'alice', 'x') })
    assert.equal(wrong.status, 401)
    assert.equal(await transactions.redeem(request), undefined)
    const again = stepOf(await post(`${AT}?authIndexType=transaction&authIndexValue=${id}`, { cookie }))
    const answer = await post(AT, { cookie, body: password(again, 'alice') })
    const body = { tokenId: cookie, successUrl: '/', realm: '/employees' }
    assert.deepEqual([answer.status, answer.body, answer.headers['set-cookie']], [200, body, undefined])
    assert.deepEqual((await resolve(cookie))?.gen, session.gen)
    assert.equal(await transactions.redeem(request), id)
    const next = { ...request, url: 'https://pay/other' }
    const late = await transactions.ask(next)
    const slow = stepOf(await post(`${AT}?authIndexType=transaction&authIndexValue=${late ?? ''}`, { cookie }))
    time.now += TRANSACTION_MS
    assert.equal((await post(AT, { cookie, body: password(slow, 'alice') })).status, 401, 'nothing is approved')
    const over = await post(`${AT}?authIndexType=transaction&authIndexValue=${id}`, { cookie })
    const about = { code: 401, reason: 'Unauthorized', message: 'Unable to read transaction.' }
    assert.deepEqual(over.body, { ...about, detail: { errorCode: '128' } })
  })
})

suite('what a login is asked for', () => {
  test('an index that cannot be satisfied is a login that failed; one that is none is a mistake', async (t) => {
    const { post } = await scene(t)
    const status = async (query: string) => (await post(`${AT}?${query}`)).status
    for (const index of ['role&authIndexValue=admin', 'level&authIndexValue=9', 'service&authIndexValue=none'])
      assert.equal(await status(`authIndexType=${index}`), 401, index)
    for (const index of [
      'fly&authIndexValue=1',
      'level',
      'level&authIndexValue=x',
      'composite_advice&authIndexValue=x',
    ])
      assert.equal(await status(`authIndexType=${index}`), 400, index)
    for (const index of ['service&authIndexValue=strong', 'user&authIndexValue=bob', 'level&authIndexValue=1'])
      assert.equal(await status(`authIndexType=${index}`), 200, index)
  })

  test('a resource is asked for what its policies still want of who is signed in', async (t) => {
    const policies = employeesPolicies(ofLevels(2, 9), { factsOf: () => ({ groups: new Set(), attributes: {} }) })
    const { post, signIn, code } = await scene(t, {
      policiesOf: (realm) => (realm === EMPLOYEES ? policies : undefined),
    })
    const ask = (url: string, call: object = {}) =>
      post(`${AT}?authIndexType=resource&authIndexValue=${encodeURIComponent(url)}`, call)
    assert.equal(stepOf(await ask(`${SITE}/2`)).stage, 'password', 'anybody signs in first')
    for (const stranger of ['https://evil.example/', 'x', '']) assert.equal((await ask(stranger)).status, 401, stranger)
    const cookie = await signIn('bob')
    assert.equal((await ask(`${SITE}/9`, { cookie })).status, 401, 'no chain reaches that')
    const step = stepOf(await ask(`${SITE}/2`, { cookie }))
    assert.equal(step.stage, 'totp')
    const upgraded = tokenIn(await post(AT, { cookie, body: filled(step, { IDToken1: code() }) }))
    const there = { tokenId: upgraded, successUrl: '/', realm: '/employees' }
    for (const url of [`${SITE}/2`, `${SITE}/unknown`])
      assert.deepEqual((await ask(url, { cookie: upgraded })).body, there)
  })

  test('people are sent to registered addresses alone, whether it succeeds or fails', async (t) => {
    const { post, audited, time } = await scene(t)
    const login = async (query: string, secret?: string) => {
      time.now += 60_000
      const step = stepOf(await post(AT + query))
      return (await post(AT, { body: password(step, 'alice', secret) })).body as {
        successUrl?: string
        detail?: object
      }
    }
    assert.equal((await login(`?goto=${APP}/a`)).successUrl, `${APP}/a`)
    assert.equal((await login('?goto=https://evil.example/')).successUrl, '/')
    assert.deepEqual((await login(`?gotoOnFail=${APP}/b`, 'x')).detail, { failureUrl: `${APP}/b` })
    assert.deepEqual((await login('?gotoOnFail=https://evil.example/', 'x')).detail, { failureUrl: '' })
    assert.equal(audited.filter(({ event }) => event === 'GotoRefused').length, 2)
  })

  test('the realm may stand in any place of the address', async (t) => {
    const { post } = await scene(t)
    for (const at of [
      '/json/employees/authenticate',
      '/json/authenticate?realm=/employees',
      '/openam/json/realms/root/realms/employees/authenticate',
      '/am/json/realms/root/realms/customers/authenticate?realm=/employees',
    ])
      assert.equal(stepOf(await post(at)).header, 'en:login.title title of /employees')
    assert.equal((await post('/json/authenticate?realm=/none')).status, 404)
  })
})
