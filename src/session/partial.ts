import type { EpochMs, RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import type { SessionRecord, Store } from '../store/store.ts'
import { newSid, partialBucketOf } from './bucket.ts'
import type { AuthQuery, RequestOrigin } from './session.ts'

export interface PartialDraft {
  readonly realm: RealmName
  readonly userId: string
  readonly username: string
  readonly authLevel: number
  readonly authModules: readonly string[]
  /** Never empty. */
  readonly authQueries: readonly AuthQuery[]
  /** Milliseconds until it is over by itself. */
  readonly lifeMs: number
}

/**
 * Logins of which something is proved and something outstanding, as records that administrators list and end. None has a token: it
 * opens nothing, wherever it is shown; what it is good for (answering, setting up, leaving) is the login's own, which its browser or
 * program holds. Rejects with GH_STORE_UNAVAILABLE.
 */
export interface PartialSessions {
  /**
   * The sid. `undefined` where one person has very many: whoever knows their password alone could push out the owner's login with their
   * own. Such a login goes on without a record, and ends with all of its user's or its realm's.
   */
  begin(draft: PartialDraft, origin: RequestOrigin): Promise<string | undefined>
  /** False once it was ended, by whomever, or is too old: then its login must not go on. */
  isLive(sid: string): Promise<boolean>
  /** The login is through, or was given up. False when it was over before: of this and any other end exactly one is the first. */
  over(sid: string): Promise<boolean>
}

/** Under which a record keeps what is outstanding. */
const PROPERTY = 'authQueries'
const MOST = { limit: 20, action: 'DENY_ACCESS' } as const
const MAX_DEVICE_CHARS = 200

export function createPartialSessions({
  store,
  clock,
}: {
  readonly store: Pick<Store, 'sessions'>
  readonly clock: Clock
}): PartialSessions {
  const { sessions } = store
  return {
    async begin(draft, origin) {
      const record = recordOf(draft, origin, clock())
      const { kind } = await sessions.create(record, undefined, MOST)
      return kind === 'created' ? record.sid : undefined
    },
    isLive: async (sid) => (await sessions.find(sid)) !== undefined,
    over: async (sid) => (await sessions.end(sid, 'login-over')) !== undefined,
  }
}

function recordOf(draft: PartialDraft, origin: RequestOrigin, now: EpochMs): SessionRecord {
  const { realm, userId, username, authLevel, authModules, authQueries, lifeMs } = draft
  const bucket = partialBucketOf(realm, userId)
  return {
    sid: newSid(bucket),
    bucket,
    kind: 'partial',
    ...{ realm, userId, username, authLevel, authModules },
    gen: 1,
    authInstant: now,
    createdAt: now,
    lastSeenAt: now,
    maxIdleMs: lifeMs,
    maxExpiresAt: (now + lifeMs) as EpochMs,
    origin: { address: origin.clientIp ?? '', device: (origin.userAgent ?? '').slice(0, MAX_DEVICE_CHARS) },
    properties: { [PROPERTY]: JSON.stringify(authQueries) },
  }
}

/** What is outstanding of a partial session; `undefined` for one that is whole. */
export function authQueriesOf({
  kind,
  properties,
}: Pick<SessionRecord, 'kind' | 'properties'>): readonly AuthQuery[] | undefined {
  return kind === 'partial' ? (JSON.parse(properties[PROPERTY] ?? '[]') as readonly AuthQuery[]) : undefined
}
