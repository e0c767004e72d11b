import cluster from 'node:cluster'
import type { AppOptions } from './app.ts'
import { keepTickShape } from './base/tick-shape.ts'
import { runProgram } from './cli/program.ts'
import { loadConfig, type LoadedConfig } from './config/load.ts'
import { formatProblem, hasErrors } from './config/problems.ts'
import { fault } from './errors.ts'
import type { ListeningMessage } from './workers/member.ts'
import { serveWithWorkers } from './workers/primary.ts'

/** When the process is told to stop; a second signal is `again`. */
interface StopSignal {
  readonly asked: Promise<void>
  again: () => void
}

/**
 * Runs until a signal says stop: in this process or, with `workers` in the configuration, in so many others. SIGHUP looks at the
 * configuration now. Signals are taken before anything is opened: one that comes during the start is kept until it can be followed.
 */
async function serve(configRoot: string): Promise<void> {
  const stop = stopSignal()
  const hangUp = { act: (): void => undefined }
  process.on('SIGHUP', () => hangUp.act())
  // Ends a process that does not listen for it; the parent of workers restarts them by it.
  process.on('SIGUSR2', () => undefined)
  const load = async (): Promise<LoadedConfig> => {
    const loaded = await loadConfig(configRoot)
    // The parent has told what workers only need to be told when they cannot start.
    if (cluster.isPrimary || hasErrors(loaded.problems))
      for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`)
    return loaded
  }
  const loaded = await load()
  const { snapshot } = loaded
  if (snapshot === undefined) throw fault('GH_CONFIG_INVALID', { detail: 'nothing was started' })
  if (cluster.isWorker || snapshot.gatehouse.workers === 1) {
    await serveHere({ configRoot, loaded, snapshot }, { stop, hangUp })
  } else {
    process.exitCode = await serveWithWorkers({ snapshot, load, stop, hangUp })
  }
  if (cluster.isPrimary && process.connected) process.disconnect()
}

type Start = Pick<AppOptions, 'configRoot' | 'loaded' | 'snapshot'>

interface Signals {
  readonly stop: StopSignal
  readonly hangUp: { act: () => void }
}

async function serveHere(start: Start, { stop, hangUp }: Signals): Promise<void> {
  // A service manager signals every process of the service, and so does the parent: twice does not mean at once here.
  if (cluster.isWorker) stop.again = () => undefined
  // Loaded where it runs: the parent of workers has no use for it.
  const { startApp } = await import('./app.ts')
  const app = await startApp({ ...start, worker: cluster.worker?.id, output: process.stdout })
  hangUp.act = () => void app.reload()
  process.send?.({ kind: 'listening', listeners: app.listeners } satisfies ListeningMessage)
  await stop.asked
  await app.close()
}

function stopSignal(): StopSignal {
  const { promise, resolve } = Promise.withResolvers<void>()
  const signal = { asked: promise, again: () => process.exit(1) as void }
  let asked = false
  const stop = (): void => {
    if (asked) signal.again()
    asked = true
    resolve()
  }
  for (const name of ['SIGTERM', 'SIGINT']) process.on(name, stop)
  return signal
}

// Before the first full collection: reading a configuration brings one.
keepTickShape()
await runProgram(process.argv.slice(2), { serve })
// A worker's channel to its parent would keep it.
if (cluster.isWorker) process.exit()
