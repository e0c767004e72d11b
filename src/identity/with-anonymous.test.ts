import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import type { NamedDirectory, User } from './directory.ts'
import { createFactorOwners } from './factor-owners.ts'
import { withAnonymousOf } from './with-anonymous.ts'

const STAFF = '/staff' as RealmName
const guest: User = { id: 'u-7', username: 'Guest', groups: new Set(), attributes: {} }

/** A directory of somebody called like people without proof, that asks elsewhere. */
function directoryOf(users: readonly User[]): NamedDirectory {
  const base = {
    find: (userId: string) => Promise.resolve(users.find(({ id }) => id === userId)),
    absence: () => 'removed' as const,
  }
  return withAnonymousOf(
    { modules: { guests: { type: 'anonymous', username: 'guest' } } },
    base as unknown as NamedDirectory,
  )
}

test('whoever is called like people without proof is nobody, and keeps what they have set up', async () => {
  const directory = directoryOf([guest])
  assert.equal(await directory.find('u-7'), undefined)
  const owners = createFactorOwners([], new Map([[STAFF, directory]]))
  assert.equal(await owners.anywhere({ realm: STAFF, userId: 'u-7' }), 'there')
  assert.equal(await owners.anywhere({ realm: STAFF, userId: 'u-8' }), 'gone')
})
