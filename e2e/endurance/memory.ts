import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const MIB = 1_024 * 1_024

/** Bytes of the process that are in memory now, all threads, as the system counts them. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} tells nothing of its memory`)
  return Number(kilobytes) * 1_024
}

const SETTLE_MS = 100
const COLLECTIONS = 4

/** For NODE_OPTIONS of a process whose memory is to be asked for by `settledBytes`. */
export const COLLECTS = `--import=${fileURLToPath(new URL('collect-garbage.ts', import.meta.url))}`

/** What is left after garbage was collected until nothing more came of it. */
export async function settledBytes(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < COLLECTIONS; i++) {
    process.kill(pid, 'SIGUSR2')
    await pause(SETTLE_MS)
    least = Math.min(least, residentBytes(pid))
  }
  return least
}

export interface Watch {
  /** The most that was seen since the start. */
  stop(): number
}

const LOOK_EVERY_MS = 20

/** Looks at the process's memory all the time; nothing is collected but by the process itself. */
export function watchMemory(pid: number): Watch {
  let most = residentBytes(pid)
  const look = (): void => void (most = Math.max(most, residentBytes(pid)))
  const timer = setInterval(look, LOOK_EVERY_MS)
  return {
    stop() {
      clearInterval(timer)
      look()
      return most
    },
  }
}
