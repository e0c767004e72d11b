import type { RealmName } from '../base/brand.ts'

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

export type PasswordCheck =
  | { readonly kind: 'passed'; readonly user: User; readonly warning?: PasswordWarning }
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
  checkPassword(username: string, password: string): Promise<PasswordCheck>
  /** Enabled users only; `undefined` once the user is disabled or removed. Synchronous where the answer is in memory. */
  find(userId: string): User | undefined | Promise<User | undefined>
}

/** A directory that also knows people by name, for administrators. */
export interface NamedDirectory extends UserDirectory {
  /** The id of whoever signs in by this name, in any spelling that `checkPassword` takes, disabled or not. */
  idOf(username: string): string | undefined | Promise<string | undefined>
  /** Why `find` has no such user, as far as that is known. */
  absence(userId: string): 'disabled' | 'removed'
}
