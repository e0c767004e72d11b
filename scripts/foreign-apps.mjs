// Installs the foreign applications of the interop tests into .runtime/, apart from the product's own dependencies.
// Their lock file (e2e/interop/foreign-apps) pins the whole tree, so a run today and one next year test the same software.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root } from './runtime.mjs'

const wanted = join(root, 'e2e', 'interop', 'foreign-apps')
const home = join(root, '.runtime', 'foreign-apps')
const stamp = join(home, 'node_modules', '.installed')
const lock = readFileSync(join(wanted, 'package-lock.json'), 'utf8')

function install() {
  mkdirSync(home, { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(wanted, file), join(home, file))
  // Their install scripts are not run: nothing of a test's peer is to run before the test starts it.
  const args = ['ci', '--prefix', home, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const cli = process.env.npm_execpath
  const [command, ...first] = cli?.endsWith('.js') && existsSync(cli) ? [process.execPath, cli] : ['npm']
  const done = spawnSync(command, [...first, ...args], { stdio: ['ignore', 'inherit', 'inherit'], timeout: 280_000 })
  if (done.status !== 0) fail('The foreign applications could not be installed; npm says above why.')
  writeFileSync(stamp, lock)
}

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) install()
