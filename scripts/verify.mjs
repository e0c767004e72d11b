// `npm run verify`: all of it, one after the other.
import { prepare } from './runtime.mjs'
import { runSteps } from './steps.mjs'

const { node, env } = prepare()

/** One after the other, at their full length: what `npm test` runs a slice of. */
const whole = (name, minutes, files, size) => ({
  name,
  command: node,
  args: ['--test', '--test-concurrency=1', '--test-timeout=600000', files],
  minutes,
  env: { ...env, ...size },
})

process.exitCode = await runSteps([
  {
    name: 'npm test',
    command: node,
    args: ['scripts/test.mjs'],
    minutes: 15,
    env: { ...env, LOOKS: 'all', SYSTEM: 'all' },
  },
  { name: 'broken code turns a test red', command: node, args: ['scripts/mutations/run.ts'], minutes: 90, env },
  whole('a minute of fuzzing each input finds nothing', 15, 'e2e/fuzz/*.test.ts', { FUZZ_SECONDS: '60' }),
  whole('a gigabyte passes and 1,000 WebSockets stay open in flat memory', 15, 'e2e/endurance/*.test.ts', {
    ENDURANCE_MIB: '1024',
    ENDURANCE_SOCKETS: '1000',
  }),
  whole('whatever breaks under 200 people loses nothing and lets nothing through', 10, 'e2e/faults/*.test.ts', {
    FAULTS: 'all',
    FAULT_CLIENTS: '200',
  }),
  { name: 'npm run interop', command: node, args: ['scripts/interop.mjs'], minutes: 15, env },
])
