import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import type { NamedDirectory } from './directory.ts'
import { createFactorOwners, type FactorOwner, type FactorOwners } from './factor-owners.ts'
import { createFileDirectory } from './file-directory.ts'
import { contractEntries, openLdap, person, written } from './ldap/ldap.fixture.ts'
import { ldapSchema } from './ldap/ldap.schema.ts'
import type { UserConfig } from './users.schema.ts'

const FILE = '/file' as RealmName
const LDAP = '/people' as RealmName
const never = (): never => assert.fail('no password was expected')
const hasher = { verify: never, verifyNothing: never, hasRoom: () => true }

function user(username: string, disabled = false): UserConfig {
  return { username, password: '', groups: [], attributes: {}, disabled, demo: false }
}

function ownersOf(users: readonly UserConfig[], ...others: readonly NamedDirectory[]): FactorOwners {
  const directories = [createFileDirectory(FILE, users, hasher), ...others]
  const ldap = ldapSchema.parse(written([], { servers: ['ldaps://ldap.example.com'] }))
  const realms = directories.map(({ realm }) =>
    realm === FILE
      ? { name: realm, directory: { type: 'file' as const }, users }
      : { name: realm, directory: ldap, users: [] },
  )
  return createFactorOwners(realms, new Map(directories.map((directory) => [directory.realm, directory])))
}

test('who stands in users.yaml is there, disabled or not, and who does not is gone; a realm that is not there says nothing', async () => {
  const owners = ownersOf([user('alice'), user('bob', true)])
  for (const how of ['configured', 'anywhere'] as const) {
    const ask = (owner: FactorOwner): Promise<string> => owners[how](owner)
    assert.equal(await ask({ realm: FILE, userId: 'alice' }), 'there')
    assert.equal(await ask({ realm: FILE, userId: 'bob' }), 'there')
    assert.equal(await ask({ realm: FILE, userId: 'carol' }), 'gone')
    assert.equal(await ask({ realm: '/else' as RealmName, userId: 'alice' }), 'unknown')
  }
})

test('LDAP is asked in its turn only: an entry that is disabled, or stopped to match the filter, is there', async (t) => {
  const entries = [...contractEntries(), person('guest', 'x', { objectClass: ['guest'] })]
  const { directory, server } = await openLdap(t, {
    entries,
    config: () => ({ users: { base: 'ou=people,dc=example,dc=com', filter: '(objectClass=person)' } }),
  })
  const owners = ownersOf([], directory)
  const standing = (userId: string): Promise<string> => owners.anywhere({ realm: LDAP, userId })
  assert.equal(await owners.configured({ realm: LDAP, userId: 'id-nobody' }), 'unknown')
  assert.equal(server.heard.length, 0)
  for (const id of ['id-alice', 'id-carla', 'id-guest']) assert.equal(await standing(id), 'there', id)
  assert.equal(await directory.find('id-guest'), undefined)
  for (const id of ['id-nobody', '*', '']) assert.equal(await standing(id), 'missing', id)
  await server.close()
  await assert.rejects(standing('id-alice'), { code: 'GH_DIRECTORY_UNAVAILABLE' })
})

test('other users, or users kept elsewhere, are another version; their groups are not', () => {
  const version = (...users: readonly UserConfig[]): string => ownersOf(users).version
  assert.equal(version(user('alice')), version({ ...user('alice', true), groups: ['staff'] }))
  assert.notEqual(version(user('alice')), version(user('bob')))
  assert.notEqual(version(user('alice')), version({ ...user('alice'), id: '7' }))
})
