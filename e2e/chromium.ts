import type { PlaywrightTestConfig } from '@playwright/test'

/** What all browser tests share: a real Chromium from the system (`CHROMIUM` names another), one worker. What passes only the second time is listed as flaky. */
export const inChromium = {
  testMatch: '*.spec.ts',
  // Ten times what anything here takes on a machine with nothing else to do, and more.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  fullyParallel: false,
  workers: 1,
  retries: 1,
  forbidOnly: true,
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    // TRACE=1 keeps what led to a failure: to record it takes a tenth of the time.
    trace: process.env['TRACE'] === undefined ? 'off' : 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
    },
  },
} as const satisfies PlaywrightTestConfig
