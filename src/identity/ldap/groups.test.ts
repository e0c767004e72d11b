import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { z } from 'zod'
import { GROUPS_BASE, group, openLdap, person, service, type LdapScene } from './ldap.fixture.ts'
import type { FixtureEntry } from './ldap-server.fixture.ts'
import type { ldapSchema } from './ldap.schema.ts'

type Groups = NonNullable<z.input<typeof ldapSchema>['groups']>

const alice = person('alice', 'secret', { gidNumber: ['100'] })
const dn = (name: string): string => `cn=${name},${GROUPS_BASE}`

const open = (t: TestContext, entries: readonly FixtureEntry[], groups: Partial<Groups>): Promise<LdapScene> =>
  openLdap(t, {
    entries: [service, ...entries],
    config: () => ({ groups: { from: 'member', base: GROUPS_BASE, ...groups } }),
  })

async function groupsOf({ directory }: LdapScene): Promise<readonly string[]> {
  return [...((await directory.find('id-alice'))?.groups ?? ['nobody'])]
}

/** one ∋ alice, two ∋ one, three ∋ two, and one ∋ three: a circle. */
const circle = [
  alice,
  group('one', [alice.dn.toUpperCase(), dn('three')], { memberOf: [dn('two')] }),
  group('two', [dn('one')], { memberOf: [dn('three')] }),
  group('three', [dn('two')], { memberOf: [dn('one')] }),
]

test('groups that list a member; nested ones only when asked for, to the depth asked for, circles or not', async (t) => {
  assert.deepEqual(await groupsOf(await open(t, circle, {})), ['one'])
  assert.deepEqual(await groupsOf(await open(t, circle, { nested: true })), ['one', 'three', 'two'])
  assert.deepEqual(await groupsOf(await open(t, circle, { nested: true, depth: 2 })), ['one', 'two'])
})

test('the same from memberOf', async (t) => {
  const listed = { ...alice, attributes: { ...alice.attributes, memberOf: [dn('one')] } }
  const entries = [listed, ...circle.slice(1)]
  const from = 'memberOf'
  assert.deepEqual(await groupsOf(await open(t, entries, { from })), ['one'])
  assert.deepEqual(await groupsOf(await open(t, entries, { from, nested: true })), ['one', 'three', 'two'])
  assert.deepEqual(await groupsOf(await open(t, entries, { from, nested: true, depth: 1 })), ['one'])
  const filtered = { from, filter: '(objectClass=posixGroup)' } as const
  assert.deepEqual(await groupsOf(await open(t, entries, filtered)), [], 'the filter holds for listed groups, too')
  const gone = { ...alice, attributes: { ...alice.attributes, memberOf: [dn('gone'), dn('one')] } }
  assert.deepEqual(await groupsOf(await open(t, [gone, ...circle.slice(1)], { from, nested: true, depth: 1 })), ['one'])
})

test('a group of the same name elsewhere is not the group', async (t) => {
  const evil = { dn: 'cn=admins,ou=projects,dc=example,dc=com', attributes: { cn: ['admins'], member: [alice.dn] } }
  const lookalike = { dn: `cn=admins,ou=x${GROUPS_BASE}`, attributes: { cn: ['admins'], member: [alice.dn] } }
  const listed = { ...alice, attributes: { ...alice.attributes, memberOf: [evil.dn, lookalike.dn] } }
  assert.deepEqual(await groupsOf(await open(t, [listed, evil, lookalike], {})), [])
  assert.deepEqual(await groupsOf(await open(t, [listed, evil, lookalike], { from: 'memberOf' })), [])
})

test('POSIX groups: by name, and the primary one by number', async (t) => {
  const entries = [
    alice,
    { dn: dn('users'), attributes: { cn: ['users'], gidNumber: ['100'] } },
    { dn: dn('printers'), attributes: { cn: ['printers'], gidNumber: ['200'], memberUid: ['bob', 'alice'] } },
    { dn: dn('others'), attributes: { cn: ['others'], gidNumber: ['300'], memberUid: ['bob'] } },
  ]
  assert.deepEqual(await groupsOf(await open(t, entries, { from: 'memberUid' })), ['printers', 'users'])
})

test('Active Directory works out nested groups by its matching rule', async (t) => {
  const entries = [
    alice,
    group('deep', [], { memberInChain: [alice.dn] }),
    group('other', [], { memberInChain: ['cn=x'] }),
  ]
  assert.deepEqual(await groupsOf(await open(t, entries, { from: 'inChain' })), ['deep'])
})

test('the attribute that names a group, and the one that lists its members', async (t) => {
  const entries = [
    alice,
    { dn: dn('g1'), attributes: { cn: ['g1'], ou: ['Finance'], uniqueMember: [alice.dn] } },
    { dn: dn('g2'), attributes: { cn: ['g2'], ou: ['Sales'], member: [alice.dn] } },
  ]
  const config = { memberAttribute: 'uniqueMember', nameAttribute: 'ou' }
  assert.deepEqual(await groupsOf(await open(t, entries, config)), ['Finance'])
})

test('a DN in a filter is a value: a name made of filters finds no groups of others', async (t) => {
  const username = 'x)(member=*'
  const mallory = {
    ...person(username, 'secret'),
    attributes: { ...person(username, 'secret').attributes, entryUUID: ['id-alice'] },
  }
  assert.deepEqual(await groupsOf(await open(t, [mallory, group('admins', ['uid=root'])], {})), [])
  assert.deepEqual(await groupsOf(await open(t, [mallory, group('admins', ['uid=root'])], { from: 'memberUid' })), [])
})

test('somebody with more groups than allowed is a fault: one left out may be the one that denies', async (t) => {
  const many = Array.from({ length: 6 }, (_, at) => group(`g${at}`, [alice.dn]))
  assert.equal((await groupsOf(await open(t, [alice, ...many], { max: 6 }))).length, 6)
  const { directory } = await open(t, [alice, ...many], { max: 5 })
  await assert.rejects(async () => directory.find('id-alice'), { code: 'GH_DIRECTORY_UNAVAILABLE' })
  await assert.rejects(directory.checkPassword('alice', 'secret'), { code: 'GH_DIRECTORY_UNAVAILABLE' })
})
