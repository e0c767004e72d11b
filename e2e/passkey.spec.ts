import { randomBytes } from 'node:crypto'
import type { CDPSession, Page } from '@playwright/test'
import { startEchoApp, type EchoApp } from './echo-app.ts'
import { expect, signIn, test } from './fixtures.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from './own-rig.ts'
import { viewer } from './page-checks.ts'

const AUTHENTICATION = {
  modules: {
    password: { type: 'password' },
    totp: { type: 'totp' },
    webauthn: { type: 'webauthn' },
    device: { type: 'device' },
    anonymous: { type: 'anonymous' },
  },
  chains: {
    default: [{ module: 'password', or: ['webauthn', 'anonymous'], criteria: 'REQUIRED' }],
    people: [{ module: 'password', criteria: 'REQUIRED' }],
    strong: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'webauthn', or: ['totp'], criteria: 'REQUIRED' },
    ],
    daily: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'webauthn', or: ['totp', 'device'], criteria: 'REQUIRED' },
    ],
  },
}

const POLICIES = {
  policies: [
    {
      name: 'pay',
      resources: ['http://pay.acme.localhost:*/*', 'http://pay.acme.localhost:*/*?*'],
      actions: { GET: 'allow', POST: 'allow' },
      subject: { type: 'AuthenticatedUsers' },
      condition: { type: 'AuthLevel', authLevel: 2 },
    },
  ],
}

interface Site {
  readonly rig: OwnRig
  readonly app: EchoApp
  readonly login: string
  readonly pay: string
}

/** A realm in which a login begins with a password or a passkey, and pay wants a key or an app. */
async function startSite(): Promise<Site> {
  const app = await startEchoApp()
  const people = ['erin', 'fay', 'gil', 'hana', 'ivo', 'jan'].map(async (username) => ({
    username,
    hash: await hashOf(`${username}-demo-password`),
  }))
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml().replace('login.acme.test', 'login.acme.localhost'),
    'agent-config/pay.yaml': agentYaml('pay', app.url, 'title: Acme Pay\n').replace('acme.test', 'acme.localhost'),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': JSON.stringify({ look: { title: 'Acme Staff' }, authentication: AUTHENTICATION }),
    'realms/staff/policies.yaml': JSON.stringify(POLICIES),
    'realms/staff/users.yaml': usersYaml(await Promise.all(people)),
  }
  const rig = await startOwnRig({ files, env: { MASTER_KEY: randomBytes(32).toString('base64url') } })
  const at = (host: string): string => `http://${host}.acme.localhost:${rig.port}`
  return { rig, app, login: at('login'), pay: at('pay') }
}

interface VirtualKey {
  readonly cdp: CDPSession
  readonly authenticatorId: string
  credentials(): Promise<number>
  setUserVerified(isUserVerified: boolean): Promise<void>
}

/** An authenticator in the browser that answers at once, as if somebody had put a finger on it. */
async function plugIn(page: Page, settings: { readonly hasResidentKey?: boolean } = {}): Promise<VirtualKey> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      ...settings,
    },
  })
  return {
    cdp,
    authenticatorId,
    credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials.length,
    setUserVerified: (isUserVerified) =>
      cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }).then(() => undefined),
  }
}

/** Nobody touches the key any more. */
async function presence(key: VirtualKey, enabled: boolean): Promise<void> {
  await key.cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: key.authenticatorId, enabled })
}

const USE_KEY = { name: 'Use passkey or security key' }

/** Signs in by password, and sets up a key because pay wants one. */
async function enrol(page: Page, { pay }: Site, username: string): Promise<VirtualKey> {
  const key = await plugIn(page)
  await page.goto(`${pay}/?month=3`)
  await signIn(page, username)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Set up a passkey')
  await page.getByRole('button', { name: 'Create passkey' }).click()
  await expect(page).toHaveURL(`${pay}/?month=3`)
  expect(await key.credentials()).toBe(1)
  return key
}

test.describe.configure({ mode: 'serial' })
let site: Site

test.beforeAll(async () => {
  test.setTimeout(60_000)
  site = await startSite()
})

test.afterAll(async () => {
  await site.rig.stop()
  await site.app.close()
})

