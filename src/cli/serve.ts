import { Command } from 'commander'
import { asFault } from '../errors.ts'
import { configOption } from './config-option.ts'
import type { Terminal } from './terminal.ts'

/** Runs the gateway on the configuration below this directory; settles when it has stopped, rejects when it cannot start. */
export type Serve = (configRoot: string) => Promise<void>

export interface ServeCommandDeps {
  readonly terminal: Pick<Terminal, 'err' | 'setExitCode'>
  readonly serve: Serve
}

export function createServeCommand({ terminal, serve }: ServeCommandDeps): Command {
  return new Command('serve')
    .description('run the gateway')
    .addOption(configOption())
    .action(async ({ config }: { config: string }) => {
      try {
        await serve(config)
      } catch (caught) {
        const { code, message, detail, cause } = asFault(caught)
        const reason = detail ?? (cause instanceof Error ? cause.message : undefined)
        terminal.err(`gatehouse: ${message} (${code})${reason === undefined ? '' : `: ${reason}`}\n`)
        terminal.setExitCode(1)
      }
    })
}
