import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errors } from 'oidc-provider'
import type { RealmName } from '../../base/brand.ts'
import { createAdapter, outlives, recordKey } from './adapter.ts'
import type { Shelf } from './records.ts'

const REALM = '/staff' as RealmName

/** A shelf in memory. */
function createShelf() {
  const content = new Map<string, { readonly value: string; readonly version: number }>()
  const shelf: Shelf = {
    load: (key) => Promise.resolve(content.get(key)),
    create(key, value) {
      if (content.has(key)) return Promise.resolve(false)
      content.set(key, { value, version: 1 })
      return Promise.resolve(true)
    },
    replace(key, version, value) {
      if (content.get(key)?.version !== version) return Promise.resolve(false)
      content.set(key, { value, version: version + 1 })
      return Promise.resolve(true)
    },
    remove: (key) => Promise.resolve(void content.delete(key)),
  }
  return { content, shelf }
}

function createBench(kind: string) {
  const [short, lasting] = [createShelf(), createShelf()]
  const deps = { realm: REALM, library: { errors }, shortLived: short.shelf, durable: lasting.shelf }
  const mayKeep = (): Promise<void> => Promise.resolve()
  const registered = () => Promise.resolve(undefined)
  const rest = { registered, sessions: undefined as never, context: () => undefined, foundAtFirst: () => ({}), mayKeep }
  const ended = { count: 0 }
  const endings = (_user: string, _client: string, isLasting: boolean) =>
    Promise.resolve(isLasting ? [ended.count] : [])
  return { short, lasting, ended, adapter: createAdapter(kind, { ...deps, ...rest, endings }) }
}

test('a record is found by its id, and shows neither that nor opens by what it shows', async () => {
  const { short, adapter } = createBench('AccessToken')
  await adapter.upsert('the-token', { jti: 'the-token', accountId: 'u-1' }, 60)
  assert.deepEqual(await adapter.find('the-token'), { jti: 'the-token', accountId: 'u-1' })
  const dump = JSON.stringify([...short.content])
  assert.ok(!dump.includes('the-token'))
  assert.equal(await adapter.find(`#${[...short.content.keys()][0] ?? ''}`), undefined)
})

test('what is sent once is taken once, of all that come at once', async () => {
  const { adapter } = createBench('ReplayDetection')
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => adapter.upsert('jti', {}, 60)))
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('one of many that consume a code wins, and the others end its grant', async () => {
  const { short, adapter } = createBench('AuthorizationCode')
  const grant = recordKey(REALM)('Grant', 'g-1')
  await short.shelf.create(grant, '{}', 1_000)
  await adapter.upsert('code', { grantId: 'g-1' }, 60)
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => adapter.consume('code')))
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.equal(await short.shelf.load(grant), undefined)
})

test('a grant that outlives its session ends when all of the person was ended, and is good when they agree anew', async () => {
  const { adapter, ended } = createBench('Grant')
  const grant = { accountId: 'u-alice', openid: { scope: 'openid offline_access' } }
  await adapter.upsert('g-1', grant, 60)
  assert.equal((await adapter.find('g-1'))?.accountId, 'u-alice')
  ended.count++
  assert.equal(await adapter.find('g-1'), undefined)
  await adapter.upsert('g-1', { ...grant, openid: { scope: 'openid offline_access email' } }, 60)
  assert.equal(await adapter.find('g-1'), undefined, 'nor when more is added to it by who has found it before')
  await adapter.upsert('g-2', grant, 60)
  assert.equal((await adapter.find('g-2'))?.accountId, 'u-alice')
})

test('only what offline_access was granted for outlives a session', () => {
  assert.equal(outlives('RefreshToken', { expiresWithSession: true }), false)
  assert.equal(outlives('RefreshToken', {}), true)
  assert.equal(outlives('AccessToken', {}), false)
  assert.equal(outlives('Grant', { openid: { scope: 'openid offline_access' } }), true)
  assert.equal(outlives('Grant', { openid: { scope: 'openid' } }), false)
})
