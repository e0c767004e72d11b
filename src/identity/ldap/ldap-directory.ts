import { AndFilter, EqualityFilter, FilterParser, OrFilter, type Filter } from 'ldapts'
import { randomUUID } from 'node:crypto'
import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import { MAX_USERNAME_LENGTH, usernameKey } from '../../base/username-key.ts'
import { fault } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import { hasValue, type NamedDirectory, type PasswordChange, type PasswordCheck, type User } from '../directory.ts'
import { flawOf } from '../managed/password-rules.ts'
import type { PasswordRules } from '../managed/passwords.schema.ts'
import { bindOutcome, type BindOutcome } from './bind-outcome.ts'
import { changeOutcome, type ChangeOutcome } from './change-outcome.ts'
import type { LdapConnection } from './connection.ts'
import { idBytes, isBinaryId, readUser, userAttributes, type UserEntry } from './entry.ts'
import { asDirectoryFault } from './failure.ts'
import { createGroupFinder, type GroupFinder } from './groups.ts'
import type { LdapConfig } from './ldap.schema.ts'
import { createPool, type Pool } from './pool.ts'
import { createServers } from './servers.ts'
import type { ServerAddress } from './socket.ts'
import { createUserCache, type UserCache } from '../user-cache.ts'

export interface LdapDirectoryDeps {
  readonly clock: Clock
  readonly log: Log
  /** What new passwords have to be, before the server is asked. */
  readonly rules: PasswordRules
  /** A user is gone, or not what they were. */
  readonly changed: (userId: string) => void
}

/** Users of LDAP servers. */
export interface LdapDirectory extends NamedDirectory {
  close(): void
}

/** As many as a password of a file may have. */
const MAX_PASSWORD_BYTES = 1_024
/** A server that has not answered after this part of the time for all leaves time to ask another. */
const OPERATION_SHARE = 3

/**
 * The users of one realm in LDAP (RFC 4511). A name is looked for as a value, exactly one entry may have it, and the password is
 * checked by a bind as that entry, on a connection that is used for nothing else.
 *
 * An unknown name costs a bind as well, with the DN of nobody, so that neither the answer nor the number of round trips tells who
 * exists. How long a server takes to compare is the server's.
 */
export function createLdapDirectory(realm: RealmName, config: LdapConfig, deps: LdapDirectoryDeps): LdapDirectory {
  const search = new LdapSearch(config, deps)
  const { clock, log } = deps
  const cache: UserCache = createUserCache({
    read: (id) => inTime(config, search.byId(id)),
    refreshMs: config.refresh,
    maxAgeMs: config.maxAge,
    maxUsers: config.cachedUsers,
    clock,
    changed: deps.changed,
    failed: (error) =>
      log.warn({ realm, err: error }, 'a user could not be read again; the last answer serves for now'),
  })
  return {
    realm,
    async checkPassword(username, password) {
      if (!isPassword(password)) return { kind: 'failed', reason: 'wrong-password' }
      const checked = await inTime(config, search.check(username, password))
      return checked.kind === 'failed' ? checked : { ...checked, user: cache.put(checked.user) }
    },
    find: (userId) => cache.find(userId),
    findBy: (attribute, value) => inTime(config, search.byValue(attribute, value)),
    async idOf(username) {
      return (await inTime(config, search.byName(username)))?.id
    },
    // Entries that stop to match the filter and entries that are gone look the same.
    absence: () => 'removed',
    exists: (userId) => inTime(config, search.exists(userId)),
    ...(config.passwordChange === 'none' ? {} : { passwords: { minLength: deps.rules.minLength, change } }),
    close: () => search.close(),
  }

  /** The stamp is the old password: only that signs them in to change it. */
  async function change(userId: string, old: string, next: string): Promise<PasswordChange> {
    const found = await inTime(config, search.entryById(userId))
    if (found === undefined) return { kind: 'stale' }
    const { entry, user } = found
    const flaw = flawOf(next, entry.username, deps.rules)
    if (flaw !== undefined) return { kind: 'refused', flaw }
    if (!isPassword(next)) return { kind: 'refused', flaw: { kind: 'unusable' } }
    if (next === old) return { kind: 'refused', flaw: { kind: 'used-before' } }
    const changed = await inTime(config, search.change(entry, old, next))
    // Nothing is asked any more: what failed now would hide that it has changed.
    return changed.kind === 'changed' ? { kind: 'changed', user: cache.put(user) } : changed
  }
}

