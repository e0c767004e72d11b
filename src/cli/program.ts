import { Command, type CommanderError } from 'commander'
import type { Serve } from './serve.ts'
import { processTerminal, type Terminal } from './terminal.ts'
import { productVersion } from './version.ts'

export interface ProgramDeps {
  /** Runs the gateway until it is told to stop. */
  readonly serve: Serve
  /** The process's own by default. */
  readonly terminal?: Terminal
}

type CommandDeps = Required<ProgramDeps>

/** Each is loaded when it is asked for: `serve` needs nothing of what the others work with. */
const COMMANDS: ReadonlyMap<string, (deps: CommandDeps) => Promise<Command>> = new Map([
  ['serve', async (deps) => (await import('./serve.ts')).createServeCommand(deps)],
  ['check', async (deps) => (await import('./check.ts')).createCheckCommand(deps)],
  ['init', async (deps) => (await import('./init.ts')).createInitCommand(deps)],
  ['hash-password', async (deps) => (await import('./hash-password.ts')).createHashPasswordCommand(deps)],
  ['keys', async (deps) => (await import('./keys.ts')).createKeysCommand(deps)],
  ['sessions', async (deps) => (await import('./sessions.ts')).createSessionsCommand(deps)],
  ['authenticators', async (deps) => (await import('./authenticators.ts')).createAuthenticatorsCommand(deps)],
  ['users', async (deps) => (await import('./users.ts')).createUsersCommand(deps)],
  ['policy', async (deps) => (await import('./policy.ts')).createPolicyCommand(deps)],
  ['version', async (deps) => (await import('./version.ts')).createVersionCommand(deps)],
])

/** Runs what the arguments say: one command of `gatehouse`, or help about all of them. Exit codes: {@link Terminal}. */
export async function runProgram(args: readonly string[], deps: ProgramDeps): Promise<void> {
  const terminal = deps.terminal ?? processTerminal()
  const program = new Command('gatehouse')
    .description('Browser single sign-on gateway.')
    .version(productVersion(), '-V, --version', 'print the version')
  const asked = COMMANDS.get(args[0] ?? '')
  for (const load of asked === undefined ? COMMANDS.values() : [asked])
    program.addCommand(await load({ ...deps, terminal }))
  settle(program, terminal)
  await program.parseAsync(args, { from: 'user' })
}

/** One way out and one place for words, whichever command it is. */
function settle(command: Command, terminal: Terminal): void {
  command
    .exitOverride((error: CommanderError) => terminal.exit(error.exitCode === 0 ? 0 : 2))
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .showHelpAfterError('(--help shows what can be said)')
  for (const inner of command.commands) settle(inner, terminal)
}
