import type { Session } from '../../session/session.ts'
import type { Clock } from '../../base/clock.ts'
import type { RealmName } from '../../base/brand.ts'
import { update, type Shelf } from './records.ts'

/** What one SSO session has let a client have. */
export interface ClientOfSession {
  /** What the client knows the session by (`sid` of its tokens). */
  readonly sid?: string | undefined
  readonly grantId?: string | undefined
  /** Something of it outlives the session (`offline_access`). */
  readonly persistsLogout?: boolean | undefined
}

export type Authorizations = Readonly<Record<string, ClientOfSession>>

/** What the provider remembers of one SSO session. Its level, age and owner are never here: they are read from the session itself. */
export interface SessionRecord {
  readonly authorizations: Authorizations
  /** A page of the library's that waits for its form. */
  readonly state?: unknown
  /** Whose session it was, for when it cannot be asked any more. */
  readonly userId: string
  /** How often its end was told in vain. */
  readonly tries?: number
}

export interface SsoSessions {
  /** The live session of this name, in the realm, of somebody whom the configuration knows; `undefined` once it has ended. */
  live(sid: string): Promise<Session | undefined>
  load(sid: string): Promise<SessionRecord | undefined>
  /** Adds what one request has found out; what others have added meanwhile stays. */
  save(session: Pick<Session, 'sid' | 'userId' | 'maxExpiresAt'>, change: Partial<SessionRecord>): Promise<void>
  /** For what goes on when the session is over. */
  replace(sid: string, record: SessionRecord, ttlMs: number): Promise<void>
  remove(sid: string): Promise<void>
}

export interface SsoSessionsDeps {
  readonly realm: RealmName
  /** The store's sessions, of people whom the configuration knows. */
  readonly find: (sid: string) => Promise<Session | undefined>
  readonly shelf: Shelf
  readonly keyOf: (kind: string, id: string) => string
  readonly clock: Clock
}

/** Longer than an outbox tries to tell of an end. */
const AFTERWARDS_MS = 25 * 60 * 60_000

export function createSsoSessions({ realm, find, shelf, keyOf, clock }: SsoSessionsDeps): SsoSessions {
  const key = (sid: string): string => keyOf('SsoSession', sid)
  return {
    async live(sid) {
      const session = await find(sid)
      return session?.realm === realm ? session : undefined
    },
    async load(sid) {
      const found = await shelf.load(key(sid))
      return found && (JSON.parse(found.value) as SessionRecord)
    },
    save({ sid, userId, maxExpiresAt }, changed) {
      const ttlMs = Math.max(0, maxExpiresAt - clock()) + AFTERWARDS_MS
      return update(shelf, key(sid), {
        ttlMs,
        change: (value) => {
          const before = value === undefined ? undefined : (JSON.parse(value) as SessionRecord)
          const authorizations = { ...before?.authorizations, ...changed.authorizations }
          return JSON.stringify({ ...before, ...changed, userId, authorizations } satisfies SessionRecord)
        },
      })
    },
    replace: (sid, record, ttlMs) => update(shelf, key(sid), { ttlMs, change: () => JSON.stringify(record) }),
    remove: (sid) => shelf.remove(key(sid)),
  }
}
