import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DestinationStream } from 'pino'
import { createSessionListeners } from '../api/openam/session-service/listeners.ts'
import { postXml } from '../api/openam/session-service/post-xml.ts'
import { createNotifications } from '../api/openam/notifications/notifications.ts'
import { systemClock } from '../base/clock.ts'
import { randomName } from '../base/random-id.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { createAssertionSigner } from '../crypto/assertion.ts'
import { openKeyRing } from '../crypto/key-ring.ts'
import { createPasswordHasher } from '../crypto/password-hash.ts'
import { createSealer } from '../crypto/seal.ts'
import { createKeptMarks, markKeeping } from '../federation/logout/kept-marks.ts'
import { createSamlKeys } from '../federation/saml/realm-keys.ts'
import { createFactorSweep, type FactorSweep } from '../identity/factor-sweep.ts'
import { openMessengers } from '../identity/mail/open-messengers.ts'
import { createDirectories } from '../identity/directories.ts'
import type { ReadinessReport } from '../portal/ports.ts'
import { loadPublicFiles } from '../portal/public-files.ts'
import { createBearerResolver } from '../session/bearer.ts'
import { createHandshakeService } from '../session/handshake.ts'
import { createReaper } from '../session/reaper.ts'
import { createSessionService } from '../session/service.ts'
import { createStatelessSessions } from '../session/stateless.ts'
import { createTransactions } from '../session/transactions.ts'
import { openStore } from '../store/open.ts'
import { createAuditLog } from '../telemetry/audit-log.ts'
import { createHealth, type Health } from '../telemetry/health.ts'
import { createLogger, type Log } from '../telemetry/log.ts'
import type { RuntimeDeps } from './deps.ts'
import { policyAdminOf } from './policy-admin.ts'
import { recordDecisions } from './recent-decisions.ts'

interface Ground {
  /** The directory that holds `agent-config/` and `realms/`. */
  readonly configRoot: string
  readonly snapshot: ConfigSnapshot
  /** Logs, one JSON object a line. */
  readonly output: DestinationStream
  /** Which of the workers this process is, where there are several. */
  readonly worker: number | undefined
  /** Filled as things are opened. */
  readonly closers: (() => unknown)[]
}

/** What lives as long as the process, with what looks after it. */
interface Foundation {
  readonly deps: RuntimeDeps
  readonly factorSweep: FactorSweep
  readonly health: Health
  readonly log: Log
}

const PUBLIC = fileURLToPath(new URL('../../public', import.meta.url))

/** Longer than one look at the keys ever takes. */
const ROTATION_LEASE_MS = 30_000

/** Opens what every generation is built on, in order of dependency; what it opened before it rejects is in `closers`. */
export async function openFoundation(
  { snapshot, closers, output, worker, configRoot }: Ground,
  configuration: Pick<Parameters<typeof policyAdminOf>[0], 'reload' | 'inForce'>,
): Promise<Foundation> {
  const { telemetry, store: storeConfig, secrets, keys, siteId, serverId, login, caches } = snapshot.gatehouse
  const clock = systemClock
  const log = createLogger({ level: telemetry.level, destination: output, worker })
  const audit = createAuditLog({
    destination: telemetry.audit.file === undefined ? output : { file: telemetry.audit.file },
    log,
  })
  closers.push(() => audit.close())
  const { store, notices } = await openStore({ config: storeConfig, clock, log })
  closers.push(() => store.close())
  const rotator = randomName()
  const rings = {
    documents: store.documents,
    ...secrets,
    rules: keys,
    clock,
    log,
    mayMaintain: () => store.leases.acquire('key-rotation', rotator, ROTATION_LEASE_MS),
  }
  const keyRing = await openKeyRing(rings)
  closers.push(() => keyRing.close())
  const samlKeys = createSamlKeys(rings)
  closers.push(() => samlKeys.close())

  const place = { siteId, serverId }
  const stateless = createStatelessSessions({ store, keyRing, clock, log, place, maxCached: caches.sessions })
  closers.push(() => stateless.close())
  const running = createSessionService({ store, clock, audit, log, place, maxCached: caches.sessions, stateless })
  closers.push(() => running.close())
  const sessions = markKeeping(running, createKeptMarks({ store, clock }))
  const issuer = new URL(login.url).origin
  const bearer = createBearerResolver({ store, keyRing, clock, issuer, maxCached: caches.sessions })
  closers.push(() => bearer.close())
  const reaper = createReaper({ expired: store.sessions, leases: store.leases, sessions, log })
  closers.push(() => reaper.close())
  const notifications = createNotifications({ revocations: store.revocations, log })
  closers.push(() => notifications.close())
  const sessionListeners = createSessionListeners({ revocations: store.revocations, post: postXml, log })
  closers.push(() => sessionListeners.close())

  const messengers = await openMessengers(snapshot.gatehouse, { clock, log })
  closers.push(() => Promise.all([messengers.mail?.close(), messengers.sms?.close()]))

  const decisions = recordDecisions()
  closers.push(() => decisions.close())

  const health = createHealth({ log })
  health.register({ name: 'store', aspect: 'readiness', freshForMs: 1_000, check: () => store.ping() })
  health.register({
    name: STORE_SETTINGS,
    aspect: 'notice',
    check: () => {
      if (notices().length > 0) throw new Error(notices().join('; '))
    },
  })
  health.register({ name: 'keys', aspect: 'readiness', check: () => void keyRing.current('assertion') })
  const sealer = createSealer(keyRing, clock)
  const factorSweep = createFactorSweep({ documents: store.documents, leases: store.leases, sealer, clock, log })
  closers.push(() => factorSweep.close())
  const hasher = createPasswordHasher()
  const deps: RuntimeDeps = {
    store,
    hasher,
    keyRing,
    samlKeys,
    sealer,
    directories: createDirectories({ store, sealer, hasher, clock, log }),
    signer: createAssertionSigner({ keyRing, clock, issuer }),
    sessions,
    bearer,
    handshakes: createHandshakeService({ store, clock, audit, place, stateless }),
    transactions: createTransactions(store),
    files: await loadPublicFiles(PUBLIC),
    readiness: { report: () => readinessOf(health) },
    notifications,
    sessionListeners,
    messengers,
    audit,
    policyAdmin: policyAdminOf({ root: resolve(configRoot), leases: store.leases, decisions, ...configuration }),
    log,
    clock,
  }
  return { deps, factorSweep, health, log }
}

/** What these checks say is a notice: a refused configuration leaves the old one in force, and the store works as it is. */
export const CONFIGURATION = 'configuration'
const STORE_SETTINGS = 'store settings'
const NOTICES: readonly string[] = [CONFIGURATION, STORE_SETTINGS]

async function readinessOf(health: Health): Promise<ReadinessReport> {
  const { status, checks } = await health.ready()
  const failing = Object.entries(checks).filter(([, result]) => result !== 'ok')
  const worded = (isNotice: boolean): string[] =>
    failing.filter(([name]) => NOTICES.includes(name) === isNotice).map(([name, result]) => `${name}: ${result}`)
  const problems = worded(false)
  return { problems: status === 'failing' && problems.length === 0 ? ['draining'] : problems, notices: worded(true) }
}
