import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { APP, FROM } from '../../../session/processes.fixture.ts'
import { createTransactions } from '../../../session/transactions.ts'
import { createLoginHost, type LoginHostOptions } from '../../login-host.fixture.ts'
import { EMPLOYEES, employeesPolicies, policiesFrom } from './policies.fixture.ts'

const EVALUATE = '/json/realms/root/realms/employees/policies?_action=evaluate'
const TREE = '/json/realms/root/realms/employees/policies?_action=evaluateTree'
const SITE = 'http://app.acme.test:80'
const FOREVER = '9223372036854775807'

interface Told {
  readonly resource: string
  readonly actions: Readonly<Record<string, boolean>>
  readonly attributes: object
  readonly advices: Readonly<Record<string, readonly string[]>>
  readonly ttl: number
}

/** An administrator who asks about people of `/employees`. */
async function asked(t: TestContext, options: LoginHostOptions = {}) {
  const policiesOf = (realm: string) => (realm === EMPLOYEES ? employeesPolicies() : undefined)
  const host = await createLoginHost(t, { policiesOf, ...options })
  const { token: admin } = await host.signIn('root', '/')
  const ask = (body: object, path = EVALUATE) =>
    host.call(path, { token: admin, headers: { 'accept-api-version': 'resource=2.1' }, body })
  const tell = async (body: object, path = EVALUATE): Promise<readonly Told[]> => {
    const answer = await ask(body, path)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body as readonly Told[]
  }
  const about = async (username: string, resource: string, environment = {}): Promise<Told> => {
    const { token: ssoToken } = await host.signIn(username)
    const [told] = await tell({ resources: [resource], subject: { ssoToken }, environment })
    assert.ok(told)
    return told
  }
  return { host, ask, tell, about }
}

test('each resource is told byte for byte with what may be done, what may not, and until when', async (t) => {
  const { host, tell } = await asked(t)
  const { token: ssoToken } = await host.signIn('alice')
  const resources = ['http://APP.acme.test/Index.html?b=2&a=%41', `${SITE}/pay/x`, SITE, 'http://else.test/']
  const told = await tell({ application: 'iPlanetAMWebAgentService', resources, subject: { ssoToken } })
  assert.deepEqual(
    told.map(({ resource }) => resource),
    resources,
  )
  const [page, , root, other] = told
  const may = { GET: true, POST: true, HEAD: true }
  assert.deepEqual(page?.actions, { ...may, DELETE: false }, 'a deny takes any query')
  assert.deepEqual(root?.actions, { ...may, DELETE: false })
  assert.deepEqual([other?.actions, other?.advices, other?.attributes], [{}, {}, {}])
})

test('an advice withholds its action, and says what to prove; a time says until when', async (t) => {
  const { about, host } = await asked(t)
  const pay = await about('bob', `${SITE}/pay/x`)
  assert.deepEqual(
    [pay.actions, pay.advices],
    [{ GET: true, HEAD: true, DELETE: false }, { AuthLevelConditionAdvice: ['3'] }],
  )
  assert.deepEqual((await about('alice', `${SITE}/pay/x`)).advices, {}, 'a subject that fails gives no advice')
  const { ttl } = await about('alice', `${SITE}/fresh/x`)
  assert.equal(ttl, host.time.now + 5 * 60_000)
})

test('what no clock changes is good for ever, in all the digits of a long', async (t) => {
  const { host } = await asked(t)
  const { token } = await host.signIn('root', '/')
  const { token: ssoToken } = await host.signIn('alice')
  const body = JSON.stringify({ resources: [`${SITE}/x`], subject: { ssoToken } })
  const headers = { 'content-type': 'application/json', SSOTokenID: token }
  const answer = await fetch(host.url + EVALUATE, { method: 'POST', headers, body })
  assert.match(await answer.text(), new RegExp(`"ttl":${FOREVER}[,}]`))
})

test('a resource that can be read in two ways, or is no URL, is covered by no policy', async (t) => {
  const { tell } = await asked(t)
  const resources = ['/x', 'ftp://app.acme.test/x', `${SITE}/a/../b`, `${SITE}//x`, `${SITE}/%2e%2e/x`, `${SITE}/a%2fb`]
  const more = [`${SITE}/x#y`, 'http://u@app.acme.test/x', 'http://app.acme.test:0/x', '', `${SITE}/\u00e9`]
  for (const told of await tell({ resources: [...resources, ...more], subject: { claims: { sub: 'alice' } } }))
    assert.deepEqual([told.actions, told.advices], [{}, {}], told.resource)
})

