import type { EpochMs, RealmName } from '../base/brand.ts'
import type { EndCause } from '../telemetry/audit.ts'

/*
 * The core token store (CTS) as one contract. Every driver passes store.contract.ts.
 *
 * Rules that hold for every method: a rejected promise means the store could not do it and nothing may be assumed (callers
 * answer 503); an ordinary "no" is a value. A write has settled only when it is safe to answer the browser. Every key that
 * one operation touches lives in one bucket, so that a clustered driver can make the operation one atomic script.
 */

/** Which of the 1,024 parts of the store a session, its tokens and its user's index live in. 0 to 1023. */
export type Bucket = number

/** Base64url SHA-256 of a secret. The store never sees the secret itself: a dump of the store opens no session. */
export type SecretHash = string

/**
 * Tabs that were opened together each fetch a token, and the browser keeps whichever answer came last. So the tokens of one audience
 * that are of one `gen` and were issued within `withinMs` before the newest stay beside it, `atMost` in all.
 */
export const TOKEN_OVERLAP = { withinMs: 10_000, atMost: 8 } as const

/**
 * Where a token is good: at the login host, at one agent, or at all agents that share one classic domain cookie. `api`: the second token
 * of a session, in the form that programs of another product expect; good wherever one for the login host is.
 */
export type Audience = 'login' | 'api' | `agent:${string}` | `domain:${string}`

/** Where a session was started, for its owner to recognise it by. Empty texts where it is not known. */
export interface SessionOrigin {
  /** The address the login came from. */
  readonly address: string
  /** What the browser said of itself (`User-Agent`), 200 characters of it at most. */
  readonly device: string
}

export interface SessionRecord {
  /** Stable for the life of the session; starts with its bucket. Names the session in logs; opens nothing. */
  readonly sid: string
  readonly bucket: Bucket
  /**
   * `cts`: it lives here with its login token. `stateless`: the browser carries it, and this record is its entry in the index, for
   * quotas, listing and ending; the store has no login token of it, and what must not be believed any more is in the denylist.
   * `partial`: a login of which something is proved and something outstanding, for listing and ending; it has no token at all.
   */
  readonly kind: 'cts' | 'stateless' | 'partial'
  readonly realm: RealmName
  /** Immutable id of the user within the realm's directory. */
  readonly userId: string
  readonly username: string
  /** Counts replacements of the login token: 1 at login, one more with each step-up. */
  readonly gen: number
  readonly authLevel: number
  /** Names of the modules passed, in order, without repeats. */
  readonly authModules: readonly string[]
  /** The last time the user proved who they are. */
  readonly authInstant: EpochMs
  readonly createdAt: EpochMs
  /** Moves with use: coalesced, so up to a minute behind. */
  readonly lastSeenAt: EpochMs
  readonly maxIdleMs: number
  readonly maxExpiresAt: EpochMs
  readonly origin: SessionOrigin
  readonly properties: Readonly<Record<string, string>>
}

/** One secret that opens a session somewhere. A restricted token keeps the level it was issued with until it is replaced. */
export interface TokenRecord {
  readonly hash: SecretHash
  readonly sid: string
  readonly audience: Audience
  readonly gen: number
  readonly authLevel: number
  readonly authInstant: EpochMs
  readonly issuedAt: EpochMs
}

export interface ResolvedRecord {
  readonly session: SessionRecord
  readonly token: TokenRecord
}

/** What a step-up changes; everything else about the session stays. */
export interface SessionPatch {
  readonly authLevel: number
  readonly authModules: readonly string[]
  readonly authInstant: EpochMs
  readonly properties: Readonly<Record<string, string>>
}

export interface UserKey {
  readonly bucket: Bucket
  readonly realm: RealmName
  readonly userId: string
}

/**
 * What a login does when its user has as many sessions as the quota allows. `DENY_ACCESS` refuses it. The others make room, and
 * go by what is stored: `DESTROY_NEXT_EXPIRING` ends those whose idle or maximum time is over first, `DESTROY_OLDEST_SESSION` those
 * with the smallest `createdAt`, each as many as needed; `DESTROY_OLD_SESSIONS` ends all others of the user.
 */
export type QuotaAction = 'DENY_ACCESS' | 'DESTROY_NEXT_EXPIRING' | 'DESTROY_OLDEST_SESSION' | 'DESTROY_OLD_SESSIONS'

export interface Quota {
  /** Live sessions that one user may have in the realm, the new one included. At least 1. */
  readonly limit: number
  readonly action: QuotaAction
}

export type CreateOutcome =
  /** `ended`: the sessions that had to make room, ended with cause `quota` in the same step as `end` would have. */
  | { readonly kind: 'created'; readonly ended: readonly SessionRecord[] }
  /** Nothing was written. `running`: the user's live sessions, oldest first. */
  | { readonly kind: 'quota-reached'; readonly running: readonly SessionRecord[] }

