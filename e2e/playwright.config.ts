import { defineConfig } from '@playwright/test'
import { inChromium } from './chromium.ts'

export default defineConfig({
  ...inChromium,
  testDir: '.',
  testIgnore: 'interop/**',
  outputDir: '../test-results/e2e',
})
