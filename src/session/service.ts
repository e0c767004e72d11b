import type { EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { rememberRecent } from '../base/recent.ts'
import { fault } from '../errors.ts'
import {
  EVERY_GEN,
  type Bucket,
  type SecretHash,
  type SessionOwner,
  type SessionRecord,
  type Store,
  type TokenRecord,
} from '../store/store.ts'
import type { AuditEvent, AuditSink, EndCause } from '../telemetry/audit.ts'
import type { Log } from '../telemetry/log.ts'
import { bucketOf, newSid, partialBucketOf } from './bucket.ts'
import { CEILING } from './quota.ts'
import { ResolveCache } from './resolve-cache.ts'
import { viewOf } from './session-view.ts'
import type { IssuedSession, RequestOrigin, Session, SessionDraft, SessionService } from './session.ts'
import type { StatelessSessions } from './stateless.ts'
import { parseApiToken } from './api-token.ts'
import { hashSecret, newToken, parseToken, TOKEN_LENGTH, type TokenPlace } from './token.ts'
import { createTouches, type Touches } from './touches.ts'

export interface SessionServiceDeps {
  readonly store: Pick<Store, 'sessions' | 'revocations'>
  readonly clock: Clock
  readonly audit: AuditSink
  readonly log: Log
  /** Site and server id of the tokens issued here; tokens of another site are no tokens. */
  readonly place: TokenPlace
  /** How long a session may pass on its last confirmation while the store is away. 15,000 by default. */
  readonly graceMs?: number
  /** Sessions' tokens held in memory. 50,000 by default. */
  readonly maxCached?: number
  /** Sessions that browsers carry. Without it no token of one is a token, and none can be started. */
  readonly stateless?: StatelessSessions
}

export interface RunningSessionService extends SessionService {
  /** Writes the last uses and lets go of the store, which the caller closes afterwards. */
  close(): Promise<void>
}

/** The only writer of sessions in the product. Faults of the store reject as they come (503): nothing may be assumed then. */
export function createSessionService(deps: SessionServiceDeps): RunningSessionService {
  const { store, clock, graceMs = 15_000, maxCached = 50_000 } = deps
  const { sessions, revocations } = store
  const cache = new ResolveCache({ sessions, revocations, clock, graceMs, maxEntries: maxCached })
  const parts = { cache, touches: createTouches({ sessions, clock, log: deps.log, maxCached }), maxCached }
  return new StoredSessionService(deps, parts)
}

const MAX_DEVICE_CHARS = 200
/** Rounds of listing and ending, so that a login that finished meanwhile is ended too. */
const END_ALL_ROUNDS = 3

class StoredSessionService implements RunningSessionService {
  readonly #deps: SessionServiceDeps
  readonly #cache: ResolveCache
  readonly #touches: Touches
  /** A token comes with every request of its browser; hashing it costs more than looking its session up. */
  readonly #known: (token: string) => KnownToken | undefined

  constructor(
    deps: SessionServiceDeps,
    parts: { readonly cache: ResolveCache; readonly touches: Touches; readonly maxCached: number },
  ) {
    this.#deps = deps
    this.#cache = parts.cache
    this.#touches = parts.touches
    this.#known = rememberRecent(readToken, { maxEntries: parts.maxCached, maxLength: TOKEN_LENGTH })
  }

  readonly resolve: SessionService['resolve'] = (token, audience, options) => {
    if (token.length > TOKEN_LENGTH) return this.#deps.stateless?.resolve(token, audience, options)
    const known = this.#known(token)
    if (known === undefined || (known.siteId ?? this.#deps.place.siteId) !== this.#deps.place.siteId) return undefined
    const { hash, bucket } = known
    // No agent takes one, and none opens anything as if it were an agent's.
    if (known.siteId === undefined && audience !== 'login') return undefined
    const grace = options?.grace === true && audience !== 'login'
    return this.#cache.resolve({ hash, bucket, audience: known.siteId === undefined ? 'api' : audience, grace })
  }

  readonly touch: SessionService['touch'] = (session) => this.#touches.note(session)

  readonly renew: SessionService['renew'] = (token, session) => this.#deps.stateless?.renew(token, session)

  readonly establish: SessionService['establish'] = async (draft, origin, replaces) => {
    // Never anything the browser brought (session fixation): sid and secret are made here, now.
    const record = newRecord(draft, origin, this.#deps.clock())
    const { issued, stored } = await this.#newLogin(viewOf(record, record), origin)
    if (replaces !== undefined) await this.end(replaces.session.sid, replaces.cause, origin)
    const token = stored && { ...stored, gen: record.gen }
    const outcome = await this.#deps.store.sessions.create(record, token, draft.quota ?? CEILING)
    if (outcome.kind === 'quota-reached') {
      const { realm, username } = record
      this.#audit({ event: 'QuotaReached', realm, username, running: outcome.running.length }, origin)
      return { kind: 'quota-reached', running: outcome.running.map((running) => viewOf(running, running)) }
    }
    for (const ended of outcome.ended) this.#noteEnd(ended, 'quota', origin)
    this.#audit({ event: 'SessionCreated', ...named(record) }, origin)
    return { kind: 'established', issued }
  }

  readonly upgrade: SessionService['upgrade'] = async (session, proof, origin) => {
    const now = this.#deps.clock()
    const patch = {
      // Proving the same again does not weaken the session.
      authLevel: Math.max(session.authLevel, proof.authLevel),
      authModules: [...new Set([...session.authModules, ...proof.authModules])],
      authInstant: earlier(proof.keepsAge === true ? session.authInstant : now, proof.provenSince),
      properties: { ...session.properties, ...proof.properties },
    }
    const { issued, stored } = await this.#newLogin({ ...session, ...patch, gen: session.gen + 1 }, origin)
    const record = await this.#deps.store.sessions.upgrade(session.sid, session.gen, patch, stored)
    this.#cache.changed(session.sid)
    if (record === undefined) return undefined
    this.#deny(record, record.gen)
    this.#audit({ event: 'SessionUpgraded', ...named(record), authLevel: patch.authLevel }, origin)
    return stored === undefined ? issued : { ...issued, session: viewOf(record, record) }
  }

  readonly end: SessionService['end'] = async (sid, cause, origin) =>
    (await this.#end(sid, cause, origin)) !== undefined

  readonly endAllOfUser: SessionService['endAllOfUser'] = async (user, cause, origin) => {
    // Always: a token whose entry in the index was lost is not listed, and has to die, too.
    await this.#deps.stateless?.endAllOfUser(user)
    return this.#endListed(user, { cause, origin })
  }

  readonly endOthers: SessionService['endOthers'] = ({ sid: except, realm, userId }, cause, origin) =>
    this.#endListed({ realm, userId }, { cause, origin, except })

  readonly ofUser: SessionService['ofUser'] = async ({ realm, userId }) => {
    const records = await this.#deps.store.sessions.ofUser({ bucket: bucketOf(realm, userId), realm, userId })
    return records.map((record) => viewOf(record, record))
  }

  readonly find: SessionService['find'] = async (sid) => {
    const record = await this.#deps.store.sessions.find(sid)
    return record === undefined || record.kind === 'partial' ? undefined : viewOf(record, record)
  }

  async #endListed(
    user: SessionOwner,
    { cause, origin, except }: { readonly cause: EndCause; readonly origin: RequestOrigin; readonly except?: string },
  ): Promise<number> {
    let count = 0
    for (let round = 0; round < END_ALL_ROUNDS; round++) {
      const running = (await this.#everythingOf(user)).filter(({ sid }) => sid !== except)
      if (running.length === 0) break
      const ended = await Promise.all(running.map(({ sid }) => this.end(sid, cause, origin)))
      count += ended.filter(Boolean).length
    }
    return count
  }

  /** Logins that are not through as well: whoever is at one must not finish it. */
  async #everythingOf({ realm, userId }: SessionOwner): Promise<readonly Pick<SessionRecord, 'sid'>[]> {
    const buckets = [bucketOf(realm, userId), partialBucketOf(realm, userId)]
    const lists = buckets.map((bucket) => this.#deps.store.sessions.ofUser({ bucket, realm, userId }))
    return (await Promise.all(lists)).flat()
  }

  async close(): Promise<void> {
    await this.#touches.close()
    this.#cache.close()
  }

  async #end(sid: string, cause: EndCause, origin: RequestOrigin): Promise<SessionRecord | undefined> {
    const record = await this.#deps.store.sessions.end(sid, cause)
    if (record === undefined) this.#cache.ended(sid)
    else this.#noteEnd(record, cause, origin)
    return record
  }

  /** A login token as the browser gets it and as the store knows it, which is not at all where the browser carries the session. */
  async #newLogin(session: Session, origin: RequestOrigin): Promise<NewLogin> {
    const { clock, place, stateless } = this.#deps
    const { sid, bucket, realm, username, authLevel, authInstant } = session
    if (session.stateless === undefined) {
      const { token, hash } = newToken(place, bucket)
      const stored = { hash, sid, audience: 'login', authLevel, authInstant, issuedAt: clock() } as const
      return { issued: { session, token }, stored }
    }
    if (stateless === undefined) throw fault('GH_INTERNAL', { detail: 'nobody issues stateless sessions here' })
    const issued = stateless.issue(session, 'login', await stateless.standingOf(session))
    if (issued !== undefined) return { issued, stored: undefined }
    this.#audit({ event: 'SessionTooLarge', realm, username }, origin)
    throw fault('GH_SESSION_TOO_LARGE', { detail: `the session of ${username} in ${realm} does not fit into a cookie` })
  }

  #deny({ kind, sid, maxExpiresAt }: SessionRecord, belowGen: number): void {
    if (kind === 'stateless') this.#deps.stateless?.deny({ sid, belowGen, until: maxExpiresAt })
  }

  /** The log will say so too; this process need not wait for it. */
  #noteEnd(record: SessionRecord, cause: EndCause, origin: RequestOrigin): void {
    this.#cache.ended(record.sid)
    this.#deny(record, EVERY_GEN)
    this.#audit({ event: 'SessionEnded', ...named(record), cause }, origin)
  }

  #audit(event: SessionAuditEvent, origin: RequestOrigin): void {
    const { requestId, clientIp } = origin
    this.#deps.audit.record({ ...event, at: this.#deps.clock(), requestId, clientIp })
  }
}

