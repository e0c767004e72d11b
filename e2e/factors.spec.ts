import { code, early, enterCode } from './authenticator-app.ts'
import { expect, signIn, test } from './fixtures.ts'
import { viewer } from './page-checks.ts'

test('somebody adds an authenticator app on the account page, names it, proves it, and removes it', async ({
  browser,
  page,
  rig,
}) => {
  const { look } = viewer(page)
  await page.goto(`${rig.sites.login}/account?realm=/employees`)
  await signIn(page, 'alice')
  await expect(page.locator('main')).toContainText('You have no second proof yet.')
  await look('account-factors-none')

  await page.getByRole('link', { name: 'Add: Authenticator app' }).click()
  const secret = (await page.locator('.secret').innerText()).replaceAll(' ', '')
  await look('account-set-up')
  await enterCode(page, '000000')
  await expect(page.getByRole('alert')).toContainText('not valid')
  await early(page)
  await enterCode(page, code(secret, -1))
  // It counts from now on, so naming it takes a code already.
  await enterCode(page, code(secret))
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Change Authenticator app')
  await look('account-factor')
  await page.getByLabel('Name').fill('My phone')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('status')).toContainText('The name was changed.')
  await look('account-factors')

  // With the password alone nothing of it can be changed.
  const other = await (await browser.newContext({ javaScriptEnabled: false })).newPage()
  await other.goto(`${rig.sites.login}/account?realm=/employees`)
  await signIn(other, 'alice')
  await other.getByRole('link', { name: 'Change My phone' }).click()
  await expect(other.locator('input[autocomplete="one-time-code"]')).toBeVisible()
  await enterCode(other, code(secret, 1))
  await expect(other.locator('main')).toContainText('This is your last second proof.')
  await other.getByRole('button', { name: 'Remove' }).click()
  await expect(other.getByRole('status')).toContainText('It was removed')
  await expect(other.locator('main')).toContainText('You have no second proof yet.')
  await other.context().close()

  const events = (): readonly (string | undefined)[] => {
    const lines = rig.log().match(/"event":"Factor\w+"[^}]*"username":"alice"/g) ?? []
    return lines.map((text) => /Factor\w+/.exec(text)?.[0])
  }
  await expect.poll(events).toEqual(['FactorEnrolled', 'FactorRemoved'])
})

test('what an administrator has set is shown and cannot be changed', async ({ page, rig }) => {
  await page.goto(`${rig.sites.login}/account?realm=/employees`)
  await signIn(page, 'bob')
  await expect(page.locator('main')).toContainText('set by your administrator')
  await expect(page.locator('a[href^="/account/factor"]')).toHaveCount(0)
})

test('a form of another site changes nothing (cross-site request forgery)', async ({ context, page, rig }) => {
  await page.goto(`${rig.sites.login}/account?realm=/employees`)
  await signIn(page, 'alice')
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Your sessions')
  const evil = await context.newPage()
  for (const path of ['factor', 'add']) {
    const body = `<form method="post" action="${rig.sites.login}/account/${path}"><input name="remove" value="1"><button>Win</button></form>`
    await evil.route('http://evil.localhost/**', (route) => route.fulfill({ contentType: 'text/html', body }))
    await evil.goto('http://evil.localhost/')
    await evil.getByRole('button', { name: 'Win' }).click()
    await expect(evil.getByRole('heading', { level: 1 })).toContainText('This form came from elsewhere')
  }
})