/**
 * What may be sent as a password. An empty one makes a bind anonymous, which succeeds and proves nothing (RFC 4513 §5.1.2), and
 * servers written in C may take a NUL for the end of the text.
 */
function isPassword(password: string): boolean {
  return (
    password !== '' &&
    password.isWellFormed() &&
    !password.includes('\0') &&
    Buffer.byteLength(password) <= MAX_PASSWORD_BYTES
  )
}

class LdapSearch {
  readonly #config: LdapConfig
  readonly #clock: Clock
  readonly #log: Log
  readonly #searching: Pool
  readonly #checking: Pool
  readonly #filter: Filter
  readonly #groups: GroupFinder | undefined

  constructor(config: LdapConfig, { clock, log }: LdapDirectoryDeps) {
    const { connections: size, connectTimeout: connectTimeoutMs } = config
    const timeoutMs = Math.ceil(config.timeout / OPERATION_SHARE)
    const servers = createServers({ servers: addressesOf(config), connectTimeoutMs, timeoutMs, clock, log })
    const prepare = (connection: LdapConnection): Promise<void> => signInAs(connection, config.bind)
    this.#config = config
    this.#clock = clock
    this.#log = log
    this.#searching = createPool({ servers, prepare, size, use: 'again', timeoutMs: config.timeout, clock })
    this.#checking = createPool({ servers, size, use: 'once', timeoutMs: config.timeout, clock })
    this.#filter = FilterParser.parseString(config.users.filter)
    this.#groups = config.groups === undefined ? undefined : createGroupFinder(config.groups)
  }

