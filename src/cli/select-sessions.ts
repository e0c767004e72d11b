import type { RealmName } from '../base/brand.ts'
import { usernameKey } from '../base/username-key.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { bucketOf, partialBucketOf } from '../session/bucket.ts'
import type { SessionRecord, Store } from '../store/store.ts'
import type { OpenedConfiguration } from './with-store.ts'

/** Which sessions a command is about. */
export interface Selection {
  readonly realm?: string | undefined
  readonly user?: string | undefined
  /** Most sessions to return. */
  readonly limit?: number
}

export interface Selected {
  readonly sessions: readonly SessionRecord[]
  /** Whether the limit left some out. */
  readonly more: boolean
}

const PAGE = 500

/**
 * Running sessions in order of their id. A person of the configuration is looked up in their index; a name that nobody has any more
 * is searched for among all sessions.
 */
export async function selectSessions(
  { snapshot, store }: Pick<OpenedConfiguration, 'snapshot' | 'store'>,
  { realm, user, limit = Number.POSITIVE_INFINITY }: Selection,
): Promise<Selected> {
  const known = user === undefined ? [] : peopleCalled(snapshot, { realm, user })
  const found = known.length > 0 ? await ofPeople(store, known) : await search(store, { realm, user, limit })
  return { sessions: found.slice(0, limit), more: found.length > limit }
}

export interface Person {
  readonly realm: RealmName
  readonly userId: string
}

/** Those of the configuration. */
export function peopleCalled(
  snapshot: ConfigSnapshot,
  { realm, user }: { realm: string | undefined; user: string },
): Person[] {
  const key = usernameKey(user)
  return [...snapshot.realms.values()]
    .filter(({ name }) => realm === undefined || name === realm)
    .flatMap(({ name, users }) =>
      users
        .filter(({ username }) => usernameKey(username) === key)
        .map(({ id, username }) => ({ realm: name, userId: id ?? username })),
    )
}

async function ofPeople({ sessions }: Store, people: readonly Person[]): Promise<readonly SessionRecord[]> {
  const lists = await Promise.all(
    people.flatMap(({ realm, userId }) =>
      [bucketOf(realm, userId), partialBucketOf(realm, userId)].map((bucket) =>
        sessions.ofUser({ bucket, realm, userId }),
      ),
    ),
  )
  return lists.flat().sort((one, other) => (one.sid < other.sid ? -1 : 1))
}

/** One more than the limit at most, so that the caller knows whether there are more. */
async function search({ sessions }: Store, { realm, user, limit = 0 }: Selection): Promise<readonly SessionRecord[]> {
  const key = user === undefined ? undefined : usernameKey(user)
  const found: SessionRecord[] = []
  let after: string | undefined
  do {
    const page: readonly SessionRecord[] = await sessions.list({
      ...(realm === undefined ? {} : { realm: realm as RealmName }),
      ...(after === undefined ? {} : { after }),
      limit: PAGE,
    })
    found.push(...page.filter(({ username }) => key === undefined || usernameKey(username) === key))
    after = page.length < PAGE ? undefined : page.at(-1)?.sid
  } while (after !== undefined && found.length <= limit)
  return found
}

const NAME = /^(?:shandle:)?(\d{4}\.[A-Za-z0-9_-]{16})$/

/** By id or by handle; `undefined` when it is not running, or no name of a session. */
export async function findSession({ sessions }: Store, name: string): Promise<SessionRecord | undefined> {
  const sid = NAME.exec(name)?.[1]
  return sid === undefined ? undefined : sessions.find(sid)
}
