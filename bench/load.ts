import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { HOST } from './configuration.ts'
import { pinned } from './processes.ts'

const SCRIPT = fileURLToPath(new URL('./load.lua', import.meta.url))
/** Kept open and busy all the time. */
export const CONNECTIONS = 32

export interface Load {
  readonly port: number
  /** A file with one Cookie header a line. */
  readonly cookies: string
  readonly seconds: number
}

export interface LoadResult {
  readonly requests: number
  readonly microseconds: number
  readonly errors: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
}

/** Runs wrk against a proxy on this machine until the time is over. */
export function runLoad({ port, cookies, seconds }: Load): Promise<LoadResult> {
  const args = [
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${seconds}s`,
    '-s',
    SCRIPT,
    `http://127.0.0.1:${port}/`,
    '--',
    cookies,
    HOST,
  ]
  const [command, all] = pinned('beside', 'wrk', args)
  const child = spawn(command, all, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => {
      const line = output.split('\n').find((text) => text.startsWith('{'))
      if (line === undefined) reject(new Error(`wrk did not finish:\n${output}`))
      else resolve(JSON.parse(line) as LoadResult)
    })
  })
}
