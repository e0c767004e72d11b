import { startApp } from './app.ts'
import { keepTickShape } from './base/tick-shape.ts'
import { createProgram } from './cli/program.ts'

/**
 * Runs until a signal says stop; SIGHUP looks at the configuration now. A second signal ends the process at once. Signals are
 * taken before anything is opened: one that comes during the start is kept until it can be followed.
 */
async function serve(configRoot: string): Promise<void> {
  keepTickShape()
  const stop = stopAsked()
  let reload = (): void => undefined
  process.on('SIGHUP', () => reload())
  const app = await startApp({
    configRoot,
    output: process.stdout,
    tell: (line) => process.stderr.write(`${line}\n`),
  })
  reload = () => void app.reload()
  process.send?.({ kind: 'listening', listeners: app.listeners })
  await stop
  await app.close()
  if (process.connected) process.disconnect()
}

function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = (): void => {
      if (asked) process.exit(1)
      asked = true
      resolve()
    }
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stop)
  })
}

await createProgram({ serve }).parseAsync(process.argv)