test('pay has erin set up a passkey, asks for it in the next session, and says what went wrong', async ({ page }) => {
  const { look } = viewer(page)
  const key = await plugIn(page)
  await page.goto(`${site.pay}/?month=3`)
  await look('passkey-beside')
  await signIn(page, 'erin')
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Set up a passkey')
  await look('passkey-enrol')
  await page.getByRole('textbox').fill('My laptop')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(`${site.pay}/?month=3`)
  expect(await key.credentials()).toBe(1)

  await presence(key, false)
  await page.context().clearCookies()
  await page.goto(`${site.pay}/`)
  await signIn(page, 'erin')
  await expect(page.getByRole('button', USE_KEY)).toBeVisible()
  await look('passkey-second')
  await presence(key, true)
  await key.setUserVerified(false)
  await page.getByRole('button', USE_KEY).click()
  await expect(page.getByRole('alert')).toContainText('Nothing was confirmed')
  await look('passkey-cancelled')
  await key.setUserVerified(true)
  await page.getByRole('button', USE_KEY).click()
  await expect(page).toHaveURL(`${site.pay}/`)
})

test('a passkey signs in by the button beside the password, and pay asks for nothing more', async ({ page }) => {
  const key = await enrol(page, site, 'fay')
  // Else the browser would take the suggestion at once, as if somebody had chosen it.
  await presence(key, false)
  await page.context().clearCookies()
  await page.goto(`${site.pay}/`)
  await expect(page.locator('input[autocomplete="username webauthn"]')).toBeFocused()
  await presence(key, true)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await expect(page).toHaveURL(`${site.pay}/`)
})

test('a passkey out of the suggestions of the name field signs in, though the form was renewed meanwhile', async ({
  page,
}) => {
  const key = await enrol(page, site, 'gil')
  await presence(key, false)
  await page.context().clearCookies()
  await page.goto(`${site.login}/login/staff`)
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeVisible()
  await presence(key, true)
  // The form is renewed with the first letter, and with it what waits behind the field.
  await page.locator('input[autocomplete~="username"]').fill('gi')
  await expect(page).toHaveURL(`${site.login}/`)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('You are signed in as gil')
})

test('a key of another site is of no use here, and ours of no use there', async ({ page }) => {
  const key = await enrol(page, site, 'hana')
  const asked = page.evaluate<string>(`navigator.credentials
    .get({ publicKey: { challenge: new Uint8Array(32), rpId: 'login.acme.localhost' } })
    .then(() => 'given', (error) => error.name)`)
  expect(await asked).toBe('SecurityError')
  await page.context().clearCookies()
  await key.cdp.send('WebAuthn.clearCredentials', { authenticatorId: key.authenticatorId })
  await page.goto(`${site.login}/login/staff`)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await expect(page.getByRole('alert')).toContainText('Nothing was confirmed')
  await signIn(page, 'hana')
  await expect(page).toHaveURL(`${site.login}/`)
})

test('without JavaScript name and password are asked, and the app is offered for pay', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(`${site.pay}/`)
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toHaveCount(0)
  await signIn(page, 'ivo')
  await expect(page.getByText('need JavaScript')).toBeVisible()
  await page.getByRole('button', { name: 'Use the authenticator app instead' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Set up your authenticator app')
  await context.close()
})

test('jan has this browser remembered beside the passkey, is not asked for it again, and sees it on the account page', async ({
  page,
}) => {
  const { look } = viewer(page)
  await enrol(page, site, 'jan')
  await page.context().clearCookies()
  await page.goto(`${site.login}/login/staff?service=daily`)
  await signIn(page, 'jan')
  const box = page.getByRole('checkbox', { name: /30 days/ })
  await expect(box).not.toBeChecked()
  await box.check()
  await look('passkey-remember')
  await page.getByRole('button', USE_KEY).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('You are signed in as jan')

  await page.context().clearCookies({ name: 'SSOTokenID' })
  await page.goto(`${site.login}/login/staff?service=daily`)
  await signIn(page, 'jan')
  await expect(page.getByRole('heading', { level: 1 })).toContainText('You are signed in as jan')
  await page.goto(`${site.login}/account?realm=/staff`)
  await expect(page.getByText('counts until')).toBeVisible()
  await look('account-remembered')
  // What pay asks for is the key itself.
  await page.goto(`${site.pay}/`)
  await expect(page.getByRole('button', USE_KEY)).toBeVisible()
})

test('who goes on without signing in has no account, and is asked to sign in where more is wanted', async ({
  page,
}) => {
  const { look } = viewer(page)
  await page.goto(`${site.login}/login/staff`)
  await page.getByRole('button', { name: 'Continue without signing in' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('You are not signed in')
  await look('anonymous-home')
  for (const address of [`${site.login}/account?realm=/staff`, `${site.pay}/?month=3`]) {
    await page.goto(address)
    await expect(page.locator('input[autocomplete~="username"]')).toHaveValue('')
    await expect(page.getByRole('button', { name: 'Continue without signing in' })).toHaveCount(0)
  }
})
