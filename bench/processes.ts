import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const WATCH_MS = 100
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** One of the processes of a run. All are ended by their pid when the run is over, however it ends. */
export interface Process {
  readonly name: string
  readonly pid: number
  /** The first thing it says, once it is ready. */
  readonly ready: Promise<unknown>
  /** Sends a question; settles with the next message. */
  ask(question: string): Promise<unknown>
  stop(): Promise<void>
}

/** Where a process runs: what is measured has a core to itself, which the load and the application share no cache of. */
export type Place = 'measured' | 'beside' | 'anywhere'

/** The command bound to its core (taskset(1)); as it is where there is one core only. */
export function pinned(place: Place, command: string, args: readonly string[]): readonly [string, readonly string[]] {
  if (place === 'anywhere' || availableParallelism() < 2) return [command, args]
  return ['taskset', ['--cpu-list', place === 'measured' ? '1' : '0', command, ...args]]
}

/** Starts a TypeScript file of the repository. What it writes to standard output goes nowhere, as a log in production would. */
export function startProcess(name: string, place: Place, args: readonly string[]): Process {
  const [command, all] = pinned(place, process.execPath, args)
  const child = spawn(command, all, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // However this process ends, but by SIGKILL.
  const endWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  child.once('exit', () => process.off('exit', endWithUs))
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} could not be started`)
  return {
    name,
    pid,
    ready: nextMessage(child, name),
    ask(question) {
      const answer = nextMessage(child, name)
      child.send(question)
      return answer
    },
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await exited
      clearTimeout(timer)
    },
  }
}

function nextMessage(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`${name} ended`))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message)
    })
  })
}

/** Lets a process that runs, all its threads, go elsewhere. */
export function move({ pid }: Pick<Process, 'pid'>, place: Place): void {
  const cores = availableParallelism()
  if (cores < 2) return
  const list = place === 'anywhere' ? `0-${cores - 1}` : place === 'measured' ? '1' : '0'
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', list, String(pid)])
}

/** Processor time of a process and all its threads so far, in microseconds (proc(5): utime and stime). */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may contain blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000_000
}

/** Resident memory in MiB. */
export function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1_024
}

/** Looks at a process until it is stopped. @returns the most memory that it had resident meanwhile, in MiB */
export function watchResident(pid: number): { stop(): number } {
  let most = residentMegabytes(pid)
  const timer = setInterval(() => (most = Math.max(most, residentMegabytes(pid))), WATCH_MS)
  return {
    stop() {
      clearInterval(timer)
      return Math.max(most, residentMegabytes(pid))
    },
  }
}
