import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { Audience, SessionPatch, SessionRecord, TokenRecord } from '../store.ts'
import { unavailable } from './faults.ts'
import { bucketOfSid } from './groups.ts'

/* The other half of scripts/session-value.ts. Tuples instead of objects: a session has to fit in a kilobyte with its tokens' keys. */

type TokenTuple = readonly [
  hash: string,
  audience: Audience,
  gen: number,
  authLevel: number,
  authInstant: EpochMs,
  /** Since the proof. */
  issuedAfterMs: number,
]
type FixedTuple = readonly [
  realm: RealmName,
  userId: string,
  username: string,
  createdAt: EpochMs,
  address: string,
  device: string,
]
type PatchTuple = readonly [
  authLevel: number,
  authModules: readonly string[],
  authInstant: EpochMs,
  properties: Readonly<Record<string, string>>,
]

export function encodeToken({
  hash,
  audience,
  gen,
  authLevel,
  authInstant,
  issuedAt,
}: Omit<TokenRecord, 'sid'>): string {
  return JSON.stringify([hash, audience, gen, authLevel, authInstant, issuedAt - authInstant] satisfies TokenTuple)
}

export function encodePatch({ authLevel, authModules, authInstant, properties }: SessionPatch): string {
  return JSON.stringify([authLevel, authModules, authInstant, properties] satisfies PatchTuple)
}

/** Scripts look for `s`. */
const KINDS: Readonly<Record<SessionRecord['kind'], string>> = { cts: 'c', stateless: 's', partial: 'p' }

export function encodeSession(session: SessionRecord, token: TokenRecord | undefined): string {
  const { gen, lastSeenAt, maxIdleMs, maxExpiresAt, kind, realm, userId, username, createdAt, origin } = session
  const fixed = [realm, userId, username, createdAt, origin.address, origin.device] satisfies FixedTuple
  return [
    `${gen} ${lastSeenAt} ${maxIdleMs} ${maxExpiresAt} ${KINDS[kind]}`,
    `[${token === undefined ? '' : encodeToken(token)}]`,
    JSON.stringify(fixed),
    encodePatch(session),
  ].join('\n')
}

interface Decoded {
  readonly session: SessionRecord
  readonly tokens: readonly TokenRecord[]
}

function decode(sid: string, value: string): Decoded {
  const [head = '', tokenLine = '', fixedLine = '', patchLine = ''] = value.split('\n')
  const [gen = '', lastSeenAt = '', maxIdleMs = '', maxExpiresAt = '', kind = ''] = head.split(' ')
  const [realm, userId, username, createdAt, address, device] = JSON.parse(fixedLine) as FixedTuple
  const [authLevel, authModules, authInstant, properties] = JSON.parse(patchLine) as PatchTuple
  const session: SessionRecord = {
    sid,
    bucket: bucketOfSid(sid) ?? -1,
    kind: kind === 's' ? 'stateless' : kind === 'p' ? 'partial' : 'cts',
    realm,
    userId,
    username,
    gen: Number(gen),
    authLevel,
    authModules,
    authInstant,
    createdAt,
    lastSeenAt: Number(lastSeenAt) as EpochMs,
    maxIdleMs: Number(maxIdleMs),
    maxExpiresAt: Number(maxExpiresAt) as EpochMs,
    origin: { address, device },
    properties,
  }
  const tokens = JSON.parse(tokenLine) as readonly TokenTuple[]
  return { session, tokens: tokens.map((token) => toToken(sid, token)) }
}

function toToken(sid: string, [hash, audience, gen, authLevel, authInstant, issuedAfterMs]: TokenTuple): TokenRecord {
  const issuedAt = (authInstant + issuedAfterMs) as EpochMs
  return { hash, sid, audience, gen, authLevel, authInstant, issuedAt }
}

/** Throws GH_STORE_UNAVAILABLE for what is no session: it must never look like "no such session". */
export function decodeWithTokens(sid: string, value: string): Decoded {
  try {
    return decode(sid, value)
  } catch (error) {
    throw unavailable(error)
  }
}

export function decodeSession(sid: string, value: string): SessionRecord {
  return decodeWithTokens(sid, value).session
}
