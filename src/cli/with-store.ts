import { systemClock } from '../base/clock.ts'
import { loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problems.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { fault } from '../errors.ts'
import { openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { createLogger, type Log } from '../telemetry/log.ts'
import type { Terminal } from './terminal.ts'

export interface OpenedConfiguration {
  readonly snapshot: ConfigSnapshot
  readonly store: Store
  /** To standard error: standard output is the command's answer. */
  readonly log: Log
}

/**
 * Runs `use` on the store that the configuration names, beside the processes that serve it.
 * @throws GH_CONFIG_INVALID after telling every error, and GH_STORE_UNAVAILABLE
 */
export async function withStore<T>(
  config: string,
  terminal: Pick<Terminal, 'env' | 'err'>,
  use: (opened: OpenedConfiguration) => Promise<T>,
): Promise<T> {
  const { snapshot, problems } = await loadConfig(config, { env: terminal.env, purpose: 'check' })
  if (snapshot === undefined) {
    for (const problem of problems) terminal.err(`${formatProblem(problem)}\n`)
    throw fault('GH_CONFIG_INVALID', { detail: 'nothing was done' })
  }
  const log = createLogger({ level: 'error', destination: { write: (line) => terminal.err(line) } })
  const { store } = await openStore({ config: snapshot.gatehouse.store, clock: systemClock, log })
  try {
    return await use({ snapshot, store, log })
  } finally {
    await store.close()
  }
}
