import { join } from 'node:path'
import { Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { formatProblem, hasErrors } from '../config/problems.ts'
import type { ConfigProblem } from '../config/snapshot.ts'
import { configOption } from './config-option.ts'
import type { Terminal } from './terminal.ts'

export interface CheckCommandDeps {
  readonly terminal: Pick<Terminal, 'env' | 'out' | 'setExitCode'>
}

/** `check` runs the code that `serve` runs, and exits with 1 where `serve` would refuse to start. */
export function createCheckCommand({ terminal }: CheckCommandDeps): Command {
  return new Command('check')
    .description('report every problem of the configuration, with file, line and column')
    .addOption(configOption())
    .option('--json', 'print one JSON document')
    .action(async ({ config, json = false }: { config: string; json?: boolean }) => {
      const loaded = await loadConfig(config, { env: terminal.env, purpose: 'check' })
      const problems = loaded.problems.map((problem) => ({ ...problem, file: join(config, problem.file) }))
      terminal.out(json ? asJson(problems) : asText(problems))
      terminal.setExitCode(hasErrors(problems) ? 1 : 0)
    })
}

function asJson(problems: readonly ConfigProblem[]): string {
  return `${JSON.stringify({ ok: !hasErrors(problems), problems }, undefined, 2)}\n`
}

function asText(problems: readonly ConfigProblem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const counts = `${counted(errors, 'error')}, ${counted(problems.length - errors, 'warning')}`
  const summary = errors === 0 ? `The configuration is valid: ${counts}.` : `The configuration is not valid: ${counts}.`
  return [...problems.map(formatProblem), summary, ''].join('\n')
}

function counted(count: number, word: string): string {
  return count === 1 ? `1 ${word}` : `${count} ${word}s`
}
