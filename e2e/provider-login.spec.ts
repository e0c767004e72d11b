import { expect, test as base } from '@playwright/test'
import { liarConfig, startLiar } from '../src/federation/oidc-rp/liar.fixture.ts'
import { gatehouseYaml, hashOf, startOwnRig, usersYaml } from './own-rig.ts'
import { viewer } from './page-checks.ts'

const test = base.extend<object, { login: string }>({
  login: [
    async ({}, use) => {
      const corp = await startLiar()
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
        },
      })
      await use(`http://login.acme.localhost:${rig.port}`)
      await rig.stop()
      await corp.close()
    },
    { scope: 'worker', timeout: 120_000 },
  ],
})

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
