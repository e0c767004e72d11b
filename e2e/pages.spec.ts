import type { Page } from '@playwright/test'
import { en } from '../src/portal/messages/en.ts'
import { say, languageOf } from '../src/portal/messages/language.ts'
import { startSampleApps } from '../scripts/sample-apps/start-sample-apps.ts'
import { expect, signIn, test } from './fixtures.ts'
import { NARROW, overflow, picture, tabStops, viewer } from './page-checks.ts'
import { startPageRig } from './page-rig.ts'

const heading = (page: Page) => page.getByRole('heading', { level: 1 })
const TOKEN = 'SSOTokenID'

async function arriveAs(username: string, page: Page, url: string): Promise<void> {
  await page.goto(url)
  await signIn(page, username)
  await expect(page).toHaveURL(url)
}

/** Fills in the login page and waits until it has been renewed, so that what is changed then stays. */
async function fillIn(page: Page, username: string): Promise<void> {
  const renewed = page.waitForResponse((response) => response.request().resourceType() === 'fetch')
  await page.locator('input[autocomplete~="username"]').fill(username)
  await page.locator('input[type="password"]').fill('a-guess')
  await (await renewed).finished()
}

function submit(page: Page): Promise<void> {
  return page.locator('form button[type="submit"]').first().click()
}

/** Sends a form from a page that is not ours. */
async function post(page: Page, url: string): Promise<void> {
  await page.goto('about:blank')
  await page.setContent(`<form method="post" action="${url}"><button>Send</button></form>`)
  await page.getByRole('button').click()
}

