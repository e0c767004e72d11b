import { randomBytes } from 'node:crypto'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { Command } from 'commander'
import { configOption } from './config-option.ts'
import { FIRST_CONFIGURATION } from './first-configuration.ts'
import type { Terminal } from './terminal.ts'

export interface InitCommandDeps {
  readonly terminal: Pick<Terminal, 'env' | 'out' | 'err' | 'setExitCode'>
}

/** Makes what a first start needs and overwrites nothing, so it may be run again at any time. */
export function createInitCommand({ terminal }: InitCommandDeps): Command {
  return new Command('init')
    .description('make the master key and, in an empty directory, a small commented configuration')
    .addOption(configOption())
    .action(async ({ config }: { config: string }) => {
      try {
        await initialise(config, terminal)
      } catch (error) {
        terminal.err(`gatehouse: ${error instanceof Error ? error.message : String(error)}\n`)
        terminal.setExitCode(1)
      }
    })
}

async function initialise(config: string, { env, out }: InitCommandDeps['terminal']): Promise<void> {
  const root = resolve(config)
  if (await exists(join(root, 'gatehouse.yaml')))
    throw new Error(
      `${config} holds gatehouse.yaml itself; name the folder that agent-config/ is in: --config ${join(config, '..')}`,
    )
  await mkdir(root, { recursive: true })
  const isEmpty = !(await exists(join(root, 'agent-config'))) && !(await exists(join(root, 'realms')))
  await put(join(dataFolder(root, env), 'master.key'), `${randomBytes(32).toString('base64url')}\n`, SECRET)
  for (const [file, text] of isEmpty ? Object.entries(FIRST_CONFIGURATION) : [])
    await put(join(root, file), text, PUBLIC)

  async function put(path: string, text: string, modes: Modes): Promise<void> {
    const done = await writeNew(path, text, modes)
    out(`${done ? 'wrote' : 'kept'} ${join(config, relative(root, path))}\n`)
  }
}

/** As `${env:GATEHOUSE_DATA:-.gatehouse}` in the configuration comes out. */
function dataFolder(root: string, env: Terminal['env']): string {
  const named = env['GATEHOUSE_DATA']
  return resolve(root, named === undefined || named === '' ? '.gatehouse' : named)
}

interface Modes {
  readonly file: number
  readonly folder: number
}

const SECRET: Modes = { file: 0o600, folder: 0o700 }
const PUBLIC: Modes = { file: 0o644, folder: 0o755 }

/** False when the file is there already. Asked and written in one step: two at once cannot make two keys. */
async function writeNew(path: string, text: string, modes: Modes): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: modes.folder })
  try {
    await writeFile(path, text, { flag: 'wx', mode: modes.file, flush: true })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
