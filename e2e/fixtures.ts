import { test as base, expect, type Page } from '@playwright/test'
import { startRig, type Rig } from './rig.ts'

/** One sample system for all tests of a worker; each test has its own browser context, so its own cookies. */
export const test = base.extend<object, { rig: Rig }>({
  rig: [
    async ({}, use) => {
      const rig = await startRig()
      await use(rig)
      await rig.stop()
    },
    { scope: 'worker', timeout: 120_000 },
  ],
})

export { expect }

/** Types name and password into the login page that is open, and sends it. */
export async function signIn(page: Page, username: string, password = `${username}-demo-password`): Promise<void> {
  await page.locator('input[autocomplete~="username"]').fill(username)
  await page.locator('input[type="password"]').fill(password)
  await page.locator('form button[type="submit"]').first().click()
}
