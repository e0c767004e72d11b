import { asFault } from '../errors.ts'
import type { Terminal } from './terminal.ts'

/** One line on standard error with the code and the reason, and exit code 1. */
export function tellFault(terminal: Pick<Terminal, 'err' | 'setExitCode'>, caught: unknown): void {
  const { code, message, detail, cause } = asFault(caught)
  const reason = detail ?? (cause instanceof Error ? cause.message : undefined)
  terminal.err(`gatehouse: ${message} (${code})${reason === undefined ? '' : `: ${reason}`}\n`)
  terminal.setExitCode(1)
}
