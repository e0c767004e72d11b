import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import type { Session } from '../session/session.ts'
import { administers, sameUser } from './administration.ts'
import type { People } from './ports.ts'

function session(realm: string, userId: string): Session {
  return { realm: realm as RealmName, userId } as Session
}

const people: People = {
  hasRealm: () => true,
  administratorsOf: (realm) => (realm === '/' || realm === '/employees' ? ['admins'] : []),
  groupsOf: ({ userId }) => Promise.resolve(new Set(userId === 'boss' ? ['admins'] : ['staff'])),
  userIdOf: () => undefined,
}

test('administrators have their realm and those below it, and no other', async () => {
  const may = (realm: string, target: string, user = 'boss') =>
    administers(people, session(realm, user), target as RealmName)
  for (const target of ['/employees', '/employees/contractors', '/employees/a/b']) {
    assert.equal(await may('/employees', target), true, target)
    assert.equal(await may('/', target), true, target)
    assert.equal(await may('/employees', target, 'clerk'), false, target)
  }
  for (const target of ['/', '/customers', '/employees-of-others'])
    assert.equal(await may('/employees', target), false, target)
  assert.equal(await may('/employees/contractors', '/employees/contractors'), false, 'nobody was named there')
})

test('the same id in two realms is two people', () => {
  assert.equal(sameUser(session('/employees', 'ann'), session('/employees', 'ann')), true)
  assert.equal(sameUser(session('/employees', 'ann'), session('/customers', 'ann')), false)
  assert.equal(sameUser(session('/employees', 'ann'), session('/employees', 'ben')), false)
})
