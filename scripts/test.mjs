// `npm test`: everything that must hold before a change lands, in ten minutes at most.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { prepare, root } from './runtime.mjs'
import { runSteps } from './steps.mjs'
import { ensureBrowser, ensurePrograms } from './system-packages.mjs'

const { node, env: plain } = prepare()
// What the rigs of the tests say of their gateways' decisions.
const env = { ...plain, ASKED_AGAIN_TALLY: join(root, '.runtime', 'asked-again.jsonl') }
rmSync(env.ASKED_AGAIN_TALLY, { force: true })
const browser = ensureBrowser()
ensurePrograms({ curl: 'curl', openssl: 'openssl', 'redis-server': 'redis-server' })

const tool = (name, command, args, minutes) => ({ name, command, args, minutes, env })
const TESTS = ['--test', '--test-timeout=120000']
const tests = (name, minutes, ...args) => ({
  ...tool(name, node, [...TESTS, ...args], minutes),
  again: [...TESTS, '--test-concurrency=1'],
})

/** Folders whose test files run in one process: to start one for each takes twice what the tests do. They leave nothing behind for each other. */
const IN_ONE_PROCESS = [
  'api|authn|portal',
  'gateway|identity|session',
  'cli|wiring|workers',
  'base|config|http|policy|telemetry',
]

/** For what only reads and computes: it takes what the others leave, so that those who measure time and answer browsers are not held up. */
const inTheBackground = (step) => ({ ...step, command: 'nice', args: ['-n', '10', step.command, ...step.args] })

// Three at once on two cores: those that start whole systems wait now and then, for a browser, a time-out or a disk. The longest come
// first, so that none of them is still at work when all others have ended.
process.exitCode = await runSteps(
  [
    {
      ...tool('a person in a browser', 'playwright', ['test', '--config', 'e2e/playwright.config.ts'], 10),
      // What Playwright has read once it need not read again.
      env: { ...env, ...browser, PWTEST_CACHE_DIR: join(root, '.runtime', 'playwright') },
    },
    tests('whole systems, crashes included', 10, '--test-concurrency=1', 'e2e/system/*.test.ts'),
    tests(
      'unit, contract, wire and property tests',
      10,
      '--test-concurrency=3',
      'src/*.test.ts',
      `src/!(${IN_ONE_PROCESS.join('|')})/**/*.test.ts`,
      'scripts/**/*.test.ts',
    ),
    tests('attacks are refused', 10, '--test-isolation=none', 'e2e/attacks/*.test.ts'),
    ...IN_ONE_PROCESS.map((folders) =>
      tests(`unit tests in one process: ${folders}`, 10, '--test-isolation=none', `src/@(${folders})/**/*.test.ts`),
    ),
    tool('broken code turns a test red', node, ['scripts/mutations/run.ts', '--slice', '8', '--trust-tests'], 5),
    ...[tool('lint finds nothing', 'oxlint', ['--deny-warnings'], 3), tool('types hold', 'tsc', ['--noEmit'], 5)].map(
      inTheBackground,
    ),
    tests('memory stays flat, in little', 5, '--test-concurrency=1', 'e2e/endurance/*.test.ts'),
    tests('a slice of fuzzing finds nothing', 5, '--test-concurrency=1', 'e2e/fuzz/*.test.ts'),
    tests('a store that fails loses nothing, in little', 5, '--test-concurrency=1', 'e2e/faults/*.test.ts'),
    ...[
      tool('formatting is uniform', 'oxfmt', ['--check'], 2),
      tool('nothing is unused', 'knip', ['--no-progress'], 3),
    ].map(inTheBackground),
  ],
  3,
  [tool('explain says what was enforced', node, ['scripts/explain-equals-act.mjs'], 1)],
)
