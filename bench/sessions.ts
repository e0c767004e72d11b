import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { createHandshakeService } from '../src/session/handshake.ts'
import { createSessionService } from '../src/session/service.ts'
import { openEmbeddedStore } from '../src/store/embedded/open.ts'
import type { AuditSink } from '../src/telemetry/audit.ts'
import type { Log } from '../src/telemetry/log.ts'
import { AGENT, HOST, REALM, username } from './configuration.ts'

const silent = (): void => undefined
const log: Log = { error: silent, warn: silent, info: silent, debug: silent }
const audit: AuditSink = { record: silent }
const NOBODY = { requestId: undefined, clientIp: undefined }
const HOUR_MS = 3_600_000

/**
 * Signs `count` users in and carries each login to the agent, with the product's own services on the gateway's store.
 * @returns the restricted tokens, as browsers would hold them
 */
export async function createSessions(root: string, count: number): Promise<readonly string[]> {
  const store = await openEmbeddedStore({ path: join(root, 'data/cts.db'), clock: systemClock, log })
  const place = { siteId: '01', serverId: '01' }
  const sessions = createSessionService({ store, clock: systemClock, audit, log, place })
  const handshakes = createHandshakeService({ store, clock: systemClock, audit, place })
  const signIn = async (name: string): Promise<string> => {
    const person = {
      realm: REALM,
      userId: name,
      username: name,
      authLevel: 1,
      authModules: ['password'],
      properties: {},
    }
    const draft = { ...person, maxIdleMs: HOUR_MS, maxLifeMs: 2 * HOUR_MS }
    const outcome = await sessions.establish(draft, NOBODY)
    if (outcome.kind !== 'established') throw new Error(`no session: ${outcome.kind}`)
    const { session } = outcome.issued
    const grant = {
      agent: AGENT,
      audience: `agent:${AGENT}`,
      goto: `http://${HOST}/`,
      binding: '',
      interactive: true,
    } as const
    const redemption = await handshakes.redeem(await handshakes.issue(session, grant), AGENT, '', NOBODY)
    if (redemption.kind !== 'issued') throw new Error(`no token for ${name}: ${redemption.kind}`)
    return redemption.token
  }
  try {
    return await Promise.all(Array.from({ length: count }, (_, nth) => signIn(username(nth))))
  } finally {
    await sessions.close()
    await store.close()
  }
}