test('who may ask: administrators of the realm and of those above it', async (t) => {
  const { host } = await asked(t)
  const body = { resources: [`${SITE}/x`], subject: { claims: { sub: 'alice' } } }
  const status = async (token?: string) =>
    (await host.call(EVALUATE, { ...(token && { token }), headers: { 'accept-api-version': 'resource=2.1' }, body }))
      .status
  const of = async (name: string, realm: string) => status((await host.signIn(name, realm)).token)
  assert.equal(await of('root', '/'), 200)
  assert.equal(await of('guest', '/'), 403)
  assert.equal(await of('bob', '/employees'), 403, 'a group of that name administers only where the realm says so')
  assert.equal(await of('carl', '/employees/contractors'), 403, 'the realm above')
  assert.equal(await of('dave', '/customers'), 403)
  const refused = host.audited.flatMap((event) => (event.event === 'PolicyQuestionRefused' ? [event] : []))
  assert.deepEqual(
    refused.map(({ username, realm, of: asked, question }) => [username, realm, asked, question]),
    ['guest /', 'bob /employees', 'carl /employees/contractors', 'dave /customers'].map((who) => [
      ...[...who.split(' '), '/employees', 'evaluate'],
    ]),
  )
  assert.equal(await status(), 401)
  assert.equal(await status('x'), 401)
})

test('what is wrong with a question is said before anything is evaluated', async (t) => {
  const { ask, host } = await asked(t)
  const { token: ssoToken } = await host.signIn('alice')
  const question = { resources: [`${SITE}/x`], subject: { ssoToken } }
  const wrong: Readonly<Record<string, object>> = {
    'no set': { ...question, application: 'nothing' },
    'set of Object.prototype': { ...question, application: 'constructor' },
    'no resources': { subject: { ssoToken } },
    'none at all': { ...question, resources: [] },
    'not a list': { ...question, resources: 'x' },
    'dead token': { ...question, subject: { ssoToken: 'x' } },
    'dead jwt': { ...question, subject: { jwt: 'a.b.c' } },
    'good and dead': { ...question, subject: { ssoToken, jwt: 'a.b.c' } },
    'two people': { ...question, subject: { ssoToken, claims: { sub: 'bob' } } },
    'somebody and nobody': { ...question, subject: { ssoToken, claims: { sub: 'nobody' } } },
    'claims without sub': { ...question, subject: { claims: { iss: 'x' } } },
    address: { ...question, environment: { requestIp: ['x'] } },
    'two addresses': { ...question, environment: { requestIp: ['192.0.2.1'], IP: ['192.0.2.2'] } },
    'not lists': { ...question, environment: { requestIp: '192.0.2.1' } },
  }
  for (const [what, body] of Object.entries(wrong)) {
    const { status, body: problem } = await ask(body)
    assert.equal(status, 400, what)
    assert.equal((problem as { reason: string }).reason, 'Bad Request')
  }
  assert.equal((await ask({ ...question, application: 'other' })).status, 200, 'a set without active policies')
  assert.equal((await ask({ ...question, application: null, environment: null })).status, 200)
  const unknown = await ask(question, '/json/realms/root/realms/employees/policies?_action=schema')
  assert.equal(unknown.status, 501)
  const version = { headers: { 'accept-api-version': 'resource=3.0' }, body: question }
  assert.equal((await host.call(EVALUATE, version)).status, 404)
})

test('a restricted token is a subject at its own site alone', async (t) => {
  const { host, ask, tell } = await asked(t)
  const { session } = await host.signIn('alice')
  const grant = { agent: APP, audience: 'agent:app', goto: `${SITE}/`, binding: 'b', interactive: true } as const
  const code = await host.process.handshakes.issue(session, grant)
  const redeemed = await host.process.handshakes.redeem(code, APP, 'b', FROM)
  assert.ok(redeemed.kind === 'issued')
  const subject = { ssoToken: redeemed.token }
  const [own, other] = await tell({ resources: [`${SITE}/x`, 'http://hr.acme.test/x'], subject })
  assert.equal(own?.actions['GET'], true)
  assert.deepEqual([other?.actions, other?.advices], [{}, {}], 'of another site it tells nothing')
  assert.equal((await ask({ resources: ['http://hr.acme.test/x'], subject })).status, 400)
  assert.equal((await ask({ resources: ['http://nowhere.test/x'], subject })).status, 400)
})

test('without a subject it is the caller; realms do not vouch for each other', async (t) => {
  const { host, tell } = await asked(t)
  const [caller] = await tell({ resources: [`${SITE}/x`] })
  assert.deepEqual([caller?.actions, caller?.advices], [{}, {}], 'an administrator of / is nobody in /employees')
  const { token: ssoToken } = await host.signIn('alice', '/customers')
  const [namesake] = await tell({ resources: [`${SITE}/x`], subject: { ssoToken } })
  assert.deepEqual(namesake?.actions, {})
})

