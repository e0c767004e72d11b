// Debian packages that the tests drive: installed where that is possible, asked for where it is not, never skipped.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fail } from './runtime.mjs'

function pathOf(program) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  // A module of another program is named by its whole path, and is not run.
  if (program.startsWith('/')) return existsSync(program) ? program : undefined
  return directories
    .map((directory) => join(directory, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

const onPath = (program) => pathOf(program) !== undefined

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

const installCommand = (packages) => `apt-get install -y --no-install-recommends ${packages.join(' ')}`

const canInstall = () => process.getuid?.() === 0 && onPath('apt-get')

/** Whether it could be done. */
function install(packages) {
  process.stdout.write(`Installing ${packages.join(', ')} …\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const limits = { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 300_000 }
  const patience = ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=20']
  spawnSync('apt-get', ['update', '-q', ...patience], limits)
  const args = ['install', '-y', '-q', '--no-install-recommends', ...patience, ...packages]
  return withoutStartingServices(() => spawnSync('apt-get', args, limits)).status === 0
}

/** @param needed program name → Debian package */
export function ensurePrograms(needed) {
  const missing = Object.entries(needed).filter(([program]) => !onPath(program))
  if (missing.length === 0) return
  const packages = missing.map(([, name]) => name)
  const command = installCommand(packages)
  if (!canInstall()) {
    fail(`The tests drive programs that are not installed. Install them first:\n\n    sudo ${command}\n`)
  }
  if (!install(packages))
    fail(`The tests drive programs that could not be installed. Install them first:\n\n    ${command}\n`)
}

/** Chromium without windows: the same engine, for half the work. */
const WINDOWLESS = 'chromium-headless-shell'

/**
 * The browser that the tests drive, as the variable that names it: one without windows, or Chromium where that cannot be had.
 * `CHROMIUM` names another; `npm run verify` takes Chromium as people have it.
 */
export function ensureBrowser() {
  if (process.env.CHROMIUM !== undefined) return {}
  const wantsWindows = process.env.LOOKS === 'all'
  if (!wantsWindows && (onPath(WINDOWLESS) || (canInstall() && install([WINDOWLESS]))))
    return { CHROMIUM: pathOf(WINDOWLESS) }
  ensurePrograms({ chromium: 'chromium' })
  return {}
}
