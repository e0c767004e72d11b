// `npm test`: everything that must hold before a change lands, in ten minutes at most.
import { prepare } from './runtime.mjs'
import { runSteps } from './steps.mjs'
import { ensurePrograms } from './system-packages.mjs'

const { node, env } = prepare()
ensurePrograms({ chromium: 'chromium', curl: 'curl', openssl: 'openssl', 'redis-server': 'redis-server' })

const tool = (name, command, args, minutes) => ({ name, command, args, minutes, env })
const tests = (name, minutes, ...args) => tool(name, node, ['--test', '--test-timeout=120000', ...args], minutes)

/** For what only reads and computes: it takes what the others leave, so that those who measure time and answer browsers are not held up. */
const inTheBackground = (step) => ({ ...step, command: 'nice', args: ['-n', '10', step.command, ...step.args] })

// Three lanes on two cores: those that start whole systems wait now and then, for a browser, a time-out or a disk.
process.exitCode = await runSteps(
  [
    tests('whole systems, crashes included', 8, '--test-concurrency=1', 'e2e/system/*.test.ts'),
    tests('attacks are refused', 8, '--test-isolation=none', 'e2e/attacks/*.test.ts'),
    tests('memory stays flat, in little', 3, '--test-concurrency=1', 'e2e/endurance/*.test.ts'),
  ],
  [
    tool('a person in a browser', 'playwright', ['test', '--config', 'e2e/playwright.config.ts'], 8),
    tests('a slice of fuzzing finds nothing', 3, '--test-concurrency=1', 'e2e/fuzz/*.test.ts'),
    tests('a store that fails loses nothing, in little', 3, '--test-concurrency=1', 'e2e/faults/*.test.ts'),
  ],
  [
    ...[
      tool('types hold', 'tsc', ['--noEmit'], 3),
      // The types were checked a line above, tests and scripts included.
      tool('the build makes JavaScript', 'tsc', ['-p', 'tsconfig.build.json', '--noCheck'], 3),
      tool('lint finds nothing', 'eslint', ['--max-warnings', '0', '.'], 7),
      tool('formatting is uniform', 'prettier', ['--check', '--log-level', 'warn', '.'], 4),
      tool('nothing is unused', 'knip', ['--no-progress'], 2),
    ].map(inTheBackground),
    tests(
      'unit, contract, wire and property tests',
      7,
      '--test-concurrency=2',
      'src/**/*.test.ts',
      'scripts/**/*.test.ts',
    ),
    tool('broken code turns a test red', node, ['scripts/mutations/run.ts', '--slice', '8', '--trust-tests'], 2),
  ],
)
