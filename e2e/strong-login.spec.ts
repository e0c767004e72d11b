import { code, early, enterCode } from './authenticator-app.ts'
import { expect, signIn, test } from './fixtures.ts'
import { viewer } from './page-checks.ts'

/** Of bob, as realms/employees/users.yaml has it. */
const BOB = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const MINUTE = 60_000
/** Of an app's codes, in a minute. */
const PERIODS = 2
/** What is set up in these tests, for those that follow. */
const secrets = { carol: '' }
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
  secrets.carol = secret
})

test('five minutes after the proof a transfer asks for a new one, and the form that was posted arrives as it was', async ({
  page,
  rig,
}) => {
  const { look } = viewer(page)
  const { carol } = secrets
  try {
    await rig.moveClock(2 * MINUTE)
    await page.goto(`${rig.sites.pay}/transfer`)
    await signIn(page, 'carol')
    await enterCode(page, code(carol, 2 * PERIODS))
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('New transfer')
    await rig.moveClock(7 * MINUTE)
    await page.getByLabel('Recipient').fill('Zoë & Söhne')
    await page.getByLabel('Amount').fill('1,000.00')
    await page.getByRole('button', { name: 'Transfer' }).click()
    // The level is there still: what is asked for is a fresh proof of it, and nothing but the code.
    await expect(page.locator('form input:not([type="hidden"])')).toHaveCount(1)
    await look('transfer-again')
    await enterCode(page, '000000')
    await expect(page.getByRole('alert')).toContainText('not valid')
    await enterCode(page, code(carol, 7 * PERIODS))
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Continue sending your form to Acme Pay')
    await page.getByRole('button', { name: 'Send the form' }).click()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('It arrived')
    await expect(page).toHaveURL(`${rig.sites.pay}/transfer`)
    for (const value of ['Zoë & Söhne', '1,000.00']) await expect(page.locator('main dl')).toContainText(value)

    // Within five minutes of the new proof the next one asks for nothing.
    await page.goto(`${rig.sites.pay}/transfer`)
    await page.getByRole('button', { name: 'Transfer' }).click()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('It arrived')
  } finally {
    await rig.moveClock(0)
  }
})

test('cancelling the proof of a transfer loses neither the session nor its level', async ({ page, rig }) => {
  const { carol } = secrets
  try {
    await rig.moveClock(9 * MINUTE)
    await page.goto(`${rig.sites.pay}/transfer`)
    await signIn(page, 'carol')
    await enterCode(page, code(carol, 9 * PERIODS))
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('New transfer')
    await rig.moveClock(14 * MINUTE)
    await page.getByRole('button', { name: 'Transfer' }).click()
    await page.getByRole('link', { name: 'Cancel' }).click()
    await expect(page).toHaveURL(`${rig.sites.login}/`)
    await page.goto(`${rig.sites.pay}/`)
    await expect(page).toHaveURL(`${rig.sites.pay}/`)
  } finally {
    await rig.moveClock(0)
  }
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
