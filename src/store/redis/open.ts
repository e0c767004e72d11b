import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import { GatehouseError } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Store } from '../store.ts'
import { createClusterTopology } from './cluster-topology.ts'
import { createExecutor, type Executor } from './executor.ts'
import { unavailable } from './faults.ts'
import { groupTable } from './groups.ts'
import { createLife } from './life.ts'
import { readPositions } from './log-position.ts'
import { denylist, epochs, outbox } from './news.ts'
import { counters, documents, leases, oneTimeRecords, versionedRecords } from './records.ts'
import { RevocationTail } from './revocation-tail.ts'
import { createServerChecks, type ServerChecks } from './server-checks.ts'
import { sessionLists } from './session-lists.ts'
import { sessionReads, sessionWrites } from './sessions.ts'
import type { RedisSettings } from './settings.ts'
import { createSingleTopology } from './single-topology.ts'
import type { Topology, TopologyDeps } from './topology.ts'

/** A server that starts beside this process may still be reading its data. */
const START_PATIENCE_MS = 10_000
const START_PAUSE_MS = 10

export interface RedisStoreDeps {
  readonly settings: RedisSettings
  readonly clock: Clock
  readonly log: Log
  /** Instead of the server's time; for tests. */
  readonly timeSource?: Clock
  /** Milliseconds to wait for the servers at start; 10,000 by default. */
  readonly patience?: number
}

/** The store, and what should be changed about the servers though they work. */
export interface RedisStore extends Store {
  notices(): readonly string[]
}

interface Parts {
  readonly topology: Topology
  readonly executor: Executor
  readonly tail: RevocationTail
  readonly checks: ServerChecks
}

function topologyOf(deps: TopologyDeps): Topology {
  return deps.settings.mode === 'cluster' ? createClusterTopology(deps) : createSingleTopology(deps)
}

/** Repeats until it succeeds or the time is over; then rejects with the last reason. */
async function patiently<T>(attempt: () => Promise<T>, patience: number): Promise<T> {
  const deadline = performance.now() + patience
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() >= deadline) throw error instanceof GatehouseError ? error : unavailable(error)
      await pause(START_PAUSE_MS)
    }
  }
}

/** Writes of this process come after the beginning of its subscriptions. */
function afterSubscriptions(executor: Executor, tail: RevocationTail): Executor {
  return {
    find: (...call) => executor.find(...call),
    all: (...call) => executor.all(...call),
    run: (...call) => executor.run(...call),
    write: (...call) => tail.beginning?.then(() => executor.write(...call)) ?? executor.write(...call),
  }
}

function assemble({ topology, tail, checks, ...parts }: Parts, log: Log): RedisStore {
  const executor = afterSubscriptions(parts.executor, tail)
  const [allDocuments, allLeases] = [documents(executor), leases(executor)]
  const life = createLife({ executor, documents: allDocuments, leases: allLeases, log })
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    tail.close()
    await topology.close()
  }
  return {
    sessions: { ...sessionReads(executor), ...sessionWrites(executor), ...sessionLists(executor) },
    revocations: tail,
    denylist: denylist(executor),
    epochs: epochs(executor),
    outbox: outbox(executor),
    oneTime: oneTimeRecords(executor),
    versioned: versionedRecords(executor),
    counters: counters(executor),
    leases: allLeases,
    documents: allDocuments,
    ping: () => life.check(),
    close: () => (closing ??= close()),
    notices: () => checks.notices(),
  }
}

/**
 * Opens the store on Redis. Rejects with GH_STORE_UNAVAILABLE, whose detail says why, when the servers cannot be reached in time; once
 * open, it comes back by itself after any outage.
 */
export async function openRedisStore(deps: RedisStoreDeps): Promise<RedisStore> {
  const { settings, clock, log, timeSource, patience = START_PATIENCE_MS } = deps
  const table = groupTable(settings.keyPrefix)
  const checks = createServerChecks(log)
  let tail: RevocationTail | undefined
  const topology: Topology = topologyOf({
    settings,
    slots: table.slots,
    log,
    onReady: () => void checks.look(topology.nodes()),
    onProved: (server) => tail?.follow(server),
  })
  const executor = createExecutor({ topology, table, timeSource })
  try {
    const life = createLife({ executor, documents: documents(executor), leases: leases(executor), log })
    await patiently(() => life.check(), patience)
    const cursors = await patiently(() => readPositions({ topology, table }), patience)
    tail = new RevocationTail({ settings, topology, table, clock, log }, cursors)
    return assemble({ topology, executor, tail, checks }, log)
  } catch (error) {
    await topology.close()
    throw error
  }
}
