import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { MASTER_KEY, problemsOf } from '../config-folder.fixture.ts'

function said(context: TestContext, username: string): Promise<readonly string[]> {
  const authentication = {
    modules: { password: { type: 'password' }, guest: { type: 'anonymous', username: 'Guest' } },
    chains: {
      default: [{ module: 'password', or: ['guest'], criteria: 'REQUIRED' }],
      people: [{ module: 'password', criteria: 'REQUIRED' }],
    },
  }
  const hash = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
  const files = {
    'agent-config/gatehouse.yaml': `listeners: [{ port: 8080 }]\nlogin: { url: "http://login.acme.localhost" }\nsecrets: { masterKey: "\${env:KEY}" }\n`,
    'realms/staff/realm.yaml': `look: { title: Staff }\nauthentication: ${JSON.stringify(authentication)}\n`,
    'realms/staff/users.yaml': `users:\n  - { username: ${username}, password: '${hash}' }\n`,
  }
  return problemsOf(context, files, { env: { KEY: MASTER_KEY } })
}

test('nobody may be called as people without proof are, in whatever spelling', async (context) => {
  assert.match(
    (await said(context, 'guest')).join('\n'),
    /^realms\/staff\/users\.yaml:2:\d+: people without proof are called so/,
  )
  assert.deepEqual(await said(context, 'gus'), [])
})
