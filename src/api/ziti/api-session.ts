import type { RealmAuthn } from '../../authn/realm-authn.ts'
import type { EpochMs } from '../../base/brand.ts'
import type { ApiToken } from '../../session/api-token.ts'
import type { AuthQuery, Session } from '../../session/session.ts'
import { zitiQuery } from '../auth-query.ts'
import { identityRef } from './identity.ts'
import type { PartialLogin } from './partial-logins.ts'
import { iso } from './reply.ts'

/** What Ziti's `currentApiSessionDetail` says, before it is written down. */
export interface ApiSession {
  readonly id: string
  readonly userId: string
  readonly username: string
  readonly authModules: readonly string[]
  /** Empty for a session that is full. */
  readonly authQueries: readonly AuthQuery[]
  readonly address: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly lastActivityAt: number
  readonly expirationSeconds: number
  readonly expiresAt: number
}

/** One that is used now counts from now. */
export function ofSession(session: Session, usedAt: EpochMs = session.lastSeenAt): ApiSession {
  const { sid, userId, username, authModules, authQueries = [], origin, createdAt, authInstant } = session
  const { lastSeenAt, idleExpiresAt, maxExpiresAt } = session
  const idleMs = idleExpiresAt - lastSeenAt
  return {
    ...{ id: sid, userId, username, authModules, authQueries, address: origin.address, createdAt },
    updatedAt: Math.max(createdAt, authInstant),
    lastActivityAt: usedAt,
    expirationSeconds: Math.floor(idleMs / 1_000),
    expiresAt: Math.min(usedAt + idleMs, maxExpiresAt),
  }
}

/** A login that is not through is over when it is, however much is done with it. */
export function ofPartial(login: PartialLogin): ApiSession {
  const { sid, userId, username, authModules, authQueries, address, createdAt, expiresAt } = login
  return {
    ...{ id: sid ?? '', userId, username, authModules, authQueries, address, createdAt, expiresAt },
    updatedAt: createdAt,
    lastActivityAt: createdAt,
    expirationSeconds: Math.floor((expiresAt - createdAt) / 1_000),
  }
}

/** Ziti's name for a way to sign in, of what a login began with. */
export function methodOf({ modules }: Pick<RealmAuthn, 'modules'>, authModules: readonly string[]): string {
  const type = modules.get(authModules[0] ?? '')?.type ?? ''
  return METHODS[type] ?? type
}

const METHODS: Readonly<Record<string, string>> = { password: 'updb', x509: 'cert', externalJwt: 'ext-jwt' }

/** `token`: only for whoever has just shown it, or gets it now. */
export function apiSessionDetail(
  realmAuthn: Pick<RealmAuthn, 'modules'>,
  session: ApiSession,
  token?: ApiToken,
): object {
  const { id, userId, username, authModules, authQueries } = session
  const isPartial = authQueries.length > 0
  const hasSecond = authModules.some((name) => realmAuthn.modules.get(name)?.isEnrolled !== undefined)
  const self = `./api-sessions/${id}`
  return {
    _links: { self: { href: self }, sessions: { href: `${self}/sessions` } },
    createdAt: iso(session.createdAt),
    id,
    tags: {},
    updatedAt: iso(session.updatedAt),
    authQueries: authQueries.map(zitiQuery),
    authenticatorId: authenticatorId(methodOf(realmAuthn, authModules), userId),
    cachedLastActivityAt: iso(session.lastActivityAt),
    configTypes: [],
    identity: identityRef({ userId, username }),
    identityId: userId,
    ipAddress: session.address,
    isMfaComplete: hasSecond && !isPartial,
    isMfaRequired: hasSecond || isPartial,
    lastActivityAt: iso(session.lastActivityAt),
    ...(token === undefined ? {} : { token }),
    expirationSeconds: session.expirationSeconds,
    expiresAt: iso(session.expiresAt),
  }
}

/** Of what Ziti keeps as an authenticator: one of each method a person. */
export function authenticatorId(method: string, userId: string): string {
  return `${method}.${userId}`
}
