import { expect, signIn, test } from './fixtures.ts'

test('a person signs in once, reaches what they may, and signs out of everything', async ({ page, context, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  await expect(page).toHaveURL(new RegExp(`^${rig.sites.login}/login/employees\\?`))
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()

  await signIn(page, 'alice')
  await expect(page).toHaveURL(`${rig.sites.app}/`)
  await expect(page.locator('body')).toContainText('alice')
  await expect(page.locator('body')).toContainText('employees')

  // Another application, on another domain: no form in between.
  const shop = await context.newPage()
  await shop.goto(`${rig.sites.shop}/`)
  await expect(shop).toHaveURL(`${rig.sites.shop}/`)
  await expect(shop.locator('body')).toContainText('alice')

  await page.goto(`${rig.sites.app}/.gatehouse/logout`)
  await expect(page).toHaveURL(new RegExp(`^${rig.sites.login}/logout`))
  await page.locator('form[method="post"] button[type="submit"]').first().click()
  await expect(page).toHaveURL(new RegExp(`^${rig.sites.login}/logged-out`))

  for (const site of [rig.sites.app, rig.sites.shop]) {
    await page.goto(`${site}/`)
    await expect(page).toHaveURL(new RegExp(`^${rig.sites.login}/login/employees\\?`))
  }
})

test('streams and WebSockets of a session end when it ends', async ({ page, context, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'alice')
  await expect(page).toHaveURL(`${rig.sites.app}/`)
  await page.evaluate(() => {
    const state = { events: 0, ticks: 0, streamEnded: 0, socketClosed: 0 }
    Object.assign(globalThis, { state })
    const stream = new EventSource('/events')
    stream.addEventListener('time', () => state.events++)
    stream.addEventListener('error', () => {
      state.streamEnded ||= Date.now()
      stream.close()
    })
    const socket = new WebSocket('/clock')
    socket.onmessage = () => state.ticks++
    socket.onclose = () => (state.socketClosed ||= Date.now())
  })
  interface State {
    readonly events: number
    readonly ticks: number
    readonly streamEnded: number
    readonly socketClosed: number
  }
  const state = (): Promise<State> => page.evaluate(() => (globalThis as unknown as { state: State }).state)
  await expect.poll(async () => (await state()).events).toBeGreaterThan(0)
  await expect.poll(async () => (await state()).ticks).toBeGreaterThan(0)

  const other = await context.newPage()
  await other.goto(`${rig.sites.login}/logout`)
  await other.locator('form[method="post"] button[type="submit"]').first().click()
  await expect(other).toHaveURL(new RegExp('/logged-out'))
  await expect.poll(async () => (await state()).socketClosed).toBeGreaterThan(0)
  await expect.poll(async () => (await state()).streamEnded).toBeGreaterThan(0)
})

test('after signing out the back button shows nothing protected', async ({ page, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'alice')
  await expect(page.locator('body')).toContainText('alice')
  await page.goto(`${rig.sites.app}/.gatehouse/logout`)
  await page.locator('form[method="post"] button[type="submit"]').first().click()
  await expect(page).toHaveURL(new RegExp('/logged-out'))

  for (let steps = 0; steps < 3; steps++) {
    await page.goBack()
    await page.waitForLoadState()
    expect(new URL(page.url()).origin).toBe(rig.sites.login)
    await expect(page.locator('body')).not.toContainText('X-Remote-User')
  }
})

/** Twenty in `npm run verify`. */
const TABS = process.env['LOOKS'] === 'all' ? 20 : 8

test('tabs that were opened before one login all arrive', async ({ context, rig }) => {
  const paths = Array.from({ length: TABS }, (_, i) => `${rig.sites.app}/?tab=${i}`)
  const tabs = await Promise.all(paths.map(() => context.newPage()))
  await Promise.all(tabs.map((tab, i) => tab.goto(paths[i] ?? '')))
  for (const tab of tabs) expect(new URL(tab.url()).origin).toBe(rig.sites.login)

  const first = tabs[0]!
  await first.bringToFront()
  await signIn(first, 'alice')
  for (const [i, tab] of tabs.entries()) await expect(tab).toHaveURL(paths[i] ?? '', { timeout: 60_000 })
})

test('whoever sends the form before it was renewed waits for the renewal', async ({ page, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  const { promise: sent, resolve: send } = Promise.withResolvers<void>()
  await page.route(`${rig.sites.login}/login/**`, async (route) => {
    if (route.request().resourceType() !== 'fetch') return route.continue()
    ask()
    await sent
    return route.continue()
  })
  await page.evaluate(`document.querySelector('input[name="authId"]').value = 'gone'`)
  await signIn(page, 'alice')
  await asked
  send()
  await expect(page).toHaveURL(`${rig.sites.app}/`)
})

test('login, application and logout work without JavaScript', async ({ browser, rig }) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'alice')
  await expect(page).toHaveURL(`${rig.sites.app}/`)
  await page.goto(`${rig.sites.app}/.gatehouse/logout`)
  await page.locator('form[method="post"] button[type="submit"]').first().click()
  await expect(page).toHaveURL(new RegExp('/logged-out'))
  await context.close()
})

test('the login page is complete by keyboard alone', async ({ page, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  const user = page.locator('input[autocomplete~="username"]')
  await user.focus()
  await page.keyboard.type('alice')
  await page.keyboard.press('Tab')
  await expect(page.locator('input[type="password"]')).toBeFocused()
  await page.keyboard.type('alice-demo-password')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(`${rig.sites.app}/`)
})
