import type { BrowserContext, Page } from '@playwright/test'
import { startCrossDomainRig, type CrossDomainRig } from './cross-domain-rig.ts'
import { expect, signIn, test as base } from './fixtures.ts'

let opened: CrossDomainRig
const test = base.extend<{ domains: CrossDomainRig }>({ domains: async ({}, use) => use(opened) })

// Not a fixture of the worker: it would be a worker of its own, with another browser.
test.beforeAll(async () => {
  opened = await startCrossDomainRig()
})
test.afterAll(() => opened.close())

/** A cookie that asks to be sent everywhere: a browser that keeps third-party cookies back keeps this one back, too. */
const PROBE = { name: 'probe', value: 'third-party', path: '/', sameSite: 'None', secure: true } as const

/** What a site gets of a browser whose page on another one asks for it, with all cookies that may come along. */
async function cookiesAcross(page: Page, url: string): Promise<string> {
  const asked = page.waitForRequest((request) => request.url() === url)
  await page.evaluate((there) => fetch(there, { mode: 'no-cors', credentials: 'include' }).catch(() => undefined), url)
  return (await (await asked).allHeaders())['cookie'] ?? ''
}

/** As browsers are that keep cookies from what one site loads of another. */
async function blockThirdPartyCookies(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  await session.send('Network.setCookieControls', { enableThirdPartyCookieRestriction: true })
}

async function tokenAt(context: BrowserContext, url: string) {
  const found = (await context.cookies(url)).find(({ name }) => name === 'SSOTokenID')
  expect(found).toBeDefined()
  return found!
}

async function signOutAtLogin(page: Page, login: string): Promise<void> {
  await page.goto(`${login}/logout`)
  await page.locator('form[method="post"] button[type="submit"]').first().click()
  await expect(page).toHaveURL(/\/logged-out/)
}

/** Each with the address at the login host that its browsers are sent to. */
const OTHERS = [
  ['shop', '/authorize?'],
  ['files', '/authorize?'],
  ['supplier', '/saml2/staff/sso?'],
] as const

for (const [name, provider] of OTHERS) {
  test(`without third-party cookies one login is through to ${name}, steps up there, and ends at either end`, async ({
    page,
    context,
    domains,
  }) => {
    const { app, login } = domains
    const site = domains[name]
    await blockThirdPartyCookies(page)
    await context.addCookies([{ ...PROBE, domain: new URL(login).hostname }])
    await page.goto(`${app}/`)
    await signIn(page, 'alice')
    await expect(page).toHaveURL(`${app}/`)
    const authorized = page.waitForRequest((request) => request.url().includes(provider))
    await page.goto(`${site}/cart?item=7`)
    await expect(page).toHaveURL(`${site}/cart?item=7`)
    await expect(page.locator('body')).toContainText('alice')
    expect(new URL((await authorized).url()).origin).toBe(login)
    expect(await cookiesAcross(page, `${login}/`)).toBe('')

    // More is proved at the login host, and counts here from then on.
    await page.goto(`${site}/vault/x`)
    await expect(page).toHaveURL(new RegExp(`^${login}/login/staff`))
    await signIn(page, 'alice')
    await expect(page).toHaveURL(`${site}/vault/x`)

    // What was taken from one domain opens no other, and neither from the login host.
    const { value } = await tokenAt(context, site)
    const thief = await context.browser()!.newContext()
    for (const url of [app, login]) await thief.addCookies([{ name: 'SSOTokenID', value, url }])
    const stolen = await thief.newPage()
    await stolen.goto(`${app}/`)
    await expect(stolen).toHaveURL(new RegExp(`^${login}/login/staff`))
    await thief.clearCookies()
    await thief.addCookies([{ name: 'SSOTokenID', value: (await tokenAt(context, login)).value, url: site }])
    await stolen.goto(`${site}/`)
    await expect(stolen).toHaveURL(new RegExp(`^${login}/login/staff`))
    await thief.close()

    // Out at the login host: the site is left, too.
    await signOutAtLogin(page, login)
    await expect(async () => {
      await page.goto(`${site}/`)
      expect(page.url()).toContain(`${login}/login/staff`)
    }).toPass()
    await signIn(page, 'alice')
    await expect(page).toHaveURL(`${site}/`)

    // And out at the site: everything is.
    await page.evaluate(() => {
      const form = document.createElement('form')
      Object.assign(form, { method: 'post', action: '/.gatehouse/logout' })
      document.body.append(form)
      form.submit()
    })
    await expect(page).toHaveURL(new RegExp(`^${login}/logged-out`))
    for (const url of [site, app, `${login}/`]) {
      await page.goto(url)
      await expect(page).toHaveURL(new RegExp(`^${login}/(login|$)`))
      await expect(page.locator('body')).not.toContainText('alice')
    }
  })
}

test('tabs on two domains that were opened before one login all arrive', async ({ page, context, domains }) => {
  const { app, shop, login } = domains
  const wanted = [`${shop}/1`, `${app}/2`, `${shop}/3`]
  const tabs = [page, await context.newPage(), await context.newPage()]
  for (const [i, tab] of tabs.entries()) await tab.goto(wanted[i] ?? '')
  await page.bringToFront()
  await signIn(page, 'alice')
  for (const [i, tab] of tabs.entries()) {
    await tab.bringToFront()
    await expect(tab).toHaveURL(wanted[i] ?? '', { timeout: 60_000 })
  }
  expect(login).not.toBe('')
})
