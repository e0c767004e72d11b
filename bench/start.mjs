// `npm run bench`: sees to Node, the dependencies and wrk, then measures. See docs/performance.md.
import { become, prepare } from '../scripts/runtime.mjs'
import { ensurePrograms } from '../scripts/system-packages.mjs'

const args = process.argv.slice(2)
const { node, env } = prepare()
if (args[0] !== 'policy') ensurePrograms({ wrk: 'wrk' })
become(node, ['bench/run.ts', ...args], env)
