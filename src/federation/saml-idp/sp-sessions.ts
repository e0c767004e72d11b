import { randomUUID } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { RealmName } from '../../base/brand.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { Session } from '../../session/session.ts'
import type { Store } from '../../store/store.ts'
import { update, type Shelf } from '../oidc-op/records.ts'

/** Somebody who was signed in at a partner by a session of ours, as the partner knows them. */
export interface SpSession {
  /** Id of the partner in the configuration. */
  readonly partner: string
  readonly entityId: string
  readonly nameId: { readonly value: string; readonly format: string; readonly isPairwise: boolean }
  readonly sessionIndex: string
}

/** All that one session of ours has signed its owner in at. */
export interface SpSessionsOf {
  readonly userId: string
  readonly entries: readonly SpSession[]
  /** How often its end was told in vain. */
  readonly tries?: number
}

/** By what a partner calls somebody: which sessions of ours that is. */
export interface KnownAs {
  readonly sid: string
  readonly sessionIndex: string
}

type SessionFacts = Pick<Session, 'sid' | 'userId' | 'maxExpiresAt'>

/**
 * Which sessions at partners hang on which of ours. In the store, beside the session and a day longer, so that partners can be told of
 * its end after it. All of one realm.
 */
export interface SpSessions {
  /** Adds one, or gives back the one that is there: a session has one index at a partner, and a name of each format. */
  add(session: SessionFacts, at: Omit<SpSession, 'sessionIndex'>): Promise<SpSession>
  ofSession(sid: string): Promise<SpSessionsOf | undefined>
  /** The sessions of ours by which this partner knows somebody of this name. Other partners' are never among them. */
  knownAs(entityId: string, nameId: string): Promise<readonly KnownAs[]>
  /** Leaves these of a session, for what goes on when it is over. */
  replace(sid: string, left: SpSessionsOf, ttlMs: number): Promise<void>
  remove(sid: string): Promise<void>
}

export interface SpSessionsDeps {
  readonly realm: RealmName
  readonly store: Pick<Store, 'versioned'>
  readonly clock: Clock
}

const NAMESPACE = 'saml-sp'
/** Longer than an outbox tries to tell of an end. */
const AFTERWARDS_MS = 25 * 60 * 60_000
/** More sessions than anybody has at a time; the oldest go. */
const MOST_KNOWN = 200

export function createSpSessions({ realm, store, clock }: SpSessionsDeps): SpSessions {
  const shelf = shelfOf(store)
  const sessionKey = (sid: string): string => JSON.stringify(['session', realm, sid])
  const nameKey = (entityId: string, nameId: string): string =>
    JSON.stringify(['name', realm, sha256(JSON.stringify([entityId, nameId]))])
  const read = async <T>(key: string): Promise<T | undefined> => {
    const found = await shelf.load(key)
    return found && (JSON.parse(found.value) as T)
  }

  return {
    async add(session, at) {
      const { sid, userId, maxExpiresAt } = session
      const ttlMs = Math.max(0, maxExpiresAt - clock()) + AFTERWARDS_MS
      const isSame = ({ entityId, nameId }: SpSession): boolean =>
        entityId === at.entityId && nameId.value === at.nameId.value && nameId.format === at.nameId.format
      let added: SpSession = { ...at, sessionIndex: '' }
      await update(shelf, sessionKey(sid), {
        ttlMs,
        change(value) {
          const entries = value === undefined ? [] : (JSON.parse(value) as SpSessionsOf).entries
          const known = entries.find(isSame)
          const sessionIndex =
            entries.find(({ entityId }) => entityId === at.entityId)?.sessionIndex ?? `_${randomUUID()}`
          added = known ?? { ...at, sessionIndex }
          return known === undefined
            ? JSON.stringify({ userId, entries: [...entries, added] } satisfies SpSessionsOf)
            : value
        },
      })
      await update(shelf, nameKey(at.entityId, at.nameId.value), {
        ttlMs,
        change(value) {
          const all = value === undefined ? [] : (JSON.parse(value) as readonly KnownAs[])
          const others = all.filter((each) => each.sid !== sid)
          return JSON.stringify([...others, { sid, sessionIndex: added.sessionIndex }].slice(-MOST_KNOWN))
        },
      })
      return added
    },
    ofSession: (sid) => read<SpSessionsOf>(sessionKey(sid)),
    knownAs: async (entityId, nameId) => (await read<readonly KnownAs[]>(nameKey(entityId, nameId))) ?? [],
    replace: (sid, left, ttlMs) => update(shelf, sessionKey(sid), { ttlMs, change: () => JSON.stringify(left) }),
    remove: (sid) => shelf.remove(sessionKey(sid)),
  }
}

function shelfOf({ versioned }: Pick<Store, 'versioned'>): Shelf {
  return {
    load: (key) => versioned.load(NAMESPACE, key),
    create: (key, value, ttlMs) => versioned.create(NAMESPACE, key, value, ttlMs),
    replace: (key, version, value, ttlMs) => versioned.replace(NAMESPACE, key, version, value, ttlMs),
    remove: (key) => versioned.remove(NAMESPACE, key),
  }
}
