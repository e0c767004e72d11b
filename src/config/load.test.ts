import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { RealmName } from '../base/brand.ts'
import { configFolder, HASH, MASTER_KEY, problemsOf } from './config-folder.fixture.ts'
import { loadConfig } from './load.ts'
import { formatProblem } from './problems.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const staff = '/staff' as RealmName

test('a sound configuration becomes a snapshot without any problem', async (context) => {
  const { root } = configFolder(context, {
    'realms/staff/users.yaml': `users: [{ username: erin, password: "${HASH}", attributes: { mail: e@x.test } }]\n`,
    'realms/staff/theme/logo.svg': '<svg/>',
  })
  const { snapshot, problems } = await loadConfig(root, { env: {} })
  assert.deepEqual(problems, [])
  assert.ok(snapshot)
  assert.deepEqual([...snapshot.realms.keys()], ['/', '/staff'])
  assert.deepEqual(
    snapshot.agents.map(({ id, url }) => [id, url]),
    [['app', 'http://app.acme.localhost:8080']],
  )
  const realm = snapshot.realms.get(staff)
  assert.ok(realm)
  assert.deepEqual(realm.users[0]?.attributes, { mail: ['e@x.test'] })
  assert.equal(realm.themeDir, join(root, 'realms/staff/theme'))
  assert.deepEqual(snapshot.files, [
    'agent-config/app.yaml',
    'agent-config/gatehouse.yaml',
    'realms/realm.yaml',
    'realms/staff/realm.yaml',
    'realms/staff/theme/logo.svg',
    'realms/staff/users.yaml',
  ])
})

test('the snapshot is frozen all the way down, maps included', async (context) => {
  const { snapshot } = await loadConfig(configFolder(context).root, { env: {} })
  assert.ok(snapshot)
  const unfrozen: string[] = []
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return
    if (!Object.isFrozen(value)) unfrozen.push(path)
    for (const [key, inner] of value instanceof Map ? value : Object.entries(value))
      visit(inner, `${path}.${String(key)}`)
  }
  visit(snapshot, '')
  assert.deepEqual(unfrozen, [])
  const realms = snapshot.realms as Map<RealmName, unknown>
  assert.throws(() => realms.delete(staff), TypeError)
  assert.throws(() => realms.set(staff, 1), TypeError)
  assert.throws(() => realms.clear(), TypeError)
})

test('problems of every file are reported at once, each at its place', async (context) => {
  const found = await problemsOf(context, {
    'agent-config/app.yaml':
      'url: http://a.test\nrealm: /nowhere\nupstream: { servers: ["${env:APP}"] }\nssoOnly: true\n',
    'agent-config/bad.yaml': 'url: [\n',
    'agent-config/gatehouse.yaml':
      'listeners: [{ prot: 1 }]\nlogin: { url: http://l.test }\nsecrets: { masterKey: "${file:gone.key}" }\n',
    'realms/staff/users.yaml': 'users:\n  - username: x\n    password: hunter2\n    password: hunter3\n',
  })
  assert.deepEqual(found, [
    'agent-config/app.yaml:3:23: environment variable APP is not set; set it, or write a default: ${env:APP:-default}',
    'agent-config/bad.yaml:2:1: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    'agent-config/gatehouse.yaml:1:13: listeners[0].port: this is required; write a number (Port to listen on; 0 picks a free one)',
    'agent-config/gatehouse.yaml:1:15: unknown key "prot" in listeners[0]; did you mean "port"?',
    'agent-config/gatehouse.yaml:3:23: ${file:gone.key} does not exist; create it or correct the path (`gatehouse init` makes a missing master key)',
    'realms/staff/users.yaml:3:15: users[0].password: write the hash that `gatehouse hash-password` prints, not the password',
    'realms/staff/users.yaml:4:5: this key is there already; remove one of them',
  ])
})

