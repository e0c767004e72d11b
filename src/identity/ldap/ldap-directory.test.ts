import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatehouseError } from '../../errors.ts'
import { isBelow } from './distinguished-name.ts'
import { contractEntries, openLdap, person, PEOPLE_BASE, SERVICE, service } from './ldap.fixture.ts'
import type { FixtureAnswer, Heard } from './ldap-server.fixture.ts'

const ALICE = ['alice', 'alice-contract-password'] as const

const unavailable = (error: unknown): boolean =>
  error instanceof GatehouseError && error.code === 'GH_DIRECTORY_UNAVAILABLE' && error.status === 503

const binds = (heard: readonly Heard[]): Extract<Heard, { kind: 'bind' }>[] =>
  heard.filter((each) => each.kind === 'bind')

test('RFC 4513 §5.1.2: an empty password, or one that C takes for empty, never reaches a server', async (t) => {
  const { server, directory } = await openLdap(t)
  for (const password of ['', '\0', '\0secret', 'secret\0', '\ud800', 'x'.repeat(1_025)]) {
    const checked = await directory.checkPassword('alice', password)
    assert.deepEqual(checked, { kind: 'failed', reason: 'wrong-password' })
  }
  assert.deepEqual(server.heard, [])
  assert.equal((await directory.checkPassword('alice', ' ')).kind, 'failed')
  assert.equal(binds(server.heard).at(-1)?.password, ' ', 'a space is a password like any other')
})

test('a name nobody has costs the same conversation as a wrong password', async (t) => {
  const { server, directory } = await openLdap(t)
  const said = async (name: string, password: string): Promise<readonly string[]> => {
    server.heard.length = 0
    await directory.checkPassword(name, password)
    return server.heard.map(({ kind }) => kind)
  }
  await said(...ALICE)
  const wrong = await said('alice', 'wrong')
  assert.deepEqual(wrong, ['search', 'bind'])
  for (const name of ['nobody', '*', 'carla', 'x'.repeat(2_000)])
    assert.deepEqual(await said(name, 'wrong'), wrong, name)
  const last = binds(server.heard).at(-1)
  assert.ok(last !== undefined && isBelow(last.dn, PEOPLE_BASE) && last.password === 'wrong')
})

test('the connection that searches is never anybody but the account that searches', async (t) => {
  const { server, directory } = await openLdap(t)
  await Promise.all(
    Array.from({ length: 30 }, (_, at) =>
      at % 2 === 0 ? directory.checkPassword(...ALICE) : directory.checkPassword('bob', 'bob-contract-password'),
    ),
  )
  const searches = server.heard.filter((each) => each.kind === 'search')
  assert.ok(searches.length >= 30)
  const searching = new Set(searches.map(({ connection }) => connection))
  assert.ok(searches.every(({ as }) => as === SERVICE.dn))
  assert.ok(searching.size <= 4, 'connections are shared, and bounded')
  const people = binds(server.heard).filter(({ dn }) => dn !== SERVICE.dn)
  assert.equal(new Set(people.map(({ connection }) => connection)).size, people.length, 'one bind, one connection')
  assert.ok(people.every(({ connection }) => !searching.has(connection)))
})

test('two entries of one name are nobody', async (t) => {
  const twin = { ...person('alice', 'alice-contract-password'), dn: `uid=alice,ou=more,${PEOPLE_BASE}` }
  const { directory, logged } = await openLdap(t, { entries: [...contractEntries(), twin] })
  assert.deepEqual(await directory.checkPassword(...ALICE), { kind: 'failed', reason: 'unknown-user' })
  assert.equal(await directory.find('id-alice'), undefined)
  assert.equal(logged[0]?.level, 'warn')
})

test('the filter of the configuration decides who is a user, and binds use the DN as it came', async (t) => {
  const { server, directory } = await openLdap(t, {
    config: () => ({ users: { base: PEOPLE_BASE, filter: '(mail=alice@example.com)' } }),
  })
  assert.equal((await directory.checkPassword(...ALICE)).kind, 'passed')
  assert.equal((await directory.checkPassword('bob', 'bob-contract-password')).kind, 'failed')
  const odd = 'di#st, in+gui=shed;"<>'
  const all = await openLdap(t)
  assert.equal((await all.directory.checkPassword(odd, 'dn-contract-password')).kind, 'passed')
  const dn = all.server.entries.find(({ attributes }) => attributes['uid']?.[0] === odd)?.dn
  assert.equal(binds(all.server.heard).at(-1)?.dn, dn)
  assert.ok(server.heard.length > 0)
})

test('any login attribute is a name, and the user keeps one name', async (t) => {
  const { directory } = await openLdap(t, {
    config: () => ({ users: { base: PEOPLE_BASE, loginAttributes: ['uid', 'mail'] } }),
  })
  const checked = await directory.checkPassword('Alice@Example.com', 'alice-contract-password')
  assert.equal(checked.kind === 'passed' && checked.user.username, 'alice')
})

test('what a server says instead of yes or no is a fault: never a pass, never a wrong password', async (t) => {
  const answers: readonly FixtureAnswer[] = [1, 2, 8, 10, 13, 14, 51, 52, 80].map((code) => ({ code }))
  for (const answer of answers) {
    const { directory } = await openLdap(t, { onBind: (dn) => (dn === SERVICE.dn ? undefined : answer) })
    await assert.rejects(directory.checkPassword(...ALICE), unavailable, `bind ${answer.code}`)
    const searching = await openLdap(t, { onSearch: () => answer })
    await assert.rejects(searching.directory.checkPassword(...ALICE), unavailable, `search ${answer.code}`)
    await assert.rejects(async () => searching.directory.find('id-alice'), unavailable)
  }
})

