import assert from 'node:assert/strict'
import { lstatSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { createLoginHost } from '../api/login-host.fixture.ts'
import { EMPLOYEES, employeesPolicies } from '../api/openam/policies/policies.fixture.ts'
import type { PolicyAdmin } from '../api/ports.ts'
import type { RealmName } from '../base/brand.ts'
import { configFolder, MASTER_KEY } from '../config/config-folder.fixture.ts'
import { loadConfig } from '../config/load.ts'
import { createPolicyWriter, type PolicyWriterDeps } from '../config/policy-writer.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import type { Leases } from '../store/store.ts'
import { policyAdminOf } from './policy-admin.ts'

const SITE = 'http://app.acme.test:80'
const FILE = 'realms/employees/policies.yaml'
const WRITTEN = `# Ours. Ask erin before you change anything.
policies:
  # Everybody.
  - name: staff # the first
    resources: ['\${env:SITE:-${SITE}}/*'] # all of it
    actions: { GET: allow, Post: deny }
    subject: { type: AuthenticatedUsers }

  # Whoever has proved more.
  - name: finance
    active: false
    resources: [${SITE}/pay/*]
    actions: { GET: allow }
    subject:
      type: Group
      groups: [finance] # see the directory
    condition: { type: Session, maxSessionTime: 90s }
# The end.
`
const REALMS = {
  'realms/employees/realm.yaml': '',
  'realms/employees/contractors/realm.yaml': '',
  'realms/customers/realm.yaml': '',
  [FILE]: WRITTEN,
}

interface Options {
  readonly leases?: Leases
  readonly writer?: (deps: Omit<PolicyWriterDeps, 'compare'>) => PolicyAdmin
}

const always: Leases = { acquire: () => Promise.resolve(true), release: () => Promise.resolve() }

async function host(t: TestContext, { leases = always, writer }: Options = {}) {
  const folder = configFolder(t, REALMS)
  const { root } = folder
  let snapshot: ConfigSnapshot | undefined
  const reload = async (): Promise<void> => {
    snapshot = (await loadConfig(root)).snapshot ?? snapshot
  }
  await reload()
  const inForce = (): ConfigSnapshot => {
    assert.ok(snapshot)
    return snapshot
  }
  const deps = { root, reload, inForce }
  const plain = { ...deps, compile: () => undefined, alone: <T>(work: () => Promise<T>) => work() }
  const policyAdmin = writer?.(plain) ?? policyAdminOf({ ...deps, leases, patience: 2 })
  const policiesOf = (realm: RealmName) => employeesPolicies(inForce().realms.get(realm)?.policies ?? [])
  const rig = await createLoginHost(t, { policiesOf, policyAdmin })
  const { token } = await rig.signIn('root', '/')
  const write = async (
    method: string,
    path: string,
    {
      body,
      headers = {},
      by = token,
      realm = '/realms/employees',
    }: { body?: unknown; headers?: Readonly<Record<string, string>>; by?: string; realm?: string } = {},
  ) => {
    const version = { 'accept-api-version': 'resource=2.1', ...headers }
    const answer = await rig.call(`/json/realms/root${realm}/${path}`, {
      method,
      token: by,
      headers: version,
      ...(body === undefined ? {} : { body }),
    })
    return { status: answer.status, etag: answer.headers.etag, body: answer.body as Readonly<Record<string, unknown>> }
  }
  const file = (): string => readFileSync(join(root, FILE), 'utf8')
  const create = (body: object, path = 'policies?_action=create') => write('POST', path, { body })
  return { rig, write, create, file, token, inForce, reload, root, put: folder.write }
}

/** One host for several tests, each on the files as they were. */
async function again(context: TestContext) {
  const shared = await host(context)
  return async () => {
    shared.put(FILE, WRITTEN)
    await shared.reload()
    shared.rig.audited.length = 0
    return shared
  }
}

const NEW = {
  name: 'new',
  active: true,
  description: 'For\nall',
  applicationName: 'iPlanetAMWebAgentService',
  actionValues: { GET: true, HEAD: true },
  resources: [`${SITE}/new/*`],
  subject: { type: 'Identity', subjectValues: ['id=alice,ou=user,o=employees,ou=services,ou=am-config'] },
  condition: { type: 'AuthLevel', authLevel: 1 },
}

const namesOf = (policies: readonly { readonly name: string }[]) => policies.map(({ name }) => name)

test('policies written by REST', async (context) => {
  const fresh = await again(context)
  await context.test('are in the file, in force and in the audit log, and the rest of the file stays', async () => {
    const { create, write, file, inForce, rig } = await fresh()
    const { status, etag, body } = await create(NEW)
    assert.deepEqual([status, etag], [201, `"${String(body['_rev'])}"`])
    const read = await write('GET', 'policies/new')
    assert.deepEqual([read.status, read.etag, read.body], [200, etag, body])
    assert.deepEqual(body['actionValues'], { GET: true })
    assert.ok(file().startsWith(WRITTEN.slice(0, WRITTEN.indexOf('[', 60)).trimEnd()), file())
    for (const comment of WRITTEN.match(/#.*$/gm) ?? []) assert.ok(file().includes(comment), comment)
    assert.match(file(), /\n {2}- name: new\n {4}description: \|-\n/)
    assert.deepEqual(namesOf(inForce().realms.get(EMPLOYEES)?.policies ?? []), ['staff', 'finance', 'new'])
    const event = rig.audited.find(({ event }) => event === 'PolicyAdministered')
    assert.ok(event?.event === 'PolicyAdministered')
    assert.deepEqual(
      [event.username, event.realm, event.of, event.policy, event.action, event.outcome, event.before, event.after],
      ['root', '/', '/employees', 'new', 'create', 'done', undefined, body],
    )
  })

  await context.test('what a policy says as before stays as it is written', async () => {
    const { write, file, rig } = await fresh()
    const { body: old } = await write('GET', 'policies/finance')
    const { status, body } = await write('PUT', 'policies/finance', {
      body: { ...old, active: true },
      headers: { 'if-match': String(old['_rev']) },
    })
    assert.deepEqual([status, body['active']], [200, true])
    assert.notEqual(body['_rev'], old['_rev'])
    assert.match(file(), /groups: \[ finance \] # see the directory/)
    assert.match(file(), /maxSessionTime: 90s/)
    assert.doesNotMatch(file(), /active/)
    const { body: staff } = await write('GET', 'policies/staff')
    assert.equal((await write('PUT', 'policies/staff', { body: { ...staff, description: 'x' } })).status, 200)
    assert.match(file(), /\$\{env:SITE:-/, 'a reference is no value')
    const events = rig.audited.filter((event) => event.event === 'PolicyAdministered')
    assert.deepEqual(events.map(({ action, before, after }) => [action, before, after])[0], ['update', old, body])
    const written = file()
    assert.equal((await write('PUT', 'policies/finance', { body: { ...NEW, ...body } })).status, 200)
    assert.equal(file(), written, 'what says the same is not written again')
  })

  await context.test('are created, changed, renamed and removed by their versions', async () => {
    const { create, write, inForce } = await fresh()
    const put = (name: string, headers: Readonly<Record<string, string>>, body: object = NEW) =>
      write('PUT', `policies/${name}`, { body, headers })
    assert.equal((await put('new', { 'if-match': '*' })).status, 404)
    assert.equal((await put('new', { 'if-match': '"old"' })).status, 412)
    const { status, body } = await put('new', { 'if-none-match': '*' })
    assert.equal(status, 201)
    const rev = String(body['_rev'])
    assert.equal((await put('new', { 'if-none-match': '*' })).status, 412)
    assert.equal((await create(NEW)).status, 409)
    assert.equal((await put('new', { 'if-match': '"another"' })).status, 412)
    assert.equal((await put('new', { 'if-match': `"x", "${rev}"` }, { ...NEW, active: false })).status, 200)
    assert.equal((await put('new', { 'if-match': rev })).status, 412, 'that was the version before')
    assert.equal((await put('new', {}, { ...NEW, name: 'staff' })).status, 409)
    const renamed = await put('new', {}, { ...NEW, name: 'a/b' })
    assert.deepEqual([renamed.status, renamed.body['_id']], [200, 'a/b'])
    assert.equal((await write('GET', 'policies/new')).status, 404)
    assert.deepEqual(namesOf(inForce().realms.get(EMPLOYEES)?.policies ?? []), ['staff', 'finance', 'a/b'])
    assert.equal((await write('DELETE', 'policies/a%2Fb', { headers: { 'if-match': rev } })).status, 412)
    const removed = await write('DELETE', 'policies/a%2Fb', { headers: { 'if-match': String(renamed.body['_rev']) } })
    assert.deepEqual([removed.status, removed.body['_id']], [200, 'a/b'])
    assert.equal((await write('DELETE', 'policies/a%2Fb')).status, 404)
    assert.equal((await write('DELETE', 'policies/staff')).status, 200)
    assert.deepEqual(namesOf(inForce().realms.get(EMPLOYEES)?.policies ?? []), ['finance'])
  })

  await context.test('of a realm without such a file make one', async () => {
    const { write, root } = await fresh()
    const body = { ...NEW, subject: { type: 'AuthenticatedUsers' } }
    assert.equal((await write('PUT', 'policies/new', { body, realm: '/realms/customers' })).status, 201)
    assert.match(readFileSync(join(root, 'realms/customers/policies.yaml'), 'utf8'), /^policies:\n {2}- name: new\n/)
  })

  await context.test('what is not valid is refused with the reason, and nothing has changed', async () => {
    const { write, file, root, inForce } = await fresh()
    for (const [change, reason] of [
      [{ resources: ['http:/x'] }, /resources\.0/],
      [{ subject: { type: 'Mystery' } }, /subject: subjects of type "Mystery" are not known/],
      [{ subject: { type: 'Identity', subjectValues: ['id=a,ou=user,ou=am-config'] } }, /is of realm \/;/],
      [{ condition: { type: 'Script', scriptId: 'x' } }, /scripts are not run/],
      [{ condition: { type: 'AuthScheme', authScheme: ['nothing'] } }, /policies\.yaml:\d+:\d+: .*module/],
      [{ actionValues: { GET: true, HEAD: false } }, /HEAD/],
      [{ resourceTypeUuid: 'nothing' }, /there is no resource type/],
      [{ name: 'x'.repeat(129) }, /policies\.yaml/],
      [{ name: '' }, /no name/],
      [{ priority: 1 }, /priority, which is not known/],
      [{ active: 'true' }, /active is neither true nor false/],
      [{ applicationName: ['other'] }, /applicationName is no text/],
      [JSON.parse('{"__proto__":{"active":true}}') as object, /__proto__/],
      [
        { condition: JSON.parse('{"type":"SessionProperty","properties":{"__proto__":["x"]}}') as object },
        /condition|__proto__/,
      ],
    ] as const) {
      const { status, body } = await write('PUT', 'policies/new', {
        body: { ...NEW, ...change, ...Object.fromEntries(Object.entries(change)) },
      })
      assert.deepEqual(
        [status, reason.test(String(body['message']))],
        [400, true],
        `${String(reason)} ${JSON.stringify(body)}`,
      )
    }
    assert.equal((await write('PUT', 'policies/new', { body: ['x'] })).status, 400)
    const nameless = { ...NEW, _id: 'other', name: null }
    assert.equal((await write('PUT', 'policies/new?_dryRun=true', { body: nameless })).body['name'], 'new')
    assert.equal(file(), WRITTEN)
    assert.deepEqual(readdirSync(join(root, 'realms/employees')).sort(), ['contractors', 'policies.yaml', 'realm.yaml'])
    assert.deepEqual(namesOf(inForce().realms.get(EMPLOYEES)?.policies ?? []), ['staff', 'finance'])
  })

  await context.test('what these words do not say exactly is replaced, not mixed with what was there', async () => {
    const { write, put, reload, inForce } = await fresh()
    const deep = '{ type: AND, conditions: ['.repeat(17)
    put(
      FILE,
      `policies:
  - name: deep
    description: old
    resources: ['${SITE}/*']
    actions: { GET: allow, POST: deny }
    subject: { type: AuthenticatedUsers }
    condition: ${deep}{ type: AuthLevel, authLevel: 1 }${'] }'.repeat(17)}
  - name: brief
    resources: ['${SITE}/*']
    actions: { GET: allow }
    subject: { type: AuthenticatedUsers }
    condition: { type: AuthAge, maxAge: 1500ms }
`,
    )
    await reload()
    const { body: brief } = await write('GET', 'policies/brief')
    assert.equal((await write('PUT', 'policies/brief', { body: brief })).status, 200)
    const body = { ...NEW, name: 'deep', description: '', actionValues: { POST: false }, condition: null }
    assert.equal((await write('PUT', 'policies/deep', { body })).status, 200)
    const [deny] = inForce().realms.get(EMPLOYEES)?.policies ?? []
    assert.deepEqual(deny?.actions, { POST: 'deny' })
    assert.deepEqual([deny.condition, deny.description], [undefined, undefined])
  })

  await context.test('names are names, whatever they look like, and no value of this machine', async () => {
    const { create, write, file, root } = await fresh()
    const before = readdirSync(root, { recursive: true }).sort()
    for (const name of [
      '../../../etc/x',
      '__proto__',
      'a\nb: [ &x *y # no',
      '${file:master.key}',
      '$${env:PATH}',
      '\u2028"',
    ]) {
      const { status, body } = await create({ ...NEW, name, description: name })
      assert.equal(status, 201, JSON.stringify(body))
      const read = await write('GET', `policies/${encodeURIComponent(name)}`)
      assert.deepEqual([read.body['name'], read.body['description']], [name, name])
    }
    assert.deepEqual(readdirSync(root, { recursive: true }).sort(), before)
    assert.ok(!JSON.stringify((await write('GET', 'policies')).body).includes(MASTER_KEY))
    assert.equal((await write('DELETE', 'policies/__proto__')).status, 200)
    assert.ok(file().includes('# The end.'))
  })

  await context.test('a policy that denies everything locks nobody out of changing it', async () => {
    const { create, write } = await fresh()
    const body = {
      ...NEW,
      resources: ['*://*:*/*', '*://*:*/*?*'],
      actionValues: { GET: false, POST: false, PUT: false, DELETE: false },
    }
    assert.equal((await create({ ...body, subject: { type: 'AuthenticatedUsers' }, condition: null })).status, 201)
    assert.equal((await write('DELETE', 'policies/new')).status, 200)
  })

  await context.test('a trial says what would be, and writes nothing', async () => {
    const { create, write, file, rig } = await fresh()
    const { status, body } = await create(NEW, 'policies?_action=create&_dryRun=true')
    assert.deepEqual([status, body['name']], [201, 'new'])
    assert.equal((await create({ ...NEW, subject: {} }, 'policies?_action=create&_dryRun=true')).status, 400)
    assert.equal((await write('DELETE', 'policies/staff?_dryRun=1')).status, 200)
    assert.equal((await write('DELETE', 'policies/staff?_dryRun=true&_dryRun=true')).status, 400)
    assert.equal((await write('DELETE', 'policies/staff?realm=/customers&realm=/employees')).status, 400)
    assert.equal(file(), WRITTEN)
    assert.ok(!rig.audited.some(({ event }) => event === 'PolicyAdministered'))
  })
})

test('who may write policies', async (context) => {
  const fresh = await again(context)
  await context.test('administrators of the realm or of one above, and nobody else', async () => {
    const { write, rig, file } = await fresh()
    const { token: alice } = await rig.signIn('alice')
    const { token: carl } = await rig.signIn('carl', '/employees/contractors')
    for (const [method, path, body] of [
      ['POST', 'policies?_action=create', NEW],
      ['PUT', 'policies/staff', NEW],
      ['DELETE', 'policies/staff', undefined],
    ] as const) {
      assert.equal((await write(method, path, { body, by: alice })).status, 403)
      assert.equal((await write(method, path, { body, by: carl })).status, 403, 'of a realm below')
      assert.equal(
        (await write(method, path, { body, by: carl, realm: '/realms/customers' })).status,
        403,
        'of one beside',
      )
      assert.equal((await write(method, path, { body, by: 'no-token' })).status, 401)
    }
    const own = '/realms/employees/realms/contractors'
    const body = { ...NEW, subject: { type: 'AuthenticatedUsers' } }
    assert.equal(
      (await write('PUT', 'policies/own', { body: { ...body, name: 'own' }, by: carl, realm: own })).status,
      201,
    )
    assert.equal(file(), WRITTEN)
    const refused = rig.audited.filter((event) => event.event === 'PolicyAdministered' && event.outcome === 'refused')
    assert.equal(refused.length, 9)
  })

  await context.test('no page of another site, and no body without end', async () => {
    const { rig, token, write, file } = await fresh()
    const forged = (method: string, headers: Readonly<Record<string, string>>) =>
      rig.call('/json/realms/root/realms/employees/policies/staff', {
        ...{ method, cookie: token, headers },
        ...(method === 'PUT' ? { body: NEW } : {}),
      })
    for (const method of ['PUT', 'DELETE'])
      for (const site of ['cross-site', 'same-site'])
        assert.equal(
          (
            await forged(method, {
              'sec-fetch-site': site,
              origin: 'http://evil.test',
              'accept-api-version': 'resource=2.1',
            })
          ).status,
          403,
        )
    const resources = Array.from({ length: 560 }, (_, at) => `${SITE}/${at}`)
    assert.equal((await write('PUT', 'policies/new', { body: { ...NEW, resources } })).status, 413)
    const deep = `${JSON.stringify(NEW).slice(0, -1)},"resources":${'['.repeat(7_000)}${']'.repeat(7_000)}}`
    assert.equal((await write('PUT', 'policies/new', { body: deep })).status, 400)
    assert.equal(file(), WRITTEN)
  })

  await context.test('policy sets and resource types are changed in the file alone', async () => {
    const { write } = await fresh()
    for (const path of ['applications/x', 'resourcetypes/x', 'policies/x?_action=schema']) {
      const { status, body } = await write(path.startsWith('policies') ? 'POST' : 'PUT', path, {
        body: {},
        headers: { 'accept-api-version': 'resource=1.0' },
      })
      assert.deepEqual([status, /realms\/employees\/policies\.yaml/.test(String(body['message']))], [501, true])
    }
  })
})

test('copying and moving policies', async (context) => {
  const fresh = await again(context)
  const from = (application: string, more: object = {}) => ({ from: { application }, ...more })
  const SET = 'iPlanetAMWebAgentService'

  await context.test('one, within its realm: a copy under another name, in another set', async () => {
    const { write, file, inForce, rig } = await fresh()
    const to = { name: 'finance too', application: 'other' }
    const { status, body, etag } = await write('POST', 'policies/finance?_action=copy', { body: { to } })
    assert.deepEqual([status, body['name'], body['applicationName']], [200, 'finance too', 'other'])
    assert.equal(etag, `"${String(body['_rev'])}"`)
    const [, old, copied] = inForce().realms.get(EMPLOYEES)?.policies ?? []
    assert.deepEqual({ ...copied, name: old?.name, policySet: SET }, old)
    for (const comment of WRITTEN.match(/#.*$/gm) ?? []) assert.ok(file().includes(comment), comment)
    assert.equal((await write('POST', 'policies/finance?_action=copy', { body: { to } })).status, 409, 'once')
    const [event] = rig.audited.filter(({ event }) => event === 'PolicyAdministered')
    assert.ok(event?.event === 'PolicyAdministered')
    assert.deepEqual(
      [event.action, event.policy, event.before, event.after],
      ['create', 'finance too', undefined, body],
    )
  })

  await context.test('one, within its realm: moved to another set, it stays where and as it is written', async () => {
    const { write, file, inForce, rig } = await fresh()
    const body = { to: { application: 'other' } }
    assert.equal((await write('POST', 'policies/finance?_action=move', { body })).status, 200)
    assert.deepEqual(namesOf(inForce().realms.get(EMPLOYEES)?.policies ?? []), ['staff', 'finance'])
    assert.match(file(), /policySet: other/)
    assert.match(file(), /# see the directory/)
    const [event] = rig.audited.filter(({ event }) => event === 'PolicyAdministered')
    assert.ok(event?.event === 'PolicyAdministered')
    assert.deepEqual([event.action, event.policy, event.of], ['update', 'finance', '/employees'])
  })

  await context.test(
    'those of a set, to another realm: there before they go here, and all of them or none',
    async () => {
      const { write, file, root, inForce, rig } = await fresh()
      const people = { to: { realm: '/customers', namePostfix: '-old' } }
      const refused = await write('POST', 'policies?_action=move', { body: from(SET, people) })
      assert.equal(refused.status, 400)
      assert.match(
        String(refused.body['message']),
        /finance: .*is of realm \/employees/,
        'others may be called so there',
      )
      assert.equal(file(), WRITTEN)
      await write('DELETE', 'policies/finance')
      const { status, body } = await write('POST', 'policies?_action=move', { body: from(SET, people) })
      assert.deepEqual([status, namesOf(body as unknown as readonly { name: string }[])], [200, ['staff-old']])
      const names = (realm: string) => namesOf(inForce().realms.get(realm as RealmName)?.policies ?? [])
      assert.deepEqual([names('/employees'), names('/customers')], [[], ['staff-old']])
      assert.match(readFileSync(join(root, 'realms/customers/policies.yaml'), 'utf8'), /name: staff-old/)
      const events = rig.audited.filter((event) => event.event === 'PolicyAdministered').slice(1)
      assert.deepEqual(
        events.map(({ action, of, policy }) => [action, of, policy]),
        [
          ['create', '/customers', 'staff-old'],
          ['delete', '/employees', 'staff'],
        ],
      )
      await write('DELETE', 'policies/staff-old', { realm: '/realms/customers' })
    },
  )

  await context.test('what has changed in between is not removed', async () => {
    const { write, put, file, inForce } = await fresh()
    put(FILE, WRITTEN.replace('GET: allow, Post: deny', 'GET: deny'))
    const body = { to: { realm: '/customers' } }
    const { status, body: said } = await write('POST', 'policies/staff?_action=move', { body })
    assert.deepEqual([status, String(said['message'])], [409, 'it was changed meanwhile'])
    assert.deepEqual(inForce().realms.get('/customers' as RealmName)?.policies, [])
    assert.match(file(), /GET: deny/)
  })

  await context.test('the version that was read, where it is named', async () => {
    const { write, file } = await fresh()
    const { body: read } = await write('GET', 'policies/staff')
    const customers = { realm: '/customers', name: 'versioned' }
    for (const to of [customers, { name: 'versioned' }]) {
      const move = (rev: string) =>
        write('POST', 'policies/staff?_action=move&_dryRun=true', { body: { to }, headers: { 'if-match': rev } })
      const answers = await Promise.all(['"another"', String(read['_rev']), '*'].map(move))
      assert.deepEqual(
        answers.map(({ status }) => status),
        [412, 200, 200],
        JSON.stringify(to),
      )
    }
    assert.equal(file(), WRITTEN)
  })

  await context.test('by administrators of both realms, and of nothing that is not there', async () => {
    const { write, rig, file } = await fresh()
    const { token: alice } = await rig.signIn('alice')
    const { token: carl } = await rig.signIn('carl', '/employees/contractors')
    const own = '/realms/employees/realms/contractors'
    const over = { to: { realm: '/employees' } }
    const body = { ...NEW, name: 'own', subject: { type: 'AuthenticatedUsers' } }
    assert.equal((await write('PUT', 'policies/own', { body, by: carl, realm: own })).status, 201)
    for (const [path, said, options] of [
      ['policies/own?_action=copy', 403, { body: over, by: carl, realm: own }],
      ['policies?_action=move', 403, { body: from(SET, over), by: carl, realm: own }],
      ['policies/staff?_action=copy', 403, { body: { to: { realm: '/employees/contractors' } }, by: carl }],
      ['policies/staff?_action=copy', 403, { body: { to: { name: 'x' } }, by: alice }],
      ['policies/staff?_action=copy', 403, { body: { to: { realm: '/nowhere' } } }],
      ['policies/staff?_action=copy', 401, { body: { to: { name: 'x' } }, by: 'no-token' }],
      ['policies/staff?_action=copy', 409, { body: { to: {} } }],
      ['policies/nothing?_action=copy', 404, { body: { to: { name: 'x' } } }],
      ['policies/staff?_action=copy', 400, { body: { to: { realm: '/A/../b' } } }],
      ['policies/staff?_action=copy', 400, { body: { to: { naem: 'x' } } }],
      ['policies/staff?_action=copy', 400, { body: { to: { resourceType: 'nothing', name: 'x' } } }],
      ['policies/staff?_action=copy', 400, { body: from(SET) }],
      ['policies?_action=copy', 400, { body: { to: {} } }],
      ['policies?_action=copy', 400, { body: from('nothing', { to: { namePostfix: 'x' } }) }],
      ['policies?_action=copy', 409, { body: from(SET, { to: {} }) }],
    ] as const) {
      const { status, body: answer } = await write('POST', path, options)
      assert.equal(status, said, `${path} ${JSON.stringify(answer)}`)
    }
    assert.equal(
      (await write('POST', 'policies/staff?_action=copy&_dryRun=true', { body: { to: { name: 'x' } } })).status,
      200,
    )
    assert.equal(file(), WRITTEN)
  })
})

suite('several who write', () => {
  test('what somebody changes while it is moved stays, and is told', async (t) => {
    const edited = WRITTEN.replace('GET: allow, Post: deny', 'GET: deny')
    const { write, file } = await host(t, {
      writer: (deps) =>
        createPolicyWriter({
          ...deps,
          reload() {
            writeFileSync(join(deps.root, FILE), edited)
            return Promise.resolve()
          },
        }),
    })
    const { status, body } = await write('POST', 'policies/staff?_action=move', {
      body: { to: { realm: '/customers' } },
    })
    assert.deepEqual(
      [status, String(body['message'])],
      [409, 'copied, and not removed from /employees: it was changed meanwhile'],
    )
    assert.equal(file(), edited)
  })

  test('a change of more decisions than are said is not made', async (t) => {
    const compare = () => ({ compared: 9, changed: 3, changes: [] })
    const { create, write, file, rig } = await host(t, { writer: (deps) => createPolicyWriter({ ...deps, compare }) })
    const refused = await create(NEW, 'policies?_action=create&_mayChange=2')
    const said = '3 of 9 decisions that were made lately would be others; nothing was written'
    assert.deepEqual([refused.status, refused.body['message']], [409, said])
    const to = { realm: '/customers' }
    for (const most of [2, 5])
      assert.equal(
        (await write('POST', `policies/staff?_action=move&_mayChange=${most}`, { body: { to } })).status,
        409,
        'a move counts what it changes in both realms',
      )
    assert.equal((await create(NEW, 'policies?_action=create&_mayChange=-1')).status, 400)
    assert.equal(file(), WRITTEN)
    assert.ok(!rig.audited.some(({ event }) => event === 'PolicyAdministered'))
    assert.equal((await create(NEW, 'policies?_action=create&_mayChange=3')).status, 201)
    const unknown = await host(t)
    assert.equal((await unknown.create(NEW, 'policies?_action=create&_mayChange=9')).status, 409)
  })

  test('of two changes of one version, one is done', async (t) => {
    const { write, inForce } = await host(t)
    const { body: old } = await write('GET', 'policies/staff')
    const change = (description: string) =>
      write('PUT', 'policies/staff', { body: { ...old, description }, headers: { 'if-match': String(old['_rev']) } })
    const both = await Promise.all([change('one'), change('two')])
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 412])
    const [winner] = both.filter(({ status }) => status === 200)
    assert.equal(inForce().realms.get(EMPLOYEES)?.policies[0]?.description, winner?.body['description'])
  })

  test('no more changes wait than can be made soon', async (t) => {
    const { promise: held, resolve: go } = Promise.withResolvers<undefined>()
    const { create } = await host(t, { writer: (deps) => createPolicyWriter({ ...deps, alone: () => held }) })
    const asked = Array.from({ length: 33 }, () => create(NEW))
    assert.match(String((await Promise.race(asked)).body['message']), /too many changes are waiting/)
    go(undefined)
    const messages = (await Promise.all([...asked, create(NEW)])).map(({ body }) => String(body['message']))
    assert.equal(messages.filter((message) => message.includes('another process')).length, 33)
  })

  test('while another process writes, the change waits, and is not made in the end', async (t) => {
    const answers = [false, true, false, false]
    const asked: string[] = []
    const acquire = (name: string) => {
      asked.push(name)
      return Promise.resolve(answers.shift() ?? false)
    }
    const { create, write, file } = await host(t, { leases: { ...always, acquire } })
    assert.equal((await create(NEW)).status, 201)
    const written = file()
    const { status, body } = await write('DELETE', 'policies/new')
    assert.deepEqual([status, /another process/.test(String(body['message'])), asked.length], [409, true, 4])
    assert.equal(file(), written)
  })

  test('what an editor writes in between is not lost', async (t) => {
    const edited = WRITTEN.replace('Ask erin', 'Ask frank')
    const { create, file } = await host(t, {
      writer: (deps) => createPolicyWriter({ ...deps, compile: () => writeFileSync(join(deps.root, FILE), edited) }),
    })
    const { status, body } = await create(NEW)
    assert.deepEqual([status, /at the same time/.test(String(body['message']))], [409, true])
    assert.equal(file(), edited)
  })

  test('an alias of what is changed is not changed along with it', async (t) => {
    const { write, file, root } = await host(t)
    const shared = WRITTEN.replace(
      'subject: { type: AuthenticatedUsers }',
      'subject: &all { type: AuthenticatedUsers }',
    ).replace(/subject:\n.*\n.*\n/, 'subject: *all\n')
    writeFileSync(join(root, FILE), shared)
    const { status, body } = await write('DELETE', 'policies/staff')
    assert.deepEqual([status, /alias/i.test(String(body['message']))], [409, true])
    assert.equal(file(), shared)
  })

  test('files with errors, and files that cannot be written, say so', async (t) => {
    const { create, root, file } = await host(t)
    writeFileSync(join(root, FILE), 'policies: [')
    const broken = await create(NEW)
    assert.deepEqual(
      [broken.status, /mend them first: realms\/employees\/policies\.yaml:1/.test(String(broken.body['message']))],
      [409, true],
    )
    assert.equal(file(), 'policies: [')
    writeFileSync(join(root, FILE), WRITTEN)
    writeFileSync(join(root, 'realms/customers/realm.yaml'), 'name-of-others: x')
    const others = String((await create(NEW)).body['message'])
    assert.match(others, /mend them first: errors in files of others: 1;/)
    const fixed = await host(t, {
      writer: (deps) => createPolicyWriter({ ...deps, replace: () => Promise.resolve('read-only') }),
    })
    const { status, body } = await fixed.create(NEW)
    assert.deepEqual(
      [status, /cannot be written here; change it where it comes from/.test(String(body['message']))],
      [409, true],
    )
  })

  test('links and permissions of the file stay', async (t) => {
    const { create, root } = await host(t)
    renameSync(join(root, FILE), join(root, 'elsewhere.yaml'))
    symlinkSync(join(root, 'elsewhere.yaml'), join(root, FILE))
    const { mode } = statSync(join(root, FILE))
    assert.equal((await create(NEW)).status, 201)
    assert.ok(lstatSync(join(root, FILE)).isSymbolicLink())
    assert.equal(statSync(join(root, 'elsewhere.yaml')).mode, mode)
    assert.match(readFileSync(join(root, 'elsewhere.yaml'), 'utf8'), /name: new/)
  })

  test('whoever wrote it is noted as soon as it is written, whatever becomes of the process then', async (t) => {
    const { create, file, rig } = await host(t, {
      writer: (deps) => createPolicyWriter({ ...deps, reload: () => Promise.reject(new Error('out of memory')) }),
    })
    assert.equal((await create(NEW)).status, 500)
    assert.match(file(), /name: new/)
    const events = rig.audited.filter((event) => event.event === 'PolicyAdministered')
    assert.deepEqual(
      events.map(({ policy, action, outcome }) => [policy, action, outcome]),
      [['new', 'create', 'done']],
    )
  })

  test('what is not in force yet is 202', async (t) => {
    const { create } = await host(t, {
      writer: (deps) => createPolicyWriter({ ...deps, reload: () => Promise.resolve() }),
    })
    assert.equal((await create(NEW)).status, 202)
  })
})
