import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AgentId } from '../../../base/brand.ts'
import type { PolicyTrace } from '../../../policy/decision.ts'
import { createLoginHost, type LoginHostOptions } from '../../login-host.fixture.ts'
import { EMPLOYEES, employeesPolicies } from './policies.fixture.ts'
import type { PolicyAsker, SiteRequest } from './realm-policies.ts'

const EXPLAIN = '/json/realms/root/realms/employees/policies?_action=explain'
const SITE = 'http://app.acme.test:80'

interface Told {
  readonly resource: string
  readonly action: string
  readonly policySet?: string
  readonly allowed?: boolean
  readonly reason?: string
  readonly policies?: readonly string[]
  readonly advices?: Readonly<Record<string, readonly string[]>>
  readonly ttl?: number
  readonly subject?: { readonly username: string; readonly groups: readonly string[]; readonly authLevel: number }
  readonly trace?: readonly PolicyTrace[]
  readonly refused?: string
  readonly unasked?: string
}

async function asked(t: TestContext, options: LoginHostOptions = {}) {
  const policiesOf = (realm: string) => (realm === EMPLOYEES ? employeesPolicies() : undefined)
  const host = await createLoginHost(t, { policiesOf, ...options })
  const { token: admin } = await host.signIn('root', '/')
  const ask = (body: object, token: string = admin) =>
    host.call(EXPLAIN, { ...(token && { token }), headers: { 'accept-api-version': 'resource=2.1' }, body })
  const tell = async (body: object): Promise<readonly Told[]> => {
    const answer = await ask(body)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body as readonly Told[]
  }
  const one = async (resource: string, body: object = {}): Promise<Told> => {
    const [told] = await tell({ resources: [resource], ...body })
    assert.ok(told)
    return told
  }
  return { host, ask, tell, one }
}

test('explain: which policies said what, on which value, and what would help', async (t) => {
  const { one } = await asked(t)
  const bob = { subject: { claims: { sub: 'bob' } } }
  const told = await one(`${SITE}/pay/x`, { ...bob, action: 'post' })
  assert.deepEqual(
    [told.action, told.allowed, told.reason, told.policies],
    ['POST', false, 'condition-failed', ['finance']],
  )
  assert.deepEqual(told.advices, { AuthLevelConditionAdvice: ['3'] })
  assert.deepEqual([told.subject?.username, told.subject?.groups, told.subject?.authLevel], ['bob', ['finance'], 0])
  const finance = told.trace?.find(({ policy }) => policy === 'finance')
  assert.deepEqual([finance?.outcome, finance?.subject?.because], ['condition-failed', 'member of finance'])
  assert.deepEqual([finance?.effect, finance?.condition?.because], ['allow', '0 is below 3'])
  const transfer = { ...bob, action: 'POST' }
  assert.equal((await one(`${SITE}/transfer`, transfer)).allowed, false)
  assert.equal((await one(`${SITE}/transfer`, { ...transfer, approved: true })).allowed, true)
  const other = await one(`${SITE}/pay/x`, { subject: { claims: { sub: 'alice' } }, action: 'POST' })
  assert.equal(other.trace?.find(({ policy }) => policy === 'finance')?.outcome, 'subject-failed')
})

test('explain: a session by its public name or its token, and what it would have proved', async (t) => {
  const everybody = { groups: new Set(['finance']), attributes: {} }
  const policiesOf = () => employeesPolicies(undefined, { factsOf: () => everybody })
  const { one, host, ask } = await asked(t, { policiesOf })
  const {
    token: ssoToken,
    session: { sid },
  } = await host.signIn('bob')
  const transfer = { subject: { sid }, action: 'POST' }
  assert.equal((await one(`${SITE}/pay/x`, transfer)).allowed, false)
  const proved = await one(`${SITE}/pay/x`, { ...transfer, session: { authLevel: 3 } })
  assert.deepEqual([proved.allowed, proved.subject?.authLevel], [true, 3])
  const fresh = { subject: { ssoToken } }
  assert.equal((await one(`${SITE}/fresh/x`, fresh)).allowed, true)
  const aged = await one(`${SITE}/fresh/x`, { ...fresh, session: { authAge: 301 } })
  assert.deepEqual([aged.allowed, aged.advices], [false, { AuthenticationAgeConditionAdvice: ['300'] }])
  for (const subject of [{ sid: 'nobody' }, { sid, ssoToken }])
    assert.equal((await ask({ resources: [SITE], subject })).status, 400, JSON.stringify(subject))
  assert.match((await one(SITE, { subject: { claims: { sub: 'nobody' } } })).refused ?? '', /nobody/)
  const elsewhere = await host.signIn('root', '/')
  assert.equal(
    (await ask({ resources: [SITE], subject: { sid: elsewhere.session.sid } })).status,
    400,
    'of another realm',
  )
})

