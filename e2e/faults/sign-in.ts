import type { AgentId, RealmName } from '../../src/base/brand.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createHandshakeService } from '../../src/session/handshake.ts'
import { createSessionService } from '../../src/session/service.ts'
import { openRedisStore } from '../../src/store/redis/open.ts'
import type { RedisSettings } from '../../src/store/redis/settings.ts'
import type { Log } from '../../src/telemetry/log.ts'

const nothing = (): void => undefined
const log: Log = { error: nothing, warn: nothing, info: nothing, debug: nothing }
const audit = { record: nothing }
const place = { siteId: '01', serverId: '09' }
const AGENT = 'app' as AgentId
const NOBODY = { requestId: undefined, clientIp: undefined }
const HOUR_MS = 3_600_000

export interface SignIn {
  /** A login carried to the application, answered for; rejects when the store cannot. */
  (username: string): Promise<string>
  close(): Promise<void>
}

/** Signs people in with the product's own services, in this process. */
export async function openSignIn(settings: RedisSettings): Promise<SignIn> {
  const store = await openRedisStore({ settings, clock: systemClock, log })
  const sessions = createSessionService({ store, clock: systemClock, audit, log, place })
  const handshakes = createHandshakeService({ store, clock: systemClock, audit, place })
  const signIn = async (username: string): Promise<string> => {
    const outcome = await sessions.establish(
      {
        ...{ realm: '/staff' as RealmName, userId: username, username, authLevel: 1, authModules: ['password'] },
        ...{ properties: {}, maxIdleMs: HOUR_MS, maxLifeMs: 2 * HOUR_MS },
      },
      NOBODY,
    )
    if (outcome.kind !== 'established') throw new Error(outcome.kind)
    const grant = {
      agent: AGENT,
      audience: `agent:${AGENT}`,
      goto: 'http://app/',
      binding: '',
      interactive: true,
    } as const
    const code = await handshakes.issue(outcome.issued.session, grant)
    const redemption = await handshakes.redeem(code, AGENT, '', NOBODY)
    if (redemption.kind !== 'issued') throw new Error(redemption.kind)
    return redemption.token
  }
  const close = async (): Promise<void> => {
    await sessions.close()
    await store.close()
  }
  return Object.assign(signIn, { close })
}
