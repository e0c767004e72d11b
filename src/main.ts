import { once } from 'node:events'
import { startApp } from './app.ts'
import { createProgram } from './cli/program.ts'

/** Runs until a signal says stop; SIGHUP looks at the configuration now. A second signal ends the process at once. */
async function serve(configRoot: string): Promise<void> {
  const app = await startApp({
    configRoot,
    output: process.stdout,
    tell: (line) => process.stderr.write(`${line}\n`),
  })
  process.on('SIGHUP', () => void app.reload())
  process.send?.({ kind: 'listening', listeners: app.listeners })
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(1))
  await app.close()
  if (process.connected) process.disconnect()
}

await createProgram({ serve }).parseAsync(process.argv)
