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

/** Where a token is good: at the login host, at one agent, or at all agents that share one classic domain cookie. */
export type Audience = 'login' | `agent:${string}` | `domain:${string}`

export interface SessionRecord {
  /** Stable for the life of the session; starts with its bucket. Names the session in logs; opens nothing. */
  readonly sid: string
  readonly bucket: Bucket
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

/** Reading never changes anything, and finds neither ended nor expired sessions: the store's clock decides. */
export interface SessionReader {
  /** `undefined`: no such token, or its session has ended or expired. */
  resolve(hash: SecretHash, bucket: Bucket): Promise<ResolvedRecord | undefined>
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
  /** Writes the session, its login token and the user's index entry in one step. */
  create(session: SessionRecord, token: TokenRecord): Promise<void>
  /**
   * Replaces the login token: `gen` + 1, the patch applied, the old secret dead before this settles. Other tokens stay.
   * `undefined` when the session is not live or its gen is no longer `expectedGen` (somebody else won).
   */
  upgrade(
    sid: string,
    expectedGen: number,
    patch: SessionPatch,
    token: Omit<TokenRecord, 'gen'>,
  ): Promise<SessionRecord | undefined>
  /** Adds a restricted token, replacing the one that had the same audience. False when the session is no longer live. */
  addToken(token: TokenRecord): Promise<boolean>
  /**
   * Moves `lastSeenAt` forward, never back and never past the store's clock; ended and expired sessions are passed over in
   * silence, so what was refused once stays refused.
   */
  touch(seen: readonly { readonly sid: string; readonly at: EpochMs }[]): Promise<void>
  /** Ends the session with all its tokens and writes the revocation to the log. `undefined` when it had ended already. */
  end(sid: string, cause: EndCause): Promise<SessionRecord | undefined>
  /** Sids whose idle or maximum time has run out and that nobody has ended yet, oldest first, with the cause. */
  expired(limit: number): Promise<readonly { readonly sid: string; readonly cause: 'idle' | 'max-life' }[]>
}

/** One entry of the revocation log. */
export interface Revocation {
  readonly cursor: number
  readonly at: EpochMs
  readonly kind: 'session-ended' | 'token-replaced'
  readonly sid: string
  readonly cause: EndCause | 'upgrade' | 'handshake'
  /** The secrets that died; a process drops exactly these (and everything of the sid when a session ended). */
  readonly hashes: readonly SecretHash[]
}

/** Tells every process which secrets died, in order, each exactly once per subscription. */
export interface RevocationLog {
  /** Calls `listener` for entries after the moment of subscription, this process's own included. */
  subscribe(listener: (entries: readonly Revocation[]) => void): { close(): void }
  /** When the tail was last known to be complete. A cache may trust itself for at most a second past this. */
  tailedAt(): EpochMs
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

/**
 * Durable, versioned documents: keys, credentials, published configuration. They never expire by themselves. The one that
 * epoch.ts names is there from the start.
 */
export interface Documents {
  get(collection: string, id: string): Promise<Document | undefined>
  list(collection: string): Promise<readonly Document[]>
  /** False when the id is taken. */
  putIfAbsent(collection: string, id: string, value: string): Promise<boolean>
  /** False when the document has another version by now. */
  replace(collection: string, id: string, expectedVersion: number, value: string): Promise<boolean>
  remove(collection: string, id: string): Promise<void>
}

export interface Store {
  readonly sessions: SessionReader & SessionWriter
  readonly revocations: RevocationLog
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
