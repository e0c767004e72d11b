import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Attribute, Change, Client } from 'ldapts'
import type { z } from 'zod'
import { systemClock } from '../../src/base/clock.ts'
import type { EpochMs, RealmName } from '../../src/base/brand.ts'
import { directoryContract } from '../../src/identity/directory.contract.ts'
import type { PasswordCheck } from '../../src/identity/directory.ts'
import { createLdapDirectory, type LdapDirectory } from '../../src/identity/ldap/ldap-directory.ts'
import { ldapSchema } from '../../src/identity/ldap/ldap.schema.ts'
import { passwordRulesSchema } from '../../src/identity/managed/passwords.schema.ts'
import { createAuthority } from '../certificates.ts'
import { allEntries, dnOf, GROUPS_BASE, idOf, passwordOf, PEOPLE_BASE } from './slapd-people.ts'
import { ADMIN, READER, startSlapd, type Slapd } from './slapd.ts'

type Written = z.input<typeof ldapSchema>

const running = new AsyncDisposableStack()
const authority = createAuthority('Interop LDAP CA')
const stranger = createAuthority('Stranger')
running.defer(() => {
  authority.remove()
  stranger.remove()
})
const pair = authority.issue('ldap', ['localhost'])
let first: Slapd
let second: Slapd
let plain: Slapd

before(async () => {
  const tls = { ...pair, ca: authority.cert }
  const entries = allEntries()
  const start = async (options: Parameters<typeof startSlapd>[0]): Promise<Slapd> => {
    const slapd = await startSlapd(options)
    running.defer(() => slapd.stop())
    return slapd
  }
  ;[first, second, plain] = await Promise.all([start({ entries, tls }), start({ entries, tls }), start({ entries })])
})

after(() => running.disposeAsync())

const quiet = (): void => undefined

interface Open {
  readonly directory: LdapDirectory
  readonly time: { ahead: number }
  readonly changed: string[]
}

/** A directory on these servers; ended with the test file. */
function open(servers: readonly string[], more: Partial<Written> = {}): Open {
  const config = ldapSchema.parse({
    type: 'ldap',
    servers: [...servers],
    tls: { ca: authority.cert },
    bind: READER,
    users: { base: PEOPLE_BASE, filter: '(objectClass=inetOrgPerson)', attributes: { mail: 'mail' } },
    groups: { from: 'member', base: GROUPS_BASE, filter: '(objectClass=groupOfNames)' },
    ...more,
  })
  const time = { ahead: 0 }
  const changed: string[] = []
  const directory = createLdapDirectory('/staff' as RealmName, config, {
    clock: () => (systemClock() + time.ahead) as EpochMs,
    log: { error: quiet, warn: quiet, info: quiet, debug: quiet },
    rules: passwordRulesSchema.parse({ minLength: 8 }),
    changed: (id) => changed.push(id),
  })
  running.defer(() => directory.close())
  return { directory, time, changed }
}

const ldaps = ({ tlsPort }: Slapd): string => `ldaps://localhost:${tlsPort}`
const ldap = ({ port }: Slapd): string => `ldap://localhost:${port}`
const reasonOf = (checked: PasswordCheck): string => (checked.kind === 'failed' ? checked.reason : checked.kind)
const UNAVAILABLE = { code: 'GH_DIRECTORY_UNAVAILABLE' }

/** Changes an entry as its administrator. */
async function administer(slapd: Slapd, work: (client: Client) => Promise<unknown>): Promise<void> {
  await using client = new Client({ url: `ldap://127.0.0.1:${slapd.port}`, timeout: 5_000 })
  await client.bind(ADMIN.dn, ADMIN.password)
  await work(client)
}

directoryContract('slapd over ldaps', () => Promise.resolve({ directory: open([ldaps(first)]).directory, id: idOf }))

test('StartTLS with the same authority', async () => {
  const { directory } = open([ldap(first)])
  assert.equal(reasonOf(await directory.checkPassword('bob', 'bob-contract-password')), 'passed')
})

test('a server that nobody we trust vouches for, of another name, or without TLS is not used', async () => {
  const others: readonly (readonly [string, string])[] = [
    [ldaps(first), stranger.cert],
    [ldap(first), stranger.cert],
    [`ldaps://127.0.0.1:${first.tlsPort}`, authority.cert],
    [ldap(plain), authority.cert],
  ]
  for (const [server, ca] of others) {
    const { directory } = open([server], { tls: { ca } })
    await assert.rejects(directory.checkPassword('bob', 'bob-contract-password'), UNAVAILABLE, server)
  }
})

test('groups in groups, in a circle: by member and by memberOf', async () => {
  const groups = async (more: Partial<Written['groups']>): Promise<readonly string[]> => {
    const { directory } = open([ldaps(first)], { groups: { from: 'member', base: GROUPS_BASE, ...more } })
    return [...((await directory.find(idOf('nora')))?.groups ?? [])]
  }
  assert.deepEqual(await groups({}), ['inner'])
  assert.deepEqual(await groups({ nested: true }), ['inner', 'middle', 'outer'])
  assert.deepEqual(await groups({ nested: true, depth: 2 }), ['inner', 'middle'])
  assert.deepEqual(await groups({ from: 'memberOf' }), ['inner'])
  assert.deepEqual(await groups({ from: 'memberOf', nested: true }), ['inner', 'middle', 'outer'])
})

