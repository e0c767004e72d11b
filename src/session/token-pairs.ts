import type { Clock } from '../base/clock.ts'
import { signJws, verifyJws, type TokenAlgorithm } from '../crypto/jws.ts'
import type { RingKey } from '../crypto/key-document.ts'
import type { KeyRing } from '../crypto/key-ring.ts'
import { fault } from '../errors.ts'
import type { Store } from '../store/store.ts'
import type { RequestOrigin, Session, SessionService } from './session.ts'
import {
  ACCESS_PURPOSES,
  accessAudience,
  readClaims,
  REFRESH_PURPOSES,
  refreshAudience,
  type TokenClaims,
} from './token-claims.ts'
import type { TokenRules } from './tokens.schema.ts'

/** A short access token and the refresh token that gets the next pair; times in seconds since the epoch. */
export interface TokenPair {
  readonly accessToken: string
  readonly accessExpire: number
  readonly refreshToken: string
  readonly refreshExpire: number
}

export type Refreshed =
  | { readonly kind: 'refreshed'; readonly pair: TokenPair }
  /** Forged, expired, of another kind, or of a session that has ended. */
  | { readonly kind: 'invalid' }
  /** It was used before, longer ago than the grace: two hold it, one of them a thief, and the session has been ended. */
  | { readonly kind: 'reused' }

export interface TokenPairs {
  /** The first pair of a session that has just begun. */
  issue(session: Session, rules: TokenRules): TokenPair
  /** Trades a refresh token for the next pair. Rejects with the store's and the ring's faults. */
  refresh(token: string, rules: TokenRules, origin: RequestOrigin): Promise<Refreshed>
}

export interface TokenPairsDeps {
  readonly keyRing: Pick<KeyRing, 'current' | 'known'>
  readonly store: Pick<Store, 'versioned'>
  /** `find`: only sessions that may go on under the configuration in force. */
  readonly sessions: Pick<SessionService, 'find' | 'touch' | 'end'>
  readonly clock: Clock
  /** The login host's origin. */
  readonly issuer: string
}

const NAMESPACE = 'token-pair'
/**
 * A refresh token that was used this short a time ago gets the same pair again: tabs of one browser, or a client whose answer was
 * lost, send it twice (RFC 9700 §4.14.2 leaves this to us).
 */
const REUSE_GRACE_MS = 10_000
/** Each round that is lost was won by another refresh of the same token, so the next one knows its pair. */
const MAX_ROUNDS = 4

/** Everything a pair is made from: the same again gives the same pair, and the store never holds a token. */
interface PairRecord {
  readonly seq: number
  /** Seconds. */
  readonly iat: number
  readonly accessExp: number
  readonly refreshExp: number
  readonly alg: TokenAlgorithm
  readonly accessKid: string
  readonly refreshKid: string
}

export function createTokenPairs(deps: TokenPairsDeps): TokenPairs {
  const { keyRing, store, sessions, clock, issuer } = deps

  const newRecord = (
    seq: number,
    session: Session,
    { accessTTL, refreshTTL, algorithm: alg }: TokenRules,
  ): PairRecord => {
    const now = clock()
    const until = (ttl: number): number => Math.floor(Math.min(now + ttl, session.maxExpiresAt) / 1_000)
    const [access, refresh] = [keyRing.current(ACCESS_PURPOSES[alg]), keyRing.current(REFRESH_PURPOSES[alg])]
    const kids = { accessKid: access.kid, refreshKid: refresh.kid }
    return {
      seq,
      iat: Math.floor(now / 1_000),
      accessExp: until(accessTTL),
      refreshExp: until(refreshTTL),
      alg,
      ...kids,
    }
  }

  /** `undefined` when a key is gone: then nothing it signed is valid any more. */
  const pairOf = (session: Session, record: PairRecord): TokenPair | undefined => {
    const { alg, seq, iat, accessExp, refreshExp } = record
    const accessKey = keyRing.known(ACCESS_PURPOSES[alg], record.accessKid)
    const refreshKey = keyRing.known(REFRESH_PURPOSES[alg], record.refreshKid)
    if (accessKey === undefined || refreshKey === undefined) return undefined
    const token = (key: RingKey, own: Pick<TokenClaims, 'aud' | 'exp' | 'typ'>): string => {
      const { aud, exp, typ } = own
      const claims: TokenClaims = {
        aud,
        exp,
        iat,
        iss: issuer,
        jti: session.sid,
        nbf: iat,
        seq,
        sub: session.userId,
        typ,
      }
      return signJws(alg, key, claims)
    }
    return {
      accessToken: token(accessKey, { aud: accessAudience(issuer, session.realm), exp: accessExp, typ: 'Bearer' }),
      accessExpire: accessExp,
      refreshToken: token(refreshKey, { aud: refreshAudience(issuer), exp: refreshExp, typ: 'Refresh' }),
      refreshExpire: refreshExp,
    }
  }

  const read = (token: string): TokenClaims | undefined => {
    const payload = verifyJws(token, REFRESH_PURPOSES, deps)
    const claims = payload === undefined ? undefined : readClaims(payload, { iss: issuer, typ: 'Refresh' }, clock())
    return claims?.aud === refreshAudience(issuer) ? claims : undefined
  }

  /** `undefined`: another refresh was faster; look again. */
  const rotate = async (session: Session, { seq }: TokenClaims, rules: TokenRules): Promise<Refreshed | undefined> => {
    const found = await store.versioned.load(NAMESPACE, session.sid)
    const latest = found === undefined ? undefined : (JSON.parse(found.value) as PairRecord)
    const ttlMs = Math.max(1, session.maxExpiresAt - clock())
    // The first refresh, or the token of now. One from the future is as genuine: a fail-over of the store lost what we wrote.
    if (found === undefined || latest === undefined || seq >= latest.seq) {
      const next = newRecord(seq + 1, session, rules)
      const value = JSON.stringify(next)
      const won =
        found === undefined
          ? await store.versioned.create(NAMESPACE, session.sid, value, ttlMs)
          : await store.versioned.replace(NAMESPACE, session.sid, found.version, value, ttlMs)
      return won ? refreshed(pairOf(session, next)) : undefined
    }
    const isLate = clock() - latest.iat * 1_000 > REUSE_GRACE_MS
    return seq < latest.seq - 1 || isLate ? { kind: 'reused' } : refreshed(pairOf(session, latest))
  }

  return {
    issue(session, rules) {
      const pair = pairOf(session, newRecord(1, session, rules))
      if (pair === undefined) throw fault('GH_KEYS_UNAVAILABLE', { detail: 'the key that signs now is not known' })
      return pair
    },

    async refresh(token, rules, origin) {
      const claims = read(token)
      const session = claims === undefined ? undefined : await sessions.find(claims.jti)
      if (claims === undefined || session?.userId !== claims.sub) return { kind: 'invalid' }
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const outcome = await rotate(session, claims, rules)
        if (outcome === undefined) continue
        if (outcome.kind === 'refreshed') sessions.touch(session)
        if (outcome.kind === 'reused') await sessions.end(session.sid, 'token-reused', origin)
        return outcome
      }
      throw fault('GH_BUSY', { detail: 'too many refreshes of one session at once' })
    },
  }
}

function refreshed(pair: TokenPair | undefined): Refreshed {
  return pair === undefined ? { kind: 'invalid' } : { kind: 'refreshed', pair }
}
