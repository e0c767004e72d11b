import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { liarConfig, startLiar } from '../src/federation/oidc-rp/liar.fixture.ts'
import { expect, test as base } from './fixtures.ts'
import { gatehouseYaml, hashOf, startOwnRig, usersYaml } from './own-rig.ts'
import { viewer } from './page-checks.ts'

const CLIENTS = ['The Wiki', 'An Application with a Very Long Name that Somebody Has Given It'].map((name, at) => ({
  ...{ id: `client-${at}`, name, authMethod: 'none' },
  scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
}))

interface Staff {
  readonly login: string
  /** Where the clients have browsers sent back to. */
  readonly callback: string
  close(): Promise<void>
}

async function openStaff(): Promise<Staff> {
  const corp = await startLiar()
  // A server, since a route of the browser would not see what a redirect leads to.
  const application = createServer((_, response) => response.end('back at the application')).listen(0, '127.0.0.1')
  await once(application, 'listening')
  const callback = `http://127.0.0.1:${(application.address() as AddressInfo).port}/cb`
  const link = { claim: 'sub', is: 'externalId' }
  const realm = {
    look: { title: 'Acme Staff' },
    identityProviders: {
      corp: liarConfig(corp, { title: 'Corp', link, domains: ['corp.example'], logout: false }),
      far: {
        ...liarConfig(corp, { title: 'Far Away', link: { ...link, is: 'farId' } }),
        issuer: 'http://127.0.0.1:1',
      },
    },
    authentication: {
      modules: {
        password: { type: 'password' },
        corp: { type: 'oidc', provider: 'corp' },
        far: { type: 'oidc', provider: 'far' },
      },
      chains: { default: [{ module: 'password', or: ['far', 'corp'], criteria: 'REQUISITE' }] },
    },
  }
  const users = [{ username: 'alice', hash: await hashOf('a-password'), attributes: { externalId: 'alice' } }]
  const rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml().replace('login.acme.test', 'login.acme.localhost'),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify(realm),
      'realms/staff/users.yaml': usersYaml(users),
      'realms/staff/clients.yaml': JSON.stringify({
        clients: CLIENTS.map((client) => ({ ...client, redirectUris: [callback] })),
      }),
    },
  })
  return {
    login: `http://login.acme.localhost:${rig.port}`,
    callback,
    async close() {
      application.close()
      await rig.stop()
      await corp.close()
    },
  }
}

let staff: Staff
const test = base.extend<{ login: string }>({ login: async ({}, use) => use(staff.login) })

// Not a fixture of the worker: it would be a worker of its own, with another browser.
test.beforeAll(async () => {
  staff = await openStaff()
})
test.afterAll(() => staff.close())

test('providers on the login page: one that is away, one by its button, one by the address; the last one comes first', async ({
  page,
  login,
}) => {
  const { look } = viewer(page)
  await page.goto(`${login}/login/staff`)
  await look('login-providers')

  await page.getByRole('button', { name: 'Sign in with Far Away' }).click()
  await expect(page.getByRole('alert')).toContainText('cannot be reached right now')
  await look('login-provider-away')

  await page.getByLabel('E-mail address').fill('alice@nowhere.example')
  await page.getByRole('button', { name: 'Find your organisation' }).click()
  await expect(page.getByRole('alert')).toContainText('No organisation is known')

  await page.getByLabel('E-mail address').fill('alice@corp.example')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(`${login}/`)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('alice')

  await page.context().clearCookies({ name: 'SSOTokenID' })
  await page.goto(`${login}/login/staff`)
  const buttons = page.getByRole('button', { name: /^Sign in with/ })
  await expect(buttons).toHaveText(['Sign in with Corp, as last time', 'Sign in with Far Away'])
  await buttons.first().click()
  await expect(page).toHaveURL(`${login}/`)
})

test('what is agreed to is shown on the account page, and taken back there', async ({ page, login }) => {
  const { look } = viewer(page)
  for (const { id } of CLIENTS) {
    const query = new URLSearchParams({
      ...{ client_id: id, redirect_uri: staff.callback, response_type: 'code', prompt: 'consent' },
      ...{ scope: 'openid profile email groups offline_access', code_challenge_method: 'S256' },
      code_challenge: createHash('sha256').update('v'.repeat(43)).digest('base64url'),
    })
    await page.goto(`${login}/oauth2/realms/root/realms/staff/authorize?${query.toString()}`)
    const corp = page.getByRole('button', { name: 'Sign in with Corp' })
    if (await corp.isVisible()) await corp.click()
    const allow = page.getByRole('button', { name: 'Allow', exact: true })
    await expect(allow).toBeVisible()
    if (id === CLIENTS[0]?.id) await look('consent')
    await allow.click()
    await expect(page.getByText('back at the application')).toBeVisible()
  }
  await page.goto(`${login}/account`)
  await expect(page.getByRole('heading', { name: 'Applications that you have let know you' })).toBeVisible()
  await look('account-applications')
  await page.getByRole('button', { name: 'Take back what The Wiki may know' }).click()
  await expect(page.getByText('has to ask again')).toBeVisible()
  await expect(page.getByRole('button', { name: /^Take back/ })).toHaveCount(1)
})
