import assert from 'node:assert/strict'
import { after, test, type TestContext } from 'node:test'
import { createTransactions } from '../../session/transactions.ts'
import { ATTRIBUTES, CATEGORIES } from '../../policy/xacml/identifiers.ts'
import { createLoginHost } from '../login-host.fixture.ts'
import { EMPLOYEES, employeesPolicies, policiesFrom } from '../openam/policies/policies.fixture.ts'
import {
  action,
  asXml,
  codeOf,
  environment,
  named,
  PDP,
  resource,
  SITE,
  startPdp,
  subject,
  withToken,
  type Attribute,
  type Result,
} from './xacml.fixture.ts'

/** One for all tests that need no policies of their own. */
const shared = startPdp({ after } as TestContext)

const advice = (result: Result) =>
  Object.fromEntries(
    (result.AssociatedAdvice ?? []).map(({ Id, AttributeAssignment }) => [
      Id.replace('urn:gatehouse:xacml:advice:', ''),
      AttributeAssignment.map(({ Value }) => Value),
    ]),
  )
const policies = ({ PolicyIdentifierList: list }: Result) => list?.PolicyIdReference.map(({ Id }) => Id)

test('what a policy allows is Permit, denies Deny, covers and does not allow Deny, and does not cover NotApplicable', async () => {
  const { askOne } = await shared
  const decide = async (name: string, url: string, what: string) => {
    const result = await askOne(named(name), resource(url), action(what))
    assert.equal(codeOf(result), 'ok')
    return [result.Decision, policies(result)]
  }
  assert.deepEqual(await decide('alice', `${SITE}/x`, 'get'), ['Permit', ['urn:gatehouse:xacml:policy:staff']])
  assert.deepEqual(await decide('alice', `${SITE}/x`, 'HEAD'), ['Permit', ['urn:gatehouse:xacml:policy:staff']])
  assert.deepEqual(await decide('alice', `${SITE}/x`, 'DELETE'), ['Deny', ['urn:gatehouse:xacml:policy:no%20deleting']])
  assert.deepEqual(await decide('alice', 'http://else.test/', 'GET'), ['NotApplicable', undefined])
  assert.deepEqual(await decide('alice', `${SITE}/x`, 'PATCH'), ['NotApplicable', undefined])
})

test('advices say what to prove, to those whom the policy is about alone', async () => {
  const { host, askOne } = await shared
  const pay = async (name: string) => {
    const { token } = await host.signIn(name)
    return askOne(withToken(token), resource(`${SITE}/pay/x`), action('POST'))
  }
  const bob = await pay('bob')
  assert.deepEqual([bob.Decision, advice(bob)], ['Deny', { AuthLevelConditionAdvice: ['3'] }])
  assert.deepEqual(advice(await pay('alice')), {})
  const { token } = await host.signIn('alice')
  const fresh = await askOne(withToken(token), resource(`${SITE}/fresh/x`), action('GET'))
  assert.deepEqual(advice(fresh), { 'valid-until': [new Date(host.time.now + 300_000).toISOString()] })
})

test('response attributes come with a Permit alone, whatever their names', async (t) => {
  const responseAttributes = [
    { type: 'Static' as const, propertyName: '__proto__', propertyValues: ['a'] },
    { type: 'Static' as const, propertyName: 'role of', propertyValues: ['x', '<y>'] },
  ]
  const everyone = { type: 'AuthenticatedUsers' as const }
  const own = policiesFrom([
    {
      name: 'p',
      resources: [`${SITE}/*`],
      actions: { GET: 'allow', POST: 'deny' },
      subject: everyone,
      responseAttributes,
    },
  ])
  const { askOne } = await startPdp(t, { policiesOf: () => employeesPolicies(own) })
  const told = await askOne(named('alice'), resource(`${SITE}/x`), action('GET'))
  assert.deepEqual(
    told.AssociatedAdvice?.flatMap(({ AttributeAssignment: all }) => all.map((each) => [each.AttributeId, each.Value])),
    [
      ['urn:gatehouse:xacml:response-attribute:__proto__', 'a'],
      ['urn:gatehouse:xacml:response-attribute:role%20of', 'x'],
      ['urn:gatehouse:xacml:response-attribute:role%20of', '<y>'],
    ],
  )
  assert.deepEqual(advice(await askOne(named('alice'), resource(`${SITE}/x`), action('POST'))), {})
})

