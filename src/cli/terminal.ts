import type { Readable } from 'node:stream'

/**
 * 0: done. 1: the configuration, or what was asked for, has a problem. 2: the command was not understood. 3: done, and the answer is that
 * something is not what it was.
 */
export type ExitCode = 0 | 1 | 2 | 3

/** A terminal's keyboard, or a pipe. */
export interface Keyboard extends Readable {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
}

/** What a command has of the world around it. */
export interface Terminal {
  readonly stdin: Keyboard
  readonly env: Readonly<Record<string, string | undefined>>
  /** Writes to standard output. */
  out(text: string): void
  /** Writes to standard error. */
  err(text: string): void
  /** The code the process will end with when nothing is left to do. */
  setExitCode(code: ExitCode): void
  /** Ends the process now. */
  exit(code: ExitCode): never
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    get stdin() {
      return process.stdin
    },
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    setExitCode: (code) => {
      process.exitCode = code
    },
    exit: (code) => process.exit(code),
  }
}
