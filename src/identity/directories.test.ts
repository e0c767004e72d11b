import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { createDirectories, type Directories, type DirectoriesDeps } from './directories.ts'
import { contractEntries, written } from './ldap/ldap.fixture.ts'
import { startLdapServer } from './ldap/ldap-server.fixture.ts'
import { ldapSchema } from './ldap/ldap.schema.ts'
import { passwordRulesSchema } from './managed/passwords.schema.ts'

const REALM = '/people' as RealmName
const passwords = passwordRulesSchema.parse(undefined)
const quiet = (): void => undefined
const never = (): never => {
  throw new TypeError('no hash was expected')
}

function directories(time = { now: 0 }): Directories {
  const log = { error: quiet, warn: quiet, info: quiet, debug: quiet }
  const hasher = { hash: never, verify: never, verifyNothing: never, hasRoom: () => true }
  const store = { documents: {}, epochs: {}, revocations: {} } as DirectoriesDeps['store']
  const sealer = { seal: never, open: never }
  return createDirectories({ store, sealer, hasher, clock: () => time.now as EpochMs, log })
}

test('a new configuration goes on with the connections and answers of the old one, where LDAP stays the same', async (t) => {
  const server = await startLdapServer({ entries: contractEntries() })
  t.after(() => server.close())
  const realm = (timeout: string) => ({
    name: REALM,
    directory: ldapSchema.parse(written([server], { timeout })),
    users: [],
    passwords,
  })
  const all = directories()
  const first = await all.open([realm('900ms')])
  const found = await first.all.get(REALM)?.find('id-alice')
  const second = await all.open([realm('900ms')])
  assert.equal(second.all.get(REALM), first.all.get(REALM))
  await first.close()
  assert.equal(second.all.get(REALM)?.find('id-alice'), found)
  assert.equal((await second.all.get(REALM)?.checkPassword('bob', 'bob-contract-password'))?.kind, 'passed')
  const third = await all.open([realm('800ms')])
  assert.notEqual(third.all.get(REALM), second.all.get(REALM))
  const before = server.connections()
  await second.close()
  while (server.connections() >= before) await new Promise((resolve) => setImmediate(resolve))
  await third.close()
})

test('who listens hears of the realm and the user', async (t) => {
  const server = await startLdapServer({ entries: contractEntries() })
  const time = { now: 0 }
  const all = directories(time)
  const heard: string[] = []
  all.onChange((realm, userId) => heard.push(`${realm} ${userId}`))
  const open = await all.open([{ name: REALM, directory: ldapSchema.parse(written([server])), users: [], passwords }])
  t.after(async () => {
    await open.close()
    await server.close()
  })
  assert.equal((await open.all.get(REALM)?.find('id-alice'))?.username, 'alice')
  server.entries = server.entries.filter(({ attributes }) => attributes['uid']?.[0] !== 'alice')
  time.now += 60_000
  assert.equal(await open.all.get(REALM)?.find('id-alice'), undefined)
  assert.deepEqual(heard, ['/people id-alice'])
})
