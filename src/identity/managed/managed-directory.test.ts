import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { RealmName } from '../../base/brand.ts'
import type { PasswordCheck } from '../directory.ts'
import { managedBench, newUser, REALM, type ManagedProcess } from './managed.fixture.ts'

const PASSWORD = 'a first good password'
const NEXT = 'quite another password'

/** Looks again and again until a change has arrived; how soon it does is measured where nothing else runs. */
async function soon(isSo: () => unknown): Promise<void> {
  while (!(await isSo())) await pause(5)
}

async function add({ records }: ManagedProcess, hash: string, more = {}): Promise<string> {
  const created = await records.create(newUser('alice', hash, more))
  assert.ok(created)
  return created.id
}

function stampOf(checked: PasswordCheck): string {
  assert.ok('stamp' in checked)
  return checked.stamp ?? ''
}

test('a change counts in another process, which tells who changed', async (t) => {
  const { process, hash } = managedBench(t)
  const [one, other] = [await process(), await process()]
  const id = await add(one, await hash(PASSWORD), { groups: ['staff'] })
  assert.deepEqual([...((await other.directory.find(id))?.groups ?? [])], ['staff'])
  await one.records.change(id, (user) => ({ ...user, groups: ['boss'] }))
  await soon(async () => (await other.directory.find(id))?.groups.has('boss'))
  await soon(() => other.changed.length > 0)
  assert.deepEqual([...new Set(other.changed)], [id])
  await one.records.change(id, (user) => ({ ...user, disabled: true }))
  await soon(async () => (await other.directory.find(id)) === undefined)
  assert.equal(other.directory.absence(id), 'disabled')
  await one.records.remove(id)
  await soon(async () => {
    await other.directory.find(id)
    return other.directory.absence(id) === 'removed'
  })
})

test('a name has one user, in whatever spelling and however many add it at once', async (t) => {
  const { process, hash } = managedBench(t)
  const [one, other] = [await process(), await process()]
  const password = await hash(PASSWORD)
  const names = ['alice', 'Alice', ' alice ', 'ａlice']
  const made = await Promise.all(
    names.flatMap((name) => [one, other].map(({ records }) => records.create(newUser(name, password)))),
  )
  assert.equal(made.filter((each) => each !== undefined).length, 1)
  assert.equal((await one.records.list()).length, 1)
})

test('who is given the name of one who left is somebody else', async (t) => {
  const { process, hash } = managedBench(t)
  const one = await process()
  const before = await add(one, await hash(PASSWORD))
  assert.equal(await one.records.remove(before), true)
  assert.equal(await one.records.remove(before), false)
  const after = await add(one, await hash(NEXT))
  assert.notEqual(after, before)
  assert.equal(await one.directory.find(before), undefined)
  assert.equal(await one.records.remove(before), false)
  assert.equal((await one.directory.find(after))?.username, 'alice')
})

test('users of another realm are others', async (t) => {
  const { process, hash } = managedBench(t)
  const [one, other] = [await process(), await process({}, '/others' as RealmName)]
  const id = await add(one, await hash(PASSWORD))
  assert.equal(await other.directory.find(id), undefined)
  assert.equal((await other.directory.checkPassword('alice', PASSWORD)).kind, 'failed')
  assert.deepEqual(await other.records.list(), [])
  assert.ok(await other.records.create(newUser('alice', await hash(PASSWORD))))
})

test('a dump of the store shows neither names nor groups, and a record in another place opens nothing', async (t) => {
  const { process, hash } = managedBench(t)
  const one = await process()
  const id = await add(one, await hash(PASSWORD), { groups: ['secret-group'] })
  await one.records.create(newUser('mallory', await hash(NEXT)))
  const documents = await one.store.documents.list('users')
  const dump = JSON.stringify(documents)
  for (const text of ['alice', 'mallory', 'secret-group', 'argon2']) assert.ok(!dump.includes(text), text)
  const [place = ''] = id.split('.')
  const [alice, mallory] = [documents.find((each) => each.id === place), documents.find((each) => each.id !== place)]
  await one.store.documents.replace('users', place, alice?.version ?? 0, mallory?.value ?? '')
  await assert.rejects(one.directory.checkPassword('alice', NEXT), { code: 'GH_KEYS_UNAVAILABLE' })
})

