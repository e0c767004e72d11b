import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Browser, Page } from '@playwright/test'
import type { EpochMs, RealmName } from '../src/base/brand.ts'
import { systemClock } from '../src/base/clock.ts'
import { LANGUAGES } from '../src/portal/messages/language.ts'
import { bucketOf, newSid } from '../src/session/bucket.ts'
import { openEmbeddedStore } from '../src/store/embedded/open.ts'
import type { SessionRecord } from '../src/store/store.ts'
import { expect, signIn, test } from './fixtures.ts'
import { addManagedUsers } from './managed-users.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from './own-rig.ts'
import { NARROW, overflow, picture, tabStops, viewer } from './page-checks.ts'

const STAFF = '/staff' as RealmName
/** Whose passwords are kept here. */
const KEPT = '/kept' as RealmName
const MASTER_KEY = randomBytes(32).toString('base64url')
const HOUR = 3_600_000
const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0'
const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'
const LONG = `${'Long-winded-agent-'.repeat(11)}/1.0`

/** One realm without a quota, and one of managed users. */
async function startStaff(): Promise<OwnRig> {
  const users = await Promise.all(
    ['erin', 'kim', 'noa', 'lou', 'pat', 'mallory'].map(async (username) => ({
      username,
      hash: await hashOf(`${username}-demo-password`),
    })),
  )
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml().replace('login.acme.test', 'login.acme.localhost'),
    'agent-config/app.yaml': agentYaml('app', 'http://127.0.0.1:1').replace('app.acme.test', 'app.acme.localhost'),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': JSON.stringify({ look: { title: 'Acme Staff', color: '#0f766e' } }),
    'realms/staff/users.yaml': usersYaml(users),
    'realms/kept/realm.yaml': JSON.stringify({ look: { title: 'Acme Kept' }, directory: { type: 'managed' } }),
  }
  const rig = await startOwnRig({ files, env: { MASTER_KEY } })
  const password = await hashOf('frida-demo-password')
  await addManagedUsers({ path: join(rig.root, '.gatehouse/cts.db'), masterKey: MASTER_KEY, realm: KEPT }, [
    { username: 'frida', password },
    { username: 'newcomer', password, mustChange: true },
  ])
  return rig
}

interface Elsewhere {
  readonly device: string
  readonly address: string
  readonly hoursAgo: number
}

/** Sessions of a person in browsers that are nowhere; their sids. */
async function addSessions(rig: OwnRig, username: string, elsewhere: readonly Elsewhere[]): Promise<readonly string[]> {
  const path = join(rig.root, '.gatehouse/cts.db')
  const store = await openEmbeddedStore({ path, clock: systemClock, log: silent })
  const records = elsewhere.map((each) => recordOf(username, each))
  for (const record of records) await store.sessions.create(record, undefined)
  await store.close()
  return records.map(({ sid }) => sid)
}

function recordOf(username: string, { device, address, hoursAgo }: Elsewhere): SessionRecord {
  const bucket = bucketOf(STAFF, username)
  const createdAt = (Date.now() - hoursAgo * HOUR) as EpochMs
  return {
    sid: newSid(bucket),
    bucket,
    kind: 'cts',
    realm: STAFF,
    userId: username,
    username,
    gen: 1,
    authLevel: 1,
    authModules: ['password'],
    authInstant: createdAt,
    createdAt,
    lastSeenAt: createdAt,
    maxIdleMs: 1_000 * HOUR,
    maxExpiresAt: (createdAt + 1_000 * HOUR) as EpochMs,
    origin: { device, address },
    properties: {},
  }
}

const SOME: readonly Elsewhere[] = [
  { device: FIREFOX, address: '198.51.100.7', hoursAgo: 3 },
  { device: PHONE, address: '2001:db8:85a3:8d3:1319:8a2e:370:7348', hoursAgo: 26 },
  { device: LONG.slice(0, 200), address: '203.0.113.20', hoursAgo: 200 },
]

const heading = (page: Page) => page.getByRole('heading', { level: 1 })
const status = (page: Page) => page.getByRole('status')

async function enter(page: Page, login: string, username: string): Promise<void> {
  await page.goto(`${login}/login/staff?goto=%2Faccount`)
  await signIn(page, username)
  await expect(heading(page)).toContainText('Your sessions')
}

const endFirefox = (page: Page) =>
  page.getByRole('button', { name: 'End the session on Firefox on Linux, signed in 3 hours ago', exact: true })

