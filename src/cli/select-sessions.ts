import type { RealmName } from '../base/brand.ts'
import { systemClock } from '../base/clock.ts'
import { usernameKey } from '../base/username-key.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { bucketOf } from '../session/bucket.ts'
import type { SessionRecord, Store } from '../store/store.ts'
import { createAuditLog } from '../telemetry/audit-log.ts'
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

interface Person {
  readonly realm: RealmName
  readonly userId: string
}

function peopleCalled(
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
    people.map(({ realm, userId }) => sessions.ofUser({ bucket: bucketOf(realm, userId), realm, userId })),
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

export interface Operator {
  /** Who the audit log says it was. */
  readonly username: string
  /** Takes audit events where the configuration names no file for them. */
  readonly tell: (line: string) => void
}

/**
 * Ends sessions by name, or all of one person. The store's revocation log tells every running process. A login that finishes
 * meanwhile is ended too.
 */
export async function endSessions(
  opened: OpenedConfiguration,
  { names, realm, user }: Selection & { readonly names: readonly string[] },
  by: Operator,
): Promise<{ readonly ended: readonly SessionRecord[]; readonly unknown: readonly string[] }> {
  const { snapshot, store, log } = opened
  const { file } = snapshot.gatehouse.telemetry.audit
  const audit = createAuditLog({ destination: file === undefined ? { write: by.tell } : { file }, log })
  const ended: SessionRecord[] = []
  const unknown: string[] = []
  const end = async ({ sid }: Pick<SessionRecord, 'sid'>): Promise<boolean> => {
    const record = await store.sessions.end(sid, 'admin')
    if (record === undefined) return false
    ended.push(record)
    const { realm, username } = record
    const about = { at: systemClock(), requestId: undefined, clientIp: undefined }
    const target = { realm, username, sid }
    const who = { realm: '/' as RealmName, username: by.username, sid: undefined }
    audit.record({ event: 'SessionEnded', ...about, ...target, cause: 'admin' })
    audit.record({ event: 'SessionsAdministered', ...about, ...who, action: 'end', outcome: 'done', target, count: 1 })
    return true
  }
  try {
    for (const name of names) {
      const session = await findSession(store, name)
      if (session === undefined || !(await end(session))) unknown.push(name)
    }
    if (user !== undefined) for (let round = 0; round < 3; round++) await endAll(opened, { realm, user }, end)
  } finally {
    await audit.close()
  }
  return { ended, unknown }
}

async function endAll(
  opened: OpenedConfiguration,
  selection: Selection,
  end: (session: SessionRecord) => Promise<boolean>,
): Promise<void> {
  const { sessions } = await selectSessions(opened, selection)
  await Promise.all(sessions.map(end))
}
