import type { RealmName } from '../base/brand.ts'
import { fault } from '../errors.ts'
import { hasValue, type NamedDirectory, type User } from './directory.ts'
import { MAX_USERNAME_LENGTH, usernameKey } from '../base/username-key.ts'
import type { UserConfig } from './users.schema.ts'

/** What checking a password takes; crypto's password hasher is one. The first two cost the same. `from` is the network of who asks. */
export interface PasswordVerifier {
  verify(stored: string, password: string, from?: string): Promise<boolean>
  /** Does the same work for nobody (user enumeration by time). */
  verifyNothing(password: string, from?: string): Promise<void>
  /** False where the others would reject with GH_BUSY now. */
  hasRoom(from?: string): boolean
}

/** A directory whose answers are in memory. */
export interface FileDirectory extends NamedDirectory {
  find(userId: string): User | undefined
  idOf(username: string): string | undefined
}

interface Account {
  readonly user: User
  readonly password: string
  readonly disabled: boolean
}

/**
 * The users of one realm's users.yaml. Everything is in memory, so `find` answers at once.
 *
 * An unknown name, a wrong password and a disabled account cost one hash each and get the same answer. Users whose stored hash has
 * other costs than the hasher's default can be told apart by time: hash them again.
 *
 * Throws GH_CONFIG_INVALID when two users have one id, or names that fold to one key.
 */
export function createFileDirectory(
  realm: RealmName,
  users: readonly UserConfig[],
  hasher: PasswordVerifier,
): FileDirectory {
  const accounts = new Map<string, Account>()
  const enabled = new Map<string, User>()
  const ids = new Set<string>()
  for (const config of users) {
    const user = userOf(config)
    const key = usernameKey(config.username)
    if (accounts.has(key)) throw twice(realm, 'name', config.username)
    if (ids.has(user.id)) throw twice(realm, 'id', user.id)
    ids.add(user.id)
    accounts.set(key, { user, password: config.password, disabled: config.disabled })
    if (!config.disabled) enabled.set(user.id, user)
  }

  return {
    realm,
    hasRoom: (from) => hasher.hasRoom(from),
    async checkPassword(username, password, from) {
      const account = username.length > MAX_USERNAME_LENGTH * 4 ? undefined : accounts.get(usernameKey(username))
      if (account === undefined) {
        await hasher.verifyNothing(password, from)
        return { kind: 'failed', reason: 'unknown-user' }
      }
      const right = await hasher.verify(account.password, password, from)
      if (account.disabled) return { kind: 'failed', reason: 'disabled' }
      return right ? { kind: 'passed', user: account.user } : { kind: 'failed', reason: 'wrong-password' }
    },
    find: (userId) => enabled.get(userId),
    findBy: (attribute, value) => {
      const found = [...enabled.values()].filter((user) => hasValue(user, attribute, value))
      return found.length === 1 ? found[0] : undefined
    },
    idOf: (username) => accounts.get(usernameKey(username))?.user.id,
    absence: (userId) => (ids.has(userId) ? 'disabled' : 'removed'),
  }
}

function userOf(config: UserConfig): User {
  return Object.freeze({
    id: config.id ?? config.username,
    username: config.username,
    groups: new Set(config.groups),
    attributes: Object.freeze({ ...config.attributes }),
  })
}

function twice(realm: RealmName, what: 'name' | 'id', value: string): Error {
  return fault('GH_CONFIG_INVALID', {
    detail: `realm ${realm} has two users with the ${what} ${JSON.stringify(value)}`,
  })
}