test('canary: what came through ${env:…} and ${file:…} is in no problem, whatever is wrong with it', async (context) => {
  const canary = 'canary-5f3a'
  const reference = '"${env:CANARY}"'
  const places = [
    [
      'agent-config/app.yaml',
      `url: ${reference}\nrealm: ${reference}\nupstream: { servers: [${reference}] }\ncookie: { domain: ${reference} }\nresponses: { caching: ${reference} }\n`,
    ],
    [
      'agent-config/app.yaml',
      `url: http://app.acme.localhost\nrealm: "/\${env:CANARY}"\nupstream: { servers: [http://a.test] }\npolicySet: ${reference}\n`,
    ],
    [
      'agent-config/app.yaml',
      `url: http://app.acme.localhost\nrealm: /staff\nupstream: { servers: [http://a.test] }\npolicySet: ${reference}\n`,
    ],
    [
      'realms/staff/realm.yaml',
      `authentication: { defaultChain: ${reference}, chains: { default: [{ module: ${reference}, criteria: REQUIRED }] } }\n`,
    ],
    ['realms/staff/realm.yaml', `look: { logo: "\${env:CANARY}.svg" }\nsession: { maxIdle: ${reference} }\n`],
    ['realms/staff/realm.yaml', `look: { logo: "\${env:CANARY}.svg" }\n`],
    ['realms/staff/users.yaml', `users: [{ username: a, password: ${reference} }]\n`],
    ['realms/staff/users.yaml', `users: [{ username: a, password: "$argon2\${env:CANARY}" }]\n`],
    [
      'agent-config/second.yaml',
      `url: "http://\${env:CANARY}.acme.localhost"\nrealm: /staff\nupstream: { servers: [http://a.test] }\nssoOnly: true\naliases: ["http://\${env:CANARY}.acme.localhost:99", http://app.acme.localhost, "http://\${env:CANARY}.acme.localhost"]\n`,
    ],
    [
      'agent-config/third.yaml',
      `id: ${reference}\nurl: http://third.acme.localhost\nrealm: /staff\nupstream: { servers: [http://a.test] }\nssoOnly: true\ncookie: { name: ${reference}, domain: other.test }\n`,
    ],
    [
      'agent-config/gatehouse.yaml',
      `listeners: [{ port: ${reference} }]\nlogin: { url: ${reference} }\nsecrets: { masterKey: ${reference} }\n`,
    ],
    [
      'agent-config/gatehouse.yaml',
      `listeners: [{ port: 1 }]\nlogin: { url: http://l.test }\nsecrets: { masterKey: "\${file:\${env:CANARY}/x}" }\n`,
    ],
  ] as const
  const clashing = {
    'agent-config/second.yaml': `id: ${reference}\nurl: "http://\${env:CANARY}.acme.localhost"\nrealm: /staff\nupstream: { servers: [http://a.test] }\nssoOnly: true\ncookie: { name: ${reference}, domain: "\${env:CANARY}.localhost" }\n`,
    'agent-config/third.yaml': `id: ${reference}\nurl: "http://x.\${env:CANARY}.localhost"\nrealm: /staff\nupstream: { servers: [http://a.test] }\nssoOnly: true\ncookie: { name: ${reference}, domain: "\${env:CANARY}.localhost" }\n`,
    'agent-config/fourth.yaml': `url: "http://y.\${env:CANARY}.localhost"\nrealm: /staff\nupstream: { servers: [http://a.test] }\nssoOnly: true\ncookie: { name: ${reference} }\n`,
    'realms/staff/users.yaml': `users: [{ username: ${reference}, password: "${HASH}", demo: true }, { username: ${reference}, password: "${HASH}" }]\n`,
    'realms/staff/policies.yaml': `policies: [${`{ name: ${reference}, resources: ["http://app.test/*"], actions: { GET: allow }, subject: { type: AuthenticatedUsers } }, `.repeat(2)}]\n`,
  }
  const cases = [...places.map(([file, text]) => ({ [file]: text })), clashing]
  for (const files of cases) {
    const found = await problemsOf(context, files, { env: { CANARY: canary }, purpose: 'check' })
    assert.ok(found.length > 0, JSON.stringify(files))
    assert.doesNotMatch(found.join('\n'), new RegExp(canary), JSON.stringify(files))
    if (files === clashing) assert.equal(found.length, 6, found.join('\n'))
  }
})

test('files named by ${file:…} count from the configuration root and lose one line end', async (context) => {
  const { root, write } = configFolder(context)
  write('master.key', `${MASTER_KEY}\r\n`)
  const { snapshot } = await loadConfig(root, { env: {} })
  assert.equal(snapshot?.gatehouse.secrets.masterKey, MASTER_KEY)
})

test('empty-secret: an empty file, a folder, a huge file and bytes that are no text are refused, each with its reason', async (context) => {
  const { root, write } = configFolder(context)
  const reasonOf = async (): Promise<string> => {
    const { problems, snapshot } = await loadConfig(root, { env: {} })
    assert.equal(snapshot, undefined)
    return problems.map(({ message }) => message).join()
  }
  write('master.key', '\n')
  assert.match(await reasonOf(), /is empty/)
  write('master.key', 'x'.repeat(1_048_577))
  assert.match(await reasonOf(), /larger than 1 MiB/)
  writeFileSync(join(root, 'master.key'), Buffer.from([0xff, 0xfe]))
  assert.match(await reasonOf(), /not UTF-8/)
  renameSync(join(root, 'master.key'), join(root, 'old'))
  mkdirSync(join(root, 'master.key'))
  assert.match(await reasonOf(), /not a file/)
})

