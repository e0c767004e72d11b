import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NODE_FLAGS } from '../scripts/node-flags.ts'
import { writeConfiguration } from './configuration.ts'
import { cpuMicroseconds, residentMegabytes, startProcess } from './processes.ts'
import { median } from './statistics.ts'

/** Medians over the starts. */
export interface StartupResult {
  readonly starts: number
  /** Processor time, all threads, until the listeners accept connections. */
  readonly cpuMilliseconds: number
  /** The same with what follows at once. */
  readonly cpuMillisecondsAtRest: number
  readonly residentMegabytes: number
}

/** Long enough for the look at the configuration that follows a start. */
const REST_MS = 1_000

/** Starts `serve` again and again, from the sources and with compiled code kept, as the tests do. */
export async function measureStartup(starts: number): Promise<StartupResult> {
  const root = writeConfiguration({ upstreamPort: 9, enforced: true })
  const cache = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  process.env['NODE_COMPILE_CACHE'] = cache
  try {
    // The first two fill the cache and the store.
    for (let nth = 0; nth < 2; nth++) await startOnce(root)
    const taken = []
    for (let nth = 0; nth < starts; nth++) taken.push(await startOnce(root))
    return {
      starts,
      cpuMilliseconds: median(taken.map(({ listening }) => listening)) / 1_000,
      cpuMillisecondsAtRest: median(taken.map(({ atRest }) => atRest)) / 1_000,
      residentMegabytes: median(taken.map(({ resident }) => resident)),
    }
  } finally {
    for (const directory of [root, cache]) rmSync(directory, { recursive: true, force: true })
  }
}

async function startOnce(root: string): Promise<{ listening: number; atRest: number; resident: number }> {
  const gateway = startProcess('gateway', 'anywhere', [...NODE_FLAGS, 'src/main.ts', 'serve', '--config', root])
  try {
    await gateway.ready
    const listening = cpuMicroseconds(gateway.pid)
    await new Promise((resolve) => setTimeout(resolve, REST_MS))
    return { listening, atRest: cpuMicroseconds(gateway.pid), resident: residentMegabytes(gateway.pid) }
  } finally {
    await gateway.stop()
  }
}
