import { after, type TestContext } from 'node:test'
import { createPasswordHasher } from '../crypto/password-hash.ts'
import type { RealmName } from '../base/brand.ts'
import { directoryContract, PEOPLE } from './directory.contract.ts'
import { createFileDirectory } from './file-directory.ts'
import { openLdap } from './ldap/ldap.fixture.ts'
import { managedBench, newUser } from './managed/managed.fixture.ts'
import { contractData } from '../store/redis/contract-data.fixture.ts'
import { freePorts, settingsFor, startServer } from '../store/redis/redis-server.fixture.ts'
import type { Store } from '../store/store.ts'
import type { EpochMs } from '../base/brand.ts'

const REALM = '/people' as RealmName

const hasher = createPasswordHasher()
const users = Promise.all(
  PEOPLE.map(async ({ username, password, groups, mail, disabled = false }) => ({
    username,
    id: `id-${username}`,
    password: await hasher.hash(password),
    groups: [...groups],
    attributes: mail === undefined ? {} : { mail: [mail] },
    disabled,
    demo: false,
  })),
)

directoryContract('users.yaml', async () => ({
  directory: createFileDirectory(REALM, await users, hasher),
  id: (name) => `id-${name}`,
}))

directoryContract('LDAP', async (t) => {
  const { directory } = await openLdap(t)
  return { directory, id: (name) => `id-${name}` }
})

async function openManaged(t: TestContext, openStore?: (clock: () => EpochMs) => Promise<Store>) {
  const { process } = managedBench(t, openStore)
  const { directory, records } = await process()
  const ids = new Map<string, string | undefined>()
  for (const { username, password, groups, attributes, disabled } of await users) {
    const created = await records.create(newUser(username, password, { groups, attributes, disabled }))
    ids.set(username, created?.id)
  }
  return { directory, id: (name: string) => ids.get(name) ?? '' }
}

directoryContract('managed, in the embedded store', (t) => openManaged(t))

const [port = 0] = await freePorts(1)
const server = await startServer({ port })
after(() => server.dispose())

directoryContract('managed, in Redis', (t) =>
  openManaged(t, (clock) => {
    const data = contractData(settingsFor(port), clock)
    t.after(() => data.dispose())
    return data.open()
  }),
)