test('a password is changed by who knows it, once', async (t) => {
  const { process, hash } = managedBench(t)
  const { directory, ...one } = await process()
  const id = await add({ directory, ...one }, await hash(PASSWORD))
  const stamp = stampOf(await directory.checkPassword('alice', PASSWORD))
  assert.equal(await directory.passwords.isCurrent?.(id, stamp), true)
  const changes = await Promise.all(
    [NEXT, 'a third good password'].map((next) => directory.passwords.change(id, stamp, next)),
  )
  assert.deepEqual(changes.map(({ kind }) => kind).sort(), ['changed', 'stale'])
  assert.equal((await directory.checkPassword('alice', PASSWORD)).kind, 'failed')
  assert.deepEqual(await directory.passwords.change(id, stamp, 'a fourth good password'), { kind: 'stale' })
  assert.equal(await directory.passwords.isCurrent?.(id, stamp), false)
})

test('a password comes back neither at once nor while the realm remembers it', async (t) => {
  const { process, hash } = managedBench(t)
  const one = await process({ history: 1 })
  const id = await add(one, await hash(PASSWORD))
  let present = PASSWORD
  const change = async (next: string): Promise<string> => {
    const stamp = stampOf(await one.directory.checkPassword('alice', present))
    const outcome = await one.directory.passwords.change(id, stamp, next)
    if (outcome.kind === 'changed') present = next
    return outcome.kind === 'refused' ? outcome.flaw.kind : outcome.kind
  }
  assert.equal(await change(PASSWORD), 'used-before')
  assert.equal(await change('short'), 'too-short')
  assert.equal(await change(NEXT), 'changed')
  assert.equal(await change(PASSWORD), 'used-before')
  assert.equal(await change('a third good password'), 'changed')
  assert.equal(await change(PASSWORD), 'changed')
})

test('a password that has to be changed opens nothing, whether by age or by an administrator', async (t) => {
  const { process, hash, time } = managedBench(t)
  const one = await process({ maxAge: '90d' })
  const id = await add(one, await hash(PASSWORD), { mustChange: true })
  const first = await one.directory.checkPassword('alice', PASSWORD)
  assert.deepEqual([first.kind, 'reason' in first && first.reason], ['change-first', 'must-change'])
  assert.equal((await one.directory.checkPassword('alice', 'wrong')).kind, 'failed')
  assert.equal((await one.directory.passwords.change(id, stampOf(first), NEXT)).kind, 'changed')
  assert.equal((await one.directory.checkPassword('alice', NEXT)).kind, 'passed')
  time.now = Date.now() + 90 * 86_400_000
  const old = await one.directory.checkPassword('alice', NEXT)
  assert.deepEqual([old.kind, 'reason' in old && old.reason], ['change-first', 'password-expired'])
})

test('who was disabled while the hash was computed is not let in', async (t) => {
  const { process, hash, checked } = managedBench(t)
  const one = await process()
  const id = await add(one, await hash(PASSWORD))
  const [right, told] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  checked.held = () => (right.resolve(undefined), told.promise)
  const checking = one.directory.checkPassword('alice', PASSWORD)
  await right.promise
  await one.records.change(id, (user) => ({ ...user, disabled: true }))
  told.resolve(undefined)
  assert.deepEqual(await checking, { kind: 'failed', reason: 'disabled' })
  assert.equal((await one.directory.passwords.change(id, 'any', NEXT)).kind, 'stale')
  assert.equal(one.directory.realm, REALM)
})

test('who is added, renamed by an attribute or disabled in another process is found by it, or no more', async (t) => {
  const { process, hash } = managedBench(t)
  const [one, other] = [await process(), await process()]
  const password = await hash(PASSWORD)
  const found = async (value: string): Promise<string | undefined> =>
    (await other.directory.findBy?.('externalId', value))?.username
  assert.equal(await found('4711'), undefined)
  const add = (name: string) => one.records.create(newUser(name, password, { attributes: { externalId: ['4711'] } }))
  const alice = await add('alice')
  await soon(async () => (await found('4711')) === 'alice')
  const bob = await add('bob')
  await soon(async () => (await found('4711')) === undefined)
  await one.records.change(bob?.id ?? '', (user) => ({ ...user, attributes: { externalId: ['4712'] } }))
  await soon(async () => (await found('4712')) === 'bob' && (await found('4711')) === 'alice')
  await one.records.change(alice?.id ?? '', (user) => ({ ...user, disabled: true }))
  await soon(async () => (await found('4711')) === undefined)
})
