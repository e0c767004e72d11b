import type { Page } from '@playwright/test'
import { Secret, TOTP } from 'otpauth'

const PERIOD_MS = 30_000
/** What the steps of a test between making a code and having it judged may take. */
const ENOUGH_MS = 12_000

/** What an authenticator app shows, `steps` periods from now: each code works once, so every use in a test takes a later one. */
export function code(secret: string, steps = 0): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * PERIOD_MS })
}

/** Until a code of the period before is taken for a while yet. */
export async function early(page: Page): Promise<void> {
  const left = PERIOD_MS - (Date.now() % PERIOD_MS)
  if (left < ENOUGH_MS) await page.waitForTimeout(left)
}

export async function enterCode(page: Page, digits: string): Promise<void> {
  await page.locator('input[autocomplete="one-time-code"]').fill(digits)
  await page.locator('main form button[type="submit"]').first().click()
}
