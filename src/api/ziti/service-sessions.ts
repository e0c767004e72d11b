import type { EpochMs } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import { fault } from '../../errors.ts'
import type { Session } from '../../session/session.ts'
import type { Store } from '../../store/store.ts'

/** What a session was opened for: one of each service a session. */
export interface ServiceSession {
  readonly service: string
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
}

/** Which services a session has restricted tokens for, besides those that browsers get; gone with the session. */
export interface ServiceSessions {
  list(sid: string): Promise<readonly ServiceSession[]>
  /** The one of the service, made or renewed now. */
  open(session: Session, service: string): Promise<ServiceSession>
  /** False when there was none. */
  close(session: Session, service: string): Promise<boolean>
}

const NAMESPACE = 'api-service-sessions'
/** Each round that is lost was won by another change for the same session. */
const MAX_ROUNDS = 8

export function createServiceSessions({
  store: { versioned },
  clock,
}: {
  readonly store: Pick<Store, 'versioned'>
  readonly clock: Clock
}): ServiceSessions {
  const load = async (sid: string) => {
    const found = await versioned.load(NAMESPACE, sid)
    const list = found === undefined ? [] : (JSON.parse(found.value) as readonly ServiceSession[])
    return { list, version: found?.version }
  }
  const change = async (
    { sid, maxExpiresAt }: Session,
    next: (list: readonly ServiceSession[]) => readonly ServiceSession[],
  ): Promise<readonly ServiceSession[]> => {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { list, version } = await load(sid)
      const value = JSON.stringify(next(list))
      const ttl = Math.max(1, maxExpiresAt - clock())
      const won =
        version === undefined
          ? await versioned.create(NAMESPACE, sid, value, ttl)
          : await versioned.replace(NAMESPACE, sid, version, value, ttl)
      if (won) return list
    }
    throw fault('GH_BUSY', { detail: 'too many changes for one session at once' })
  }
  return {
    list: async (sid) => (await load(sid)).list,
    async open(session, service) {
      const now = clock()
      const others = (list: readonly ServiceSession[]) => list.filter((each) => each.service !== service)
      const made = (list: readonly ServiceSession[]): ServiceSession => {
        const before = list.find((each) => each.service === service)
        return { service, createdAt: before?.createdAt ?? now, updatedAt: now }
      }
      return made(await change(session, (list) => [...others(list), made(list)]))
    },
    async close(session, service) {
      const before = await change(session, (list) => list.filter((each) => each.service !== service))
      return before.some((each) => each.service === service)
    },
  }
}