test.describe('pages that people see are legible, reachable and quiet', () => {
  test.describe.configure({ timeout: 120_000 })

  test('login', async ({ page, rig }) => {
    const { look } = viewer(page)
    await page.goto(`${rig.sites.app}/`)
    await expect(heading(page)).toHaveText('Sign in to Acme Employees to continue to Acme Intranet')
    await look('login-application')

    await signIn(page, 'alice', 'not-her-password')
    await expect(page.getByRole('alert')).toContainText('do not match')
    await look('login-wrong-password')

    for (let tries = 0; tries < 7; tries++) await signIn(page, 'nobody-in-particular', 'a-guess')
    await expect(page.getByRole('alert')).toContainText('Too many tries')
    await look('login-throttled')

    await fillIn(page, 'alice')
    await page.evaluate(`document.querySelector('input[name="authId"]').value = 'gone'`)
    await submit(page)
    await expect(page.getByRole('status')).toContainText('open for too long')
    await look('login-expired')

    await page.goto(`${rig.sites.login}/login/customers`)
    await look('login-customers')
    await page.goto(`${rig.sites.login}/login/`)
    await look('login-root')
    await page.goto(`${rig.sites.login}/login/employees?goto=https%3A%2F%2Fevil.example%2F`)
    await expect(heading(page)).toHaveText('Sign in to Acme Employees')
    await look('login-dropped-goto')
  })

  test('login without a cookie, or with two', async ({ page, context, rig }) => {
    const { look } = viewer(page)
    await page.goto(`${rig.sites.login}/login/employees`)
    await fillIn(page, 'alice')
    await context.clearCookies()
    await submit(page)
    await expect(page.getByRole('status')).toContainText('Allow cookies')
    await look('login-cookie-blocked')

    const cookie = { name: TOKEN, url: rig.sites.login }
    await context.addCookies([
      { ...cookie, value: 'one' },
      { name: TOKEN, value: 'two', domain: '.login.acme.localhost', path: '/' },
    ])
    await page.goto(`${rig.sites.login}/login/employees`)
    await expect(page.getByRole('status')).toContainText('two different cookies')
    await look('login-two-cookies')
  })

  test('the login host without a session', async ({ page, rig }) => {
    const { look } = viewer(page)
    await page.goto(`${rig.sites.login}/`)
    await look('home-nobody')
    await page.goto(`${rig.sites.login}/no/such/page`)
    await look('login-host-404')
    await page.goto(`${rig.sites.login}/logged-out?agent=app&realm=%2Femployees`)
    await look('logged-out')
    await post(page, `${rig.sites.login}/login/employees`)
    await expect(heading(page)).toHaveText('This form came from elsewhere')
    await look('login-host-cross-site')
    await post(page, `${rig.sites.login}/`)
    await expect(heading(page)).toHaveText('This cannot be done here')
    await look('login-host-405')
  })

  test('the login host with a session', async ({ page, rig }) => {
    const { look } = viewer(page)
    await page.goto(`${rig.sites.login}/login/employees`)
    await signIn(page, 'alice')
    await expect(page).toHaveURL(`${rig.sites.login}/`)
    await look('home')
    await page.goto(`${rig.sites.login}/login/customers`)
    await expect(page.getByRole('status')).toContainText('signed in to Acme Employees as alice')
    await look('login-other-realm')
    await page.goto(`${rig.sites.login}/`)
    await page.getByRole('link', { name: 'Sign in as someone else' }).click()
    await expect(page.getByRole('status')).toContainText('signed in as alice')
    await look('login-someone-else')
    await page.goto(`${rig.sites.app}/.gatehouse/logout`)
    await look('logout')
  })

  test('refusals of the gateway', async ({ page, rig }) => {
    const { look } = viewer(page)
    await arriveAs('alice', page, `${rig.sites.app}/`)
    await page.goto(`${rig.sites.app}/admin/`)
    for (const name of ['Go to your applications', 'Sign in as someone else', 'Your sessions', 'Sign out']) {
      await expect(page.getByRole('link', { name })).toBeVisible()
    }
    await look('forbidden')
    await page.goto(`${rig.sites.app}/a%2Fb`)
    await look('bad-request')
    await page.goto(`${rig.sites.app}/.gatehouse/no-such-thing`)
    await look('gateway-404')
    await page.goto(`http://nobody.acme.localhost:${rig.port}/`)
    await expect(heading(page)).toHaveText('Nothing is here')
    await look('unknown-host')
  })

  test('forbidden, and somebody else may', async ({ page, rig }) => {
    const { look } = viewer(page)
    await arriveAs('alice', page, `${rig.sites.app}/`)
    await page.goto(`${rig.sites.pay}/`)
    await expect(heading(page)).toHaveText('You do not have access')
    await page.getByRole('link', { name: 'Sign in as someone else' }).click()
    await signIn(page, 'bob')
    await expect(heading(page)).toContainText('Confirm that it is you')
    await page.goto(`${rig.sites.login}/login/employees?authIndexType=level&authIndexValue=9`)
    await expect(heading(page)).toHaveText('Stronger proof is not available')
    await look('unreachable')
  })

  test('inside a frame', async ({ page, rig }) => {
    const { look } = viewer(page, { within: ['iframe', 'main'] })
    await page.setContent(
      `<!doctype html><html lang="en"><style>body { margin: 0 } iframe { border: 0; width: 100%; height: 90vh }</style>
      <iframe title="Intranet" src="${rig.sites.app}/"></iframe>`,
    )
    const opened = page.waitForEvent('popup')
    await page.frameLocator('iframe').getByRole('link', { name: 'Open in a window of its own' }).click()
    const popup = await opened
    await expect(heading(popup)).toContainText('Sign in to Acme Employees')
    await popup.close()
    await look('open-at-top-level')
  })

  test('a login that does not hold', async ({ page, context, rig }) => {
    const { look } = viewer(page)
    await context.addCookies([{ name: TOKEN, value: 'old', domain: '.app.acme.localhost', path: '/' }])
    await page.goto(`${rig.sites.app}/`)
    await signIn(page, 'alice')
    await expect(heading(page)).toHaveText('Signing in does not hold')
    await look('loop')
  })

  test('an application that is down, a store that fails', async ({ page, context }) => {
    const rig = await startPageRig()
    try {
      const { look } = viewer(page)
      await page.goto(`${rig.site('app')}/`)
      await signIn(page, 'alice')
      await expect(heading(page)).toHaveText('The application does not answer')
      await look('upstream-down')

      rig.breakStore()
      // Tokens that nobody has asked about: what was confirmed a moment ago may go on for a while.
      for (const { value, ...cookie } of await context.cookies()) {
        if (cookie.name === TOKEN) await context.addCookies([{ ...cookie, value: `AAAA${value.slice(4)}` }])
      }
      for (const [name, path] of [
        ['app', '/'],
        ['login', '/'],
        ['login', '/account'],
      ] as const) {
        const answer = await page.goto(`${rig.site(name)}${path}`)
        expect(answer?.status()).toBe(503)
        await look(`store-down-${name}${path.replaceAll('/', '-')}`)
      }
    } finally {
      await rig.stop()
    }
  })

  test('sample applications', async ({ page, rig }) => {
    const { look } = viewer(page)
    await arriveAs('alice', page, `${rig.sites.app}/`)
    await expect(page.locator('#clock')).toHaveAttribute('data-state', 'open')
    await look('sample-app')
    await page.getByRole('button', { name: 'Send' }).click()
    await expect(heading(page)).toHaveText('It arrived')
    await look('sample-form')
    await page.goto(`${rig.sites.app}/public/`)
    await look('sample-public')
    await page.goto(`${rig.sites.app}/slow?seconds=0`)
    await look('sample-slow')
    await page.goto(`${rig.sites.app}/nothing`)
    await look('sample-404')
    for (const name of ['shop', 'files'] as const) {
      await page.goto(`${rig.sites[name]}/`)
      await look(`sample-${name}`)
    }
    await page.goto(`${rig.sites.club}/`)
    await signIn(page, 'dave')
    await expect(page).toHaveURL(`${rig.sites.club}/`)
    await look('sample-club')
  })

  test('sample pages that ask for more than a password', async ({ page }) => {
    const apps = await startSampleApps()
    try {
      const { look } = viewer(page)
      await page.setExtraHTTPHeaders({ 'x-remote-user': 'bob', 'x-remote-groups': 'employees,finance,admins' })
      await page.goto(`${apps.urls.pay}/`)
      await look('sample-pay')
      await page.goto(`${apps.urls.pay}/transfer`)
      await look('sample-transfer')
      await page.goto(`${apps.urls.app}/admin/`)
      await look('sample-admin')
    } finally {
      await page.close()
      await apps.close()
    }
  })
})

