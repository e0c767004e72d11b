import { randomBytes } from 'node:crypto'
import type { Browser, Page } from '@playwright/test'
import { expect, signIn, test } from './fixtures.ts'
import { viewer } from './page-checks.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from './own-rig.ts'

/** A realm in which one person may have two sessions, and decides which of them ends for a third. */
async function startLimited(): Promise<OwnRig> {
  const users = [{ username: 'erin', hash: await hashOf('erin-demo-password') }]
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml().replace('login.acme.test', 'login.acme.localhost'),
    'agent-config/app.yaml': agentYaml('app', 'http://127.0.0.1:1').replace('app.acme.test', 'app.acme.localhost'),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': JSON.stringify({
      look: { title: 'Acme Staff' },
      session: { quota: { limit: 2, action: 'DENY_ACCESS' } },
    }),
    'realms/staff/users.yaml': usersYaml(users),
  }
  return startOwnRig({ files, env: { MASTER_KEY: randomBytes(32).toString('base64url') } })
}

const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'

/** Erin in a browser of her own, signed in at the login host. */
async function elsewhere(browser: Browser, login: string, userAgent?: string): Promise<Page> {
  const context = await browser.newContext(userAgent === undefined ? {} : { userAgent })
  const page = await context.newPage()
  await page.goto(`${login}/login/staff`)
  await signIn(page, 'erin')
  await expect(page).toHaveURL(`${login}/`)
  return page
}

test('whoever has too many sessions is shown them, ends one and goes on', async ({ page, browser }) => {
  test.setTimeout(120_000)
  const rig = await startLimited()
  const login = `http://login.acme.localhost:${rig.port}`
  try {
    const phone = await elsewhere(browser, login, PHONE)
    const laptop = await elsewhere(browser, login)
    const app = `http://app.acme.localhost:${rig.port}/`
    await page.goto(app)
    await signIn(page, 'erin')
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('You are signed in 2 times already')
    const rows = page.getByRole('listitem')
    await expect(rows).toHaveCount(2)
    await expect(rows.first()).toContainText('Safari on iPhone')
    await expect(rows.last()).toContainText('Chrome on')
    await viewer(page).look('quota')

    await rows.first().getByRole('button', { name: 'End this one and continue' }).click()
    // Nothing answers behind the application; that it was asked says that she got through.
    await expect(page).toHaveURL(app)
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('The application does not answer')
    await phone.reload()
    await expect(phone.getByRole('heading', { level: 1 })).toHaveText('You are not signed in')
    await laptop.reload()
    await expect(laptop.getByRole('heading', { level: 1 })).toContainText('You are signed in as erin')
    for (const other of [phone, laptop]) await other.context().close()
  } finally {
    await rig.stop()
  }
})
