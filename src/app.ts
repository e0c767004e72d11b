import { setTimeout as pause } from 'node:timers/promises'
import type { DestinationStream } from 'pino'
import { systemClock } from './base/clock.ts'
import { GenerationHolder } from './base/generation.ts'
import { repeat } from './base/repeat.ts'
import { loadConfig, type LoadedConfig } from './config/load.ts'
import { formatProblem } from './config/problems.ts'
import type { ConfigSnapshot } from './config/snapshot.ts'
import { watchConfig } from './config/watch.ts'
import { asFault } from './errors.ts'
import { createForwardAuth } from './gateway/forward-auth/forward-auth.ts'
import { createGateway, type Gateway, type GatewayDeps } from './gateway/handle.ts'
import { createKeptForms } from './gateway/kept-forms.ts'
import { createKnownUsers } from './gateway/known-user.ts'
import { createLoginStates } from './gateway/login-state.ts'
import { createParkedPosts } from './gateway/parked-posts.ts'
import type { FactorSweep } from './identity/factor-sweep.ts'
import { buildGeneration, type GatehouseGeneration } from './runtime.ts'
import type { RuntimeDeps } from './wiring/deps.ts'
import { startFederation } from './wiring/federation.ts'
import { CONFIGURATION, openFoundation } from './wiring/foundation.ts'
import { openListeners, type Listeners } from './wiring/listeners.ts'
import { onSessionEnded } from './session/ended.ts'
import { endChanged, endOrphans } from './session/orphans.ts'
import type { Session } from './session/session.ts'
import { noticingUse } from './session/noticing-use.ts'
import { createAccessLog } from './telemetry/access-log.ts'
import type { Health } from './telemetry/health.ts'
import type { Log } from './telemetry/log.ts'
import { createRequestIds } from './telemetry/request-id.ts'
import { wholeLines } from './telemetry/whole-lines.ts'

export interface AppOptions {
  /** The directory that holds `agent-config/` and `realms/`. */
  readonly configRoot: string
  /** Logs, one JSON object a line. */
  readonly output: DestinationStream
  /** What was read below `configRoot`. */
  readonly loaded: LoadedConfig
  readonly snapshot: ConfigSnapshot
  /** Which of the workers this process is, where there are several. */
  readonly worker: number | undefined
}

/** A running gateway. */
export interface App {
  readonly listeners: readonly { readonly address: string; readonly port: number }[]
  /** Looks at the configuration now; settles when a change is in force, or refused. */
  reload(): Promise<void>
  /** Drains: accepts nothing new, lets what is under way finish, writes everything. */
  close(): Promise<void>
}

