import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import { MAX_USERNAME_LENGTH } from '../../base/username-key.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { Sealer } from '../../crypto/seal.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import { hasValue, type NamedDirectory, type OwnPasswords, type PasswordCheck, type User } from '../directory.ts'
import type { PasswordVerifier } from '../file-directory.ts'
import { createUserCache } from '../user-cache.ts'
import { flawOf } from './password-rules.ts'
import type { PasswordRules } from './passwords.schema.ts'
import { createUserLookup } from './user-lookup.ts'
import { createUserRecords, isUserEpochOf, userEpochKey, type UserRecord } from './user-records.ts'

/** What choosing a password takes beside checking one. */
export interface PasswordHasher extends PasswordVerifier {
  hash(password: string): Promise<string>
}

export interface ManagedDirectoryDeps {
  readonly store: Pick<Store, 'documents' | 'epochs' | 'revocations'>
  readonly sealer: Sealer
  readonly hasher: PasswordHasher
  readonly clock: Clock
  readonly log: Log
  /** A user is gone, or not what they were. */
  readonly changed: (userId: string) => void
}

/** Users in the store. */
export interface ManagedDirectory extends NamedDirectory {
  readonly passwords: OwnPasswords
  close(): void
}

/** As for sessions: how old the view of the revocation log may be for what was read before to count. */
const TRUST_MS = 1_000
/** A writer that died between a change and telling of it is noticed after this long. */
const CACHE = { refreshMs: 10_000, maxAgeMs: 60_000, maxUsers: 10_000 } as const
/** Ids of users who are gone, to say why: enough for all whose sessions are being ended. */
const MAX_ABSENT = 10_000

/**
 * The managed users of one realm. What `find` answers is at hand; the revocation log tells when it may have changed, so a change counts in all
 * processes within a second. Passwords are always checked against the store.
 */
export function createManagedDirectory(
  realm: RealmName,
  rules: PasswordRules,
  { store, sealer, hasher, clock, log, changed }: ManagedDirectoryDeps,
): ManagedDirectory {
  const records = createUserRecords({ realm, store, sealer, clock })
  const lookup = createUserLookup(records)
  const disabled = new Set<string>()

  const read = async (id: string): Promise<User | undefined> => {
    const record = await records.byId(id)
    disabled.delete(id)
    if (record?.disabled !== true) return record && userOf(record)
    if (disabled.size >= MAX_ABSENT) disabled.clear()
    disabled.add(id)
    return undefined
  }
  const cache = createUserCache({
    read,
    ...CACHE,
    clock,
    changed,
    failed: (error) => log.warn({ realm, err: error }, 'a user could not be read again'),
  })
  const subscription = store.revocations.subscribe(
    (entries) => {
      const raised = new Set(entries.flatMap((entry) => (entry.kind === 'epoch-raised' ? [entry.epoch.key] : [])))
      if (raised.size > 0) cache.recheck((id) => raised.has(userEpochKey(realm, id)))
      if ([...raised].some((key) => isUserEpochOf(realm, key))) lookup.forget()
    },
    () => {
      cache.recheck(() => true)
      lookup.forget()
    },
  )
  const hearsOfChanges = (): boolean => clock() - store.revocations.tailedAt() <= TRUST_MS
  const find = (userId: string): User | undefined | Promise<User | undefined> =>
    hearsOfChanges() ? cache.find(userId) : read(userId)

  return {
    realm,
    hasRoom: (from) => hasher.hasRoom(from),
    async checkPassword(username, password, from) {
      const isName = username !== '' && username.length <= MAX_USERNAME_LENGTH * 4
      const record = isName ? await records.byName(username) : undefined
      if (record === undefined) {
        await hasher.verifyNothing(password, from)
        return { kind: 'failed', reason: 'unknown-user' }
      }
      const right = await hasher.verify(record.password, password, from)
      if (record.disabled) return { kind: 'failed', reason: 'disabled' }
      return right ? passed(record) : { kind: 'failed', reason: 'wrong-password' }
    },
    find,
    async findBy(attribute, value) {
      if (!hearsOfChanges()) lookup.forget()
      const [id, ...more] = await lookup.idsWith(attribute, value)
      const user = id === undefined || more.length > 0 ? undefined : await find(id)
      return user !== undefined && hasValue(user, attribute, value) ? user : undefined
    },
    idOf: async (username) => (await records.byName(username))?.id,
    absence: (userId) => (disabled.has(userId) ? 'disabled' : 'removed'),
    passwords: { minLength: rules.minLength, change, isCurrent },
    close: () => subscription.close(),
  }

  async function passed(record: UserRecord): Promise<PasswordCheck> {
    // They may have been disabled while the hash was computed.
    const user = await find(record.id)
    if (user === undefined) return { kind: 'failed', reason: 'disabled' }
    const isOld = rules.maxAge !== undefined && clock() - record.passwordChangedAt >= rules.maxAge
    const stamp = stampOf(record)
    if (!record.mustChange && !isOld) return { kind: 'passed', user, stamp }
    return { kind: 'change-first', reason: record.mustChange ? 'must-change' : 'password-expired', user, stamp }
  }

  async function isCurrent(userId: string, stamp: string): Promise<boolean> {
    const record = await records.byId(userId)
    return record !== undefined && stampOf(record) === stamp
  }

  async function change(
    ...[userId, stamp, next]: Parameters<OwnPasswords['change']>
  ): ReturnType<OwnPasswords['change']> {
    const record = await records.byId(userId)
    if (record === undefined || record.disabled || stampOf(record) !== stamp) return { kind: 'stale' }
    const flaw = flawOf(next, record.username, rules)
    if (flaw !== undefined) return { kind: 'refused', flaw }
    for (const before of [record.password, ...record.previousPasswords.slice(0, rules.history)]) {
      if (await hasher.verify(before, next)) return { kind: 'refused', flaw: { kind: 'used-before' } }
    }
    const password = await hasher.hash(next)
    // Two changes at once, or an administrator's in between: the one that was made from this password first.
    const written = await records.change(userId, (now) =>
      now.disabled || stampOf(now) !== stamp ? undefined : withPassword(now, { password, rules, at: clock() }),
    )
    return written === undefined ? { kind: 'stale' } : { kind: 'changed', user: userOf(written) }
  }
}

/** The user with a new password, the old one remembered as far as the realm remembers. */
export function withPassword(
  user: UserRecord,
  { password, rules, at }: { readonly password: string; readonly rules: PasswordRules; readonly at: ReturnType<Clock> },
): UserRecord {
  const previousPasswords = [user.password, ...user.previousPasswords].slice(0, rules.history)
  return { ...user, password, previousPasswords, passwordChangedAt: at, mustChange: false }
}

/** Which password it was that was right: a change made from it counts once. */
function stampOf({ password }: UserRecord): string {
  return sha256(password)
}

function userOf({ id, username, groups, attributes }: UserRecord): User {
  return Object.freeze({ id, username, groups: new Set(groups), attributes: Object.freeze({ ...attributes }) })
}
