// `npm run verify`: all of it, one after the other.
import { prepare } from './runtime.mjs'
import { runSteps } from './steps.mjs'

const { node, env } = prepare()

process.exitCode = await runSteps([
  { name: 'npm test', command: node, args: ['scripts/test.mjs'], minutes: 15, env },
  { name: 'broken code turns a test red', command: node, args: ['scripts/mutations/run.ts'], minutes: 30, env },
  { name: 'npm run interop', command: node, args: ['scripts/interop.mjs'], minutes: 15, env },
])
