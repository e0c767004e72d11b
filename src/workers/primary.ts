import type { LoadedConfig } from '../config/load.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { createLogger, type Log } from '../telemetry/log.ts'
import { createCrew, type Crew } from './crew.ts'
import { createHandOver } from './hand-over.ts'
import { startMember, type ListeningMessage } from './member.ts'

export interface PrimaryOptions {
  readonly snapshot: ConfigSnapshot
  /** Reads the configuration anew and tells its problems. */
  readonly load: () => Promise<LoadedConfig>
  readonly stop: { readonly asked: Promise<void>; again: () => void }
  readonly hangUp: { act: () => void }
}

/**
 * Runs the workers until a signal says stop; settles with the exit code. SIGHUP goes to all workers; SIGUSR2 restarts them one by
 * one.
 */
export async function serveWithWorkers({ snapshot, load, stop, hangUp }: PrimaryOptions): Promise<number> {
  const { workers, telemetry } = snapshot.gatehouse
  const log = createLogger({ level: telemetry.level, destination: process.stdout })
  const handOver = createHandOver()
  const crew = createCrew({ start: () => startMember(handOver), log })
  stop.again = () => {
    crew.signal('SIGKILL')
    process.exit(1)
  }
  const stopped = stop.asked.then(() => crew.stop())
  hangUp.act = () => crew.signal('SIGHUP')
  process.on('SIGUSR2', () => void roll(crew, load, log))
  const listeners = await crew.start(workers)
  if (listeners === undefined) return Math.max(1, await crew.stop())
  log.info({ workers }, 'all workers are listening')
  process.send?.({ kind: 'listening', listeners } satisfies ListeningMessage)
  return stopped
}

/** New workers with the configuration of now: what a reload cannot change, too, and the program as it is on disk. */
async function roll(crew: Crew, load: PrimaryOptions['load'], log: Log): Promise<void> {
  const { snapshot } = await load()
  if (snapshot === undefined) {
    log.error({}, 'the configuration has errors; no worker was restarted')
    return
  }
  const { workers } = snapshot.gatehouse
  log.info({ workers }, 'restarting workers one by one')
  const done = await crew.roll(workers)
  if (done) log.info({ workers }, 'all workers were restarted')
  else log.error({}, 'a new worker could not start; those that were not restarted yet stay')
}