test('what is not said and asked for is Indeterminate, and says what is missing', async (t) => {
  const office = policiesFrom([
    {
      name: 'office',
      resources: [`${SITE}/*`],
      actions: { GET: 'allow', PUT: 'deny' },
      subject: { type: 'AuthenticatedUsers' },
      condition: { type: 'IPv4', addresses: ['10.0.0.0/8'] },
    },
  ])
  const { askOne } = await startPdp(t, { policiesOf: () => employeesPolicies(office) })
  const from = (Value: string, AttributeId: string = ATTRIBUTES.address, DataType = 'ipAddress') =>
    environment({ AttributeId, Value, DataType })
  const question = [named('alice'), resource(`${SITE}/x`), action('GET')]
  const missing = (result: Result) => [
    result.Decision,
    codeOf(result),
    result.Status.StatusDetail?.MissingAttributeDetail.map(({ AttributeId }) => AttributeId),
  ]
  assert.deepEqual(missing(await askOne(...question)), ['Indeterminate', 'missing-attribute', [ATTRIBUTES.address]])
  for (const AttributeId of ['requestIp', 'IP'])
    assert.equal(
      (await askOne(...question, environment({ AttributeId, Value: '10.1.2.3' }))).Decision,
      'Indeterminate',
      AttributeId,
    )
  assert.equal((await askOne(...question, from('10.1.2.3'))).Decision, 'Permit')
  assert.equal((await askOne(...question, from('11.1.2.3'))).Decision, 'Deny')
  assert.equal((await askOne(...question, from('[::1]'))).Decision, 'Deny')
  const place = subject(
    { AttributeId: ATTRIBUTES.subjectId, Value: 'alice' },
    { AttributeId: ATTRIBUTES.subjectAddress, Value: '10.1.2.3', DataType: 'ipAddress' },
  )
  assert.equal((await askOne(place, resource(`${SITE}/x`), action('GET'))).Decision, 'Permit')
  const two = await askOne(place, resource(`${SITE}/x`), action('GET'), from('10.9.9.9'))
  assert.deepEqual([two.Decision, codeOf(two)], ['Indeterminate', 'processing-error'])
  assert.equal((await askOne(named('alice'), resource(`${SITE}/x`), action('PUT'))).Decision, 'Deny')
  for (const [part, id] of [
    [[resource(`${SITE}/x`), action('GET')], ATTRIBUTES.subjectId],
    [[named('alice'), action('GET')], ATTRIBUTES.resourceId],
    [[named('alice'), resource(`${SITE}/x`)], ATTRIBUTES.actionId],
  ] as const)
    assert.deepEqual(missing(await askOne(...part)), ['Indeterminate', 'missing-attribute', [id]])
})

test('a subject is of the realm, and one person', async () => {
  const { host, askOne } = await shared
  const rest = [resource(`${SITE}/x`), action('GET')]
  const { token: dave } = await host.signIn('dave', '/customers')
  const { token: bob, session } = await host.signIn('bob')
  const decide = async (...attributes: readonly Attribute[]) => (await askOne(subject(...attributes), ...rest)).Decision
  const id = (Value: string) => ({ AttributeId: ATTRIBUTES.subjectId, Value })
  const sso = (Value: string) => ({ AttributeId: ATTRIBUTES.ssoToken, Value })
  const realm = (Value: string) => ({ AttributeId: ATTRIBUTES.qualifier, Value })
  assert.equal(await decide(id('bob'), sso(bob), realm('/employees')), 'Permit')
  assert.equal(await decide(id('alice'), sso(bob)), 'Indeterminate')
  assert.equal(await decide(id('bob'), realm('/customers')), 'Indeterminate')
  assert.equal(await decide(sso('x')), 'Indeterminate')
  assert.equal(await decide({ AttributeId: ATTRIBUTES.accessToken, Value: 'a.b.c' }), 'Indeterminate')
  assert.equal(await decide(sso(dave)), 'Deny', 'of another realm')
  const restricted = await host.tokenAt('app', session)
  assert.equal(await decide(sso(restricted)), 'Permit')
  const elsewhere = await askOne(withToken(restricted), resource('http://hr.acme.test/x'), action('GET'))
  assert.equal(elsewhere.Decision, 'Indeterminate', 'a token of one site says nothing of another')
})