test('a name is a person who has proved nothing; nobody may do nothing', async (t) => {
  const { tell } = await asked(t)
  const of = async (sub: string) => (await tell({ resources: [`${SITE}/pay/x`], subject: { claims: { sub } } }))[0]
  const bob = await of('bob')
  assert.deepEqual([bob?.actions['GET'], bob?.advices], [true, { AuthLevelConditionAdvice: ['3'] }])
  const nobody = await of('nobody')
  assert.deepEqual([nobody?.actions, nobody?.advices], [{}, {}])
})

test('an access token is the session it is of', async (t) => {
  const signedIn: { session?: Awaited<ReturnType<Awaited<ReturnType<typeof createLoginHost>>['signIn']>>['session'] } =
    {}
  const jwt = `x.${Buffer.from('{"sub":"u-alice"}').toString('base64url')}.x`
  const bearer = { resolve: (value: string) => (value === `Bearer ${jwt}` ? signedIn.session : undefined) }
  const { host, tell, ask } = await asked(t, { bearer })
  const { session, token: ssoToken } = await host.signIn('alice')
  signedIn.session = session
  const question = { resources: [`${SITE}/x`] }
  for (const subject of [{ jwt }, { jwt, claims: { sub: 'alice' } }, { jwt, ssoToken }])
    assert.equal((await tell({ ...question, subject }))[0]?.actions['GET'], true)
  const { token: other } = await host.signIn('bob')
  for (const subject of [
    { jwt, claims: { sub: 'bob' } },
    { jwt, ssoToken: other },
  ])
    assert.equal((await ask({ ...question, subject })).status, 400)
})

test('what a caller says of its token and client counts for policies that ask for it, and only there', async (t) => {
  const policies = policiesFrom([
    {
      name: 'partners',
      resources: [`${SITE}/*`],
      actions: { GET: 'allow' },
      subject: { type: 'JwtClaim', claimName: 'iss', claimValue: 'partner' },
    },
    {
      name: 'writers',
      resources: [`${SITE}/*`],
      actions: { PUT: 'allow' },
      subject: { type: 'AuthenticatedUsers' },
      condition: { type: 'OAuth2Scope', requiredScopes: ['write', 'read'] },
    },
    {
      name: 'office',
      resources: [`${SITE}/*`],
      actions: { POST: 'allow' },
      subject: { type: 'AuthenticatedUsers' },
      condition: { type: 'IPv4', startIp: '192.0.2.0', endIp: '192.0.2.255' },
    },
    {
      name: 'known device',
      resources: [`${SITE}/*`],
      actions: { PATCH: 'allow' },
      subject: { type: 'AuthenticatedUsers' },
      condition: { type: 'Environment', properties: { deviceId: ['d1'] } },
    },
  ])
  const sets = new Map([['iPlanetAMWebAgentService', new Set(['GET', 'PUT', 'POST', 'PATCH'])]])
  const { tell } = await asked(t, { policiesOf: () => employeesPolicies(policies, { sets }) })
  const may = async (claims: object, environment: object = {}) => {
    const [told] = await tell({
      resources: [`${SITE}/x`],
      subject: { claims: { sub: 'alice', ...claims } },
      environment,
    })
    return Object.keys(told?.actions ?? {}).join()
  }
  assert.equal(await may({}), '')
  assert.equal(await may({ iss: 'partner' }), 'GET,HEAD')
  assert.equal(await may({}, { scope: ['read write'] }), 'PUT')
  assert.equal(await may({}, { scope: ['read'] }), '')
  assert.equal(await may({}, { requestIp: ['192.0.2.9'] }), 'POST')
  assert.equal(await may({}, { IP: ['::ffff:192.0.2.9'] }), 'POST')
  assert.equal(await may({}, { IP: ['198.51.100.9'] }), '')
  assert.equal(await may({}, { deviceId: ['d1'] }), 'PATCH')
  assert.equal(await may({}, { deviceId: ['d1', 'd2'] }), '')
})

test('what policies that allow something say about the user comes along', async (t) => {
  const policies = policiesFrom([
    {
      name: 'told',
      resources: [`${SITE}/told`],
      actions: { GET: 'allow', POST: 'allow' },
      subject: { type: 'AuthenticatedUsers' },
      responseAttributes: [
        { type: 'Static', propertyName: 'dept', propertyValues: ['x'] },
        { type: 'Session', propertyName: 'tier' },
      ],
    },
  ])
  const { about } = await asked(t, { policiesOf: () => employeesPolicies(policies) })
  assert.deepEqual((await about('alice', `${SITE}/told`)).attributes, { dept: ['x'], tier: ['gold'] })
  assert.deepEqual((await about('alice', `${SITE}/other`)).attributes, {})
})

