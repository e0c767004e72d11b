import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dnKey, isBelow, parseDn } from './distinguished-name.ts'
import { ldapSchema } from './ldap.schema.ts'
import { PEOPLE_BASE, SERVICE, written } from './ldap.fixture.ts'

test('RFC 4514 §4: the examples', () => {
  const values = (dn: string): unknown =>
    parseDn(dn)?.map((level) => level.map(({ type, value }) => `${type}=${value}`))
  assert.deepEqual(values('UID=jsmith,DC=example,DC=net'), [['uid=jsmith'], ['dc=example'], ['dc=net']])
  assert.deepEqual(values('OU=Sales+CN=J.  Smith,DC=net'), [['ou=Sales', 'cn=J.  Smith'], ['dc=net']])
  assert.deepEqual(values('CN=James \\"Jim\\" Smith\\, III,DC=net'), [['cn=James "Jim" Smith, III'], ['dc=net']])
  assert.deepEqual(values('CN=Before\\0dAfter,DC=net'), [['cn=Before\rAfter'], ['dc=net']])
  assert.deepEqual(values('1.3.6.1.4.1.1466.0=#04024869'), [['1.3.6.1.4.1.1466.0=#04024869']])
  assert.deepEqual(values('CN=Lu\\C4\\8Di\\C4\\87'), [['cn=Lučić']])
  assert.deepEqual(values('cn= a\\ , dc = b '), [['cn=a '], ['dc=b']])
  assert.deepEqual(parseDn(''), [])
})

test('what is no name is refused', () => {
  for (const text of [
    'a',
    '=a',
    'a=b,',
    ',a=b',
    'a=b,,c=d',
    'a=b\\',
    'a=b\\z',
    'a="b"',
    'a=b;c=d',
    'a=<b>',
    'a b=c',
    'a=#0',
    '1=a',
  ])
    assert.equal(parseDn(text), undefined, text)
  assert.equal(parseDn(`cn=${'a'.repeat(5_000)}`), undefined)
})

test('below is decided by levels, not by the ends of texts', () => {
  const base = 'ou=Groups,dc=example,dc=com'
  for (const dn of [
    'cn=a,ou=groups,DC=example,dc=com',
    'cn=a, ou=Groups , dc=example,dc=com',
    'cn=a,cn=b,ou=\\47roups,dc=example,dc=com',
  ])
    assert.ok(isBelow(dn, base), dn)
  for (const dn of [
    base,
    'cn=a,ou=xGroups,dc=example,dc=com',
    'cn=a\\,ou=Groups,dc=example,dc=com',
    'cn=a,ou=Groups',
    'nonsense',
    '',
  ])
    assert.ok(!isBelow(dn, base), dn)
  assert.equal(dnKey('CN=A+OU=B'), dnKey('ou=b+cn=a'))
  assert.notEqual(dnKey('cn=a\\,b'), dnKey('cn=a,b=c'))
})

test('configuration: passwords never travel in the clear, and what is no filter, name or DN is told', () => {
  const problems = (more: Parameters<typeof written>[1]): readonly string[] => {
    const parsed = ldapSchema.safeParse({ ...written([]), servers: ['ldaps://ldap.example.com'], ...more })
    return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'))
  }
  const plain = { startTLS: false }
  assert.deepEqual(problems({}), [])
  assert.deepEqual(problems({ servers: ['ldap://ldap.example.com'], tls: plain }), ['servers.0'])
  assert.deepEqual(problems({ servers: ['ldap://127.0.0.1.example.com'], tls: plain }), ['servers.0'])
  assert.deepEqual(problems({ servers: ['ldap://127.0.0.1', 'ldap://[::1]:389', 'ldap://localhost'], tls: plain }), [])
  assert.deepEqual(problems({ servers: ['ldap://ldap.example.com'], tls: {} }), [])
  for (const server of ['http://a', 'ldaps://', 'ldaps://a/dc=b', 'ldaps://u:p@a', 'a', 'ldaps://a?x'])
    assert.deepEqual(problems({ servers: [server] }), ['servers.0'], server)
  assert.deepEqual(problems({ bind: { ...SERVICE, dn: 'gatehouse' } }), ['bind.dn'])
  assert.deepEqual(problems({ bind: { ...SERVICE, password: '' } }), ['bind.password'])
  for (const filter of ['uid=*', '(uid=*', '(&(a=b)', '(uid=%s)(x', '(a=\\zz)'])
    assert.deepEqual(problems({ users: { base: PEOPLE_BASE, filter } }), ['users.filter'], filter)
  assert.deepEqual(problems({ users: { base: PEOPLE_BASE, idAttribute: 'dn' } }), ['users.idAttribute'])
  assert.deepEqual(problems({ users: { base: PEOPLE_BASE, loginAttributes: ['uid)(x'] } }), ['users.loginAttributes.0'])
  assert.deepEqual(problems({ refresh: '2m' }), ['maxAge'])
  assert.deepEqual(problems({ refresh: '10ms', maxAge: '20ms' }), ['maxAge'])
})