test('more groups than the server gives at once are a fault, not a part of them', async () => {
  const { directory } = open([ldaps(first)])
  await assert.rejects(async () => directory.find(idOf('busy')), UNAVAILABLE)
})

test('password policy: expired, reset, a few logins left, about to expire, locked', async () => {
  const { directory } = open([ldaps(first)])
  const check = (name: string, password = passwordOf(name)): Promise<PasswordCheck> =>
    directory.checkPassword(name, password)
  assert.equal(reasonOf(await check('expired')), 'password-expired')
  assert.equal(reasonOf(await check('expired', 'wrong')), 'wrong-password')
  assert.equal(reasonOf(await check('reset')), 'must-change')
  assert.equal(reasonOf(await check('reset', 'wrong')), 'wrong-password')
  const grace = await check('grace')
  assert.deepEqual(grace.kind === 'passed' && grace.warning, { kind: 'expired', graceLoginsLeft: 4 })
  const warned = await check('warned')
  assert.equal(warned.kind === 'passed' && warned.warning?.kind, 'expires')
  for (let i = 0; i < 3; i++) assert.equal(reasonOf(await check('locked', 'wrong')), 'wrong-password')
  assert.equal(reasonOf(await check('locked')), 'locked')
})

test('RFC 3062: people change their password as themselves, and the server says what it does not take', async () => {
  const { directory } = open([ldaps(second)], { passwordChange: 'passwordModify' })
  const change = async (name: string, next: string): Promise<string> => {
    const checked = await directory.checkPassword(name, passwordOf(name))
    assert.ok(checked.kind !== 'failed' && checked.stamp !== undefined, name)
    const outcome = await directory.passwords?.change(checked.user.id, checked.stamp, next)
    assert.ok(outcome !== undefined)
    return outcome.kind === 'refused' ? outcome.flaw.kind : outcome.kind
  }
  const must = await directory.checkPassword('changes', passwordOf('changes'))
  assert.equal(must.kind === 'change-first' && must.reason, 'must-change')
  assert.equal(await change('changes', 'fox quilt'), 'too-short-there')
  assert.equal(await change('changes', 'long enough for all'), 'changed')
  const changed = await directory.checkPassword('changes', 'long enough for all')
  assert.ok(changed.kind === 'passed' && changed.stamp !== undefined)
  const back = await directory.passwords?.change(changed.user.id, changed.stamp, passwordOf('changes'))
  assert.deepEqual(back, { kind: 'refused', flaw: { kind: 'used-before' } })
  const expired = await directory.checkPassword('spends', passwordOf('spends'))
  assert.equal(expired.kind === 'change-first' && expired.reason, 'password-expired')
  assert.equal(await change('spends', 'another good password'), 'changed')
  assert.equal(reasonOf(await directory.checkPassword('spends', 'another good password')), 'passed')
  assert.equal(await change('young', 'another good password'), 'changed')
  const young = await directory.checkPassword('young', 'another good password')
  assert.ok(young.kind === 'passed' && young.stamp !== undefined)
  const again = await directory.passwords?.change(young.user.id, young.stamp, 'yet another password')
  assert.deepEqual(again, { kind: 'refused', flaw: { kind: 'too-soon' } })
  assert.equal(await change('fixed', 'another good password'), 'not-allowed')
})

test('somebody who is locked by an administrator, loses a group or is deleted is seen so once the answer is old', async () => {
  const { directory, time, changed } = open([ldaps(second)])
  const user = async (): Promise<readonly string[] | undefined> => {
    time.ahead += 60_000
    const found = await directory.find(idOf('alice'))
    return found === undefined ? undefined : [...found.groups]
  }
  assert.deepEqual(await user(), ['payroll', 'staff'])
  const change = (operation: 'add' | 'delete', type: string, value: string): Change =>
    new Change({ operation, modification: new Attribute({ type, values: [value] }) })
  await administer(second, (client) =>
    client.modify(`cn=staff,${GROUPS_BASE}`, change('delete', 'member', dnOf('alice'))),
  )
  assert.deepEqual(await user(), ['payroll'])
  await administer(second, (client) =>
    client.modify(dnOf('alice'), change('add', 'pwdAccountLockedTime', '000001010000Z')),
  )
  assert.equal(await user(), undefined)
  await administer(second, (client) => client.del(dnOf('alice')))
  assert.equal(await user(), undefined)
  assert.deepEqual(changed, [idOf('alice'), idOf('alice')])
})

test('when the first server goes away, the second lets people in', async () => {
  const { directory } = open([ldaps(first), ldaps(second)])
  assert.equal(reasonOf(await directory.checkPassword('bob', 'bob-contract-password')), 'passed')
  await first.stop()
  for (let i = 0; i < 5; i++)
    assert.equal(reasonOf(await directory.checkPassword('bob', 'bob-contract-password')), 'passed')
  await second.stop()
  await assert.rejects(directory.checkPassword('bob', 'bob-contract-password'), UNAVAILABLE)
})
