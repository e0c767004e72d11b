import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A program that is not ours, in a process of its own. */
export interface Program {
  readonly pid: number
  /** Everything it has written so far. */
  output(): string
  /** Ends it by its pid, the hard way when it does not listen; settles when it is gone. */
  stop(): Promise<void>
}

export interface ProgramOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  /** What it writes once it accepts connections. */
  readonly ready: RegExp
  /** Milliseconds it may take until then; 30,000 by default. */
  readonly startTimeout?: number
}

const STOP_TIMEOUT_MS = 5_000

/** Starts it; settles when it says that it is ready, rejects with what it wrote when it ends or takes too long. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { command, args, cwd } = options
  const env = { ...(options.env ?? process.env), PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` }
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  }
  const output = (): string => text
  try {
    await untilReady(child, options, output)
  } catch (error) {
    await stop(child)
    throw error
  }
  return { pid: child.pid ?? 0, output, stop: () => stop(child) }
}

function untilReady(child: ChildProcess, options: ProgramOptions, output: () => string): Promise<void> {
  const { command, ready, startTimeout = 30_000 } = options
  return new Promise((resolve, reject) => {
    const refuse = (why: string): void => reject(new Error(`${command} ${why}\n${output()}`))
    const timer = setTimeout(() => refuse('was not ready in time'), startTimeout)
    const look = (): void => {
      if (!ready.test(output())) return
      clearTimeout(timer)
      resolve()
    }
    child.stdout?.on('data', look)
    child.stderr?.on('data', look)
    child.once('error', ({ message }) => refuse(`could not be started: ${message}`))
    child.once('exit', (code) => {
      clearTimeout(timer)
      refuse(`ended with ${code} before it was ready`)
    })
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  child.kill('SIGTERM')
  await gone
  clearTimeout(timer)
}

export interface Scratch {
  readonly path: string
  remove(): void
}

/** A directory for one test that servers can read after they have given up root. */
export function scratchDirectory(name: string): Scratch {
  const path = mkdtempSync(join(tmpdir(), `gatehouse-${name}-`))
  chmodSync(path, 0o755)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Closes a server of the test's own, open connections included. */
export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
