import { code, early, enterCode } from './authenticator-app.ts'
import { expect, signIn, test } from './fixtures.ts'
import { viewer } from './page-checks.ts'

/** Of bob, as realms/employees/users.yaml has it. */
const BOB = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
test.describe.configure({ mode: 'serial' })

test('pay asks bob for a code alone, says why, and lets him through to where he was going', async ({ page, rig }) => {
  const { look } = viewer(page)
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'bob')
  await expect(page).toHaveURL(`${rig.sites.app}/`)

  await page.goto(`${rig.sites.pay}/?month=3`)
  await expect(page.locator('form input:not([type="hidden"])')).toHaveCount(1)
  await expect(page.locator('main')).toContainText('needs a second proof')
  await expect(page.locator('input[autocomplete="one-time-code"]')).toBeFocused()
  await look('step-up')

  await enterCode(page, '000000')
  await expect(page.getByRole('alert')).toContainText('not valid')
  await look('step-up-wrong')
  await early(page)
  await enterCode(page, code(BOB, -1))
  await expect(page).toHaveURL(`${rig.sites.pay}/?month=3`)

  // Within five minutes of that proof a transfer asks for nothing more.
  await page.goto(`${rig.sites.pay}/transfer`)
  await expect(page).toHaveURL(`${rig.sites.pay}/transfer`)
})

test('cancelling leaves the session as it was', async ({ page, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'bob')
  await page.goto(`${rig.sites.pay}/`)
  await page.getByRole('link', { name: 'Cancel' }).click()
  await expect(page).toHaveURL(`${rig.sites.login}/`)
  await page.goto(`${rig.sites.app}/`)
  await expect(page.locator('body')).toContainText('bob')
})

test('carol sets up an app when she first opens pay, by password and by keyboard, and uses it the next time', async ({
  browser,
  page,
  rig,
}) => {
  const { look } = viewer(page)
  await page.goto(`${rig.sites.pay}/`)
  await signIn(page, 'carol')
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Set up')
  await look('enrol')
  const secret = (await page.locator('.secret').innerText()).replaceAll(' ', '')
  await enterCode(page, '000000')
  await expect(page.getByRole('alert')).toContainText('not valid')
  // The picture was scanned already: it must be the same one.
  expect((await page.locator('.secret').innerText()).replaceAll(' ', '')).toBe(secret)
  const used = code(secret)
  await page.locator('input[autocomplete="one-time-code"]').fill(used)
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(`${rig.sites.pay}/`)

  const other = await (await browser.newContext()).newPage()
  await other.goto(`${rig.sites.pay}/`)
  await signIn(other, 'carol')
  await expect(other.locator('.secret')).toHaveCount(0)
  await enterCode(other, used)
  await expect(other.getByRole('alert')).toContainText('used already')
  // Whatever the time is by now: a later one than the one that was used.
  await enterCode(other, code(secret, 1))
  await expect(other).toHaveURL(`${rig.sites.pay}/`)
  await other.context().close()
})

test('a second tab that waited with the same question goes on by itself', async ({ context, page, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'bob')
  const second = await context.newPage()
  await page.goto(`${rig.sites.pay}/one`)
  await second.goto(`${rig.sites.pay}/two`)
  await page.bringToFront()
  await enterCode(page, code(BOB))
  await expect(page).toHaveURL(`${rig.sites.pay}/one`)
  await expect(second).toHaveURL(`${rig.sites.pay}/two`)
})