/** Reading never changes anything, and finds neither ended nor expired sessions: the store's clock decides. */
export interface SessionReader {
  /** `undefined`: no such token, or its session has ended or expired. */
  resolve(hash: SecretHash, bucket: Bucket): Promise<ResolvedRecord | undefined>
  /**
   * Whether the token still opens the session as an earlier answer of `resolve` had it: every change raises `gen` or `lastSeenAt`.
   * Says no where it does not know, never throws: ask `resolve` then. Only stores that need not wait for an answer have it.
   */
  confirms?(hash: SecretHash, bucket: Bucket, session: Pick<SessionRecord, 'gen' | 'lastSeenAt'>): boolean
  find(sid: string): Promise<SessionRecord | undefined>
  ofUser(user: UserKey): Promise<readonly SessionRecord[]>
  /** Live sessions in order of sid, for administrators: pass the last sid of one page as `after` of the next. */
  list(query: {
    readonly realm?: RealmName
    readonly after?: string
    readonly limit: number
  }): Promise<readonly SessionRecord[]>
}

export interface SessionWriter {
  /**
   * Writes the session, its login token (none for a stateless one) and the user's index entry in one step. The quota is part of
   * that step: it counts the live sessions of the same realm and user, and holds however many logins run at once in however
   * many processes.
   */
  create(session: SessionRecord, token: TokenRecord | undefined, quota?: Quota): Promise<CreateOutcome>
  /**
   * Replaces the login token: `gen` + 1, the patch applied, the old secret dead before this settles. Other tokens stay. A stateless
   * session has no token here, and its lower gens go to the denylist in the same step. Never counts against a quota.
   * `undefined` when the session is not live or its gen is no longer `expectedGen` (somebody else won).
   */
  upgrade(
    sid: string,
    expectedGen: number,
    patch: SessionPatch,
    token: Omit<TokenRecord, 'gen'> | undefined,
  ): Promise<SessionRecord | undefined>
  /**
   * Adds a restricted token and kills those of the same audience that `TOKEN_OVERLAP` does not keep. False when the session is no
   * longer live.
   */
  addToken(token: TokenRecord): Promise<boolean>
  /** Kills the session's tokens of one audience, and says so in the log. False when there were none. */
  removeTokens(sid: string, audience: Audience): Promise<boolean>
  /**
   * Moves `lastSeenAt` forward, never back and never past the store's clock; ended and expired sessions are passed over in
   * silence, so what was refused once stays refused.
   */
  touch(seen: readonly { readonly sid: string; readonly at: EpochMs }[]): Promise<void>
  /**
   * Ends the session with all its tokens and writes the revocation to the log and an entry to the outbox; a stateless one goes to
   * the denylist with every gen, all in one step. `undefined` when it had ended already.
   */
  end(sid: string, cause: EndCause): Promise<SessionRecord | undefined>
  /** Sids whose idle or maximum time has run out and that nobody has ended yet, oldest first, with the cause. */
  expired(limit: number): Promise<readonly { readonly sid: string; readonly cause: 'idle' | 'max-life' }[]>
}

/** The gen of a `DenyEntry` below which every gen is. */
export const EVERY_GEN = 2_147_483_647

/**
 * How far the clock of a process may be behind the store's. What the store forgets when a session's maximum life is over, it keeps for
 * so much longer: a process that is behind takes the session for live until then.
 */
export const CLOCK_SKEW_MS = 300_000

/** A stateless session of which no token of a gen below `belowGen` may be believed, though it verifies. */
export interface DenyEntry {
  readonly sid: string
  readonly belowGen: number
  /** When the session's maximum life is over and no token of it verifies any more. */
  readonly until: EpochMs
}

export type SessionOwner = Pick<UserKey, 'realm' | 'userId'>

interface Logged {
  readonly cursor: number
  readonly at: EpochMs
}

/** One entry of the revocation log. */
export type Revocation = Logged &
  (
    | {
        readonly kind: 'session-ended'
        readonly sid: string
        readonly cause: EndCause
        /** Whose it was; absent where a process of a version before wrote the entry. */
        readonly owner?: SessionOwner
        /** The secrets that died with it; a process drops these and everything else of the sid. */
        readonly hashes: readonly SecretHash[]
        /** For a stateless session. */
        readonly deny?: DenyEntry
      }
    | {
        readonly kind: 'token-replaced'
        readonly sid: string
        readonly cause: 'upgrade' | 'handshake' | 'removed'
        /** The secrets that died; a process drops exactly these. */
        readonly hashes: readonly SecretHash[]
        /** For a stateless session that was upgraded. */
        readonly deny?: DenyEntry
      }
    | { readonly kind: 'epoch-raised'; readonly epoch: { readonly key: string; readonly value: number } }
  )

/** Tells every process which secrets died, in order, each exactly once per subscription. */
export interface RevocationLog {
  /**
   * Calls `listener` for entries after the moment of subscription, this process's own included. That moment comes before anything that is
   * read or written here afterwards, so nothing that would change such an answer is missed. `onGap` is called when entries may
   * have been missed (trimmed before this process saw them, lost in a fail-over): whoever keeps something because of the log
   * forgets it then, or loads it anew.
   */
  subscribe(listener: (entries: readonly Revocation[]) => void, onGap?: () => void): { close(): void }
  /** When the tail was last known to be complete. A cache may trust itself for at most a second past this. */
  tailedAt(): EpochMs
}

