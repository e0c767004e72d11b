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

export type PasswordCheck =
  | { readonly kind: 'passed'; readonly user: User }
  /** One answer, in one time, for an unknown user, a wrong password and a disabled account; `reason` is for the audit log. */
  | { readonly kind: 'failed'; readonly reason: 'unknown-user' | 'wrong-password' | 'disabled' }

/** The users of one realm. Rejects with GH_DIRECTORY_UNAVAILABLE when it cannot say. */
export interface UserDirectory {
  readonly realm: RealmName
  checkPassword(username: string, password: string): Promise<PasswordCheck>
  /** Enabled users only; `undefined` once the user is disabled or removed. Synchronous where the answer is in memory. */
  find(userId: string): User | undefined | Promise<User | undefined>
}
