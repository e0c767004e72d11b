// Debian packages that the tests drive: installed where that is possible, asked for where it is not, never skipped.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
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

/** Debian's packages ask this file whether they may start their services (`man invoke-rc.d`). */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d'

/** The tests start what they need, where they need it: installing nginx must not open port 80 on somebody's machine. */
function withoutStartingServices(install) {
  if (existsSync(SERVICE_POLICY)) return install()
  writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return install()
  } finally {
    rmSync(SERVICE_POLICY)
  }
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
  const args = ['install', '-y', '-q', '--no-install-recommends', ...packages]
  const done = withoutStartingServices(() => spawnSync('apt-get', args, limits))
  if (done.status !== 0)
    fail(`The tests drive programs that could not be installed. Install them first:\n\n    ${command}\n`)
}
