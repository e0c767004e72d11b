import { Command, type CommanderError } from 'commander'
import { createPasswordHasher } from '../crypto/password-hash.ts'
import { createAuthenticatorsCommand } from './authenticators.ts'
import { createCheckCommand } from './check.ts'
import { createHashPasswordCommand } from './hash-password.ts'
import { createInitCommand } from './init.ts'
import { createKeysCommand } from './keys.ts'
import { createServeCommand, type Serve } from './serve.ts'
import { createSessionsCommand } from './sessions.ts'
import { processTerminal, type Terminal } from './terminal.ts'
import { createUsersCommand } from './users.ts'
import { createVersionCommand, productVersion } from './version.ts'

export interface ProgramDeps {
  /** Runs the gateway until it is told to stop. */
  readonly serve: Serve
  /** The process's own by default. */
  readonly terminal?: Terminal
}

/** The `gatehouse` command with all its subcommands. `parseAsync(process.argv)` runs one; exit codes: {@link Terminal}. */
export function createProgram(deps: ProgramDeps): Command {
  const terminal = deps.terminal ?? processTerminal()
  const hasher = createPasswordHasher()
  const program = new Command('gatehouse')
    .description('Browser single sign-on gateway.')
    .version(productVersion(), '-V, --version', 'print the version')
    .addCommand(createServeCommand({ terminal, serve: deps.serve }))
    .addCommand(createCheckCommand({ terminal }))
    .addCommand(createInitCommand({ terminal }))
    .addCommand(createHashPasswordCommand({ terminal, hash: (password) => hasher.hash(password) }))
    .addCommand(createKeysCommand({ terminal }))
    .addCommand(createSessionsCommand({ terminal }))
    .addCommand(createAuthenticatorsCommand({ terminal }))
    .addCommand(createUsersCommand({ terminal, hash: (password) => hasher.hash(password) }))
    .addCommand(createVersionCommand({ terminal }))
  settle(program, terminal)
  return program
}

/** One way out and one place for words, whichever command it is. */
function settle(command: Command, terminal: Terminal): void {
  command
    .exitOverride((error: CommanderError) => terminal.exit(error.exitCode === 0 ? 0 : 2))
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .showHelpAfterError('(--help shows what can be said)')
  for (const inner of command.commands) settle(inner, terminal)
}
