// `npm test`: everything that must hold before a change lands, in ten minutes at most.
import { prepare } from './runtime.mjs'
import { runSteps } from './steps.mjs'
import { ensurePrograms } from './system-packages.mjs'

const { node, env } = prepare()
ensurePrograms({ chromium: 'chromium', openssl: 'openssl' })

const tool = (name, command, args, minutes) => ({ name, command, args, minutes, env })
const testFiles = ['src/**/*.test.ts', 'scripts/**/*.test.ts']

process.exitCode = await runSteps([
  tool('types hold', 'tsc', ['--noEmit'], 3),
  tool('the build makes JavaScript', 'tsc', ['-p', 'tsconfig.build.json'], 3),
  tool('lint finds nothing', 'eslint', ['--max-warnings', '0', '.'], 4),
  tool('formatting is uniform', 'prettier', ['--check', '--log-level', 'warn', '.'], 2),
  tool('nothing is unused', 'knip', ['--no-progress'], 2),
  tool('unit, contract, wire and property tests', node, ['--test', '--test-timeout=120000', ...testFiles], 6),
  tool(
    'whole systems, crashes included',
    node,
    ['--test', '--test-timeout=120000', '--test-concurrency=1', 'e2e/system/*.test.ts'],
    5,
  ),
  tool('a person in a browser', 'playwright', ['test', '--config', 'e2e/playwright.config.ts'], 6),
])
