// Installs the foreign applications of the interop tests into .runtime/, apart from the product's own dependencies.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root } from './runtime.mjs'

const APPS = { 'node-red': '5.0.7' }

const home = join(root, '.runtime', 'foreign-apps')
mkdirSync(home, { recursive: true })
if (!existsSync(join(home, 'package.json'))) writeFileSync(join(home, 'package.json'), '{ "private": true }\n')
const wanted = Object.entries(APPS).map(([name, version]) => `${name}@${version}`)
const args = [
  'install',
  '--prefix',
  home,
  '--no-audit',
  '--no-fund',
  '--no-package-lock',
  '--loglevel=error',
  ...wanted,
]
const done = spawnSync('npm', args, { stdio: ['ignore', 'inherit', 'inherit'], timeout: 280_000 })
if (done.status !== 0) fail(`${wanted.join(', ')} could not be installed; npm says above why.`)