/**
 * The stateless sessions that have ended or moved on, for processes that keep it in memory: subscribe to the log first, then load,
 * so that nothing falls between the two.
 */
export interface Denylist {
  /** All entries whose `until` lies ahead or less than `CLOCK_SKEW_MS` back, one for each sid. */
  load(): Promise<readonly DenyEntry[]>
}

/**
 * Counters that only rise: a stateless token that carries less than its user's or its realm's is refused ("end all"). Durable.
 * Keys are the caller's, at most 512 bytes.
 */
export interface Epochs {
  /** In the order of the keys; 0 for one that was never raised. */
  read(keys: readonly string[]): Promise<readonly number[]>
  /** Adds one, writes the entry of the revocation log in the same step, and returns the new value. */
  raise(key: string): Promise<number>
  all(): Promise<ReadonlyMap<string, number>>
}

/** What has to be told to others about a session that ended. */
export interface OutboxEntry {
  readonly id: string
  readonly sid: string
  readonly realm: RealmName
  readonly userId: string
  readonly cause: EndCause
  readonly at: EpochMs
}

/**
 * One entry for each session that ended, written in the step that ended it. Told at least once, by one process at a time; given up
 * when nobody was `done` with it within a day.
 */
export interface Outbox {
  /**
   * At most `limit` entries that nobody holds, in order of their ends, held by the caller from now on. Nobody gets them for `leaseMs`.
   */
  claim(limit: number, leaseMs: number): Promise<readonly OutboxEntry[]>
  /** Removes them for good, whoever holds them. Unknown ids are passed over. */
  done(ids: readonly string[]): Promise<void>
}

/**
 * Values that exist once: codes, redeemed sealed ids. Separate namespaces cannot be taken for each other. Keys are stored as they
 * are: a key that is a secret (a code) is hashed by the caller first.
 */
export interface OneTimeRecords {
  /** False when the key is there already. The value is gone after `ttlMs`. */
  put(namespace: string, key: string, value: string, ttlMs: number): Promise<boolean>
  /** Removes and returns it: of any number of callers at once exactly one gets the value. */
  take(namespace: string, key: string): Promise<string | undefined>
}

/** Short-lived records that several steps change: journeys. */
export interface VersionedRecords {
  /** False when the key is there already. Versions start at 1. */
  create(namespace: string, key: string, value: string, ttlMs: number): Promise<boolean>
  load(namespace: string, key: string): Promise<{ readonly value: string; readonly version: number } | undefined>
  /** One winner per version: false when the record is gone or has moved on. */
  replace(namespace: string, key: string, expectedVersion: number, value: string, ttlMs: number): Promise<boolean>
  remove(namespace: string, key: string): Promise<void>
}

/** Counts within a window that starts with the first count. */
export interface Counters {
  /** Adds atomically and returns the count after it; a new window starts when the last one is over. */
  add(key: string, amount: number, windowMs: number): Promise<{ readonly count: number; readonly resetsAt: EpochMs }>
  read(key: string): Promise<{ readonly count: number; readonly resetsAt: EpochMs } | undefined>
  clear(key: string): Promise<void>
}

/** Work that one process at a time may do: reaping, key rotation. */
export interface Leases {
  /** True when `owner` holds the lease for `ttlMs` from now (taken, or renewed by its holder). */
  acquire(name: string, owner: string, ttlMs: number): Promise<boolean>
  release(name: string, owner: string): Promise<void>
}

export interface Document {
  readonly id: string
  readonly version: number
  readonly value: string
}

export interface DocumentPage {
  readonly documents: readonly Document[]
  /** Where to go on; `undefined` at the end. */
  readonly next: string | undefined
}

/**
 * Durable, versioned documents: keys, credentials, published configuration. They never expire by themselves. The one that
 * epoch.ts names is there from the start.
 */
export interface Documents {
  get(collection: string, id: string): Promise<Document | undefined>
  list(collection: string): Promise<readonly Document[]>
  /**
   * A part of a collection that may be too large to be read at once: about `size` documents, in any order, from where another part
   * ended. What is there from the first part to the last comes at least once.
   */
  page(collection: string, size: number, from?: string): Promise<DocumentPage>
  /** False when the id is taken. */
  putIfAbsent(collection: string, id: string, value: string): Promise<boolean>
  /** False when the document has another version by now. */
  replace(collection: string, id: string, expectedVersion: number, value: string): Promise<boolean>
  remove(collection: string, id: string): Promise<void>
}

export interface Store {
  readonly sessions: SessionReader & SessionWriter
  readonly revocations: RevocationLog
  readonly denylist: Denylist
  readonly epochs: Epochs
  readonly outbox: Outbox
  readonly oneTime: OneTimeRecords
  readonly versioned: VersionedRecords
  readonly counters: Counters
  readonly leases: Leases
  readonly documents: Documents
  /** Rejects when a read and a write cannot be done right now. */
  ping(): Promise<void>
  /** Settles when everything that was accepted is written. */
  close(): Promise<void>
}
