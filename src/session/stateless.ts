import { timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { rememberRecent } from '../base/recent.ts'
import { jweForm } from '../crypto/jwe.ts'
import type { KeyRing } from '../crypto/key-ring.ts'
import { fault, GatehouseError } from '../errors.ts'
import { EPOCH } from '../store/epoch.ts'
import type { Audience, DenyEntry, SessionRecord, Store } from '../store/store.ts'
import { UnprovedAbsence } from '../store/unproved-absence.ts'
import type { Log } from '../telemetry/log.ts'
import { Denials, type Claimed } from './denials.ts'
import { boundTo, claimsOf, epochKeys, readClaims, sessionOf, type Claims, type Standing } from './stateless-claims.ts'
import type { IssuedSession, ResolveOptions, Session, SessionToken } from './session.ts'
import { LONGEST_TOKEN, newToken, parseToken, splitToken, type TokenPlace } from './token.ts'

export interface StatelessDeps {
  readonly store: Pick<Store, 'sessions' | 'revocations' | 'denylist' | 'epochs' | 'documents' | 'ping'>
  readonly keyRing: Pick<KeyRing, 'current' | 'known'>
  readonly clock: Clock
  readonly log: Log
  readonly place: TokenPlace
  /** How long a session may pass on what was known last while the store is away. 15,000 by default. */
  readonly graceMs?: number
  /** Tokens held in memory, opened. 50,000 by default. */
  readonly maxCached?: number
}

/** Characters of a login token at most: an agent's token is longer by the name of its audience. */
export const LOGIN_BUDGET = 3_400

/** Sessions that the browser carries, and what the store still has a word in: their ends. */
export interface StatelessSessions {
  /**
   * As `SessionResolver.resolve`; does not ask the store while the denylist is known to be complete. Faults with GH_KEYS_UNAVAILABLE
   * where the token's key may be one that could not be read.
   */
  resolve(
    token: SessionToken,
    audience: Audience,
    options?: ResolveOptions,
  ): Session | undefined | Promise<Session | undefined>
  /** To be asked before the session that gets the token is written. */
  standingOf(user: Pick<Session, 'realm' | 'userId'>): Promise<Standing>
  /** `undefined`: it would be too large for a cookie. */
  issue(session: Session, audience: Audience, standing: Standing): IssuedSession | undefined
  renew(token: SessionToken, session: Session): SessionToken | undefined
  /** Refuses from now on, without waiting for the log. */
  deny(entry: DenyEntry): void
  /** Ends all tokens of the user that were issued until now, those of whose sessions nobody knows any more among them. */
  endAllOfUser(user: Pick<Session, 'realm' | 'userId'>): Promise<void>
  close(): void
}

const FORM = jweForm('gatehouse-session+jwt')

export function createStatelessSessions(deps: StatelessDeps): StatelessSessions {
  return new CarriedSessions(deps)
}

/** A token that was opened. */
interface Opened extends Claimed {
  readonly kid: string
  readonly claims: Claims
  readonly session: Session
}

class CarriedSessions implements StatelessSessions {
  readonly #deps: StatelessDeps
  readonly #graceMs: number
  readonly #denials: Denials
  /** A token comes with every request of its browser, and opening it costs more than all that is asked about it afterwards. */
  readonly #opened: (token: string) => Opened | undefined
  /** By sid: the last use that the store knew, of sessions whose token has idled for longer. */
  #lastUses: LRUCache<string, EpochMs> | undefined
  readonly #maxCached: number

  constructor(deps: StatelessDeps) {
    const { graceMs = 15_000, maxCached = 50_000 } = deps
    this.#deps = deps
    this.#graceMs = graceMs
    this.#denials = new Denials(deps)
    this.#opened = rememberRecent((token) => this.#open(token), { maxEntries: maxCached, maxLength: LONGEST_TOKEN })
    this.#maxCached = maxCached
  }

  readonly resolve: StatelessSessions['resolve'] = (token, audience, options) => {
    const opened = this.#opened(token)
    return opened && this.#judge(opened, audience, options?.grace === true && audience !== 'login')
  }

  async standingOf(user: Pick<Session, 'realm' | 'userId'>): Promise<Standing> {
    const [values, life] = await Promise.all([this.#deps.store.epochs.read(epochKeys(user)), this.#lifeOfStore()])
    return { epochs: [...values], life }
  }

  issue(session: Session, audience: Audience, standing: Standing): IssuedSession | undefined {
    const { clock, place } = this.#deps
    const front = newToken(place, session.bucket).token
    const claims = claimsOf(session, { audience, front, now: clock() }, standing)
    const token = this.#seal(front, claims)
    const longest = audience === 'login' ? LOGIN_BUDGET : LONGEST_TOKEN
    return token.length > longest ? undefined : { session: { ...sessionOf(claims), origin: session.origin }, token }
  }

  /** Never with newer counters than the token has: whatever ended it has to end what comes of it. */
  renew(token: SessionToken, { sid, bucket, unconfirmed, stateless }: Session): SessionToken | undefined {
    const { clock, place } = this.#deps
    const now = clock()
    if (stateless === undefined || unconfirmed === true || now < stateless.renewAt) return undefined
    const opened = this.#opened(token)
    // What ended or replaced it since the request came may have given the browser another one, which this would take the place of.
    if (opened?.sid !== sid || this.#denials.refuses(opened)) return undefined
    const front = newToken(place, bucket).token
    return this.#seal(front, { ...opened.claims, bound: boundTo(front), iat: now / 1_000 })
  }

  deny(entry: DenyEntry): void {
    this.#denials.deny(entry)
  }

  async endAllOfUser(user: Pick<Session, 'realm' | 'userId'>): Promise<void> {
    const [key] = epochKeys(user)
    this.#denials.raise(key, await this.#deps.store.epochs.raise(key))
  }

  close(): void {
    this.#denials.close()
  }

  #seal(front: string, claims: Claims): SessionToken {
    return (front + FORM.seal(this.#deps.keyRing.current('session'), claims)) as SessionToken
  }

  #open(token: string): Opened | undefined {
    const { keyRing, place } = this.#deps
    const halves = splitToken(token)
    if (halves === undefined) return undefined
    const front = parseToken(halves.front)
    if (front?.siteId !== place.siteId) return undefined
    const kid = FORM.kidOf(halves.tail)
    const key = kid === undefined ? undefined : keyRing.known('session', kid)
    if (key === undefined) return undefined
    const claims = readClaims(FORM.open(key.key, halves.tail))
    if (claims === undefined || !isSame(claims.bound, boundTo(halves.front))) return undefined
    const session = sessionOf(claims)
    if (session.bucket !== front.bucket) return undefined
    const [userKey, realmKey] = epochKeys(session)
    const [user = 0, realm = 0] = claims.epochs
    const epochs = [
      { key: userKey, value: user },
      { key: realmKey, value: realm },
    ]
    return { kid: key.kid, claims, session, sid: claims.sid, gen: claims.gen, life: claims.life, epochs }
  }

  #judge(opened: Opened, audience: Audience, grace: boolean): Session | undefined | Promise<Session | undefined> {
    const { session } = opened
    const now = this.#deps.clock()
    // What was opened with a key that is gone by now (one that was stolen, say) is remembered, and good no more.
    if (this.#deps.keyRing.known('session', opened.kid) === undefined) return undefined
    // Another audience is another token (a cookie of one host that was carried to the next).
    if (opened.claims.aud !== audience || now >= session.maxExpiresAt) return undefined
    if (this.#denials.refuses(opened)) return undefined
    // At the login host, where the next token comes from, the store is asked: nothing there is worth a guess.
    if (audience !== 'login' && this.#denials.isComplete(opened, now)) {
      if (now < session.idleExpiresAt) return session
      const used = this.#usedSince(session, now)
      if (used !== undefined) return used
    }
    return this.#ask(opened, grace)
  }

  /** The store knows of uses that this token does not: requests that were no navigations, other agents, open streams. */
  #usedSince(session: Session, now: EpochMs): Session | undefined {
    const at = this.#lastUses?.get(session.sid)
    const used = at === undefined ? undefined : seenAt(session, at)
    return used !== undefined && now < used.idleExpiresAt ? used : undefined
  }

  async #ask(opened: Opened, grace: boolean): Promise<Session | undefined> {
    const { epochs, sessions } = this.#deps.store
    const { session } = opened
    const found = sessions.find(session.sid)
    try {
      const keys = opened.epochs.map(({ key }) => key)
      const [record, values, life] = await Promise.all([found, epochs.read(keys), this.#lifeOfStore()])
      this.#denials.lives(life)
      if (life !== opened.life) return undefined
      const overtaken = opened.epochs.some(({ value }, i) => value < (values[i] ?? 0))
      if (record === undefined || !isCarried(record, opened) || overtaken) return undefined
      // Whatever became known while the store was asked is newer than its answer.
      if (this.#denials.refuses(opened)) return undefined
      // Room for all of them is made at once, so not before there is one.
      this.#lastUses ??= new LRUCache({ max: this.#maxCached })
      this.#lastUses.set(session.sid, record.lastSeenAt)
      const { origin, lastSeenAt } = record
      return seenAt({ ...session, origin }, Math.max(lastSeenAt, session.lastSeenAt) as EpochMs)
    } catch (caught) {
      if (grace && this.#hasGrace(opened) && !(await isUnproved(found))) return { ...session, unconfirmed: true }
      throw caught instanceof GatehouseError ? caught : fault('GH_STORE_UNAVAILABLE', { cause: caught })
    }
  }

  async #lifeOfStore(): Promise<string> {
    const life = await this.#deps.store.documents.get(EPOCH.collection, EPOCH.id)
    return life?.value ?? ''
  }

  /** The log, when it was last complete, confirmed what it did not name. */
  #hasGrace(opened: Opened): boolean {
    const { lastSeenAt, idleExpiresAt } = opened.session
    const now = this.#deps.clock()
    const age = now - this.#deps.store.revocations.tailedAt()
    if (age < 0 || age > this.#graceMs || now >= idleExpiresAt) return false
    return this.#denials.wasComplete(opened, lastSeenAt) && !this.#denials.refuses(opened)
  }
}

/** Whether a server answers that it has none, which may be so. */
function isUnproved(found: Promise<unknown>): Promise<boolean> {
  return found.then(
    () => false,
    (error: unknown) => error instanceof UnprovedAbsence,
  )
}

function isCarried({ kind, gen, maxExpiresAt }: SessionRecord, { session }: Opened): boolean {
  return kind === 'stateless' && gen === session.gen && maxExpiresAt === session.maxExpiresAt
}

/** The token stays as old as it is, and due for another one. */
function seenAt(session: Session, at: EpochMs): Session {
  const maxIdleMs = session.idleExpiresAt - session.lastSeenAt
  return {
    ...session,
    lastSeenAt: at,
    idleExpiresAt: (at + maxIdleMs) as EpochMs,
  }
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
