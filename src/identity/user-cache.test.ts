import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import type { User } from './directory.ts'
import { openLdap, person, service } from './ldap/ldap.fixture.ts'
import { createUserCache, type UserCache } from './user-cache.ts'

const user = (username: string, ...groups: readonly string[]): User => ({
  id: 'u1',
  username,
  groups: new Set(groups),
  attributes: {},
})

interface Scene {
  readonly cache: UserCache
  readonly time: { now: number }
  readonly asked: PromiseWithResolvers<User | undefined>[]
  readonly changed: string[]
  readonly failed: unknown[]
}

function scene(): Scene {
  const time = { now: 1_000_000 }
  const asked: Scene['asked'] = []
  const changed: string[] = []
  const failed: unknown[] = []
  const cache = createUserCache({
    read: () => {
      const answer = Promise.withResolvers<User | undefined>()
      asked.push(answer)
      return answer.promise
    },
    refreshMs: 30_000,
    maxAgeMs: 60_000,
    maxUsers: 10,
    clock: () => time.now as EpochMs,
    changed: (id) => changed.push(id),
    failed: (error) => failed.push(error),
  })
  return { cache, time, asked, changed, failed }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('one look-up for all who ask at once; then the answer is at hand', async () => {
  const { cache, asked } = scene()
  const waiting = [1, 2, 3].map(async () => cache.find('u1'))
  assert.equal(asked.length, 1)
  asked[0]?.resolve(user('alice'))
  const [one] = await Promise.all(waiting)
  assert.equal(cache.find('u1'), one)
  assert.equal(asked.length, 1)
})

test('an older answer serves while the next is fetched, once; and what is the same stays the same object', async () => {
  const { cache, time, asked, changed } = scene()
  const first = cache.put(user('alice', 'staff'))
  time.now += 29_999
  assert.equal(cache.find('u1'), first)
  assert.equal(asked.length, 0)
  time.now += 1
  for (let i = 0; i < 5; i++) assert.equal(cache.find('u1'), first)
  assert.equal(asked.length, 1)
  asked[0]?.resolve(user('alice', 'staff'))
  await settled()
  assert.equal(cache.find('u1'), first)
  assert.deepEqual(changed, [])
})

test('a change is told once it is known: groups, name, gone', async () => {
  const { cache, time, asked, changed } = scene()
  cache.put(user('alice', 'staff'))
  const next: readonly (User | undefined)[] = [user('alice'), user('alicia'), undefined]
  for (const [at, answer] of next.entries()) {
    time.now += 30_000
    void cache.find('u1')
    asked[at]?.resolve(answer)
    await settled()
    assert.equal(changed.length, at + 1)
    assert.deepEqual(cache.find('u1'), answer)
  }
})

test('an answer past its greatest age is not used: requests wait, and fail when nobody can say', async () => {
  const { cache, time, asked } = scene()
  cache.put(user('alice'))
  time.now += 60_000
  const waiting = cache.find('u1')
  assert.ok(waiting instanceof Promise)
  asked[0]?.reject(new Error('down'))
  await assert.rejects(waiting, /down/)
  time.now -= 120_000
  assert.ok(cache.find('u1') instanceof Promise, 'nor one from the future, after the clock was set back')
  asked[1]?.resolve(undefined)
})

test('while the directory is down the last answer serves until its greatest age', async () => {
  const { cache, time, asked, failed } = scene()
  const known = cache.put(user('alice'))
  time.now += 45_000
  assert.equal(cache.find('u1'), known)
  asked[0]?.reject(new Error('down'))
  await settled()
  assert.equal(failed.length, 1)
  assert.equal(cache.find('u1'), known)
  asked[1]?.reject(new Error('down'))
  time.now += 15_000
  await settled()
  const waiting = cache.find('u1')
  asked.at(-1)?.reject(new Error('down'))
  await assert.rejects(async () => waiting)
})

test('an answer that was asked for before a newer one does not replace it', async () => {
  const { cache, time, asked } = scene()
  cache.put(user('alice', 'staff'))
  time.now += 30_000
  void cache.find('u1')
  time.now += 1_000
  const newer = cache.put(user('alice', 'staff', 'payroll'))
  asked[0]?.resolve(user('alice', 'staff'))
  await settled()
  assert.equal(cache.find('u1'), newer)
})

test('from the entry to the session: removed, disabled, other groups, renamed; known at the latest after maxAge', async (t) => {
  const { server, directory, time, changed } = await openLdap(t, { entries: [service, person('dora', 'secret')] })
  assert.equal((await directory.checkPassword('dora', 'secret')).kind, 'passed')
  const heard = server.heard.length
  assert.ok(!(directory.find('id-dora') instanceof Promise), 'a login says who it is')
  assert.equal(server.heard.length, heard)
  const changes = [
    [person('dora', 'secret', { uid: ['theodora'] })],
    [person('dora', 'secret', { uid: ['theodora'], nsAccountLock: ['TRUE'] })],
    [person('dora', 'secret')],
    [],
  ]
  const names = ['theodora', undefined, 'dora', undefined]
  for (const [at, entries] of changes.entries()) {
    server.entries = [service, ...entries]
    time.now += 60_000
    assert.equal((await directory.find('id-dora'))?.username, names[at])
  }
  assert.equal(changed.length, 3, 'somebody who comes back had nothing to lose')
})