test('world-readable: a secret file that everybody may read is a warning, and a secret in the file itself, too', async (context) => {
  const { root, write } = configFolder(context)
  chmodSync(join(root, 'master.key'), 0o644)
  const said = async (): Promise<string[]> => (await loadConfig(root, { env: {} })).problems.map(formatProblem)
  assert.deepEqual(await said(), [
    'agent-config/gatehouse.yaml:6:14: warning: every user of this machine may read the file behind ${file:master.key}; chmod 600 it',
  ])
  const gatehouse = readFileSync(join(root, 'agent-config/gatehouse.yaml'), 'utf8')
  write('agent-config/gatehouse.yaml', gatehouse.replace('${file:master.key}', MASTER_KEY))
  assert.deepEqual(await said(), [
    'agent-config/gatehouse.yaml:6:14: warning: this secret stands in the file itself; use ${env:NAME} or ${file:PATH}',
  ])
})

test('paths in gatehouse.yaml count from the configuration root', async (context) => {
  const { root, write } = configFolder(context)
  write(
    'agent-config/gatehouse.yaml',
    readFileSync(join(root, 'agent-config/gatehouse.yaml'), 'utf8') +
      'store: { path: data/cts.db }\ntelemetry: { audit: { file: audit.log } }\n',
  )
  const { snapshot } = await loadConfig(root, { env: {} })
  assert.equal(snapshot?.gatehouse.store.path, join(root, 'data/cts.db'))
  assert.equal(snapshot.gatehouse.telemetry.audit.file, join(root, 'audit.log'))
})

test('the digest follows content, referenced files and pictures, and nothing else', async (context) => {
  const { root, write, remove } = configFolder(context, { 'realms/staff/theme/logo.svg': '<svg/>' })
  let known = await loadConfig(root, { env: {} })
  const step = async (): Promise<boolean> => {
    const before = known
    known = await loadConfig(root, { env: {}, known })
    const fresh = await loadConfig(root, { env: {} })
    assert.deepEqual([known.digest, known.problems], [fresh.digest, fresh.problems])
    assert.equal(known === before, fresh.digest === before.digest, 'what has not changed is not read anew')
    return known !== before
  }
  assert.equal(await step(), false)
  write('realms/staff/realm.yaml', 'look: { title: Staff }\n')
  assert.equal(await step(), false, 'rewritten with the same content')
  write('realms/staff/realm.yaml', 'look: { title: Others }\n')
  assert.equal(await step(), true, 'content')
  write('master.key', `${MASTER_KEY.replace('q', 'r')}\n`)
  assert.equal(await step(), true, 'referenced file')
  write('realms/staff/theme/logo.svg', '<svg></svg>')
  assert.equal(await step(), true, 'picture')
  remove('master.key')
  assert.equal(await step(), true, 'referenced file gone')
  write('realms/staff/polices.yaml', '')
  assert.equal(await step(), true, 'a file nobody reads')
})

test('names that nobody reads: errors where something would not be in force, warnings otherwise', async (context) => {
  const found = await problemsOf(context, {
    'agent-config/app2.yml': 'url: x',
    'agent-config/notes.txt': '',
    'agent-config/README.md': '',
    'agent-config/.hidden.yaml': '{',
    'agent-config/app.yaml~': '{',
    'agent-config/old/app.yaml': '',
    'realms/staff/polices.yaml': '',
    'realms/staff/users.yml': '',
    'realms/staff/notes.txt': '',
    'realms/Staff2/realm.yaml': '',
    'realms/empty/users.yaml': '',
  })
  assert.deepEqual(found, [
    'agent-config/app2.yml:1:1: no such file is read; rename it to app2.yaml',
    'agent-config/notes.txt:1:1: warning: this file is not read; remove it',
    'agent-config/old:1:1: warning: folders are not read here; put each agent profile into agent-config/ itself',
    'realms/Staff2:1:1: a realm is named with lower-case letters, digits and hyphens; rename the folder',
    'realms/empty/realm.yaml:1:1: this file is missing; a realm folder needs one, and it may be empty',
    'realms/staff/notes.txt:1:1: warning: this file is not read; remove it',
    'realms/staff/polices.yaml:1:1: no such file is read; did you mean "policies.yaml"?',
    'realms/staff/users.yml:1:1: no such file is read; did you mean "users.yaml"?',
  ])
})

