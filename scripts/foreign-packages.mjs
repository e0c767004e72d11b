// Installs software that is not ours, and that the product does not use, into .runtime/: peers of the interop tests, engines of the bench.
// A lock file pins the whole tree, so a run today and one next year meet the same software.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root } from './runtime.mjs'

/** Sees to what `folder` (with package.json and package-lock.json, below the root) names, in `.runtime/NAME`. */
export function installForeign(folder, name) {
  const wanted = join(root, folder)
  const home = join(root, '.runtime', name)
  const stamp = join(home, 'node_modules', '.installed')
  const lock = readFileSync(join(wanted, 'package-lock.json'), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  mkdirSync(home, { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(wanted, file), join(home, file))
  // Their install scripts are not run: nothing of a peer is to run before it is started.
  const args = ['ci', '--prefix', home, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const cli = process.env.npm_execpath
  const [command, ...first] = cli?.endsWith('.js') && existsSync(cli) ? [process.execPath, cli] : ['npm']
  const done = spawnSync(command, [...first, ...args], { stdio: ['ignore', 'inherit', 'inherit'], timeout: 280_000 })
  if (done.status !== 0) fail(`What ${folder} names could not be installed; npm says above why.`)
  writeFileSync(stamp, lock)
}
