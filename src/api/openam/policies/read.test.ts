import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createLoginHost } from '../../login-host.fixture.ts'
import { EMPLOYEES, employeesPolicies, policiesFrom } from './policies.fixture.ts'

const REALM = '/json/realms/root/realms/employees'
const SITE = 'http://app.acme.test:80'

const TYPES = [{ name: 'documents', patterns: [`${SITE}/*`], actions: ['POST'] }]
const WRITTEN: Parameters<typeof policiesFrom>[0] = [
  {
    name: 'staff & co',
    resources: [`${SITE}/*`],
    actions: { GET: 'allow', DELETE: 'deny' },
    subject: {
      type: 'AND',
      subjects: [
        { type: 'User', users: ['o,ne'] },
        { type: 'NOT', subject: { type: 'Group', groups: ['temps'] } },
      ],
    },
    condition: {
      type: 'AND',
      conditions: [
        { type: 'AuthLevel', authLevel: 2 },
        { type: 'AuthAge', maxAge: '5m' },
      ],
    },
    responseAttributes: [{ type: 'Static', propertyName: 'dept', propertyValues: ['x'] }],
  },
  {
    name: 'other',
    active: false,
    policySet: 'other',
    resources: [`${SITE}/other`],
    actions: { POST: 'allow' },
    subject: { type: 'AuthenticatedUsers' },
    resourceType: 'documents',
  },
]
const POLICIES = policiesFrom(WRITTEN, { resourceTypes: TYPES })

async function host(t: TestContext) {
  const policies = employeesPolicies(POLICIES, {
    policySets: [{ name: 'other', description: 'Others', matching: 'component', resourceTypes: ['documents'] }],
    resourceTypes: TYPES,
  })
  const rig = await createLoginHost(t, { policiesOf: (realm) => (realm === EMPLOYEES ? policies : undefined) })
  const { token } = await rig.signIn('root', '/')
  const headers = { 'accept-api-version': 'resource=1.0' }
  const get = async (path: string) => {
    const answer = await rig.call(REALM + path, { method: 'GET', token, headers })
    return { status: answer.status, body: answer.body as Readonly<Record<string, unknown>> }
  }
  const names = async (path: string) => {
    const { status, body } = await get(path)
    assert.equal(status, 200, path)
    return (body['result'] as readonly { name: string }[]).map(({ name }) => name)
  }
  return { rig, token, headers, get, names }
}

test('a policy in the words of OpenAM', async (t) => {
  const { get } = await host(t)
  const { status, body } = await get(`/policies/${encodeURIComponent('staff & co')}`)
  assert.equal(status, 200)
  const { _rev, ...document } = body
  assert.match(String(_rev), /^[\w-]{22}$/)
  assert.deepEqual(document, {
    _id: 'staff & co',
    name: 'staff & co',
    active: true,
    description: '',
    applicationName: 'iPlanetAMWebAgentService',
    resources: [`${SITE}/*`],
    actionValues: { GET: true, DELETE: false },
    subject: {
      type: 'AND',
      subjects: [
        { type: 'Identity', subjectValues: ['id=o\\,ne,ou=user,o=employees,ou=services,ou=am-config'] },
        {
          type: 'NOT',
          subject: { type: 'Identity', subjectValues: ['id=temps,ou=group,o=employees,ou=services,ou=am-config'] },
        },
      ],
    },
    condition: {
      type: 'AND',
      conditions: [
        { type: 'AuthLevel', authLevel: 2 },
        { type: 'AuthAge', maxAge: 300 },
      ],
    },
    resourceTypeUuid: '76656a38-5f8e-401b-83aa-4ccb74ce88d2',
    resourceAttributes: [{ type: 'Static', propertyName: 'dept', propertyValues: ['x'] }],
  })
  assert.equal((await get('/policies/nothing')).status, 404)
  assert.equal((await get('/policies/__proto__')).status, 404)
})

test('lists, filtered and in pages', async (t) => {
  const { get, names } = await host(t)
  const filtered = (filter: string) => names(`/policies?_queryFilter=${encodeURIComponent(filter)}`)
  assert.deepEqual(await names('/policies'), ['staff & co', 'other'])
  assert.deepEqual(await filtered('true'), ['staff & co', 'other'])
  assert.deepEqual(await filtered('applicationName eq "other"'), ['other'])
  assert.deepEqual(await filtered('/name sw "st" and active eq true'), ['staff & co'])
  assert.deepEqual(await filtered('resources co "/other"'), ['other'])
  assert.deepEqual(await filtered('constructor eq "x"'), [])
  const page = await get('/policies?_queryFilter=true&_pageSize=1&_pagedResultsOffset=1')
  const { result, ...rest } = page.body
  assert.deepEqual((result as readonly { name: string }[])[0]?.name, 'other')
  assert.deepEqual(rest, {
    resultCount: 1,
    pagedResultsCookie: null,
    totalPagedResultsPolicy: 'EXACT',
    totalPagedResults: 2,
    remainingPagedResults: 0,
  })
  for (const filter of [
    '',
    'name',
    'name eq other',
    'name eq "a" or name eq "b"',
    'name pr',
    '!(true)',
    'x'.repeat(1_001),
  ])
    assert.equal((await get(`/policies?_queryFilter=${encodeURIComponent(filter)}`)).status, 400, filter)
  assert.equal((await get('/policies?_pageSize=0')).status, 400)
})

test('policy sets and resource types', async (t) => {
  const { get, names } = await host(t)
  assert.deepEqual(await names('/applications'), ['iPlanetAMWebAgentService', 'other'])
  assert.deepEqual(await names('/resourcetypes?_queryFilter=true'), ['URL', 'documents'])
  const set = await get('/applications/other')
  assert.deepEqual([set.body['description'], set.body['resourceTypeUuids']], ['Others', ['documents']])
  const type = await get('/resourcetypes/documents')
  assert.deepEqual([type.body['patterns'], type.body['actions']], [[`${SITE}/*`], { POST: true }])
  assert.equal((await get('/resourcetypes/76656a38-5f8e-401b-83aa-4ccb74ce88d2')).body['name'], 'URL')
})

test('only administrators of the realm read them, and nobody writes them here', async (t) => {
  const { rig, token, headers } = await host(t)
  const { token: alice } = await rig.signIn('alice')
  const call = async (method: string, path: string, by?: string) =>
    (
      await rig.call(REALM + path, {
        method,
        headers,
        ...(by && { token: by }),
        ...(method.startsWith('P') && { body: {} }),
      })
    ).status
  for (const path of ['/policies', '/policies/other', '/applications', '/resourcetypes']) {
    assert.equal(await call('GET', path), 401)
    assert.equal(await call('GET', path, alice), 403)
    for (const method of ['PUT', 'DELETE', 'PATCH', 'POST']) {
      assert.equal(await call(method, path), 401)
      assert.equal(await call(method, path, alice), 403)
      // A policy can be written; this host has nowhere to write it.
      const isWriting = path === '/policies/other' && (method === 'PUT' || method === 'DELETE')
      if (!isWriting) assert.equal(await call(method, path, token), 501)
    }
  }
  const create = await rig.call(`${REALM}/policies?_action=schema`, { token, headers, body: {} })
  const text = 'this is changed in the file realms/employees/policies.yaml, not here'
  assert.deepEqual([create.status, (create.body as { message: string }).message], [501, text])
  assert.equal(
    (await rig.call('/json/realms/root/realms/nothing/policies', { method: 'GET', token, headers })).status,
    404,
  )
})