test.describe('the account page in a realm of its own', () => {
  test.describe.configure({ timeout: 120_000 })
  let rig: OwnRig
  let login: string

  test.beforeAll(async () => {
    rig = await startStaff()
    login = `http://login.acme.localhost:${rig.port}`
  })

  test.afterAll(async () => {
    await rig.stop()
  })

  test('every state of it is legible, reachable and quiet', async ({ page }) => {
    const { look } = viewer(page)
    await page.goto(`${login}/account`)
    await expect(heading(page)).toHaveText('You are not signed in')
    await page.getByRole('link', { name: 'Acme Staff' }).click()
    await signIn(page, 'erin')
    await expect(page.getByText('You are not signed in anywhere else.')).toBeVisible()
    await look('account-alone')

    await addSessions(rig, 'erin', SOME)
    await page.reload()
    await expect(page.getByRole('listitem')).toHaveCount(4)
    await expect(page.getByRole('listitem').first()).toContainText('This one')
    await look('account')

    const stale = await page.context().newPage()
    await stale.goto(`${login}/account`)
    await endFirefox(page).click()
    await expect(status(page)).toContainText('That session has ended.')
    await expect(page.getByRole('listitem')).toHaveCount(3)
    await look('account-ended')

    await endFirefox(stale).click()
    await expect(status(stale)).toContainText('not in your list any more')
    await expect(stale.getByRole('listitem')).toHaveCount(3)
    await stale.close()

    await addSessions(
      rig,
      'erin',
      Array.from({ length: 98 }, (_, i) => ({ device: FIREFOX, address: `198.51.100.${i}`, hoursAgo: i })),
    )
    await page.goto(`${login}/account`)
    await page.getByRole('link', { name: 'Next page' }).click()
    await expect(page.getByText('Page 2 of 5')).toBeVisible()
    await look('account-many')

    await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
    await expect(status(page)).toHaveText('You are signed out everywhere else.')
    await expect(page.getByRole('listitem')).toHaveCount(1)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect(heading(page)).toHaveText('You are signed out')
  })

  test('every state of changing a password is legible, reachable and quiet', async ({ page }) => {
    const { look } = viewer(page)
    const change = async (current: string, next: string, again = next): Promise<void> => {
      await page.getByLabel('Current password').fill(current)
      await page.getByLabel('New password', { exact: true }).fill(next)
      await page.getByLabel('New password once more').fill(again)
      await page.getByRole('button', { name: 'Change the password' }).click()
    }
    const alert = page.getByRole('alert')
    await page.goto(`${login}/login/kept?goto=%2Faccount`)
    await signIn(page, 'frida')
    await page.getByRole('link', { name: 'Change your password' }).click()
    await expect(heading(page)).toContainText('Choose a new password')
    await look('password')
    await change('not-her-password', 'one good password')
    await expect(alert).toContainText('The current password is not right.')
    await look('password-wrong')
    await expect(page.getByLabel('Current password')).toHaveValue('')
    await expect(page.getByLabel('Current password')).toHaveAccessibleDescription(/not right/)
    await change('frida-demo-password', 'one good password', 'another good one')
    await expect(alert).toContainText('differ')
    await change('frida-demo-password', 'too short')
    await expect(alert).toContainText('at least 15 characters')
    await expect(page.getByLabel('New password', { exact: true })).toHaveAccessibleDescription(/At least 15.*too short/)
    await look('password-refused')
    await change('frida-demo-password', 'one good password')
    await expect(status(page)).toHaveText('Your password is changed. You are signed out everywhere else.')
    await look('password-changed')

    await page.getByLabel('Current password').focus()
    expect((await tabStops(page)).slice(0, 5).map(({ text }) => text)).toEqual([
      'Current password',
      'New password',
      'New password once more',
      'Change the password',
      'Your sessions',
    ])
  })

  test('a password that has to be changed, and one that is kept elsewhere', async ({ page, browser }) => {
    const { look } = viewer(page)
    await page.goto(`${login}/login/kept?goto=%2Faccount`)
    await signIn(page, 'newcomer', 'frida-demo-password')
    await expect(page.locator('main')).toContainText('Your password has to be changed before you can go on.')
    await look('password-must-change')
    const choose = async (next: string): Promise<void> => {
      await page.getByLabel('New password', { exact: true }).fill(next)
      await page.getByLabel('New password once more').fill(next)
      await page.locator('form button[type="submit"]').first().click()
    }
    await choose('too short')
    await expect(page.getByRole('alert')).toContainText('at least 15 characters')
    await expect(page.getByLabel('New password', { exact: true })).toHaveAccessibleDescription(/at least 15/)
    await look('password-must-change-refused')
    await choose('one good password')
    await expect(heading(page)).toContainText('Your sessions')

    const elsewhere = await (await browser.newContext()).newPage()
    const other = viewer(elsewhere)
    await enter(elsewhere, login, 'pat')
    await elsewhere.goto(`${login}/account/password?realm=/staff`)
    await expect(elsewhere.locator('main')).toContainText('cannot be changed here')
    await other.look('password-elsewhere')
    await elsewhere.context().close()
  })

  test('it works by keyboard alone, in the order of reading', async ({ page }) => {
    await addSessions(rig, 'kim', SOME.slice(0, 2))
    await enter(page, login, 'kim')
    await page.keyboard.press('Tab')
    const stops = await tabStops(page)
    expect(stops.map(({ text }) => text)).toEqual([
      'Sign out',
      'Sign out everywhere else',
      'End',
      'End',
      'Change your password',
      'Go to your applications',
      'Language',
      'Change',
    ])
    for (const { text, ring } of stops) expect(ring, text).toBeGreaterThanOrEqual(2)
    await endFirefox(page).focus()
    await page.keyboard.press('Enter')
    await expect(status(page)).toContainText('That session has ended.')
  })

  test('it works without script', async ({ browser }) => {
    await addSessions(rig, 'noa', SOME)
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await enter(page, login, 'noa')
    await endFirefox(page).click()
    await expect(status(page)).toContainText('That session has ended.')
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
    await expect(page.getByText('You are not signed in anywhere else.')).toBeVisible()
    await context.close()
  })

  test('it fits a narrow window in every language', async ({ page }) => {
    await page.setViewportSize(NARROW)
    await addSessions(rig, 'lou', SOME)
    await enter(page, login, 'lou')
    for (const { tag } of LANGUAGES) {
      await page.goto(`${login}/account?locale=${tag}`)
      await expect(page.locator('html')).toHaveAttribute('lang', tag)
      await expect(page.getByRole('listitem')).toHaveCount(4)
      expect(await overflow(page), tag).toEqual([])
      await picture(page, `account-others-${tag}`)
    }
  })

  test("another person's session does not end, whoever names it", async ({ page }) => {
    const [sid = ''] = await addSessions(rig, 'noa', SOME.slice(0, 1))
    await enter(page, login, 'mallory')
    // As a form of the page itself would send it.
    await page.evaluate(`document.querySelector('input[name="realm"]').name = 'session'`)
    await page.evaluate(`document.querySelector('input[name="session"]').value = ${JSON.stringify(sid)}`)
    await page.evaluate(`document.querySelector('form[method="post"]').submit()`)
    await expect(status(page)).toContainText('not in your list any more')
    const refused = rig.lines().find(({ event }) => event === 'SessionEndRefused')
    expect(refused).toMatchObject({ username: 'mallory', realm: '/staff', target: sid })
    await page.context().clearCookies()
    await enter(page, login, 'noa')
    await expect(endFirefox(page)).toBeVisible()
  })
})

