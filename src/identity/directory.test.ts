import { createPasswordHasher } from '../crypto/password-hash.ts'
import type { RealmName } from '../base/brand.ts'
import { directoryContract, PEOPLE } from './directory.contract.ts'
import { createFileDirectory } from './file-directory.ts'
import { openLdap } from './ldap/ldap.fixture.ts'

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
