// `npm run bench`: sees to Node, the dependencies, wrk and the published JavaScript, then measures. See docs/performance.md.
import { spawnSync } from 'node:child_process'
import { installForeign } from '../scripts/foreign-packages.mjs'
import { become, fail, prepare, root } from '../scripts/runtime.mjs'
import { ensurePrograms } from '../scripts/system-packages.mjs'

const args = process.argv.slice(2)
const { node, env } = prepare()
if (args[0] === undefined || args[0].startsWith('-')) {
  ensurePrograms({ wrk: 'wrk', taskset: 'util-linux' })
  const built = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, env, stdio: 'inherit' })
  if (built.status !== 0) fail('The build failed; tsc says above why.')
}
if (args[0] === 'policy') installForeign('bench/policy-engines', 'policy-engines')
if (args[0] === 'login') ensurePrograms({ wrk: 'wrk', taskset: 'util-linux' })
if (args[0] === 'revocation' || args[0] === 'sessions') ensurePrograms({ 'redis-server': 'redis-server' })
become(node, ['bench/run.ts', ...args], env)
