import { usernameKey } from '../base/username-key.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { NamedDirectory, PasswordCheck, User } from './directory.ts'

/** The user that a session without proof stands for: in no group, with no attribute. */
export function anonymousUser(id: string, username: string): User {
  return Object.freeze({ id, username, groups: new Set<string>(), attributes: Object.freeze({}) })
}

/**
 * The directory of a realm that lets people in without proof, under `username`. Whoever else is called so there is nobody: an application
 * could not tell them apart.
 */
function withAnonymous(directory: NamedDirectory, username: string): NamedDirectory {
  const key = usernameKey(username)
  const isTaken = (user: User): boolean => usernameKey(user.username) === key
  /** Ids of those who are called so, once somebody looked for them. */
  const hidden = new Set<string>()
  const real = (user: User | undefined): User | undefined => {
    if (user === undefined || !isTaken(user)) return user
    hidden.add(user.id)
    return undefined
  }
  const judged = (check: PasswordCheck): PasswordCheck =>
    'user' in check && isTaken(check.user) ? { kind: 'failed', reason: 'disabled' } : check
  return {
    ...directory,
    checkPassword: async (...asked: Parameters<NamedDirectory['checkPassword']>) =>
      judged(await directory.checkPassword(...asked)),
    // They are there, and may get another name: what they have set up stays theirs.
    absence: (userId: string) => (hidden.has(userId) ? 'disabled' : directory.absence(userId)),
    find(userId: string) {
      if (isAnonymous({ userId })) return anonymousUser(userId, username)
      const found = directory.find(userId)
      return found instanceof Promise ? found.then(real) : real(found)
    },
    ...(directory.findBy === undefined
      ? {}
      : {
          findBy(attribute: string, value: string) {
            const found = directory.findBy?.(attribute, value)
            return found instanceof Promise ? found.then(real) : real(found)
          },
        }),
  }
}

/** As much of a realm's configuration as says whether it has people without proof. */
export interface Authentication {
  readonly modules: Readonly<Record<string, { readonly type: string; readonly username?: string }>>
}

/** The directory of a realm with these modules. */
export function withAnonymousOf({ modules }: Authentication, directory: NamedDirectory): NamedDirectory {
  const name = Object.values(modules).find(({ type }) => type === 'anonymous')?.username
  return name === undefined ? directory : withAnonymous(directory, name)
}
