import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { HASH, MASTER_KEY, problemsOf, type Files } from './config-folder.fixture.ts'

const realm = (password: string, servers = '[ldaps://ldap.example.com]'): string => `directory:
  type: ldap
  servers: ${servers}
  bind: { dn: "cn=gatehouse,dc=example,dc=com", password: "${password}" }
  users: { base: "ou=people,dc=example,dc=com" }
`

const said = (context: TestContext, files: Files): Promise<string[]> =>
  problemsOf(context, { 'realms/staff/users.yaml': undefined, ...files }, { env: { KEY: MASTER_KEY, LDAP: 'secret' } })

test('a realm in LDAP: its password comes from outside, and there is no users.yaml beside it', async (context) => {
  const file = 'realms/staff/realm.yaml'
  assert.deepEqual(await said(context, { [file]: realm('${env:LDAP}') }), [])
  assert.deepEqual(await said(context, { [file]: realm('secret') }), [
    `${file}:4:59: warning: this secret stands in the file itself; use \${env:NAME} or \${file:PATH}`,
  ])
  const users = `users:\n  - { username: alice, password: "${HASH}" }\n`
  const both = { [file]: realm('${env:LDAP}'), 'realms/staff/users.yaml': users }
  assert.deepEqual(await said(context, both), [
    `realms/staff/users.yaml:1:1: the users of this realm are in LDAP (${file}:2); remove this file`,
  ])
})

test('passwords in the clear are refused at the server that would get them', async (context) => {
  const plain = realm('${env:LDAP}', '[ldaps://a.example.com, ldap://b.example.com]\n  tls: { startTLS: false }')
  assert.deepEqual(await said(context, { 'realms/staff/realm.yaml': plain }), [
    'realms/staff/realm.yaml:3:36: directory.servers[1]: passwords would pass in the clear: use ldaps://, or tls.startTLS',
  ])
})