test('of who is not there the answer is that of people to whom no policy applies', async (t) => {
  const resources = [`${SITE}/*`]
  const own = policiesFrom([
    { name: 'finance', resources, actions: { GET: 'allow' }, subject: { type: 'Group', groups: ['finance'] } },
    { name: 'everybody', resources, actions: { POST: 'allow' }, subject: { type: 'AnonymousUsers' } },
    {
      name: 'level',
      resources,
      actions: { PUT: 'allow' },
      subject: { type: 'OR', subjects: [{ type: 'AnonymousUsers' }, { type: 'Group', groups: ['finance'] }] },
      condition: { type: 'AuthLevel', authLevel: 2 },
    },
  ])
  const { askOne } = await startPdp(t, { policiesOf: () => employeesPolicies(own) })
  for (const what of ['GET', 'PUT', 'PATCH']) {
    const alice = await askOne(named('alice'), resource(`${SITE}/x`), action(what))
    assert.notEqual(alice.Decision, 'Permit')
    for (const name of ['nobody', 'constructor', 'dave'])
      assert.deepEqual(await askOne(named(name), resource(`${SITE}/x`), action(what)), alice, `${name} ${what}`)
  }
  assert.equal((await askOne(named('nobody'), resource(`${SITE}/x`), action('POST'))).Decision, 'Deny')
})

test('a policy set is one of the realm', async () => {
  const { askOne } = await shared
  const inSet = async (Value: string) => {
    const where = resource(`${SITE}/x`, { AttributeId: ATTRIBUTES.policySet, Value })
    const result = await askOne(named('alice'), where, action('GET'))
    return [result.Decision, codeOf(result)]
  }
  assert.deepEqual(await inSet('iPlanetAMWebAgentService'), ['Permit', 'ok'])
  assert.deepEqual(await inSet('other'), ['NotApplicable', 'ok'])
  assert.deepEqual(await inSet('nothing'), ['Indeterminate', 'processing-error'])
  assert.deepEqual(await inSet('constructor'), ['Indeterminate', 'processing-error'])
})

test('a resource that two servers could read differently is Indeterminate, never NotApplicable', async () => {
  const { askOne } = await shared
  const odd = [
    '/x',
    'ftp://app.acme.test/x',
    `${SITE}/a/../b`,
    `${SITE}//x`,
    `${SITE}/%2e%2e/x`,
    `${SITE}/a%2fb`,
    `${SITE}/x#y`,
  ]
  for (const url of [...odd, 'http://u@app.acme.test/x', 'http://app.acme.test:0/x', 'urn:x', 'file://a/b']) {
    const result = await askOne(named('alice'), resource(url), action('GET'))
    assert.deepEqual([result.Decision, codeOf(result)], ['Indeterminate', 'syntax-error'], url)
  }
})

test('a time that is given is what it is decided for, and then nothing happens but the answer', async () => {
  const { host, askOne } = await shared
  const { token } = await host.signIn('alice')
  const at = (ms: number) =>
    environment({ AttributeId: ATTRIBUTES.currentDateTime, Value: new Date(ms).toISOString(), DataType: 'dateTime' })
  const fresh = async (ms: number) =>
    askOne(withToken(token), resource(`${SITE}/fresh/x`), action('GET'), at(host.time.now + ms))
  const [soon, late] = [await fresh(60_000), await fresh(300_000)]
  assert.deepEqual([soon.Decision, advice(soon)], ['Permit', {}])
  assert.deepEqual([late.Decision, advice(late)], ['Deny', { AuthenticationAgeConditionAdvice: ['300'] }])
  const transfer = [withToken(token), resource(`${SITE}/transfer`), action('POST')]
  assert.deepEqual(advice(await askOne(...transfer, at(host.time.now))), {})
})

