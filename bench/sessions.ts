import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { loadConfig } from '../src/config/load.ts'
import { openKeyRing } from '../src/crypto/key-ring.ts'
import { createHandshakeService } from '../src/session/handshake.ts'
import { createSessionService } from '../src/session/service.ts'
import type { HandshakeService, IssuedSession, SessionService } from '../src/session/session.ts'
import { createStatelessSessions } from '../src/session/stateless.ts'
import { createTokenPairs, type TokenPairs } from '../src/session/token-pairs.ts'
import { openEmbeddedStore } from '../src/store/embedded/open.ts'
import { openStore } from '../src/store/open.ts'
import { storeSchema } from '../src/store/store.schema.ts'
import type { AuditSink } from '../src/telemetry/audit.ts'
import type { Log } from '../src/telemetry/log.ts'
import { AGENT, HOST, REALM, username } from './configuration.ts'

const silent = (): void => undefined
const log: Log = { error: silent, warn: silent, info: silent, debug: silent }
const audit: AuditSink = { record: silent }
const NOBODY = { requestId: undefined, clientIp: undefined }
const HOUR_MS = 3_600_000

export interface Services {
  readonly sessions: Pick<SessionService, 'establish'>
  readonly handshakes: HandshakeService
}

/** Signs one user in and carries the login to the agent. @returns the restricted token, as a browser would hold it */
export async function signIn(services: Services, name: string, mode: 'cts' | 'stateless' = 'cts'): Promise<string> {
  return (await startSession(services, name, mode)).token
}

/** @returns the session, too */
export async function startSession(
  { sessions, handshakes }: Services,
  name: string,
  mode: 'cts' | 'stateless',
): Promise<IssuedSession> {
  const person = { realm: REALM, userId: name, username: name, authLevel: 1, authModules: ['password'], properties: {} }
  const draft = { ...person, mode, maxIdleMs: HOUR_MS, maxLifeMs: 2 * HOUR_MS }
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
  return { token: redemption.token, session }
}

/** Signs `count` users in with the product's own services on the gateway's store. @returns their restricted tokens */
export async function createSessions(root: string, count: number): Promise<readonly string[]> {
  const store = await openEmbeddedStore({ path: join(root, 'data/cts.db'), clock: systemClock, log })
  const place = { siteId: '01', serverId: '01' }
  const sessions = createSessionService({ store, clock: systemClock, audit, log, place })
  const handshakes = createHandshakeService({ store, clock: systemClock, audit, place })
  try {
    return await Promise.all(Array.from({ length: count }, (_, nth) => signIn({ sessions, handshakes }, username(nth))))
  } finally {
    await sessions.close()
    await store.close()
  }
}

export interface RedisServices extends Services {
  readonly pairs: Pick<TokenPairs, 'issue'>
  close(): Promise<void>
}

/** The services on Redis, for both ways in which a session can live. */
export async function openServices(root: string, url: string): Promise<RedisServices> {
  const { snapshot } = await loadConfig(root)
  if (snapshot === undefined) throw new Error('the configuration of the run is not valid')
  const { store } = await openStore({ config: storeSchema.parse({ url }), clock: systemClock, log })
  const place = { siteId: '01', serverId: '01' }
  const { secrets, keys, login } = snapshot.gatehouse
  const common = { store, clock: systemClock, audit, log, place }
  const keyRing = await openKeyRing({ ...common, ...secrets, documents: store.documents, rules: keys })
  const stateless = createStatelessSessions({ ...common, keyRing })
  const sessions = createSessionService({ ...common, stateless })
  return {
    sessions,
    handshakes: createHandshakeService({ ...common, stateless }),
    pairs: createTokenPairs({ ...common, keyRing, sessions, issuer: new URL(login.url).origin }),
    close: async () => {
      await sessions.close()
      stateless.close()
      keyRing.close()
      await store.close()
    },
  }
}