test('missing folders and files are named', async (context) => {
  const { root, remove } = configFolder(context)
  remove('agent-config/gatehouse.yaml')
  remove('realms')
  const { problems } = await loadConfig(root, { env: {} })
  assert.deepEqual(
    problems.map(({ file, message }) => [file, message.split(';')[0]]),
    [
      ['agent-config/app.yaml', 'there is no realm "/staff"'],
      ['agent-config/gatehouse.yaml', 'this file is missing'],
      ['realms', 'this folder is missing'],
    ],
  )
  const nowhere = await loadConfig(join(root, 'nowhere'), { env: {} })
  assert.deepEqual(
    nowhere.problems.map(({ file }) => file),
    ['agent-config', 'realms'],
  )
})

test('folders and files may be symbolic links, and a loop of links ends', async (context) => {
  const { root } = configFolder(context)
  renameSync(join(root, 'realms/staff'), join(root, 'elsewhere'))
  symlinkSync(join(root, 'elsewhere'), join(root, 'realms/staff'))
  assert.deepEqual((await loadConfig(root, { env: {} })).problems, [])
  symlinkSync(join(root, 'elsewhere'), join(root, 'elsewhere/again'))
  assert.match((await loadConfig(root, { env: {} })).problems.map(({ message }) => message).join(), /nested too deeply/)
})

test('an agent id comes from the file name, and a name that is none is refused', async (context) => {
  const found = await problemsOf(context, {
    'agent-config/app.yaml': undefined,
    'agent-config/My App.yaml':
      'url: http://a.test:8080\nrealm: /staff\nupstream: { servers: [http://b.test] }\nssoOnly: true\n',
  })
  assert.deepEqual(found, [
    'agent-config/My App.yaml:1:1: the file name cannot be the agent id: rename it with lower-case letters, digits and hyphens, or set id',
  ])
})

test('the sample configuration loads; check names its demonstration users and nothing else', async (context) => {
  const { root } = configFolder(context)
  const env = { GATEHOUSE_DATA: root, PORT: '9000', SAMPLE_PAY_URL: 'http://127.0.0.1:7001' }
  const { snapshot, problems } = await loadConfig(REPOSITORY, { env })
  assert.deepEqual(problems, [])
  assert.ok(snapshot)
  assert.deepEqual(
    snapshot.agents.map(({ id, realm, url, ssoOnly }) => [id, realm, url, ssoOnly]),
    [
      ['app', '/employees', 'http://app.acme.localhost:9000', false],
      ['club', '/customers', 'http://club.acme.localhost:9000', true],
      ['files', '/employees', 'http://files.supplier.localhost:9000', true],
      ['pay', '/employees', 'http://pay.acme.localhost:9000', false],
      ['shop', '/employees', 'http://shop.partner.localhost:9000', true],
    ],
  )
  assert.deepEqual(snapshot.agents.find(({ id }) => id === 'pay')?.upstream?.servers, ['http://127.0.0.1:7001'])
  const users = [...snapshot.realms].map(([name, realm]) => [name, realm.users.map(({ username }) => username)])
  assert.deepEqual(users, [
    ['/', ['admin']],
    ['/customers', ['dave']],
    ['/employees', ['alice', 'bob', 'carol']],
  ])
  const checked = await loadConfig(REPOSITORY, { env, purpose: 'check' })
  assert.deepEqual(
    checked.problems.map(({ severity, file }) => `${severity} ${file}`),
    ['warning realms/customers/users.yaml', 'warning realms/employees/users.yaml', 'warning realms/users.yaml'],
  )
})

test('what the configuration would be with other files, and with one more', async (context) => {
  const { root } = configFolder(context)
  const file = 'realms/staff/policies.yaml'
  const withBytes = async (bytes: Uint8Array) => {
    const { snapshot, problems } = await loadConfig(root, { env: {}, instead: new Map([[file, bytes]]) })
    return snapshot === undefined ? problems.map(formatProblem) : snapshot.realms.get(staff)?.policies.length
  }
  const policy = '{ name: x, resources: [http://a.test/], actions: { GET: allow }, subject: { type: NONE } }'
  assert.equal(await withBytes(Buffer.from(`policies: [${policy}]`)), 1)
  assert.equal((await loadConfig(root, { env: {} })).snapshot?.realms.get(staff)?.policies.length, 0)
  writeFileSync(join(root, file), 'policies: []')
  assert.deepEqual(await withBytes(Buffer.alloc(33_554_433)), [`${file}:1:1: this file is larger than 32 MiB`])
})
