import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { HASH, MASTER_KEY, problemsOf } from '../config-folder.fixture.ts'

function said(context: TestContext, quotas: readonly string[]): Promise<string[]> {
  const files = {
    'realms/staff/realm.yaml': `session:\n  quota: { limit: 5 }\n  quotas:\n${quotas.map((quota) => `    - ${quota}\n`).join('')}`,
    'realms/staff/users.yaml': `users:\n  - { username: alice, password: "${HASH}", groups: [finance] }\n`,
  }
  return problemsOf(context, files, { env: { KEY: MASTER_KEY } })
}

test('a quota of a user or group that is not there is a warning, with a suggestion', async (context) => {
  const quotas = ['{ user: Alice, limit: 2 }', '{ group: finanse, limit: 3 }', '{ user: zoe, limit: 1 }']
  assert.deepEqual(await said(context, quotas), [
    'realms/staff/realm.yaml:4:15: warning: there is no user "Alice" in users.yaml: this limit holds for nobody; did you mean "alice"?',
    'realms/staff/realm.yaml:5:16: warning: nobody is in the group "finanse" in users.yaml: this limit holds for nobody; did you mean "finance"?',
    'realms/staff/realm.yaml:6:15: warning: there is no user "zoe" in users.yaml: this limit holds for nobody; known here: alice',
  ])
})

test('quotas of users and groups that are there say nothing', async (context) => {
  assert.deepEqual(await said(context, ['{ user: alice, limit: 2 }', '{ group: finance, limit: 3 }']), [])
})
