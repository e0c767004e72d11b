import { LRUCache } from 'lru-cache'
import type { EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { fault, GatehouseError } from '../errors.ts'
import type { Audience, Bucket, Revocation, RevocationLog, SecretHash, SessionReader } from '../store/store.ts'
import { UnprovedAbsence } from '../store/unproved-absence.ts'
import type { Session } from './session.ts'
import { viewOf } from './session-view.ts'

/** How long a confirmed session is believed without asking again, and how old the tail of the revocation log may be for that. */
const TRUST_MS = 1_000
/** A session that changes under every one of so many readings cannot be answered now. */
const MAX_READINGS = 3
/** In `Reading.changed`: whatever session it is about. No sid looks like it. */
const ANY = '*'

export interface ResolveCacheDeps {
  readonly sessions: Pick<SessionReader, 'resolve' | 'confirms'>
  readonly revocations: RevocationLog
  readonly clock: Clock
  /** How long after the store's last confirmation a session may pass while the store cannot be asked. */
  readonly graceMs: number
  readonly maxEntries: number
}

export interface ResolveQuery {
  readonly hash: SecretHash
  readonly bucket: Bucket
  readonly audience: Audience
  readonly grace: boolean
}

interface Entry {
  readonly session: Session
  readonly audience: Audience
  /** Of the session itself; a token keeps the one it was issued with. */
  readonly gen: number
  /** When the last reading that found it began: it says nothing about what happened later. */
  confirmedAt: EpochMs
}

/** One reading under way, with what became known meanwhile. */
interface Reading {
  readonly key: string
  readonly startedAt: EpochMs
  /** Hashes and sids that died: an answer that names one of them is older than its death. */
  readonly dead: Set<string>
  /** Sids whose tokens changed: an answer about one of them has to be fetched again. */
  readonly changed: Set<string>
  answer: Promise<Entry | undefined>
}

/**
 * Answers whose session a token is, asking the store at most once a second per token, and drops what the revocation log names
 * at once: a revoked session is refused within a second even if every event is late. Only live sessions are kept: invented tokens cost a reading and no memory.
 */
export class ResolveCache {
  readonly #deps: ResolveCacheDeps
  readonly #entries: LRUCache<SecretHash, Entry>
  readonly #hashesOf = new Map<string, Set<SecretHash>>()
  /** The newest reading of each token, for others to share. */
  readonly #shared = new Map<string, Reading>()
  readonly #readings = new Set<Reading>()
  readonly #subscription: { close(): void }

  constructor(deps: ResolveCacheDeps) {
    this.#deps = deps
    this.#entries = new LRUCache({
      max: deps.maxEntries,
      dispose: (entry, hash, reason) => {
        if (reason !== 'set') this.#unlist(entry.session.sid, hash)
      },
    })
    this.#subscription = deps.revocations.subscribe(
      (entries) => this.#revoked(entries),
      () => this.#forgetAll(),
    )
  }

  /**
   * Answers at once where the store need not be asked. Rejects with GH_STORE_UNAVAILABLE when it cannot be asked and no grace
   * applies.
   */
  resolve(query: ResolveQuery): Session | undefined | Promise<Session | undefined> {
    const now = this.#deps.clock()
    const cached = this.#entries.peek(query.hash)
    if (cached !== undefined && (this.#isTrusted(cached, now) || this.#confirmed(cached, query, now))) {
      return sessionFor(cached, query.bucket, query.audience)
    }
    return this.#resolveInStore(query, now)
  }

  async #resolveInStore({ hash, bucket, audience, grace }: ResolveQuery, now: EpochMs): Promise<Session | undefined> {
    try {
      return sessionFor(await this.#read(hash, bucket, now), bucket, audience)
    } catch (caught) {
      // If that server is the primary the session has ended: grace is for what nobody can be asked about.
      if (caught instanceof UnprovedAbsence) this.#entries.delete(hash)
      const session = grace ? sessionFor(this.#entryOnGrace(hash), bucket, audience) : undefined
      if (session !== undefined) return { ...session, unconfirmed: true }
      throw caught instanceof GatehouseError ? caught : fault('GH_STORE_UNAVAILABLE', { cause: caught })
    }
  }

  /** The session has ended: nothing about it is answered from here any more. */
  ended(sid: string): void {
    for (const reading of this.#readings) reading.dead.add(sid)
    this.#dropSession(sid)
  }

  /** A token of the session was replaced: all of them are asked for again. */
  changed(sid: string): void {
    for (const reading of this.#readings) reading.changed.add(sid)
    this.#dropSession(sid)
  }

  /** Number of sessions' tokens held. */
  get size(): number {
    return this.#entries.size
  }

  close(): void {
    this.#subscription.close()
    this.#entries.clear()
  }

  #isTrusted({ session, confirmedAt }: Entry, now: EpochMs): boolean {
    const age = now - confirmedAt
    // A clock that was set back makes the age negative: ask again.
    if (age < 0 || age > TRUST_MS) return false
    if (Math.abs(now - this.#deps.revocations.tailedAt()) > TRUST_MS) return false
    return isRunning(session, now)
  }

  /** Nearly always nothing has changed: then the session stays the same object, and all that is remembered of it stays good. */
  #confirmed(entry: Entry, { hash, bucket }: ResolveQuery, now: EpochMs): boolean {
    const { lastSeenAt } = entry.session
    if (this.#deps.sessions.confirms?.(hash, bucket, { gen: entry.gen, lastSeenAt }) !== true) return false
    entry.confirmedAt = now
    // Who was used last stays longest; once a second is often enough to note it, and each time reaches into four places of memory.
    this.#entries.get(hash)
    return true
  }

  #entryOnGrace(hash: SecretHash): Entry | undefined {
    const entry = this.#entries.get(hash)
    if (entry === undefined) return undefined
    const now = this.#deps.clock()
    const age = now - entry.confirmedAt
    return age >= 0 && age <= this.#deps.graceMs && isRunning(entry.session, now) ? entry : undefined
  }

  /** Requests that come together share one reading, unless it is so old that it may have missed a revocation they may rely on. */
  #read(hash: SecretHash, bucket: Bucket, now: EpochMs): Promise<Entry | undefined> {
    const key = `${bucket}.${hash}`
    const running = this.#shared.get(key)
    if (running !== undefined && Math.abs(now - running.startedAt) <= TRUST_MS) return running.answer
    const reading: Reading = {
      key,
      startedAt: now,
      dead: new Set(),
      changed: new Set(),
      answer: Promise.resolve(undefined),
    }
    this.#readings.add(reading)
    this.#shared.set(key, reading)
    reading.answer = this.#ask(hash, bucket, reading).finally(() => {
      this.#readings.delete(reading)
      if (this.#shared.get(key) === reading) this.#shared.delete(key)
    })
    return reading.answer
  }

  async #ask(hash: SecretHash, bucket: Bucket, reading: Reading): Promise<Entry | undefined> {
    for (let i = 0; i < MAX_READINGS; i++) {
      reading.changed.clear()
      const confirmedAt = this.#deps.clock()
      const found = await this.#deps.sessions.resolve(hash, bucket)
      // No token of a partial session is ever issued, and none would open anything.
      if (found === undefined || found.session.kind === 'partial') {
        this.#gone(hash, reading)
        return undefined
      }
      const { sid } = found.session
      if (reading.dead.has(hash) || reading.dead.has(sid)) return undefined
      if (reading.changed.has(sid) || reading.changed.has(ANY)) continue
      const { session, token } = found
      const entry = { session: viewOf(session, token), audience: token.audience, gen: session.gen, confirmedAt }
      this.#keep(hash, entry)
      return entry
    }
    throw fault('GH_STORE_UNAVAILABLE')
  }

  /** An older reading of the same token may still be under way, and must not bring it back. */
  #gone(hash: SecretHash, reading: Reading): void {
    for (const other of this.#readings) if (other.key === reading.key) other.dead.add(hash)
    this.#entries.delete(hash)
  }

  #keep(hash: SecretHash, entry: Entry): void {
    const held = this.#entries.get(hash)
    if (held !== undefined && held.confirmedAt > entry.confirmedAt) return
    this.#entries.set(hash, entry)
    const { sid } = entry.session
    const hashes = this.#hashesOf.get(sid)
    if (hashes === undefined) this.#hashesOf.set(sid, new Set([hash]))
    else hashes.add(hash)
  }

  #revoked(entries: readonly Revocation[]): void {
    for (const entry of entries) {
      if (entry.kind === 'epoch-raised') continue
      const { kind, sid, hashes } = entry
      for (const hash of hashes) this.#entries.delete(hash)
      for (const reading of this.#readings) for (const hash of hashes) reading.dead.add(hash)
      if (kind === 'session-ended') this.ended(sid)
    }
  }

  /** Somebody may have ended while nobody told: nothing held or being read counts any more, not even for grace. */
  #forgetAll(): void {
    this.#entries.clear()
    for (const { changed } of this.#readings) changed.add(ANY)
  }

  #dropSession(sid: string): void {
    for (const hash of this.#hashesOf.get(sid) ?? []) this.#entries.delete(hash)
  }

  #unlist(sid: string, hash: SecretHash): void {
    const hashes = this.#hashesOf.get(sid)
    hashes?.delete(hash)
    if (hashes?.size === 0) this.#hashesOf.delete(sid)
  }
}

function isRunning(session: Session, now: EpochMs): boolean {
  return now < session.idleExpiresAt && now < session.maxExpiresAt
}

/** A token is good for its audience alone; a bucket that is not its own makes it another token, and so none. */
function sessionFor(entry: Entry | undefined, bucket: Bucket, audience: Audience): Session | undefined {
  return entry?.audience === audience && entry.session.bucket === bucket ? entry.session : undefined
}
