import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { RequestOrigin, Session, SessionService, SessionToken } from '../../session/session.ts'
import type { SessionReader } from '../../store/store.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import { administers, sameUser } from '../administration.ts'
import type { People } from '../ports.ts'
import type { Address } from './address.ts'
import type { Agents } from './agents.ts'
import type { PresentedTokens } from './tokens.ts'
import type { ApiVersion } from './version.ts'

export interface SessionsDeps {
  readonly sessions: Pick<SessionService, 'resolve' | 'touch' | 'end' | 'endAllOfUser' | 'ofUser' | 'find'>
  readonly records: Pick<SessionReader, 'find' | 'list'>
  readonly people: People
  readonly agents: Agents
  readonly audit: AuditSink
  readonly clock: Clock
  /** Whether a token may stand in an address, in the path or the parameter `tokenId`: addresses end up in other people's logs. */
  readonly tokensInAddresses: boolean
}

/** One request, read once. */
export interface Call {
  readonly address: Address
  readonly version: ApiVersion
  readonly tokens: PresentedTokens
  readonly origin: RequestOrigin
  /** The JSON body; `undefined` where there is none. */
  readonly body: unknown
  /** `If-Match` and `If-None-Match` (RFC 9110 §13.1). */
  readonly precondition: { readonly match: string | undefined; readonly noneMatch: string | undefined }
  /** A query parameter that was given exactly once. */
  query(name: string): string | undefined
}

/** A token counts at the login host only, and never on a confirmation of before a store outage. */
export async function sessionOf(
  { sessions }: { readonly sessions: Pick<SessionService, 'resolve'> },
  token: SessionToken | undefined,
): Promise<Session | undefined> {
  return token === undefined ? undefined : sessions.resolve(token, 'login')
}

/** Whose sessions a call is about. */
export interface Target {
  readonly realm: RealmName
  readonly username?: string
  readonly sid?: string
}

/** Owners may do it to their own sessions, administrators to those of their realms; `own`: no administrator was needed. */
export async function permission(
  { people }: SessionsDeps,
  caller: Session,
  owner: { readonly realm: RealmName; readonly userId: string | undefined },
): Promise<'own' | 'administrator' | 'none'> {
  const { realm, userId } = owner
  if (userId !== undefined && sameUser(caller, { realm, userId })) return 'own'
  return (await administers(people, caller, realm)) ? 'administrator' : 'none'
}

/** Notes what an administrator did with other people's sessions, and what somebody was not allowed to. */
export function auditCall(
  { audit, clock }: Pick<SessionsDeps, 'audit' | 'clock'>,
  { origin }: Pick<Call, 'origin'>,
  what: {
    readonly caller: Session
    readonly action: 'list' | 'read' | 'end'
    readonly outcome: 'done' | 'refused'
    readonly target: Target
    readonly count?: number
  },
): void {
  const { caller, action, outcome, target, count } = what
  const { requestId, clientIp } = origin
  const { realm, username, sid } = caller
  audit.record({
    event: 'SessionsAdministered',
    at: clock(),
    requestId,
    clientIp,
    ...{ realm, username, sid, action, outcome, target },
    ...(count === undefined ? {} : { count }),
  })
}