interface NewLogin {
  readonly issued: IssuedSession
  readonly stored: Omit<TokenRecord, 'gen'> | undefined
}

interface KnownToken {
  readonly hash: SecretHash
  /** None in a token of the audience `api`. */
  readonly siteId: string | undefined
  readonly bucket: Bucket
}

function readToken(token: string): KnownToken | undefined {
  const api = parseApiToken(token)
  if (api !== undefined) return { ...api, siteId: undefined }
  const parsed = parseToken(token)
  if (parsed === undefined) return undefined
  const { secret, siteId, bucket } = parsed
  return { hash: hashSecret(secret), siteId, bucket }
}

type Bare<E> = E extends unknown ? Omit<E, 'at' | 'requestId' | 'clientIp'> : never

type SessionAuditEvent = Bare<
  Extract<
    AuditEvent,
    { readonly event: 'SessionCreated' | 'SessionUpgraded' | 'SessionEnded' | 'QuotaReached' | 'SessionTooLarge' }
  >
>

function named({ realm, username, sid }: SessionRecord): Pick<SessionRecord, 'realm' | 'username' | 'sid'> {
  return { realm, username, sid }
}

function earlier(instant: EpochMs, other: EpochMs | undefined): EpochMs {
  return other !== undefined && other < instant ? other : instant
}

function newRecord(draft: SessionDraft, origin: RequestOrigin, now: EpochMs): SessionRecord {
  const bucket = bucketOf(draft.realm, draft.userId)
  return {
    sid: newSid(bucket),
    bucket,
    kind: draft.mode ?? 'cts',
    realm: draft.realm,
    userId: draft.userId,
    username: draft.username,
    gen: 1,
    authLevel: draft.authLevel,
    authModules: [...new Set(draft.authModules)],
    authInstant: earlier(now, draft.provenSince),
    createdAt: now,
    lastSeenAt: now,
    maxIdleMs: draft.maxIdleMs,
    maxExpiresAt: (now + draft.maxLifeMs) as EpochMs,
    origin: { address: origin.clientIp ?? '', device: (origin.userAgent ?? '').slice(0, MAX_DEVICE_CHARS) },
    properties: draft.properties,
  }
}