test('explain: at a site of ours it is the decision that is enforced there', async (t) => {
  const seen: (readonly [SiteRequest, PolicyAsker])[] = []
  const site = { agent: 'app' as AgentId, audience: 'agent:app', policySet: 'iPlanetAMWebAgentService' } as const
  const explain = (request: SiteRequest, asker: PolicyAsker) => {
    seen.push([request, asker])
    return { kind: 'unasked', why: 'not-enforced: everybody' } as const
  }
  const policiesOf = () => employeesPolicies(undefined, { siteOf: () => ({ ...site, explain }) })
  const { one } = await asked(t, { policiesOf })
  const question = { subject: { claims: { sub: 'bob' } }, environment: { requestIp: ['192.0.2.1'] } }
  const told = await one(`${SITE}/a/../b?c`, {
    ...question,
    action: 'put',
    approved: true,
    at: '2026-03-02T13:00:00+01:00',
  })
  assert.deepEqual([told.unasked, told.policySet, told.trace], ['not-enforced: everybody', site.policySet, undefined])
  const [[request, asker] = []] = seen
  assert.deepEqual(request, {
    target: '/a/../b?c',
    method: 'PUT',
    ip: '192.0.2.1',
    environment: question.environment,
    approved: true,
  })
  assert.deepEqual([asker?.session.username, asker?.now], ['bob', Date.parse('2026-03-02T12:00:00Z')])
  const asPrograms = await one(`${SITE}/x`, { ...question, application: 'iPlanetAMWebAgentService' })
  assert.deepEqual([asPrograms.allowed, seen.length], [true, 1], 'a named policy set is asked by itself')
})

test('explain: what nobody can ask about is told, each by itself', async (t) => {
  const { tell } = await asked(t)
  const resources = ['http://hr.acme.test/x', 'nonsense', `${SITE}/a/../b`]
  const [elsewhere, nonsense, ambiguous] = await tell({ resources, subject: { claims: { sub: 'bob' } } })
  assert.deepEqual([elsewhere?.policySet, elsewhere?.allowed], ['other', false], 'the policy set of that site')
  assert.match(nonsense?.refused ?? '', /no http/)
  assert.match(ambiguous?.refused ?? '', /two ways/)
})

test('explain: a body that cannot be read says what is wrong with it', async (t) => {
  const { ask } = await asked(t)
  const told = async (body: object): Promise<string> => {
    const { status, body: answer } = await ask(body)
    assert.equal(status, 400)
    return (answer as { readonly message: string }).message
  }
  assert.match(await told({}), /^resources: /)
  assert.match(await told({ resources: [SITE], at: 'yesterday' }), /^at: /)
  assert.match(await told({ resources: [SITE], session: { level: 3 } }), /^session: .*level/)
  assert.match(await told({ resources: [SITE], application: 'nowhere' }), /no policy set nowhere/)
  assert.match(await told({ resources: [SITE], environment: { IP: ['10.0.0.1', '10.0.0.2'] } }), /one address/)
})

test('explain: for administrators of the realm and of those above it alone', async (t) => {
  const { ask, host } = await asked(t)
  const { token: alice } = await host.signIn('alice')
  const question = { resources: [`${SITE}/x`], subject: { claims: { sub: 'bob' } } }
  assert.equal((await ask(question, alice)).status, 403)
  assert.equal((await ask({ resources: [`${SITE}/x`] }, alice)).status, 403, 'not about themselves either')
  assert.equal((await ask(question, await host.signInAgent('legacy'))).status, 403, 'an agent of the realm')
  assert.equal((await ask(question, '')).status, 401)
})