test('a session that is too old for what an agent asks about ends, as the policy says; for who only looks it does not', async (t) => {
  const policies = policiesFrom([
    {
      name: 'short',
      resources: [`${SITE}/*`],
      actions: { GET: 'allow' },
      subject: { type: 'AuthenticatedUsers' },
      condition: { type: 'Session', maxSessionTime: '10m', terminateSession: true },
    },
  ])
  const { host, tell } = await asked(t, { policiesOf: () => employeesPolicies(policies) })
  const { token: ssoToken, session } = await host.signIn('alice')
  const question = { resources: [`${SITE}/x`], subject: { ssoToken } }
  const agent = await host.signInAgent('legacy')
  const byAgent = () =>
    host.call(EVALUATE, { token: agent, headers: { 'accept-api-version': 'resource=2.1' }, body: question })
  const isAlive = async () => (await host.process.sessions.find(session.sid)) !== undefined
  assert.deepEqual((await byAgent()).status, 200)
  assert.equal(await isAlive(), true, 'it is young')
  host.pass(11 * 60_000)
  const [told] = await tell(question)
  assert.deepEqual([told?.actions, told?.advices], [{}, { SessionConditionAdvice: ['deny'] }])
  assert.equal(await isAlive(), true, 'an administrator only looked')
  assert.equal((await byAgent()).status, 200)
  assert.equal(await isAlive(), false)
})

test('what needs an approval passes once, with the id of the one that was given', async (t) => {
  const { host, tell } = await asked(t)
  const { token: ssoToken, session } = await host.signIn('alice')
  const transactions = createTransactions(host.process.store)
  const ask = async (TxId?: string) => {
    const environment = TxId === undefined ? {} : { TxId: [TxId] }
    const [told] = await tell({ resources: [`${SITE}/transfer`], subject: { ssoToken }, environment })
    assert.ok(told)
    return {
      may: told.actions['POST'] === true,
      id: told.advices['TransactionConditionAdvice']?.[0] ?? '',
      ttl: told.ttl,
    }
  }
  const first = await ask()
  assert.match(first.id, /^[0-9a-f-]{36}$/)
  assert.deepEqual([first.may, first.ttl], [false, 0])
  assert.equal((await ask(first.id)).may, false, 'it was not approved')
  assert.deepEqual((await transactions.find(first.id))?.requirements, ['AuthLevel:2'])
  assert.equal(await transactions.approve(first.id, session), true)
  assert.equal((await ask('00000000-0000-4000-8000-000000000000')).may, false, 'of another name')
  const again = await ask()
  assert.equal(await transactions.approve(again.id, session), true)
  const passed = await ask(again.id)
  assert.deepEqual([passed.may, passed.id], [true, ''])
  assert.ok(passed.ttl <= host.time.now, 'not to be remembered')
  assert.equal((await ask(again.id)).may, false, 'once')
  const redeemed = host.audited.filter(({ event }) => event === 'TransactionRedeemed')
  const { username, sid, realm } = session
  assert.deepEqual(
    redeemed.map(({ at: _at, ...said }) => said),
    [
      {
        ...{ event: 'TransactionRedeemed', requestId: 'r-9', clientIp: '192.0.2.9', username, sid, realm },
        ...{ agent: 'app', method: 'POST', path: '/transfer', transaction: again.id },
      },
    ],
  )
})

test('a tree has the resource and every pattern below it, each with its own answer', async (t) => {
  const { host, tell, ask } = await asked(t)
  const { token: ssoToken } = await host.signIn('bob')
  const told = await tell({ resource: 'http://app.acme.test/', subject: { ssoToken } }, TREE)
  const by = new Map(told.map(({ resource, ...rest }) => [resource, rest]))
  assert.deepEqual([...by.keys()].sort(), [
    'http://app.acme.test/',
    `${SITE}/*`,
    `${SITE}/*?*`,
    `${SITE}/fresh/*`,
    `${SITE}/pay/*`,
    `${SITE}/transfer`,
  ])
  assert.equal(by.get(`${SITE}/*`)?.actions['POST'], true)
  assert.deepEqual(by.get(`${SITE}/pay/*`)?.advices, { AuthLevelConditionAdvice: ['3'] })
  assert.deepEqual(by.get(`${SITE}/transfer`)?.advices, {}, 'nobody approves a tree')
  const below = await tell({ resource: `${SITE}/pay`, subject: { ssoToken } }, TREE)
  assert.deepEqual(
    below.map(({ resource }) => resource),
    [`${SITE}/pay`, `${SITE}/pay/*`],
  )
  assert.equal((await ask({ resources: [SITE] }, TREE)).status, 400)
})
