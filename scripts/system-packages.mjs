// Debian packages that the tests drive: installed where that is possible, asked for where it is not, never skipped.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fail } from './runtime.mjs'

function onPath(program) {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** @param needed program name → Debian package */
export function ensurePrograms(needed) {
  const missing = Object.entries(needed).filter(([program]) => !onPath(program))
  if (missing.length === 0) return
  const packages = missing.map(([, name]) => name)
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    fail(`The tests drive programs that are not installed. Install them first:\n\n    sudo ${command}\n`)
  }
  process.stdout.write(`Installing ${packages.join(', ')} …\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const limits = { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 300_000 }
  spawnSync('apt-get', ['update', '-q'], limits)
  const done = spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], limits)
  if (done.status !== 0)
    fail(`The tests drive programs that could not be installed. Install them first:\n\n    ${command}\n`)
}
