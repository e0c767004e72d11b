import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AgentAttempt, AgentLogin, AgentLoginOutcome } from '../../../authn/agent-login.ts'
import type { AgentId, EpochMs, RealmName } from '../../../base/brand.ts'
import type { JsonValue, Sealer } from '../../../crypto/seal.ts'
import { NOTHING_PRESENTED } from '../../../http/presented.ts'
import type { SessionToken } from '../../../session/session.ts'
import { createLoginHost, type Call } from '../../login-host.fixture.ts'
import { problem } from '../reply.ts'
import { withAgents } from './agents.ts'
import { filled, stepOf } from './authenticate.fixture.ts'

/** Seals nothing. */
const sealer: Sealer = {
  seal: (purpose, value) => `${purpose} ${JSON.stringify(value)}`,
  open: (purpose, text) => {
    try {
      return text.startsWith(`${purpose} `) ? (JSON.parse(text.slice(purpose.length + 1)) as JsonValue) : undefined
    } catch {
      return undefined
    }
  },
}

const SESSION = {
  sid: '0000.x',
  agent: 'legacy' as AgentId,
  realm: '/employees' as RealmName,
  createdAt: 0 as EpochMs,
  expiresAt: 1 as EpochMs,
}

async function open(t: TestContext, certificate = false) {
  const attempts: AgentAttempt[] = []
  const agents: AgentLogin = {
    isAgent: (realm, name) => realm === '/employees' && name === 'legacy',
    login: (attempt): Promise<AgentLoginOutcome> => {
      attempts.push(attempt)
      if (attempt.secret === 'slow') return Promise.resolve({ kind: 'throttled', retryAfterMs: 1_500 })
      const isRight = attempt.name === 'legacy' && attempt.secret === 's3crét'
      if (!isRight && !certificate) return Promise.resolve({ kind: 'failed' })
      return Promise.resolve({ kind: 'passed', token: 'agent-token' as SessionToken, session: SESSION })
    },
  }
  const leaf = { leaf: Buffer.from('der'), others: [] }
  const presented = { ...NOTHING_PRESENTED, certificate: () => (certificate ? leaf : undefined) }
  const authenticate = withAgents({
    ...{ agents, sealer },
    presentedBy: () => presented,
    people: () => Promise.resolve(problem(501, 'a person')),
  })
  const host = await createLoginHost(t, { authenticate })
  const post = (query: string, call: Call = {}) =>
    host.call(`/json/authenticate${query}`, {
      ...call,
      headers: { 'accept-api-version': 'resource=1.0', ...call.headers },
    })
  return { post, attempts }
}

const EMPLOYEES = '?realm=/employees'
const AS_MODULE = `${EMPLOYEES}&authIndexType=module&authIndexValue=Application`
const AS_SERVICE = `${EMPLOYEES}&authIndexType=service&authIndexValue=Agent`

const as = (name: string, secret: string): Call => ({
  headers: {
    'x-openam-username': name,
    'x-openam-password': `=?UTF-8?B?${Buffer.from(secret).toString('base64')}?=`,
  },
})

test('an agent signs in by headers, as it asks or by its name alone, and gets its token in the body and in no cookie', async (t) => {
  const { post } = await open(t)
  for (const query of [EMPLOYEES, AS_MODULE, AS_SERVICE]) {
    const { status, body, headers } = await post(query, as('legacy', 's3crét'))
    assert.equal(status, 200)
    assert.deepEqual(body, { tokenId: 'agent-token', successUrl: '/', realm: '/employees' })
    assert.equal(headers['set-cookie'], undefined)
  }
})

test('as OpenAM’s agent for Node.js does: an empty body of a form’s type', async (t) => {
  const { post } = await open(t)
  const { headers } = as('legacy', 's3crét')
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' }
  assert.equal((await post(`${EMPLOYEES}&noSession=false`, { headers: form })).status, 200)
})

test('one answer for every refusal, and one that says how long to wait', async (t) => {
  const { post, attempts } = await open(t)
  for (const [query, name] of [
    [EMPLOYEES, 'legacy'],
    [AS_MODULE, 'nobody'],
    [AS_SERVICE, 'alice'],
  ] as const) {
    const { status, body } = await post(query, as(name, 'wrong'))
    assert.equal(status, 401)
    assert.deepEqual(body, { code: 401, reason: 'Unauthorized', message: 'Authentication Failed', failureUrl: '' })
  }
  assert.equal(attempts.length, 3)
  const waits = await post(AS_MODULE, as('legacy', 'slow'))
  assert.deepEqual([waits.status, waits.headers['retry-after']], [429, '2'])
})

test('all else is a person’s login', async (t) => {
  const { post, attempts } = await open(t)
  const isPerson = async (query: string, call?: Call) => assert.equal((await post(query, call)).status, 501, query)
  await isPerson(EMPLOYEES)
  await isPerson(EMPLOYEES, as('alice', 's3crét'))
  await isPerson('?realm=/customers', as('legacy', 's3crét'))
  await isPerson(`${EMPLOYEES}&authIndexType=module&authIndexValue=password`, as('legacy', 's3crét'))
  await isPerson(EMPLOYEES, { headers: { 'x-openam-username': 'legacy' } })
  await isPerson(AS_MODULE, { ...as('legacy', 's3crét'), body: { authId: 'of a person', callbacks: [] } })
  assert.deepEqual(attempts, [])
})

test('by callbacks', async (t) => {
  const { post, attempts } = await open(t)
  const step = stepOf(await post(AS_MODULE, { body: {} }))
  assert.deepEqual(
    step.callbacks.map(({ type }) => type),
    ['NameCallback', 'PasswordCallback'],
  )
  const answers = { IDToken1: 'legacy', IDToken2: 's3crét' }
  assert.equal((await post(EMPLOYEES, { body: filled(step, answers) })).status, 200)
  assert.equal((await post(EMPLOYEES, { body: filled(step, { ...answers, IDToken2: 'x' }) })).status, 401)
  assert.equal((await post('?realm=/customers', { body: filled(step, answers) })).status, 501, 'of another realm')
  assert.equal((await post(EMPLOYEES, { body: { ...filled(step, answers), callbacks: [] } })).status, 400)
  assert.equal(attempts.length, 2)
})

test('by a certificate, without a word', async (t) => {
  const { post, attempts } = await open(t, true)
  assert.equal((await post(AS_MODULE)).status, 200)
  assert.deepEqual([attempts[0]?.name, attempts[0]?.secret], [undefined, undefined])
  assert.equal((await post(EMPLOYEES)).status, 501, 'a person may have one, too')
})
