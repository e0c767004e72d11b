import { expect, test as base } from '@playwright/test'
import { createAuthority } from '../certificates.ts'
import { inChromium } from '../chromium.ts'
import { passwordOf, startGateway, type Gateway } from './gateway.ts'
import { startSdkApp } from './sdk-app.ts'
import { logout, next, openApp, plugIn, sessionInfo, start, touch } from './sdk-page.ts'

const LOGIN = 'https://login.acme.localhost'
const SITE = 'https://app.acme.localhost'

/** Names and addresses as in production: browsers ask for related origins at port 443 alone, and that is mapped to the test's. */
const test = base.extend<object, { gateway: Gateway }>({
  gateway: [
    async ({}, use) => {
      const app = await startSdkApp()
      const authority = createAuthority('Authority of nobody')
      const gateway = await startGateway({
        tls: authority.issue('sites', ['*.acme.localhost']),
        login: { url: LOGIN },
        agents: {
          app: {
            url: SITE,
            ssoOnly: true,
            notEnforced: [{ path: '/*' }],
            callsLoginHost: true,
            upstream: { servers: [app.url] },
          },
        },
        realm: {
          authentication: {
            modules: { password: { type: 'password' }, webauthn: { type: 'webauthn' } },
            chains: {
              default: [{ module: 'password', criteria: 'REQUIRED' }],
              key: [
                { module: 'password', criteria: 'REQUISITE' },
                { module: 'webauthn', criteria: 'REQUIRED' },
              ],
            },
          },
        },
      })
      try {
        await use(gateway)
      } finally {
        await gateway.stop()
        await app.close()
        authority.remove()
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  launchOptions: [
    async ({ gateway }, use) => {
      const { args, ...options } = inChromium.use.launchOptions
      const rules = `MAP *.acme.localhost:443 127.0.0.1:${gateway.port}`
      await use({ ...options, args: [...args, `--host-resolver-rules=${rules}`, '--ignore-certificate-errors'] })
    },
    { scope: 'worker' },
  ],
})

test('a passkey of the login host is good in the page of a site beside it', async ({ page }) => {
  await openApp(page, SITE, LOGIN)
  const cdp = await plugIn(page)
  await start(page, 'key')
  expect(await next(page, 'bob', passwordOf('bob'))).toMatchObject({ type: 'Step', webauthn: 'sets up' })
  expect(await touch(page)).toMatchObject({ type: 'LoginSuccess' })
  expect(await sessionInfo(page, LOGIN)).toMatchObject({ username: 'bob', properties: { AuthLevel: '2' } })
  expect(await logout(page)).toEqual([200, { result: 'Successfully logged out' }])
  await start(page, 'key')
  expect(await next(page, 'bob', passwordOf('bob'))).toMatchObject({ type: 'Step', webauthn: 'proves' })
  expect(await touch(page)).toMatchObject({ type: 'LoginSuccess' })
  await cdp.detach()
})
