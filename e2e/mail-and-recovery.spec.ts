import type { Page } from '@playwright/test'
import { Secret, TOTP } from 'otpauth'
import { expect, signIn, test as base } from './fixtures.ts'
import { gatehouseYaml, hashOf, startOwnRig, usersYaml } from './own-rig.ts'
import { viewer } from './page-checks.ts'
import { startSmtp, textOf, type SmtpServer } from './smtp.ts'

interface Scene {
  readonly smtp: SmtpServer
  readonly login: (query?: string) => string
  close(): Promise<void>
}

const REALM = `look: { title: Acme Staff }
authentication:
  modules: { password: { type: password }, totp: { type: totp }, email: { type: email }, recovery: { type: recovery } }
  chains:
    default: [{ module: password, criteria: REQUISITE }, { module: email, criteria: REQUIRED }]
    app: [{ module: password, criteria: REQUISITE }, { module: totp, or: [recovery], criteria: REQUIRED }]
`

async function openScene(): Promise<Scene> {
  const smtp = await startSmtp()
  const mail = `mail: { host: 127.0.0.1, port: ${smtp.port}, tls: none, from: sso@acme.example, timeout: 10s }`
  const hash = await hashOf('a-password')
  const users = ['alice', 'bob', 'erin'].map((username) => ({
    username,
    hash,
    attributes: { mail: [`${username}@acme.example`] },
  }))
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml({ more: mail }).replace('login.acme.test', 'login.acme.localhost'),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': REALM,
    'realms/staff/users.yaml': usersYaml(users),
  }
  const rig = await startOwnRig({ files })
  return {
    smtp,
    login: (query = '') => `http://login.acme.localhost:${rig.port}/login/staff${query}`,
    async close() {
      await rig.stop()
      await smtp.stop()
    },
  }
}

let opened: Scene
const test = base.extend<{ scene: Scene }>({ scene: async ({}, use) => use(opened) })

// Not a fixture of the worker: it would be a worker of its own, with another browser.
test.beforeAll(async () => {
  opened = await openScene()
})
test.afterAll(() => opened.close())

const APP = '?authIndexType=service&authIndexValue=app'

async function enter(page: Page, code: string): Promise<void> {
  await page.locator('input.code').fill(code)
  await page.locator('main form button[type="submit"]').first().click()
}

test.describe.configure({ mode: 'serial' })

test('a code by mail: a wrong one, a new one, and through', async ({ page, scene }) => {
  const { look } = viewer(page)
  await page.goto(scene.login())
  await signIn(page, 'alice', 'a-password')
  const first = await scene.smtp.next()
  expect(first.to).toEqual(['alice@acme.example'])
  await expect(page.locator('input.code')).toBeFocused()
  await expect(page.locator('main')).toContainText('eight digits')
  await look('mail-code')
  await enter(page, '12')
  await expect(page.getByRole('alert')).toBeVisible()
  await page.getByRole('button', { name: 'Send a new code' }).click()
  await expect(page.getByRole('alert')).toHaveCount(0)
  const second = await scene.smtp.next()
  const [code = ''] = /\b\d{8}\b/.exec(textOf(second)) ?? []
  expect(textOf(first)).not.toContain(code)
  await enter(page, code)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('You are signed in as alice')
})

test('recovery codes: shown once, confirmed, used in place of the app; the owner is told by mail', async ({
  browser,
  page,
  scene,
}) => {
  const { look } = viewer(page)
  await page.goto(scene.login(APP))
  await signIn(page, 'bob', 'a-password')
  const secret = (await page.locator('.secret').innerText()).replaceAll(' ', '')
  await enter(page, new TOTP({ secret: Secret.fromBase32(secret) }).generate())
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Keep these recovery codes')
  const codes = await page.locator('.codes li').allInnerTexts()
  expect(codes).toHaveLength(10)
  await look('recovery-codes')
  await enter(page, '0000-0000-0000-0000')
  await expect(page.getByRole('alert')).toContainText('not one of yours')
  expect(await page.locator('.codes li').allInnerTexts()).toEqual(codes)
  await enter(page, codes[0]?.toLowerCase() ?? '')
  await expect(page.getByRole('heading', { level: 1 })).toContainText('You are signed in as bob')
  const notice = await scene.smtp.next()
  expect(notice.to).toEqual(['bob@acme.example'])
  expect(textOf(notice)).toContain('Chrome')
  expect(textOf(notice)).toContain('127.0.0.1')

  const other = await (await browser.newContext()).newPage()
  await other.goto(scene.login(APP))
  await signIn(other, 'bob', 'a-password')
  await other.getByRole('button', { name: 'Use a recovery code instead' }).click()
  await viewer(other).look('recovery-code')
  await enter(other, codes[1] ?? '')
  await expect(other.getByRole('heading', { level: 1 })).toContainText('You are signed in as bob')
  await other.context().close()
})

test('what is offered may be put off', async ({ page, scene }) => {
  await page.goto(scene.login(APP))
  await signIn(page, 'erin', 'a-password')
  const secret = (await page.locator('.secret').innerText()).replaceAll(' ', '')
  await enter(page, new TOTP({ secret: Secret.fromBase32(secret) }).generate())
  await page.getByRole('button', { name: 'Not now' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('You are signed in as erin')
})

test('a mail server that is gone is told, and keeps nobody out who needs no mail', async ({ page, scene }) => {
  await scene.smtp.stop()
  const { look } = viewer(page)
  await page.goto(scene.login())
  await signIn(page, 'alice', 'a-password')
  await expect(page.getByRole('alert')).toContainText('could not send')
  await look('mail-not-sent')
})