test('pages speak the language of the browser, whole', async ({ browser, rig }) => {
  const person = await browser.newContext({ viewport: NARROW })
  const page = await person.newPage()
  await arriveAs('alice', page, `${rig.sites.app}/`)
  const { cookies } = await person.storageState()
  for (const tag of ['de', 'fr', 'es', 'ja'] as const) {
    const language = languageOf(tag)!
    const context = await browser.newContext({ locale: tag, viewport: NARROW })
    const page = await context.newPage()
    const check = async (name: string, title: string): Promise<void> => {
      await expect(page.locator('html')).toHaveAttribute('lang', tag)
      await expect(heading(page)).toContainText(title)
      const text = await page.locator('body').innerText()
      for (const key of Object.keys(en)) expect(text).not.toContain(key)
      expect(text).not.toMatch(/[{}]/)
      expect(await overflow(page), `${name}, ${tag}`).toEqual([])
      await picture(page, `${name}-${tag}`)
    }
    await page.goto(`${rig.sites.app}/`)
    await check('login', say(language, 'login.title', { realm: 'Acme Employees' }))
    await context.addCookies(cookies)
    await page.goto(`${rig.sites.app}/admin/`)
    await check('forbidden', say(language, 'error.forbidden.title'))
    await page.goto(`${rig.sites.login}/account`)
    await check('account', say(language, 'account.title'))
    await page.goto(`${rig.sites.login}/logout?agent=app`)
    await check('logout', say(language, 'logout.title', { realm: 'Acme Employees' }))
    await context.close()
  }
  await person.close()
})

test('Tab goes through the pages in the order of reading, and shows where it is', async ({ page, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  const login = await tabStops(page)
  expect(login.map(({ text }) => text.split('\n')[0])).toEqual([
    'Username',
    'Password',
    'Show password',
    'Sign in',
    'Language',
    'Change',
  ])
  await signIn(page, 'alice')
  await expect(page).toHaveURL(`${rig.sites.app}/`)
  await page.goto(`${rig.sites.app}/admin/`)
  await page.keyboard.press('Tab')
  const forbidden = await tabStops(page)
  expect(forbidden.map(({ text }) => text)).toEqual([
    'Go to your applications',
    'Sign in as someone else',
    'Your sessions',
    'Sign out',
  ])
  for (const { text, ring } of [...login, ...forbidden]) expect(ring, text).toBeGreaterThanOrEqual(2)
})

test('nothing moves for those who ask for no motion', async ({ page, rig }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.goto(`${rig.sites.app}/`)
  const moving = await page.evaluate<readonly string[]>(`[...document.querySelectorAll('*')]
    .filter((element) => { const { transitionProperty, transitionDuration, animationName } = getComputedStyle(element)
      return animationName !== 'none' || (transitionProperty !== 'none' && transitionDuration !== '0s') })
    .map((element) => element.outerHTML.slice(0, 120))`)
  expect(moving).toEqual([])
})

test('in forced colours fields and buttons keep an outline, and the focus shows', async ({ page, rig }) => {
  await page.emulateMedia({ forcedColors: 'active' })
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'alice', 'not-her-password')
  await expect(page.getByRole('alert')).toBeVisible()
  await picture(page, 'login-forced-colors')
  for (const selector of ['.button', '.failure', 'input[type="password"]', 'input[type="checkbox"]']) {
    const border = await page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).borderTopWidth`)
    expect(Number.parseFloat(border), selector).toBeGreaterThanOrEqual(1)
  }
  const [first] = await tabStops(page)
  expect(first?.ring).toBeGreaterThanOrEqual(2)
})
