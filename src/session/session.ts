import type { AgentId, Brand, EpochMs, RealmName } from '../base/brand.ts'
import type { Audience, Bucket, Quota, SessionOrigin, SessionOwner } from '../store/store.ts'
import type { EndCause } from '../telemetry/audit.ts'

/** What the browser holds: `<43 base64url characters>*<extension>*<tail>`. A secret: never logged, never a storage key. */
export type SessionToken = Brand<string, 'SessionToken'>

/** One thing that a login still asks for: the module that asks, or one of those that would do as well. */
export interface AuthQuery {
  readonly module: string
  /** Type of the module. */
  readonly type: string
  readonly or: readonly string[]
  /** The person has nothing to answer it with yet, and is to set it up. */
  readonly enrols: boolean
}

/** A live session as one token sees it: level and gen are those the token was issued with. */
export interface Session {
  /** Stable name of the session; opens nothing. */
  readonly sid: string
  readonly bucket: Bucket
  readonly realm: RealmName
  readonly userId: string
  readonly username: string
  readonly gen: number
  readonly authLevel: number
  readonly authModules: readonly string[]
  readonly authInstant: EpochMs
  readonly createdAt: EpochMs
  readonly lastSeenAt: EpochMs
  readonly idleExpiresAt: EpochMs
  readonly maxExpiresAt: EpochMs
  readonly origin: SessionOrigin
  readonly properties: Readonly<Record<string, string>>
  /**
   * Set when the store could not be asked and the session passed on its last confirmation (`ResolveOptions.grace`): good for
   * ordinary paths, never for one that asks for a level or a fresh login.
   */
  readonly unconfirmed?: true
  /** Set for a partial session, in lists for administrators: what is outstanding. It opens nothing. */
  readonly authQueries?: readonly AuthQuery[]
  /** Set where the browser carries the session: from `renewAt` on a navigation should leave with a fresh token (`renew`). */
  readonly stateless?: { readonly renewAt: EpochMs }
}

export interface IssuedSession {
  readonly session: Session
  readonly token: SessionToken
}

/** What a finished login says about the person. */
export interface SessionDraft {
  readonly realm: RealmName
  readonly userId: string
  readonly username: string
  readonly authLevel: number
  readonly authModules: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  readonly maxIdleMs: number
  readonly maxLifeMs: number
  /** Where the session lives: in the store (`cts`, the default) or with the browser. */
  readonly mode?: 'cts' | 'stateless'
  /** `CEILING` where absent. */
  readonly quota?: Quota | undefined
  /** Since when what the login rests on has been proved, where that is earlier than now: the session is that old from the start. */
  readonly provenSince?: EpochMs | undefined
}

/** What came of a login. */
export type Establishment =
  | { readonly kind: 'established'; readonly issued: IssuedSession }
  /** The quota denies it: nothing was started. `running`: what the user has, oldest first. */
  | { readonly kind: 'quota-reached'; readonly running: readonly Session[] }

/** Who asked, for the audit log and for the list of a person's sessions. */
export interface RequestOrigin {
  readonly requestId: string | undefined
  readonly clientIp: string | undefined
  /** What the browser says of itself; a new session remembers the start of it. */
  readonly userAgent?: string | undefined
  /** Tag of the language that the person's pages are in. */
  readonly language?: string
}

export interface ResolveOptions {
  /**
   * While the store cannot be asked, a session it confirmed within the grace time may pass, marked `unconfirmed`. Never for the
   * audience `login`. Without it, such a request is GH_STORE_UNAVAILABLE.
   */
  readonly grace?: boolean
}

/** The one thing the data plane needs: whose token is this? */
export interface SessionResolver {
  /**
   * `undefined` for unknown, expired, ended, forged or malformed tokens and for tokens of another audience. Answers at once where
   * nobody has to be asked. Rejects with GH_STORE_UNAVAILABLE when the store cannot say.
   */
  resolve(
    token: SessionToken,
    audience: Audience,
    options?: ResolveOptions,
  ): Session | undefined | Promise<Session | undefined>
  /** Notes that the session was used; coalesced, written later, never awaited on the request's path. */
  touch(session: Session): void
  /**
   * What a browser that navigates should get in place of `token`, which has just resolved to `session`; `undefined` where it is good
   * for longer. Its idle time counts from now.
   */
  renew(token: SessionToken, session: Session): SessionToken | undefined
}