  async check(username: string, password: string): Promise<PasswordCheck> {
    const entry = await this.byName(username)
    // Nobody's name: the answer takes as many round trips as a wrong password (user enumeration by time).
    const dn = entry?.dn ?? `uid=${randomUUID()},${this.#config.users.base}`
    const answer = await this.#checking.run((connection) => connection.bind(dn, password))
    if (entry === undefined) return { kind: 'failed', reason: 'unknown-user' }
    const outcome = bindOutcome(answer)
    if (entry.disabled) return { kind: 'failed', reason: 'disabled' }
    const reason = this.#changeFirst(outcome)
    if (outcome.kind === 'refused' || (outcome.kind === 'change-first' && reason === undefined))
      return { kind: 'failed', reason: outcome.reason }
    const user = await this.#searching.run((connection) => this.#withGroups(connection, entry))
    if (reason !== undefined) return { kind: 'change-first', reason, user, stamp: password }
    const warning = outcome.kind === 'right' ? outcome.warning : undefined
    return {
      kind: 'passed',
      user,
      ...(warning === undefined ? {} : { warning }),
      ...(this.#config.passwordChange === 'none' ? {} : { stamp: password }),
    }
  }

  /** Changing a password signs in once more: with the last login that a server grants for it, they are let in instead. */
  #changeFirst(outcome: BindOutcome): Extract<PasswordCheck, { kind: 'change-first' }>['reason'] | undefined {
    if (this.#config.passwordChange === 'none' || outcome.kind === 'refused') return undefined
    if (outcome.kind === 'change-first') return outcome.reason
    return outcome.warning?.kind === 'expired' && outcome.warning.graceLoginsLeft > 0 ? 'password-expired' : undefined
  }

  /** As the user, on a connection of their own: what they may not do there, nobody does for them. */
  async change(entry: UserEntry, old: string, next: string): Promise<ChangeOutcome> {
    return this.#checking.run(async (connection) => {
      const signedIn = bindOutcome(await connection.bind(entry.dn, old))
      return signedIn.kind === 'refused'
        ? ({ kind: 'stale' } as const)
        : changeOutcome(await connection.changePassword(old, next))
    })
  }

  /** The one entry that has this name; `undefined` for none, or for several. */
  async byName(username: string): Promise<UserEntry | undefined> {
    const key = username.length > MAX_USERNAME_LENGTH * 4 ? '' : usernameKey(username)
    const typed = key.length > MAX_USERNAME_LENGTH || key.includes('\0') || !key.isWellFormed() ? '' : key
    const value = Buffer.from(typed === '' ? randomUUID() : typed)
    const filters = this.#config.users.loginAttributes.map((attribute) => new EqualityFilter({ attribute, value }))
    const entry = await this.#searching.run((connection) => this.#one(connection, new OrFilter({ filters })))
    // A server may find é for e: another spelling of a name would have guesses of its own.
    return entry?.loginKeys.has(typed) === true ? entry : undefined
  }

  async byId(id: string): Promise<User | undefined> {
    return (await this.entryById(id))?.user
  }

  /** Without the filter: who is in no group that may sign in has not left. */
  async exists(id: string): Promise<boolean> {
    const { base, scope, idAttribute: attribute } = this.#config.users
    const value = idBytes(id, attribute)
    if (value === undefined) return false
    const filter = new EqualityFilter({ attribute, value })
    const search = { base, scope, filter, attributes: [attribute], atMost: 1 }
    return (await this.#searching.run((connection) => connection.search(search))).length > 0
  }

  async entryById(id: string): Promise<{ readonly entry: UserEntry; readonly user: User } | undefined> {
    return this.#searching.run(async (connection) => {
      const entry = await this.#enabled(connection, id)
      return entry === undefined ? undefined : { entry, user: await this.#withGroups(connection, entry) }
    })
  }

  /** The value goes into the filter as bytes; what the server takes for equal must be equal (RFC 4517 §4.2 folds case). */
  async byValue(name: string, value: string): Promise<User | undefined> {
    const { users } = this.#config
    const mapped = Object.hasOwn(users.attributes, name) ? users.attributes[name] : undefined
    const attribute = name === 'username' ? users.usernameAttribute : mapped
    if (attribute === undefined || value === '' || value.includes('\0') || !value.isWellFormed()) return undefined
    return this.#searching.run(async (connection) => {
      const entry = await this.#one(connection, new EqualityFilter({ attribute, value: Buffer.from(value) }))
      if (entry === undefined || entry.disabled || !hasValue(entry, name, value)) return undefined
      return this.#withGroups(connection, entry)
    })
  }

  close(): void {
    this.#searching.close()
    this.#checking.close()
  }

  async #enabled(connection: LdapConnection, id: string): Promise<UserEntry | undefined> {
    const { idAttribute: attribute } = this.#config.users
    const value = idBytes(id, attribute)
    if (value === undefined) return undefined
    const entry = await this.#one(connection, new EqualityFilter({ attribute, value }))
    return entry === undefined || entry.id !== id || entry.disabled ? undefined : entry
  }

  async #one(connection: LdapConnection, filter: Filter): Promise<UserEntry | undefined> {
    const { users } = this.#config
    const entries = await connection.search({
      base: users.base,
      scope: users.scope,
      filter: new AndFilter({ filters: [this.#filter, filter] }),
      attributes: userAttributes(users),
      binary: isBinaryId(users.idAttribute) ? [users.idAttribute] : [],
      atMost: 1,
    })
    const [entry, ...more] = entries
    if (more.length > 0) this.#log.warn({ base: users.base }, 'several entries are one user: none of them is used')
    return entry === undefined || more.length > 0 ? undefined : readUser(entry, users, this.#clock())
  }

  async #withGroups(connection: LdapConnection, entry: UserEntry): Promise<User> {
    const { id, username, attributes } = entry
    const groups = (await this.#groups?.(connection, entry)) ?? new Set<string>()
    return Object.freeze({ id, username, groups, attributes })
  }
}

async function signInAs(connection: LdapConnection, { dn, password }: LdapConfig['bind']): Promise<void> {
  const { code, message } = await connection.bind(dn, password)
  if (code !== 0) throw new Error(`the account that searches cannot sign in: code ${code}: ${message}`)
}

function addressesOf({ servers, tls }: LdapConfig): readonly ServerAddress[] {
  return servers.map((server) => {
    const { protocol, hostname, port } = new URL(server)
    const plain = tls.startTLS ? ('startTLS' as const) : ('none' as const)
    const security = protocol === 'ldaps:' ? ('tls' as const) : plain
    const host = hostname.replace(/^\[|\]$/g, '')
    return { host, port: port === '' ? (security === 'tls' ? 636 : 389) : Number(port), security, ca: tls.ca }
  })
}

/** What takes too long is a fault, whatever it waits for. */
async function inTime<T>({ timeout }: LdapConfig, answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(fault('GH_DIRECTORY_UNAVAILABLE', { detail: 'no answer in time' })),
    timeout,
  )
  try {
    return await Promise.race([answer, late.promise])
  } catch (error) {
    throw asDirectoryFault(error)
  } finally {
    clearTimeout(timer)
  }
}
