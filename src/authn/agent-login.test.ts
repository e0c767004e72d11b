import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AgentId, RealmName } from '../base/brand.ts'
import { NOTHING_PRESENTED, type Presented } from '../http/presented.ts'
import { createThrottle } from '../identity/throttle.ts'
import { createAgentSessions } from '../session/agent-sessions.ts'
import { createMachine } from '../session/processes.fixture.ts'
import { createAgentLogin, registerAgents, type AgentAttempt, type AgentCredentials } from './agent-login.ts'
import { issue, type Issued } from './modules/x509/certificates.fixture.ts'

const EMPLOYEES = '/employees' as RealmName
const HASH = '$argon2id of s3cret'
const OWN = issue({ by: issue({ authority: true }) })
const OTHER = issue({ by: issue({ authority: true }) })

const agent = (id: string, more: Partial<AgentCredentials> = {}): AgentCredentials => ({
  id: id as AgentId,
  realm: EMPLOYEES,
  secret: HASH,
  ...more,
})

const AGENTS = [
  agent('legacy'),
  agent('inside', { networks: ['10.0.0.0/8'] }),
  agent('elsewhere', { realm: '/' as RealmName }),
  agent('shows', { secret: undefined, certificates: [OWN.pem] }),
]

async function bench(t: TestContext) {
  const { start, clock, audited, pass } = createMachine(t)
  const { store } = await start()
  const audit = { record: (event: (typeof audited)[number]) => void audited.push(event) }
  const register = registerAgents(AGENTS)
  const rules = { freeFailures: 3, maxDelay: 60_000, networkFailures: 100, window: 900_000 }
  const throttle = createThrottle({ realm: EMPLOYEES, rules, store, clock })
  const calls: string[] = []
  const note = (call: string): Promise<void> => Promise.resolve(void calls.push(call))
  const hasher = {
    verify: (stored: string, secret: string) => note('verify').then(() => stored === HASH && secret === 's3cret'),
    verifyNothing: () => note('nothing'),
    hasRoom: () => true,
  }
  const place = { siteId: '01', serverId: '02' }
  const sessions = createAgentSessions({ store, agents: register.agents, place, audit, clock })
  const throttleOf = (realm: RealmName) => (realm === EMPLOYEES ? throttle : undefined)
  const agents = createAgentLogin({ register, sessions, throttleOf, hasher, audit, clock })
  const attempt = (name: string | undefined, secret: string | undefined, more: Partial<AgentAttempt> = {}) =>
    agents.login({
      ...{ realm: EMPLOYEES, name, secret, presented: NOTHING_PRESENTED },
      origin: { requestId: 'r-1', clientIp: '192.0.2.1' },
      ...more,
    })
  return { attempt, agents, calls, audited, pass, sessions }
}

function shown({ der }: Issued): Presented {
  return { ...NOTHING_PRESENTED, certificate: () => ({ leaf: der, others: [] }) }
}

test('an agent signs in by its secret, in its realm alone', async (t) => {
  const { attempt, sessions, audited } = await bench(t)
  const outcome = await attempt('legacy', 's3cret')
  assert.ok(outcome.kind === 'passed')
  assert.equal((await sessions.resolve(outcome.token))?.agent, 'legacy')
  assert.equal(audited[0]?.event, 'AgentSignedIn')
})

test('every refusal is one answer and one hash, and the audit trail has the reason but no name that is nobody', async (t) => {
  const { attempt, calls, audited } = await bench(t)
  const refusals = [
    ['legacy', 'wrong', 'wrong-secret', 'legacy'],
    ['nobody', 's3cret', 'unknown-agent', undefined],
    ['elsewhere', 's3cret', 'unknown-agent', undefined],
    ['shows', 's3cret', 'unknown-agent', undefined],
    [undefined, 's3cret', 'unknown-agent', undefined],
    ['inside', 's3cret', 'elsewhere', 'inside'],
  ] as const
  for (const [name, secret, reason, agent] of refusals) {
    calls.length = audited.length = 0
    assert.deepEqual(await attempt(name, secret), { kind: 'failed' }, name)
    assert.equal(calls.length, 1, name)
    const [event] = audited
    assert.ok(event?.event === 'AgentRefused')
    assert.deepEqual([event.reason, event.agent], [reason, agent])
  }
  const inside = { origin: { requestId: 'r-2', clientIp: '10.1.2.3' } }
  assert.equal((await attempt('inside', 's3cret', inside)).kind, 'passed')
  assert.deepEqual(await attempt('legacy', 's3cret', { realm: '/nowhere' as RealmName }), { kind: 'failed' })
})

test('guessing is slowed, for the agent and the network', async (t) => {
  const { attempt, pass, audited } = await bench(t)
  for (let n = 0; n < 4; n++) assert.equal((await attempt('legacy', `guess ${n}`)).kind, 'failed')
  const throttled = await attempt('legacy', 's3cret')
  assert.ok(throttled.kind === 'throttled' && throttled.retryAfterMs > 0)
  const last = audited.at(-1)
  assert.ok(last?.event === 'AgentRefused' && last.reason === 'throttled' && last.agent === 'legacy')
  pass(throttled.retryAfterMs)
  assert.equal((await attempt('legacy', 's3cret')).kind, 'passed')
})

test('or by its certificate, under no name or its own', async (t) => {
  const { attempt } = await bench(t)
  assert.equal((await attempt(undefined, undefined, { presented: shown(OWN) })).kind, 'passed')
  assert.equal((await attempt('shows', undefined, { presented: shown(OWN) })).kind, 'passed')
  assert.equal((await attempt('legacy', undefined, { presented: shown(OWN) })).kind, 'failed')
  assert.equal((await attempt('shows', undefined, { presented: shown(OTHER) })).kind, 'failed')
  assert.equal((await attempt('shows', undefined)).kind, 'failed')
  assert.equal((await attempt('shows', 'wrong', { presented: shown(OWN) })).kind, 'failed', 'a secret counts alone')
  const there = { presented: shown(OWN), realm: '/' as RealmName }
  assert.equal((await attempt(undefined, undefined, there)).kind, 'failed')
})

test('a certificate that has run out is none', async (t) => {
  const { attempt, pass } = await bench(t)
  pass(400 * 365 * 86_400_000)
  assert.equal((await attempt(undefined, undefined, { presented: shown(OWN) })).kind, 'failed')
})

test('a name is an agent of the realm only where it has a secret there', async (t) => {
  const { agents } = await bench(t)
  const names = ['legacy', 'elsewhere', 'shows', 'alice'] as const
  assert.deepEqual(
    names.map((name) => agents.isAgent(EMPLOYEES, name)),
    [true, false, false, false],
  )
})