/** A browser of its own, in which somebody has an application open with a WebSocket. */
async function openElsewhere(browser: Browser, username: string, app: string): Promise<Page> {
  const context = await browser.newContext({ userAgent: PHONE })
  const page = await context.newPage()
  await page.goto(`${app}/`)
  await signIn(page, username)
  await expect(page).toHaveURL(`${app}/`)
  await page.evaluate(() => {
    const state = { ticks: 0, closed: 0 }
    Object.assign(globalThis, { state })
    const socket = new WebSocket('/clock')
    socket.onmessage = () => state.ticks++
    socket.onclose = () => (state.closed ||= Date.now())
  })
  await expect.poll(async () => (await stateOf(page)).ticks).toBeGreaterThan(0)
  return page
}

interface State {
  readonly ticks: number
  readonly closed: number
}

function stateOf(page: Page): Promise<State> {
  return page.evaluate(() => (globalThis as unknown as { state: State }).state)
}

// The sessions of employees are in the store, those of customers in the browser.
for (const [button, username, site, realm] of [
  ['End the session on Safari on iPhone', 'alice', 'app', 'employees'],
  ['End the session on Safari on iPhone', 'dave', 'club', 'customers'],
  ['Sign out everywhere else', 'dave', 'club', 'customers'],
] as const) {
  test(`"${button}", ${realm}: the other browser is out at once, its WebSocket too, and this one stays`, async ({
    page,
    browser,
    rig,
  }) => {
    const { login, [site]: app } = rig.sites
    const phone = await openElsewhere(browser, username, app)
    await page.goto(`${login}/login/${realm}?goto=%2Faccount`)
    await signIn(page, username)
    await page.getByRole('button', { name: button }).first().click()
    await expect(status(page)).toBeVisible()
    await expect.poll(async () => (await stateOf(phone)).closed).toBeGreaterThan(0)
    const answer = await phone.evaluate(
      async () => (await fetch('/', { headers: { accept: 'application/json' } })).status,
    )
    expect(answer).toBe(401)
    await phone.goto(`${app}/`)
    await expect(phone).toHaveURL(new RegExp(`^${login}/login/${realm}`))
    await page.goto(`${app}/`)
    await expect(page).toHaveURL(`${app}/`)
    await page.goto(`${login}/account`)
    await expect(page.getByRole('listitem').first()).toContainText('This one')
    await phone.context().close()
  })
}

test('the token of one application does not open the account page', async ({ page, context, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'alice')
  await expect(page).toHaveURL(`${rig.sites.app}/`)
  const own = (await context.cookies(rig.sites.app)).find(({ name }) => name === 'SSOTokenID')
  await context.clearCookies()
  await context.addCookies([{ name: 'SSOTokenID', value: own?.value ?? '', url: rig.sites.login }])
  await page.goto(`${rig.sites.login}/account?realm=/employees`)
  await expect(heading(page)).toHaveText('Sign in to Acme Employees')
})
