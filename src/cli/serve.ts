import { Command } from 'commander'
import { configOption } from './config-option.ts'
import { tellFault } from './tell-fault.ts'
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
      await serve(config).catch((caught: unknown) => tellFault(terminal, caught))
    })
}
