import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { MASTER_KEY, problemsOf } from '../config-folder.fixture.ts'

const MODULES = {
  password: { type: 'password' },
  totp: { type: 'totp' },
  mail: { type: 'password', authLevel: 2 },
  key: { type: 'webauthn' },
}

interface Realm {
  readonly modules?: object
  readonly chain?: readonly object[]
  readonly login?: string
}

const ALONE = [{ module: 'password', or: ['key'], criteria: 'REQUIRED' }]

function said(context: TestContext, { modules = {}, chain = ALONE, login = 'http://login.acme.localhost' }: Realm) {
  const authentication = { modules: { ...MODULES, ...modules }, chains: { default: chain } }
  const files = {
    'agent-config/gatehouse.yaml': `listeners: [{ port: 8080 }]\nlogin: { url: "${login}" }\nsecrets: { masterKey: "\${env:KEY}" }\n`,
    'realms/staff/realm.yaml': `look: { title: Staff }\nauthentication: ${JSON.stringify(authentication)}\n`,
  }
  return problemsOf(context, files, { env: { KEY: MASTER_KEY } })
}

const then = (...names: readonly string[]) => [...ALONE, { module: names[0], or: names.slice(1), criteria: 'REQUIRED' }]

for (const login of ['http://127.0.0.1:8080', 'https://[::1]']) {
  test(`passkeys need a login host with a name: ${login}`, async (context) => {
    const problems = (await said(context, { login })).filter((each) => each.includes('passkeys'))
    assert.deepEqual(problems, [
      'realms/staff/realm.yaml:2:138: browsers make no passkeys for an IP address, which login.url is (agent-config/gatehouse.yaml:2); give the login host a name',
    ])
    const key = { type: 'totp' }
    assert.doesNotMatch((await said(context, { login, modules: { key } })).join(), /passkeys/)
  })
}

test('a key that is asked for after a key is a dead end for who has nothing else', async (context) => {
  for (const chain of [then('key'), then('totp', 'key')]) {
    const problems = await said(context, { chain })
    assert.equal(problems.length, 1)
    assert.match(
      problems.join(),
      /^realms\/staff\/realm\.yaml:2:\d+: warning: who signs in with a passkey .* one factor/,
    )
  }
  const modules = { again: { type: 'webauthn', multiFactor: true } }
  assert.equal((await said(context, { modules, chain: then('again') })).length, 1, 'the same key by another name')
})

test('a key after a key is none where there is a way on', async (context) => {
  const key = (more: object) => ({ modules: { key: { type: 'webauthn', ...more } } })
  for (const realm of [
    {},
    { ...key({ multiFactor: true }), chain: then('totp', 'key') },
    { ...key({ use: 'second' }), chain: then('totp', 'key') },
    { chain: then('totp') },
    { chain: then('mail', 'key') },
    { chain: [...ALONE, { module: 'key', criteria: 'OPTIONAL' }] },
  ]) {
    assert.deepEqual(await said(context, realm), [])
  }
})
