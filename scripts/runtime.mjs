// What `npm start` and `npm test` need before anything of the product can run. Runs on any Node from 18, without dependencies.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root, with a trailing separator. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const NODE_MAJOR = 24
const NODE_VERSION = '24.21.0'
const STAMP = join(root, 'node_modules', '.gatehouse-installed')

/** Prints what is wrong and what to do, and ends the process. */
export function fail(message) {
  process.stderr.write(`\n${message}\n`)
  process.exit(1)
}

function run(command, args, options) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options })
  return result.status === 0
}

/** npm itself, run by the given Node: the one that started us where npm did, else the one on the path. */
function npm(node, env, args) {
  const cli = process.env.npm_execpath
  return cli?.endsWith('.js') && existsSync(cli) ? run(node, [cli, ...args], { env }) : run('npm', args, { env })
}

/** Path of a Node that can run the product: this one, or a private one fetched through npm into `.runtime/`. */
function ensureNode() {
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const home = join(root, '.runtime', `node-${NODE_VERSION}`)
  const node = join(home, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(node)) return node
  process.stdout.write(
    `Node ${process.versions.node} is too old for Gatehouse; fetching Node ${NODE_VERSION} for it alone …\n`,
  )
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--prefix', home, '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
  if (!npm(process.execPath, process.env, [...args, `${name}@${NODE_VERSION}`]) || !existsSync(node)) {
    fail(`Node ${NODE_VERSION} could not be fetched. Install Node ${NODE_MAJOR} or newer and try again.`)
  }
  return node
}

/** The environment in which `node` and `npm` mean the product's Node. */
function environmentOf(node) {
  const path = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter)
  // What Node has compiled once it need not compile for each of some hundred test files and processes again.
  const cache = join(root, '.runtime', 'compile-cache')
  return { NODE_COMPILE_CACHE: cache, ...process.env, PATH: path, NODE: node, npm_node_execpath: node }
}

/** Runs `npm ci` unless exactly this lock file has been installed already. */
function ensureInstalled(node, env) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return
  process.stdout.write('Installing dependencies …\n')
  if (!npm(node, env, ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) {
    fail('The dependencies could not be installed; npm says above why. Try again when the registry can be reached.')
  }
  writeFileSync(STAMP, lock)
}

/** A Node that runs the product, with everything installed, and the environment to run children in. */
export function prepare() {
  const node = ensureNode()
  const env = environmentOf(node)
  ensureInstalled(node, env)
  return { node, env }
}

/** Hands this process over to a script of the product: passes signals on and ends with its exit code. */
export function become(node, args, env) {
  const child = spawn(node, args, { cwd: root, stdio: 'inherit', env })
  // A terminal sends Ctrl-C to the whole group: the child gets it by itself, and we wait for it to finish draining.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => fail(`${args[0]} could not be started: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
}