/** Starts, strengthens and ends sessions. The only writer of sessions in the product. */
export interface SessionService extends SessionResolver {
  /**
   * A new session with a login token, and the end of those that have to make room for it by its quota. Ends `replaces` first
   * (another user or realm in the same browser), with that cause. Rejects with GH_SESSION_TOO_LARGE where the browser would have
   * to carry more than a cookie holds; nothing was started or ended then.
   */
  establish(
    draft: SessionDraft,
    origin: RequestOrigin,
    replaces?: { readonly session: Session; readonly cause: EndCause },
  ): Promise<Establishment>
  /**
   * The same user proved more, or proved again: new login token, gen + 1, the old secret dead, children kept. `keepsAge`: the
   * proof is too weak for the session's age to count from it. `undefined` when the session ended or somebody else upgraded it first.
   */
  upgrade(
    session: Session,
    proof: Pick<SessionDraft, 'authLevel' | 'authModules' | 'properties' | 'provenSince'> & {
      readonly keepsAge?: boolean
    },
    origin: RequestOrigin,
  ): Promise<IssuedSession | undefined>
  /** Ends the session, its restricted tokens and its open streams. False when it had ended already. */
  end(sid: string, cause: EndCause, origin: RequestOrigin): Promise<boolean>
  /** How many sessions were ended. */
  endAllOfUser(
    user: { readonly realm: RealmName; readonly userId: string },
    cause: EndCause,
    origin: RequestOrigin,
  ): Promise<number>
  /** Ends all else of its user, logins that are not through as well. How many were ended. */
  endOthers(session: Pick<Session, 'sid' | 'realm' | 'userId'>, cause: EndCause, origin: RequestOrigin): Promise<number>
  ofUser(user: { readonly realm: RealmName; readonly userId: string }): Promise<readonly Session[]>
  /** The live session of this name, as its login token sees it; none that is partial. */
  find(sid: string): Promise<Session | undefined>
}

/** Told once per session that has ended anywhere (this process or another), within the revocation promise. */
export type SessionEnded = (sid: string, ending: SessionEnding) => void

/** What is known of a session that has ended: it cannot be looked up any more. */
export interface SessionEnding {
  readonly sid: string
  readonly cause: EndCause
  readonly at: EpochMs
  /** Absent where a process of a version before ended it. */
  readonly owner?: SessionOwner
}

/** What the login host says to an agent: "this browser is this session", once. */
export interface HandshakeGrant {
  readonly agent: AgentId
  /** Audience that the agent's token will have: its own, or the domain it shares. */
  readonly audience: Audience
  /** Absolute URL at the agent where the person was going; checked before the code was issued. */
  readonly goto: string
  /** SHA-256 of the browser-binding cookie, as the gateway put it into `state`. */
  readonly binding: string
  /** The person has just proved who they are: not one of those silent handshakes of which many in a row are a loop. */
  readonly interactive: boolean
}

export type Redemption =
  | {
      readonly kind: 'issued'
      readonly token: SessionToken
      readonly session: Session
      readonly goto: string
      readonly interactive: boolean
    }
  /** The code was for another browser: the gateway starts the handshake anew for this one; the code is spent. */
  | { readonly kind: 'other-browser'; readonly goto: string }
  | { readonly kind: 'refused'; readonly reason: RedemptionFault }

/** Unknown, spent or expired code, other agent, a session that ended or moved on in between, or a code that belongs to another start. */
export type RedemptionFault = 'unknown-code' | 'other-agent' | 'session-ended' | 'session-moved-on' | 'other-start'

/** Carries a login from the login host to one agent. Codes live for a minute and work once. */
export interface HandshakeService {
  issue(session: Session, grant: HandshakeGrant): Promise<string>
  /** `binding`: SHA-256 of the binding cookie this browser sent; `undefined` when it sent none. */
  redeem(code: string, agent: AgentId, binding: string | undefined, origin: RequestOrigin): Promise<Redemption>
  /**
   * The restricted token at once, for an agent of OpenAM's that can trade no code: the browser takes it there. `undefined` when the
   * session ended or moved on.
   */
  tokenFor(
    session: Session,
    to: Pick<HandshakeGrant, 'agent' | 'audience'>,
    origin: RequestOrigin,
  ): Promise<SessionToken | undefined>
}
