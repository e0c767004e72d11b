import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import type { User } from './directory.ts'

export interface UserCacheDeps {
  /** Asks the directory; `undefined` when there is no such user, or they may not sign in. */
  readonly read: (id: string) => Promise<User | undefined>
  /** Milliseconds: an answer that is older is renewed in the background, and one older than `maxAgeMs` is not used. */
  readonly refreshMs: number
  readonly maxAgeMs: number
  readonly maxUsers: number
  readonly clock: Clock
  /** A user is not what they were the last time, or gone. Called after the cache says so. */
  readonly changed: (id: string) => void
  /** A look-up in the background failed; the last answer serves as long as it may. */
  readonly failed: (error: unknown) => void
}

/** Users as the directory described them a short while ago. */
export interface UserCache {
  /** At once where the last answer may be used. Rejects with the fault of the look-up. */
  find(id: string): User | undefined | Promise<User | undefined>
  /** What was read just now, for another reason. */
  put(user: User): User
  /** These may have changed: nothing that was read of them counts any more, and those who are known are read again at once. */
  recheck(isMeant: (id: string) => boolean): void
}

interface Known {
  readonly user: User | undefined
  readonly readAt: number
}

/** One look-up at a time for each user, however many ask. */
export function createUserCache(deps: UserCacheDeps): UserCache {
  const { refreshMs, maxAgeMs, maxUsers, clock } = deps
  const known = new LRUCache<string, Known>({ max: maxUsers })
  const asking = new Map<string, Promise<User | undefined>>()
  /** Counts rechecks: what was asked before one may be older than what it was about. */
  let era = 0

  /** The same user stays the same object: what others have worked out for it stays valid. */
  const keep = (id: string, user: User | undefined, readAt: number): User | undefined => {
    const before = known.peek(id)
    // An older answer that took longer does not replace a newer one.
    if (before !== undefined && before.readAt > readAt && readAt >= clock() - maxAgeMs) return before.user
    const same = before?.user !== undefined && user !== undefined && isSame(before.user, user)
    known.set(id, { user: same ? before.user : user, readAt })
    if (before?.user !== undefined && !same) deps.changed(id)
    return same ? before.user : user
  }

  const ask = (id: string): Promise<User | undefined> => {
    const underway = asking.get(id)
    if (underway !== undefined) return underway
    // What changes while the directory is asked may not be in its answer.
    const readAt = clock()
    const askedIn = era
    const answer = deps
      .read(id)
      .then((user) => (askedIn === era ? keep(id, user, readAt) : user))
      .finally(() => {
        if (asking.get(id) === answer) asking.delete(id)
      })
    asking.set(id, answer)
    return answer
  }

  return {
    find(id) {
      const last = known.get(id)
      const age = last === undefined ? -1 : clock() - last.readAt
      if (last === undefined || age < 0 || age >= maxAgeMs) return ask(id)
      if (age < refreshMs) return last.user
      // Whoever was gone may have come back; nobody waits for the answer about somebody who is there.
      if (last.user === undefined) return ask(id)
      ask(id).catch(deps.failed)
      return last.user
    },
    put: (user) => keep(user.id, user, clock()) ?? user,
    recheck(isMeant) {
      era++
      for (const id of asking.keys()) if (isMeant(id)) asking.delete(id)
      for (const [id, { user }] of [...known.entries()].filter(([one]) => isMeant(one))) {
        known.set(id, { user, readAt: Number.NEGATIVE_INFINITY })
        ask(id).catch(deps.failed)
      }
    },
  }
}

function isSame(one: User, other: User): boolean {
  return one.username === other.username && textOf(one) === textOf(other)
}

function textOf({ groups, attributes }: User): string {
  return JSON.stringify([[...groups], Object.entries(attributes)])
}