test('an approval lets the request pass once', async () => {
  const { host, post } = await shared
  const { token, session } = await host.signIn('alice')
  const transactions = createTransactions(host.process.store)
  const ask = async (TxId?: string) => {
    const more = TxId === undefined ? [] : [environment({ AttributeId: ATTRIBUTES.transaction, Value: TxId })]
    const Category = [withToken(token), resource(`${SITE}/transfer`), action('POST'), ...more]
    const { text } = await post(JSON.stringify({ Request: { Category } }), 'application/json')
    const [result] = (JSON.parse(text) as { Response: [Result] }).Response
    return { decision: result.Decision, id: advice(result)['TransactionConditionAdvice']?.[0] ?? '' }
  }
  const { id } = await ask()
  assert.match(id, /^[0-9a-f-]{36}$/, 'which one it is, never what it takes')
  assert.equal((await ask(id)).decision, 'Deny', 'nobody has approved it')
  const again = await ask()
  assert.equal(await transactions.approve(again.id, session), true)
  assert.equal((await ask(again.id)).decision, 'Permit')
  assert.equal((await ask(again.id)).decision, 'Deny', 'once')
  assert.equal(host.audited.filter(({ event }) => event === 'TransactionRedeemed').length, 1)
})

test('attributes come back where they are to, tokens never', async () => {
  const { host, ask } = await shared
  const { token } = await host.signIn('alice')
  const back = { IncludeInResult: true }
  const who = subject(
    { AttributeId: ATTRIBUTES.ssoToken, Value: token, ...back },
    { AttributeId: 'urn:example:age', Value: 42, ...back },
    { AttributeId: 'urn:example:kept', Value: 'x' },
  )
  const where = {
    ...resource(`${SITE}/x`, { AttributeId: 'urn:example:tag', Value: ['<a>', '"b"'], Issuer: 'i', ...back }),
    Id: 'r1',
  }
  const [result] = await ask({ Category: [who, where, action('GET')] })
  assert.deepEqual(result?.Category, [
    {
      CategoryId: CATEGORIES.AccessSubject,
      Attribute: [
        {
          AttributeId: 'urn:example:age',
          DataType: 'http://www.w3.org/2001/XMLSchema#integer',
          IncludeInResult: true,
          Value: 42,
        },
      ],
    },
    {
      CategoryId: CATEGORIES.Resource,
      Id: 'r1',
      Attribute: [
        {
          AttributeId: 'urn:example:tag',
          Issuer: 'i',
          DataType: 'http://www.w3.org/2001/XMLSchema#string',
          IncludeInResult: true,
          Value: ['<a>', '"b"'],
        },
      ],
    },
  ])
})

test('MDP §2.3: each resource with each action, in their order; §3: one answer where they agree', async () => {
  const { ask } = await shared
  const Category = [
    named('alice'),
    resource(`${SITE}/a`),
    resource('http://else.test/'),
    action('GET'),
    action('DELETE'),
  ]
  const results = await ask({ Category })
  assert.deepEqual(
    results.map(({ Decision }) => Decision),
    ['Permit', 'Deny', 'NotApplicable', 'NotApplicable'],
  )
  const combined = async (...actions: readonly string[]) =>
    (
      await ask({ Category: [named('alice'), resource(`${SITE}/a`), ...actions.map(action)], CombinedDecision: true })
    ).map(({ Decision }) => Decision)
  assert.deepEqual(await combined('GET', 'POST'), ['Permit'])
  assert.deepEqual(await combined('GET', 'DELETE'), ['Indeterminate'])
  const [many] = await ask({
    Category: [
      named('alice'),
      ...Array.from({ length: 15 }, (_, at) => resource(`${SITE}/${at}`)),
      ...Array.from({ length: 14 }, () => action('GET')),
    ],
  })
  assert.deepEqual([many?.Decision, many && codeOf(many)], ['Indeterminate', 'processing-error'])
})

