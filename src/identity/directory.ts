import type { RealmName } from '../base/brand.ts'
import { fault } from '../errors.ts'
import type { PasswordFlaw } from './managed/password-rules.ts'

/** A user as a realm's directory knows them. */
export interface User {
  /** Immutable: renaming keeps it. */
  readonly id: string
  /** Canonical spelling; look-ups fold case and Unicode form. */
  readonly username: string
  readonly groups: ReadonlySet<string>
  readonly attributes: Readonly<Record<string, readonly string[]>>
}

/** The password was right, and soon will not be enough. */
export type PasswordWarning =
  | { readonly kind: 'expires'; readonly inSeconds: number }
  | { readonly kind: 'expired'; readonly graceLoginsLeft: number }

/** What became of choosing a new password. */
export type PasswordChange =
  | { readonly kind: 'changed'; readonly user: User }
  | { readonly kind: 'refused'; readonly flaw: PasswordFlaw }
  /** The password that this change was made from is not theirs any more, or they may not sign in any more. */
  | { readonly kind: 'stale' }

/** Passwords that people change themselves. */
export interface OwnPasswords {
  /** Characters that a new one needs. */
  readonly minLength: number
  /** `stamp`: from `checkPassword`, and good for one change; keep it sealed, it may be the password itself. Rejects with GH_BUSY where too many passwords are being worked on. */
  change(userId: string, stamp: string, next: string): Promise<PasswordChange>
  /** Whether the password that the stamp is of is still theirs. Absent where a stamp is not to be kept for longer than a change takes. */
  isCurrent?(userId: string, stamp: string): Promise<boolean>
}

export type PasswordCheck =
  /** `stamp` where the password can be changed here: what `OwnPasswords.change` wants. Never to be shown or logged. */
  | { readonly kind: 'passed'; readonly user: User; readonly warning?: PasswordWarning; readonly stamp?: string }
  /** The password was right, and opens nothing before it is changed. */
  | {
      readonly kind: 'change-first'
      readonly reason: 'password-expired' | 'must-change'
      readonly user: User
      readonly stamp: string
    }
  /**
   * One answer, in one time, for an unknown user, a wrong password and an account that is disabled or locked; `reason` is for the
   * audit log. With `password-expired` and `must-change` the password may have been right, and is worth nothing until it is changed.
   */
  | {
      readonly kind: 'failed'
      readonly reason: 'unknown-user' | 'wrong-password' | 'disabled' | 'locked' | 'password-expired' | 'must-change'
    }

/** The users of one realm. Rejects with GH_DIRECTORY_UNAVAILABLE when it cannot say. */
export interface UserDirectory {
  readonly realm: RealmName
  /** `from`: the network that asks; where many wait they get their turns evenly by it. Rejects with GH_BUSY when too many wait. */
  checkPassword(username: string, password: string, from?: string): Promise<PasswordCheck>
  /**
   * False where `checkPassword` would reject with GH_BUSY now: to be asked before anything is counted or written for a try. Absent where
   * passwords are checked elsewhere.
   */
  hasRoom?(from: string): boolean
  /** Enabled users only; `undefined` once the user is disabled or removed. Synchronous where the answer is in memory. */
  find(userId: string): User | undefined | Promise<User | undefined>
  /**
   * The one enabled user with exactly this value of an attribute, or of `username`; `undefined` for none and for several. Absent in a
   * directory that cannot be searched so.
   */
  findBy?(attribute: string, value: string): User | undefined | Promise<User | undefined>
  /** Absent where passwords are kept by others. */
  readonly passwords?: OwnPasswords
}

/** A directory that also knows people by name, for administrators. */
export interface NamedDirectory extends UserDirectory {
  /** The id of whoever signs in by this name, in any spelling that `checkPassword` takes, disabled or not. */
  idOf(username: string): string | undefined | Promise<string | undefined>
  /** Why `find` has no such user, as far as that is known. */
  absence(userId: string): 'disabled' | 'removed'
  /**
   * Whether there is an entry of this id, whoever it is of and whether they may sign in or not. For directories that others keep,
   * whose `absence` does not know.
   */
  exists?(userId: string): Promise<boolean>
}

/** Throws GH_BUSY where `checkPassword` would reject with it, before a try has cost anything. */
export function refuseWhenBusy({ hasRoom }: Pick<UserDirectory, 'hasRoom'>, from: string): void {
  if (hasRoom?.(from) === false) throw fault('GH_BUSY', { detail: 'too many passwords are being checked' })
}

/** Exactly, in any of several values. */
export function hasValue(
  { username, attributes }: Pick<User, 'username' | 'attributes'>,
  attribute: string,
  value: string,
): boolean {
  if (attribute === 'username') return username === value
  return Object.hasOwn(attributes, attribute) && attributes[attribute]?.includes(value) === true
}
