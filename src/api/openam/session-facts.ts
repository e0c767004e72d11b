import type { EpochMs, RealmName } from '../../base/brand.ts'
import { authQueryDetail } from '../auth-query.ts'
import type { Session } from '../../session/session.ts'

const MINUTE = 60_000

/** Seconds until the session is over however much it is used. */
export function secondsLeft({ maxExpiresAt }: Session, now: EpochMs): number {
  return Math.max(0, Math.floor((maxExpiresAt - now) / 1_000))
}

/** Minutes that the session may last. */
export function lifeMinutes({ maxExpiresAt, createdAt }: Session): number {
  return Math.round((maxExpiresAt - createdAt) / MINUTE)
}

/** Minutes for which it may be unused. */
export function idleMinutes({ idleExpiresAt, lastSeenAt }: Session): number {
  return Math.round((idleExpiresAt - lastSeenAt) / MINUTE)
}

/** Seconds since it was last used. */
export function idleSeconds({ lastSeenAt }: Session, now: EpochMs): number {
  return Math.max(0, Math.floor((now - lastSeenAt) / 1_000))
}

/** What `refresh` answers: times in seconds, limits in minutes. */
export function timesOf(session: Session, now: EpochMs): object {
  return {
    uid: session.username,
    realm: session.realm,
    idletime: idleSeconds(session, now),
    maxidletime: idleMinutes(session),
    maxsessiontime: lifeMinutes(session),
    maxtime: secondsLeft(session, now),
  }
}

/** OpenAM's distinguished name of a person, for clients that take names out of it (RFC 4514 §2.4). */
export function universalId({ realm, username }: { readonly realm: RealmName; readonly username: string }): string {
  return `id=${escaped(username)},ou=user,${placeOf(realm)}`
}

/** The same of a group. */
export function groupId({ realm, group }: { readonly realm: RealmName; readonly group: string }): string {
  return `id=${escaped(group)},ou=group,${placeOf(realm)}`
}

/** And of one of its agents. */
export function agentId({ realm, agent }: { readonly realm: RealmName; readonly agent: string }): string {
  return `id=${escaped(agent)},ou=agent,${placeOf(realm)}`
}

function placeOf(realm: RealmName): string {
  const parts = realm.split('/').filter((part) => part !== '')
  return parts.length === 0
    ? 'ou=am-config'
    : [...parts.reverse().map((part) => `o=${part}`), 'ou=services,ou=am-config'].join(',')
}

function escaped(value: string): string {
  return value.replace(/[\\,+"<>;=]|^[ #]| $/g, (char) => `\\${char}`).replaceAll('\0', '\\00')
}

/** `shandle:…`, the public name of a session: opens nothing. */
export function handleOf({ sid }: Pick<Session, 'sid'>): string {
  return `shandle:${sid}`
}

const HANDLE = /^shandle:(\d{4}\.[A-Za-z0-9_-]{16})$/

/** The session a handle names; `undefined` for what no session is called. */
export function sidOfHandle(handle: string): string | undefined {
  return HANDLE.exec(handle)?.[1]
}

/** What clients may read of a session beyond its times. Nothing of it can be written from outside. */
export function propertiesOf({ sid, authLevel, authModules, authInstant }: Session): Readonly<Record<string, string>> {
  return {
    AMCtxId: sid,
    AuthLevel: String(authLevel),
    AuthType: authModules.join('|'),
    authInstant: iso(authInstant),
  }
}

/** A session in an administrator's list. One that is partial says what is outstanding, as Ziti's API sessions do. */
export function summaryOf(session: Session): Readonly<Record<string, string | readonly object[]>> {
  const { username, realm, lastSeenAt, idleExpiresAt, maxExpiresAt, authQueries } = session
  return {
    username,
    universalId: universalId(session),
    realm,
    sessionHandle: handleOf(session),
    latestAccessTime: iso(lastSeenAt),
    maxIdleExpirationTime: iso(Math.min(idleExpiresAt, maxExpiresAt)),
    maxSessionExpirationTime: iso(maxExpiresAt),
    ...(authQueries === undefined ? {} : { authQueries: authQueries.map(authQueryDetail) }),
  }
}

/** What `getSessionInfo` answers. */
export function infoOf(session: Session): object {
  const { sessionHandle, ...facts } = summaryOf(session)
  return { ...facts, properties: { ...propertiesOf(session), sessionHandle } }
}

function iso(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}
