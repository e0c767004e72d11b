import { isDeepStrictEqual } from 'node:util'
import type { RealmName } from '../base/brand.ts'
import { loadPart } from '../errors.ts'
import type { NamedDirectory } from './directory.ts'
import type { DirectoryConfig } from './directory.schema.ts'
import { createFileDirectory } from './file-directory.ts'
import type * as ldapDirectory from './ldap/ldap-directory.ts'
import type { createLdapDirectory, LdapDirectory } from './ldap/ldap-directory.ts'
import type { LdapConfig } from './ldap/ldap.schema.ts'
import { createManagedDirectory, type ManagedDirectoryDeps } from './managed/managed-directory.ts'
import type { PasswordRules } from './managed/passwords.schema.ts'
import type { UserConfig } from './users.schema.ts'
import { withAnonymousOf, type Authentication } from './with-anonymous.ts'

/** Where the users of one realm are. */
export interface RealmUsers {
  readonly name: RealmName
  readonly directory: DirectoryConfig
  /** For a directory of the type `file`. */
  readonly users: readonly UserConfig[]
  /** For users whose passwords can be changed here. */
  readonly passwords: PasswordRules
  /** Whether it lets people in without proof. */
  readonly authentication?: Authentication
}

export type DirectoriesDeps = Omit<ManagedDirectoryDeps, 'changed'>

/** A user whom a directory outside of the configuration described differently before. */
export type UserChanged = (realm: RealmName, userId: string) => void

/** The directories of one configuration. */
export interface OpenDirectories {
  readonly all: ReadonlyMap<RealmName, NamedDirectory>
  /** Closes what no other configuration uses. */
  readonly close: () => Promise<void>
}

/** The directories of a process. */
export interface Directories {
  /**
   * Opens what a configuration names. LDAP directories whose configuration is the same are shared with the one before: connections
   * stay, and nobody has to be read again because some other file has changed. Rejects with GH_CONFIG_INVALID for users who clash.
   */
  open(realms: Iterable<RealmUsers>): Promise<OpenDirectories>
  /** From now on, tells of users who are gone or not what they were: found by a look-up, at the latest `maxAge` after it happened. */
  onChange(listener: UserChanged): void
}

interface SharedBy {
  readonly realm: RealmName
  readonly config: LdapConfig
  readonly rules: PasswordRules
}

interface Shared extends SharedBy {
  readonly directory: LdapDirectory
  users: number
}

export function createDirectories(deps: DirectoriesDeps): Directories {
  const { hasher, clock, log } = deps
  const shared = new Set<Shared>()
  const listeners: UserChanged[] = []

  const tell = (realm: RealmName) => (userId: string) => listeners.forEach((listener) => listener(realm, userId))

  const take = ({ realm, config, rules }: SharedBy, create: typeof createLdapDirectory): Shared => {
    const isSame = (one: Shared): boolean =>
      isDeepStrictEqual([one.realm, one.config, one.rules], [realm, config, rules])
    const known = [...shared].find(isSame)
    if (known !== undefined) {
      known.users++
      return known
    }
    const changed = tell(realm)
    const directory = create(realm, config, { clock, log, rules, changed })
    const one = { realm, config, rules, directory, users: 1 }
    shared.add(one)
    return one
  }
  const giveBack = (one: Shared): void => {
    one.users--
    if (one.users > 0) return
    shared.delete(one)
    one.directory.close()
  }

  return {
    async open(named) {
      const realms = [...named]
      const ldap = realms.some(({ directory }) => directory.type === 'ldap') ? await loadLdap() : undefined
      const closers: (() => void)[] = []
      const close = (): Promise<void> => {
        for (const closeOne of closers.splice(0)) closeOne()
        return Promise.resolve()
      }
      try {
        const all = new Map<RealmName, NamedDirectory>()
        for (const { name, directory, users, passwords } of realms) {
          if (directory.type === 'file') all.set(name, createFileDirectory(name, users, hasher))
          else if (directory.type === 'managed') {
            const managed = createManagedDirectory(name, passwords, { ...deps, changed: tell(name) })
            closers.push(() => managed.close())
            all.set(name, managed)
          } else if (ldap !== undefined) {
            const one = take({ realm: name, config: directory, rules: passwords }, ldap.createLdapDirectory)
            closers.push(() => giveBack(one))
            all.set(name, one.directory)
          }
        }
        for (const { name, authentication } of realms) {
          const own = all.get(name)
          if (own !== undefined && authentication !== undefined) all.set(name, withAnonymousOf(authentication, own))
        }
        return { all, close }
      } catch (error) {
        void close()
        throw error
      }
    },
    onChange: (listener) => void listeners.push(listener),
  }
}

/** Its library is loaded where there is such a directory. */
function loadLdap(): Promise<typeof ldapDirectory> {
  return loadPart('LDAP directories', () => import('./ldap/ldap-directory.ts'))
}