/**
 * Starts everything, in order of dependency; settles when all listeners accept connections. Rejects with the faults of what cannot
 * be opened, and then nothing stays open.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const closers: (() => unknown)[] = []
  const output = options.worker === undefined ? options.output : wholeLines(options.output)
  try {
    return await assemble({ ...options, output, closers })
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

/** Last opened, first closed. */
async function closeAll(closers: (() => unknown)[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

interface Start extends AppOptions {
  /** Filled as things are opened. */
  readonly closers: (() => unknown)[]
}

async function assemble(start: Start): Promise<App> {
  const { snapshot, closers, output, worker } = start
  const clock = systemClock
  const configuration = { reload: () => watcher.check(), inForce: () => holder.peek().snapshot }
  const { deps, factorSweep, health, log } = await openFoundation(start, configuration)
  const holder = new GenerationHolder<GatehouseGeneration>(await buildGeneration(1, snapshot, deps), (error) =>
    log.warn({ err: error }, 'a replaced configuration did not close cleanly'),
  )
  closers.push(() => holder.peek().close())
  const federation = startFederation(deps, (entry) => holder.peek().sessionEnded(entry))
  closers.push(() => federation.close())

  const accessLog = createAccessLog({ destination: output, clock, worker })
  closers.push(() => accessLog.close())
  const loginStates = createLoginStates(deps)
  const gatewayDeps: GatewayDeps = {
    generations: holder,
    sessions: noticingUse(deps.sessions, (session) => holder.peek().sessionUsed?.(session)),
    bearer: deps.bearer,
    handshakes: deps.handshakes,
    keptForms: createKeptForms(deps),
    knownUsers: createKnownUsers(deps),
    loginStates,
    parkedPosts: createParkedPosts({ store: deps.store, loginStates }),
    transactions: deps.transactions,
    audit: deps.audit,
    log,
    accessLog: snapshot.gatehouse.telemetry.accessLog ? accessLog : { record: () => undefined },
    clock,
    requestId: createRequestIds(),
    maxNames: snapshot.gatehouse.caches.names,
  }
  const gateway = createGateway(gatewayDeps)
  closers.push(() => gateway.close())
  const ended = onSessionEnded(deps.store.revocations, (sid) => gateway.sessionEnded(sid), log)
  closers.push(() => ended.close())

  await Promise.all([retireSessions(holder, deps), factorSweep.configurationChanged(holder.peek().factorOwners)])
  const users = watchUsers({ holder, gateway, deps, log })
  closers.push(() => users.close())
  const listeners = await openListeners(snapshot.gatehouse, {
    ...{ gateway, log },
    forwardAuth: createForwardAuth(gatewayDeps),
  })
  closers.push(() => listeners.close(snapshot.gatehouse.shutdown.drain))
  const watcher = watchChanges(start, { holder, gateway, listeners, deps, factorSweep, health, log })
  closers.push(() => watcher.close())
  // Closed first: balancers see it and stop sending, then people's open streams end and nothing new begins.
  closers.push(async () => {
    health.drain()
    await pause(snapshot.gatehouse.shutdown.delay)
    gateway.drain()
    deps.notifications.drain()
  })
  const sites = listeners.sites.map(({ address, port }) => ({ address, port }))
  for (const place of sites) log.info(place, 'listening')
  for (const { address, port } of listeners.proxies)
    log.info({ address, port }, 'listening for proxies that ask about requests')
  return {
    listeners: sites,
    reload: () => watcher.check(),
    close: () => closeAll(closers),
  }
}

const RETIRE_AGAIN_MS = 5_000

/** Ends the sessions of people and realms that are gone; a store that cannot be asked now is asked again. Never rejects. */
async function retireSessions(
  holder: GenerationHolder<GatehouseGeneration>,
  deps: Pick<RuntimeDeps, 'store' | 'sessions' | 'log'>,
): Promise<void> {
  const { store, sessions, log } = deps
  const generation = holder.peek()
  const { realms } = generation.snapshot
  try {
    const count = await endOrphans({
      reader: store.sessions,
      sessions,
      // As far as the configuration says: nobody outside of it is asked about all sessions at once.
      causeToEnd: async (session) =>
        realms.get(session.realm)?.directory.type === 'ldap' ? undefined : generation.causeToEnd(session),
    })
    if (count > 0) log.info({ count }, 'ended the sessions of users or realms that are gone')
  } catch (error) {
    log.warn({ err: error }, 'sessions of users or realms that are gone could not be ended; trying again')
    setTimeout(() => {
      if (holder.peek() === generation) void retireSessions(holder, deps)
    }, RETIRE_AGAIN_MS).unref()
  }
}

/** How often streams that ask nothing are judged again, so that a directory outside of the configuration is asked about their users. */
const RECHECK_MS = 15_000

/** What LDAP says of people counts for their sessions and for what they have open, as soon as it is learned. */
function watchUsers({ holder, gateway, deps, log }: Pick<Running, 'holder' | 'gateway' | 'deps' | 'log'>) {
  const failed = (error: unknown): void =>
    log.warn({ err: error }, 'sessions of a user who has changed could not be ended; they are refused all the same')
  let rechecks: Promise<void> | undefined
  const recheck = (): Promise<void> =>
    (rechecks ??= pause(0).then(async () => {
      rechecks = undefined
      await gateway.recheck()
    }))
  deps.directories.onChange((realm, userId) => {
    const causeToEnd = (session: Session): ReturnType<GatehouseGeneration['causeToEnd']> =>
      holder.peek().causeToEnd(session)
    Promise.all([recheck(), endChanged({ sessions: deps.sessions, causeToEnd }, { realm, userId })]).catch(failed)
  })
  return repeat(
    async () => {
      if ([...holder.peek().snapshot.realms.values()].some(({ directory }) => directory.type === 'ldap'))
        await recheck()
    },
    { everyMs: RECHECK_MS, failed },
  )
}

interface Running {
  readonly holder: GenerationHolder<GatehouseGeneration>
  readonly gateway: Gateway
  readonly listeners: Pick<Listeners, 'reload'>
  readonly deps: RuntimeDeps
  readonly factorSweep: FactorSweep
  readonly health: Health
  readonly log: Log
}

function watchChanges({ configRoot, loaded }: Start, running: Running): ReturnType<typeof watchConfig> {
  const { log, health } = running
  let refused: readonly string[] = []
  health.register({
    name: CONFIGURATION,
    aspect: 'notice',
    check: () => {
      if (refused.length > 0) throw new Error(`a change was refused: ${refused.join('; ')}`)
    },
  })
  const onChange = async (next: LoadedConfig): Promise<void> => {
    try {
      refused = await apply(next, running)
    } catch (caught) {
      const error = asFault(caught)
      refused = [error.detail ?? error.message]
      log.error(
        { err: error, detail: error.detail },
        'the changed configuration cannot be used; the old one stays in force',
      )
    }
    if (refused.length > 0) audit(running, { event: 'ConfigRefused', problems: refused })
  }
  return watchConfig({
    load: (known) => loadConfig(configRoot, { known }),
    current: loaded,
    onChange,
    onError: (error) => log.warn({ err: error }, 'the configuration could not be looked at'),
  })
}

/** Compiles and swaps. What was wrong, when the old configuration stays; empty when the new one is in force. */
async function apply({ snapshot, problems }: LoadedConfig, running: Running): Promise<readonly string[]> {
  const { holder, gateway, listeners, deps, factorSweep, log } = running
  if (snapshot === undefined) {
    const lines = problems.filter(({ severity }) => severity === 'error').map(formatProblem)
    log.error({ problems: lines }, 'the changed configuration has errors; the old one stays in force')
    return lines
  }
  const next = await buildGeneration(holder.peek().generation + 1, snapshot, deps)
  try {
    listeners.reload(snapshot.gatehouse)
  } catch (error) {
    await next.close()
    throw error
  }
  holder.replace(next)
  deps.notifications.restart()
  log.info({ generation: next.generation, files: snapshot.files.length }, 'the changed configuration is in force')
  audit(running, { event: 'ConfigChanged', generation: next.generation, files: snapshot.files })
  // What is open and denied now closes first: it needs no store.
  await gateway.recheck()
  await Promise.all([retireSessions(holder, deps), factorSweep.configurationChanged(next.factorOwners)])
  return []
}

type ConfigEvent =
  | { readonly event: 'ConfigChanged'; readonly generation: number; readonly files: readonly string[] }
  | { readonly event: 'ConfigRefused'; readonly problems: readonly string[] }

function audit({ deps }: Running, event: ConfigEvent): void {
  deps.audit.record({ ...event, at: deps.clock(), requestId: undefined, clientIp: undefined })
}
