import { z } from 'zod'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { sha256 } from '../crypto/sha256.ts'
import type { Audience } from '../store/store.ts'
import { bucketOf } from './bucket.ts'
import { renewalTime } from './session-view.ts'
import type { Session } from './session.ts'

/** Seconds, as RFC 7519 §2 has them; the fraction keeps our milliseconds. */
const numericDate = z.number().positive()
const text = z.string().min(1)

/** What the browser carries. Sealed by us alone, and still read as if it were not. */
const claimsSchema = z.strictObject({
  aud: text,
  /** Hash of what stands before the JWT: neither works with another's other half. */
  bound: z.string().length(43),
  sid: text,
  sub: text,
  name: text,
  realm: text,
  gen: z.int().positive(),
  level: z.int(),
  amr: z.array(text),
  auth_time: numericDate,
  created: numericDate,
  iat: numericDate,
  exp: numericDate,
  /** Milliseconds. */
  idle: z.number().positive(),
  epochs: z.array(z.int().nonnegative()).length(2),
  life: z.string(),
  properties: z.record(z.string(), z.string()),
})

export type Claims = z.infer<typeof claimsSchema>

/** Where the counters stood when a token was issued. A token that has less of one than there is by now is refused. */
export type Standing = Pick<Claims, 'epochs' | 'life'>

export function readClaims(value: unknown): Claims | undefined {
  const parsed = claimsSchema.safeParse(value)
  return parsed.success ? parsed.data : undefined
}

/** The counters of "end all of this user" and "end all of this realm". Hashed, so that no user id is too long for a key. */
export function epochKeys({ realm, userId }: Pick<Session, 'realm' | 'userId'>): readonly [string, string] {
  return [`user:${sha256(`${realm}\0${userId}`)}`, realmEpochKey(realm)]
}

export function realmEpochKey(realm: RealmName): string {
  return `realm:${sha256(realm)}`
}

export function claimsOf(
  session: Session,
  { audience, front, now }: { readonly audience: Audience; readonly front: string; readonly now: EpochMs },
  standing: Standing,
): Claims {
  return {
    aud: audience,
    bound: boundTo(front),
    sid: session.sid,
    sub: session.userId,
    name: session.username,
    realm: session.realm,
    gen: session.gen,
    level: session.authLevel,
    amr: [...session.authModules],
    auth_time: session.authInstant / 1_000,
    created: session.createdAt / 1_000,
    iat: now / 1_000,
    exp: session.maxExpiresAt / 1_000,
    idle: session.idleExpiresAt - session.lastSeenAt,
    ...standing,
    properties: session.properties,
  }
}

/** Where it was started stays in the store: it would make every cookie longer. */
export function sessionOf(claims: Claims): Session {
  const lastSeenAt = instant(claims.iat)
  const realm = claims.realm as RealmName
  return {
    sid: claims.sid,
    bucket: bucketOf(realm, claims.sub),
    realm,
    userId: claims.sub,
    username: claims.name,
    gen: claims.gen,
    authLevel: claims.level,
    authModules: claims.amr,
    authInstant: instant(claims.auth_time),
    createdAt: instant(claims.created),
    lastSeenAt,
    idleExpiresAt: (lastSeenAt + claims.idle) as EpochMs,
    maxExpiresAt: instant(claims.exp),
    origin: { address: '', device: '' },
    properties: claims.properties,
    stateless: { renewAt: renewalTime(lastSeenAt, claims.idle) },
  }
}

export function boundTo(front: string): string {
  return sha256(front)
}

function instant(seconds: number): EpochMs {
  return Math.round(seconds * 1_000) as EpochMs
}
