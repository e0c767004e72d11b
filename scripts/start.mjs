// `npm start`: the sample configuration with its applications. See demo.ts for what happens once everything is installed.
import { become, prepare } from './runtime.mjs'

const { node, env } = prepare()
become(node, ['scripts/demo.ts', ...process.argv.slice(2)], env)
