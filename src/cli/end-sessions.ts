import type { RealmName } from '../base/brand.ts'
import { systemClock } from '../base/clock.ts'
import { epochKeys, realmEpochKey } from '../session/stateless-claims.ts'
import type { SessionRecord } from '../store/store.ts'
import { createAuditLog } from '../telemetry/audit-log.ts'
import type { AuditEvent } from '../telemetry/audit.ts'
import { findSession, peopleCalled, selectSessions, type Selection } from './select-sessions.ts'
import type { OpenedConfiguration } from './with-store.ts'

export interface Operator {
  /** Who the audit log says it was. */
  readonly username: string
  /** Takes audit events where the configuration names no file for them. */
  readonly tell: (line: string) => void
}

/** Sessions by their names, all of one person of a realm, or all of a realm. */
export type Ending =
  | { readonly names: readonly string[] }
  | { readonly realm: RealmName; readonly user: string }
  | { readonly realm: RealmName }

export interface Ended {
  readonly ended: readonly SessionRecord[]
  /** Names of no running session. */
  readonly unknown: readonly string[]
}

/** Rounds of listing and ending, so that a login that finished meanwhile is ended too. */
const ROUNDS = 3

/** The store's revocation log tells every running process. */
export async function endSessions(opened: OpenedConfiguration, ending: Ending, by: Operator): Promise<Ended> {
  const { file } = opened.snapshot.gatehouse.telemetry.audit
  const audit = createAuditLog({ destination: file === undefined ? { write: by.tell } : { file }, log: opened.log })
  const about = { at: systemClock(), requestId: undefined, clientIp: undefined }
  const record = (target: Target, count: number): void => {
    const who = { realm: '/' as RealmName, username: by.username, sid: undefined }
    audit.record({ event: 'SessionsAdministered', ...about, ...who, action: 'end', outcome: 'done', target, count })
  }
  const ended: SessionRecord[] = []
  const end = async ({ sid }: Pick<SessionRecord, 'sid'>): Promise<boolean> => {
    const session = await opened.store.sessions.end(sid, 'admin')
    if (session === undefined) return false
    ended.push(session)
    const { realm, username } = session
    audit.record({ event: 'SessionEnded', ...about, realm, username, sid, cause: 'admin' })
    if (!isRealm(ending)) record({ realm, username, sid }, 1)
    return true
  }
  try {
    if ('names' in ending) return { ended, unknown: await endNamed(opened, ending.names, end) }
    await raiseEpochs(opened, ending)
    for (let round = 0; round < ROUNDS; round++) await endAll(opened, ending, end)
    if (isRealm(ending)) record({ realm: ending.realm }, ended.length)
    return { ended, unknown: [] }
  } finally {
    await audit.close()
  }
}

type Target = Extract<AuditEvent, { readonly event: 'SessionsAdministered' }>['target']
type End = (session: SessionRecord) => Promise<boolean>

function isRealm(ending: Ending): boolean {
  return !('names' in ending) && !('user' in ending)
}

async function endNamed({ store }: OpenedConfiguration, names: readonly string[], end: End): Promise<string[]> {
  const unknown: string[] = []
  for (const name of names) {
    const session = await findSession(store, name)
    if (session === undefined || !(await end(session))) unknown.push(name)
  }
  return unknown
}

/** Before anything is listed: a stateless token whose entry in the index was lost has to die, too, and logins after this live. */
async function raiseEpochs(opened: OpenedConfiguration, selection: Selection & { realm: RealmName }): Promise<void> {
  const { realm, user } = selection
  const { epochs } = opened.store
  if (user === undefined) {
    await epochs.raise(realmEpochKey(realm))
    return
  }
  const { sessions } = await selectSessions(opened, selection)
  const known = peopleCalled(opened.snapshot, { realm, user })
  // A name that the configuration does not have, or no longer, was its own id.
  const ids = new Set([...known, ...sessions].map(({ userId }) => userId).concat(known.length > 0 ? [] : [user]))
  await Promise.all([...ids].map((userId) => epochs.raise(epochKeys({ realm, userId })[0])))
}

async function endAll(opened: OpenedConfiguration, selection: Selection, end: End): Promise<void> {
  const { sessions } = await selectSessions(opened, selection)
  await Promise.all(sessions.map(end))
}