test('a referral is not followed', async (t) => {
  const dialled = await openLdap(t)
  const message = `ldap://127.0.0.1:${dialled.server.port}/dc=example,dc=com`
  const { directory } = await openLdap(t, { onSearch: () => ({ code: 10, message }) })
  await assert.rejects(directory.checkPassword(...ALICE), unavailable)
  assert.deepEqual(dialled.server.heard, [])
})

test('a server that cuts its answer off has given none', async (t) => {
  const { directory } = await openLdap(t, { onSearch: () => ({ code: 4 }) })
  await assert.rejects(directory.checkPassword(...ALICE), unavailable)
})

test('an account that searches and may not is a fault of ours', async (t) => {
  const { directory } = await openLdap(t, { onBind: (dn) => (dn === SERVICE.dn ? { code: 49 } : undefined) })
  await assert.rejects(directory.checkPassword('alice', 'wrong'), unavailable)
})

test(
  'a server that hangs is given up in time, and the next login finds it well again',
  { timeout: 60_000 },
  async (t) => {
    const { server, directory, time } = await openLdap(t, { onBind: (dn) => (dn === SERVICE.dn ? undefined : 'hang') })
    const started = performance.now()
    await assert.rejects(directory.checkPassword(...ALICE), unavailable)
    assert.ok(performance.now() - started < 30_000)
    server.options = {}
    time.now += 60_000
    assert.equal((await directory.checkPassword(...ALICE)).kind, 'passed')
    server.options = { onSearch: () => 'hang' }
    await assert.rejects(directory.checkPassword(...ALICE), unavailable)
    server.options = {}
    time.now += 60_000
    const many = await Promise.all(Array.from({ length: 20 }, () => directory.checkPassword(...ALICE)))
    assert.ok(many.every(({ kind }) => kind === 'passed'))
  },
)

test('an idle connection that the server has closed is replaced without a word', async (t) => {
  const { server, directory } = await openLdap(t)
  assert.equal((await directory.checkPassword(...ALICE)).kind, 'passed')
  server.drop()
  for (let i = 0; i < 3; i++) assert.equal((await directory.checkPassword(...ALICE)).kind, 'passed')
  assert.equal(
    binds(server.heard).every(({ dn }) => dn !== ''),
    true,
    'nothing is ever asked as nobody',
  )
})

test('accounts that the entry calls disabled, with the right password and a wrong one', async (t) => {
  const past = String((BigInt(Date.UTC(2026, 0, 1)) + 11_644_473_600_000n) * 10_000n)
  const states: Readonly<Record<string, readonly string[]>> = {
    userAccountControl: ['514'],
    pwdAccountLockedTime: ['000001010000Z'],
    nsAccountLock: ['true'],
    'ds-pwp-account-disabled': ['TRUE'],
    loginDisabled: ['TRUE'],
    accountExpires: [past],
  }
  for (const [attribute, value] of Object.entries(states)) {
    const { directory } = await openLdap(t, { entries: [service, person('dora', 'secret', { [attribute]: value })] })
    for (const password of ['secret', 'wrong'])
      assert.deepEqual(
        await directory.checkPassword('dora', password),
        { kind: 'failed', reason: 'disabled' },
        attribute,
      )
    assert.equal(await directory.find('id-dora'), undefined, attribute)
  }
  const fine = {
    userAccountControl: ['512'],
    accountExpires: ['9223372036854775807'],
    pwdAccountLockedTime: ['20260101000000Z'],
  }
  const { directory } = await openLdap(t, { entries: [service, person('dora', 'secret', fine)] })
  assert.equal((await directory.checkPassword('dora', 'secret')).kind, 'passed')
})

test('objectGUID is read and sought as bytes, and written as Windows writes it', async (t) => {
  const guid = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  const text = '33221100-5544-7766-8899-aabbccddeeff'
  const { directory } = await openLdap(t, {
    entries: [service, person('erin', 'secret', { objectGUID: [guid] })],
    config: () => ({ users: { base: PEOPLE_BASE, idAttribute: 'objectGUID' } }),
  })
  const checked = await directory.checkPassword('erin', 'secret')
  assert.equal(checked.kind === 'passed' && checked.user.id, text)
  const other = await openLdap(t, {
    entries: [service, person('erin', 'secret', { objectGUID: [guid] })],
    config: () => ({ users: { base: PEOPLE_BASE, idAttribute: 'objectGUID' } }),
  })
  assert.equal((await other.directory.find(text))?.username, 'erin')
  assert.equal(await other.directory.find(text.toUpperCase()), undefined)
  assert.equal(await other.directory.find('33221100'), undefined)
})

test('an entry that is not as configured is a fault: no id, two names, a control character, half a list', async (t) => {
  const odd: readonly Readonly<Record<string, readonly string[]>>[] = [
    { entryUUID: [] },
    { entryUUID: ['one', 'two'] },
    { entryUUID: ['a\r\nb'] },
    { displayName: ['x'], cn: ['one', 'two'] },
    { cn: ['line\r\nbreak'] },
    { cn: ['x'.repeat(129)] },
    { cn: ['frank'], 'memberOf;range=0-1499': ['cn=a,dc=b'] },
  ]
  for (const attributes of odd) {
    const { directory } = await openLdap(t, {
      entries: [service, person('frank', 'secret', { cn: ['frank'], ...attributes })],
      config: () => ({ users: { base: PEOPLE_BASE, usernameAttribute: 'cn' } }),
    })
    await assert.rejects(directory.checkPassword('frank', 'secret'), unavailable, JSON.stringify(attributes))
  }
})
