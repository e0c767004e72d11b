import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { rememberRecent } from '../base/recent.ts'
import { verifyJws } from '../crypto/jws.ts'
import type { KeyRing } from '../crypto/key-ring.ts'
import type { ResolvedRecord, SessionReader, Store } from '../store/store.ts'
import { ResolveCache } from './resolve-cache.ts'
import type { ResolveOptions, Session } from './session.ts'
import { ACCESS_PURPOSES, accessAudience, mentionsToken, readClaims, type TokenClaims } from './token-claims.ts'

/** Sessions by the access token of an `Authorization` header (RFC 6750 §2.1). */
export interface BearerResolver {
  /** Whether the header's value carries a token that is ours, or pretends to be: then nobody else is to judge, or to see, it. */
  isOurs(authorization: string): boolean
  /**
   * The live session of a valid access token, exactly `Bearer <token>`; else `undefined`. A session that has ended is none within the
   * same second as for cookies. Rejects, or throws, with GH_STORE_UNAVAILABLE and GH_KEYS_UNAVAILABLE.
   */
  resolve(authorization: string, options?: ResolveOptions): Session | undefined | Promise<Session | undefined>
}

export interface BearerDeps {
  readonly keyRing: Pick<KeyRing, 'known' | 'jwks'>
  readonly store: Pick<Store, 'sessions' | 'revocations'>
  readonly clock: Clock
  /** The login host's origin. */
  readonly issuer: string
  /** How long a session may pass on its last confirmation while the store is away. 15,000 by default. */
  readonly graceMs?: number
  /** Tokens, and sessions, that are held in memory. */
  readonly maxCached: number
}

interface Memory {
  readonly cache: ResolveCache
  /** Checking a signature takes longer than everything else about a request. Only what verified is kept. */
  readonly verified: LRUCache<string, TokenClaims>
}

const FORM = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i
const LONGEST_REMEMBERED = 2_048

export function createBearerResolver(deps: BearerDeps): BearerResolver & { close(): void } {
  const { keyRing, store, clock, issuer, graceMs = 15_000, maxCached } = deps
  // Most processes never see such a token, and room for as many as may be held is made at once.
  let memory: Memory | undefined
  const remembered = (): Memory =>
    (memory ??= {
      // The session itself is asked for, by its sid in place of a secret's hash: no secret opens it here, a signature does.
      cache: new ResolveCache({
        sessions: { resolve: (sid) => findBySid(store.sessions, sid) },
        revocations: store.revocations,
        clock,
        graceMs,
        maxEntries: maxCached,
      }),
      verified: new LRUCache({ max: maxCached }),
    })
  let jwks = keyRing.jwks()

  const claimsOf = (token: string): TokenClaims | undefined => {
    const { verified } = remembered()
    // Other keys than before: what was signed with one that is gone (one that was stolen, say) is good no more.
    if (jwks !== keyRing.jwks()) verified.clear()
    jwks = keyRing.jwks()
    const known = verified.get(token)
    const payload = known ?? verifyJws(token, ACCESS_PURPOSES, deps)
    const claims = payload === undefined ? undefined : readClaims(payload, { iss: issuer, typ: 'Bearer' }, clock())
    if (known === undefined && claims !== undefined) verified.set(token, claims)
    return claims
  }

  return {
    isOurs: rememberRecent((value) => mentionsToken(value, issuer), {
      maxEntries: maxCached,
      maxLength: LONGEST_REMEMBERED,
    }),

    resolve(authorization, options) {
      const token = FORM.exec(authorization)?.[1]
      const claims = token === undefined ? undefined : claimsOf(token)
      const bucket = claims && bucketOfSid(claims.jti)
      if (claims === undefined || bucket === undefined) return undefined
      const grace = options?.grace === true
      const found = remembered().cache.resolve({ hash: claims.jti, bucket, audience: 'login', grace })
      if (found instanceof Promise) return found.then((session) => meant(session, claims, issuer))
      return meant(found, claims, issuer)
    },

    close: () => memory?.cache.close(),
  }
}

/** The realm and the person it was issued for, and no others. */
function meant(session: Session | undefined, { aud, sub }: TokenClaims, issuer: string): Session | undefined {
  if (session === undefined || session.userId !== sub) return undefined
  return aud === accessAudience(issuer, session.realm) ? session : undefined
}

async function findBySid(sessions: Pick<SessionReader, 'find'>, sid: string): Promise<ResolvedRecord | undefined> {
  const session = await sessions.find(sid)
  if (session === undefined) return undefined
  const { gen, authLevel, authInstant, createdAt: issuedAt } = session
  return { session, token: { hash: sid, sid, audience: 'login', gen, authLevel, authInstant, issuedAt } }
}

/** A sid starts with its bucket in four digits. */
function bucketOfSid(sid: string): number | undefined {
  return /^\d{4}\./.test(sid) ? Number(sid.slice(0, 4)) : undefined
}
