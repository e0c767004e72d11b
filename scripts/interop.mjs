// `npm run interop`: the product with software that is not ours on the other side, installed from npm at a pinned version.
import { prepare } from './runtime.mjs'
import { runSteps } from './steps.mjs'
import { ensurePrograms } from './system-packages.mjs'

const { node, env } = prepare()
ensurePrograms({ chromium: 'chromium' })

process.exitCode = await runSteps([
  { name: 'foreign applications are installed', command: node, args: ['scripts/foreign-apps.mjs'], minutes: 5, env },
  {
    name: 'foreign applications work behind the gateway',
    command: 'playwright',
    args: ['test', '--config', 'e2e/interop/playwright.config.ts'],
    minutes: 5,
    env,
  },
])
