import { defineConfig } from '@playwright/test'
import { inChromium } from '../chromium.ts'

export default defineConfig({
  ...inChromium,
  testDir: '.',
  timeout: 120_000,
  outputDir: '../../test-results/interop',
})