test('MDP §2.4: references name the categories of each question', async () => {
  const { ask } = await shared
  const Category = [
    { ...named('alice'), Id: 's1' },
    { ...named('bob'), Id: 's2' },
    { ...resource(`${SITE}/pay/x`), Id: 'r' },
    { ...action('POST'), Id: 'a' },
  ]
  const references = (...lists: readonly (readonly string[])[]) => ({
    RequestReference: lists.map((ReferenceId) => ({ ReferenceId })),
  })
  const decide = async (...lists: readonly (readonly string[])[]) =>
    (await ask({ Category, MultiRequests: references(...lists) })).map((each) => [
      each.Decision,
      codeOf(each),
      advice(each),
    ])
  assert.deepEqual(await decide(['s2', 'r', 'a'], ['r', 'a', 's1']), [
    ['Deny', 'ok', { AuthLevelConditionAdvice: ['3'] }],
    ['Permit', 'ok', {}],
  ])
  for (const lists of [[['s1', 'r', 'x']], [['s1', 's2', 'r', 'a']], [['s1', 'r', 'a', 'a']], []])
    assert.deepEqual(await decide(...lists), [['Indeterminate', 'syntax-error', {}]])
})

test('who may ask: administrators, by cookie or access token, and agents of the realm; nobody across realms', async (t) => {
  const bearer = { resolve: (value: string) => (value === 'Bearer good.one.x' ? session : undefined) }
  const policiesOf = (realm: string) => (realm === EMPLOYEES ? employeesPolicies() : undefined)
  const host = await createLoginHost(t, { policiesOf, bearer })
  const { token, session } = await host.signIn('root', '/')
  const body = JSON.stringify({ Request: { Category: [named('alice'), resource(`${SITE}/x`), action('GET')] } })
  const status = async (headers: Readonly<Record<string, string>>, path = PDP) =>
    (
      await fetch(host.url + path, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/xacml+json', ...headers },
      })
    ).status
  const of = async (name: string, realm: string) => status({ SSOTokenID: (await host.signIn(name, realm)).token })
  assert.equal(await status({ SSOTokenID: token }), 200)
  assert.equal(await status({ cookie: `SSOTokenID=${token}` }), 200)
  assert.equal(await status({ authorization: 'Bearer good.one.x' }), 200)
  assert.equal(await status({ authorization: 'Bearer bad', cookie: `SSOTokenID=${token}` }), 401)
  assert.equal(await status({ authorization: 'Basic eDp5', cookie: `SSOTokenID=${token}` }), 401)
  assert.equal(await status({}), 401)
  assert.equal(await of('guest', '/'), 403)
  assert.equal(await of('bob', '/employees'), 403)
  assert.equal(await of('carl', '/employees/contractors'), 403)
  const legacy = { SSOTokenID: await host.signInAgent('legacy') }
  assert.equal(await status(legacy), 200)
  assert.equal(await status({ SSOTokenID: await host.signInAgent('other') }), 403)
  assert.equal(await status(legacy, '/xacml/customers/pdp'), 403)
  assert.equal(await status(legacy, '/xacml/pdp'), 403)
  for (const path of ['/xacml/employees/pdp', '/xacml/pdp?realm=/employees', '/xacml/realms/root/pdp?realm=/employees'])
    assert.equal(await status(legacy, path), 200, path)
  for (const path of [
    '/xacml/',
    '/xacml/nowhere/pdp',
    '/xacml/pdp/x',
    '/xacml/../pdp',
    '/xacml/realms/x/pdp',
    '/xacml/pdp?realm=/employees&realm=/employees',
    '/xacml/employees/PDP',
    '/xacml/pdp?realm=/constructor',
  ])
    assert.equal(await status(legacy, path), 404, path)
})

test('an agent asks about its site: a path is one there', async (t) => {
  const host = await createLoginHost(t, {
    policiesOf: () =>
      employeesPolicies(
        policiesFrom([
          {
            name: 'p',
            resources: ['http://legacy.acme.test:80/*'],
            actions: { GET: 'allow' },
            subject: { type: 'AuthenticatedUsers' },
          },
        ]),
      ),
  })
  const SSOTokenID = await host.signInAgent('legacy')
  const { token } = await host.signIn('alice')
  const body = JSON.stringify({ Request: { Category: [withToken(token), resource('/a'), action('GET')] } })
  const headers = { 'content-type': 'application/json', SSOTokenID }
  const answer = await fetch(host.url + PDP, { method: 'POST', body, headers })
  assert.match(await answer.text(), /"Permit"/)
})

