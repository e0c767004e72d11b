import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.ts'

/** The wall clock of one process, which a test makes wrong. */
export interface MovableClock {
  /** For Node, before the program. */
  readonly flag: string
  readonly env: Readonly<Record<string, string>>
  /** From now on the clock of this process is wrong by so much; settles when it is so. */
  move(pid: number, ms: number): Promise<void>
  /** From now on it stands still at this time, milliseconds since the epoch; settles when it is so. */
  hold(pid: number, at: number): Promise<void>
  dispose(): void
}

export function createMovableClock(): MovableClock {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-clock-'))
  const file = join(directory, 'offset')
  const tell = async (pid: number, text: string): Promise<void> => {
    writeFileSync(file, text)
    process.kill(pid, 'SIGUSR2')
    await until('the process has another time', () => !existsSync(file))
  }
  return {
    flag: `--import=${join(import.meta.dirname, 'moved-clock.ts')}`,
    env: { CLOCK_FILE: file },
    move: (pid, ms) => tell(pid, String(ms)),
    hold: (pid, at) => tell(pid, `=${at}`),
    dispose: () => rmSync(directory, { recursive: true, force: true }),
  }
}