test('REST Profile §2.2: bodies and answers are of the types that both know', async () => {
  const { post, admin, host } = await shared
  const asked = { Category: [named('alice'), resource(`${SITE}/x`), action('GET')] }
  const [json, xml] = [JSON.stringify({ Request: asked }), asXml(asked)]
  const types = async (body: string, type: string, accept?: string) => {
    const { status, type: answer } = await post(body, type, accept === undefined ? {} : { accept })
    return [status, answer]
  }
  const [AS_XML, AS_JSON] = ['application/xacml+xml; version=3.0', 'application/xacml+json']
  assert.deepEqual(await types(xml, 'application/xacml+xml; version=3.0', '*/*'), [200, AS_XML])
  assert.deepEqual(await types(xml, 'Application/XACML+XML;charset="UTF-8"'), [200, AS_XML])
  assert.deepEqual(await types(xml, 'application/xml', 'application/json'), [200, 'application/json'])
  assert.deepEqual(
    await types(json, 'application/xacml+json', 'application/xacml+xml;q=0.9, application/xacml+json;q=0.1'),
    [200, AS_XML],
  )
  assert.deepEqual(await types(json, 'application/json', 'text/html, application/*;q=0.5'), [200, AS_JSON])
  for (const accept of [
    'text/html',
    'application/xacml+xml; version=2.0',
    'application/xacml+json;q=0',
    'x'.repeat(2_000),
  ])
    assert.deepEqual((await types(json, AS_JSON, accept))[0], 406, accept)
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'text/xml',
    'application/xacml+xml; version=2.0',
    'application/xacml+json; charset=utf-16',
    'application/xacml+json; x=y',
    'multipart/form-data',
  ])
    assert.deepEqual((await types(json, type))[0], 415, type)
  assert.equal((await post(json, AS_JSON, { 'content-encoding': 'gzip' })).status, 415)
  assert.equal((await post(`{"x":"${'y'.repeat(65_536)}"}`, AS_JSON)).status, 413)
  const { status, headers } = await fetch(host.url + PDP, { headers: { SSOTokenID: admin } })
  assert.deepEqual([status, headers.get('allow')], [405, 'POST'])
})

test('a request that is none is 400, and still answered in XACML', async () => {
  const { post } = await shared
  const json = await post('{"Request":{"Category":{}}}', 'application/xacml+json')
  assert.equal(json.status, 400)
  const [result] = (JSON.parse(json.text) as { Response: [Result] }).Response
  assert.deepEqual([result.Decision, codeOf(result)], ['Indeterminate', 'syntax-error'])
  assert.match(result.Status.StatusMessage ?? '', /Request\.Category\.0\.CategoryId/)
  const xml = await post('<Request/>', 'application/xacml+xml')
  assert.equal(xml.status, 400)
  assert.match(
    xml.text,
    /<Decision>Indeterminate<\/Decision><Status><StatusCode Value="[^"]*:syntax-error"\/><StatusMessage>Request: its namespace/,
  )
})

test('a page of another site cannot have a person’s browser ask', async () => {
  const { post, admin, host } = await shared
  const body = JSON.stringify({ Request: { Category: [named('alice'), resource(`${SITE}/x`), action('GET')] } })
  for (const headers of [
    { origin: 'https://evil.test' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: 'http://app.acme.test' },
    { origin: 'null' },
  ] as readonly Readonly<Record<string, string>>[]) {
    const answer = await post(body, 'application/xacml+json', headers)
    assert.equal(answer.status, 403, JSON.stringify(headers))
    assert.equal(answer.headers.get('access-control-allow-origin'), null)
  }
  const preflight = await fetch(host.url + PDP, {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.test', cookie: `SSOTokenID=${admin}` },
  })
  assert.equal(preflight.headers.get('access-control-allow-origin'), null)
})
