import { expect, test as base } from '@playwright/test'
import { code } from '../authenticator-app.ts'
import { passwordOf, startGateway, type Gateway } from './gateway.ts'
import { freePort } from '../../src/free-port.fixture.ts'
import { call, logout, next, openApp, plugIn, request, sessionInfo, start, touch } from './sdk-page.ts'
import { startSdkApp, type SdkApp } from './sdk-app.ts'

const AUTHENTICATION = {
  modules: { password: { type: 'password' }, totp: { type: 'totp' }, webauthn: { type: 'webauthn' } },
  chains: {
    default: [{ module: 'password', criteria: 'REQUIRED' }],
    code: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'totp', criteria: 'REQUIRED' },
    ],
    key: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'webauthn', criteria: 'REQUIRED' },
    ],
  },
}

const policy = (name: string, condition?: object): object => ({
  name,
  resources: [`*://*:*/api/${name}`, `*://*:*/api/${name}?*`],
  subject: { type: 'AuthenticatedUsers' },
  actions: { GET: 'allow', POST: 'allow' },
  ...(condition === undefined ? {} : { condition }),
})

const POLICIES = [
  policy('me'),
  policy('strong', { type: 'AuthenticateToService', authenticateToService: 'code' }),
  policy('pay', { type: 'Transaction', authenticationStrategy: 'AuthScheme', strategySpecifier: 'password' }),
]

/** A site below the login host's name, so that keys are good in its pages, and one whose pages may not call. */
interface Scene {
  readonly gateway: Gateway
  readonly app: SdkApp
  readonly site: string
}

const test = base.extend<object, { scene: Scene }>({
  scene: [
    async ({}, use) => {
      const app = await startSdkApp()
      const port = await freePort()
      const site = `http://app.login.acme.localhost:${port}`
      const open = [{ path: '/' }, { path: '/modules/*' }]
      const profile = { notEnforced: open, upstream: { servers: [app.url] } }
      const gateway = await startGateway({
        port,
        agents: { app: { ...profile, url: site, callsLoginHost: true }, other: profile },
        realm: { authentication: AUTHENTICATION },
        policies: POLICIES,
      })
      try {
        await use({ gateway, app, site })
      } finally {
        await gateway.stop()
        await app.close()
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],
})

const NAME_AND_PASSWORD = [
  ['NameCallback', 'Username'],
  ['PasswordCallback', 'Password'],
]

test.describe.configure({ mode: 'serial' })

test('the SDK in a page signs in, steps up by advice, has a request approved, and signs out', async ({
  page,
  scene,
}) => {
  const { gateway, app, site } = scene
  await openApp(page, site, gateway.login)
  expect((await call(page, '/api/me')).status).toBe(401)
  expect((await start(page)).callbacks).toEqual(NAME_AND_PASSWORD)
  expect(await next(page, 'alice', 'wrong')).toMatchObject({ type: 'LoginFailure' })
  await start(page)
  const done = await next(page, 'alice', passwordOf('alice'))
  expect([done.type, done.token], 'script is given no token').toEqual(['LoginSuccess', undefined])
  expect(await sessionInfo(page, gateway.login)).toMatchObject({ username: 'alice', realm: '/staff' })
  // The site gets its own token when a page of it is opened that needs one.
  await page.goto(`${site}/api/me`)
  await openApp(page, site, gateway.login)
  expect((await call(page, '/api/me')).status).toBe(200)

  await page.exposeFunction('codeOf', (secret: string) => code(secret))
  const asked = await request(page, `${site}/api/strong`, [['alice', passwordOf('alice')]])
  expect(asked.status).toBe(200)
  expect(
    asked.asked.map(({ callbacks }) => callbacks[0]?.[0]),
    'the code of an app, set up on the way',
  ).toEqual(['NameCallback'])
  expect((await sessionInfo(page, gateway.login))['properties']).toMatchObject({
    AuthLevel: '2',
    AuthType: 'password|totp',
  })

  const paid = await request(page, `${site}/api/pay?note=two%20words`, [['alice', passwordOf('alice')]])
  expect([paid.status, paid.asked.map(({ callbacks }) => callbacks)]).toEqual([200, [NAME_AND_PASSWORD]])
  expect(new URL(paid.url).searchParams.get('_txid'), 'it was sent along').toMatch(/^[0-9a-f-]{36}$/)
  expect(app.seen.at(-1)).toMatchObject({ method: 'POST', target: '/api/pay?note=two+words', body: '{"to":"bob"}' })
  const again = await call(page, new URL(paid.url).pathname + new URL(paid.url).search, {
    method: 'POST',
    body: '{"to":"bob"}',
    headers: { 'content-type': 'application/json', 'x-authenticate-response': 'header' },
  })
  expect(again.status).toBe(401)
  expect(again.challenge).toMatch(/^SSOADVICE realm="\/staff",advices="/)

  expect(await logout(page)).toEqual([200, { result: 'Successfully logged out' }])
  expect((await call(page, '/api/me')).status).toBe(401)
  expect(await sessionInfo(page, gateway.login)).toMatchObject({ code: 401 })
  for (const secret of [passwordOf('alice'), '_txid'])
    expect(gateway.log().includes(secret), 'neither passwords nor addresses with transactions are logged').toBe(false)
})

test('the SDK in a page sets up a passkey, and signs in with it', async ({ page, scene }) => {
  const { gateway, site } = scene
  await openApp(page, site, gateway.login)
  const cdp = await plugIn(page)
  expect((await start(page, 'key')).callbacks).toEqual(NAME_AND_PASSWORD)
  expect(await next(page, 'bob', passwordOf('bob'))).toMatchObject({ type: 'Step', webauthn: 'sets up' })
  expect(await touch(page)).toMatchObject({ type: 'LoginSuccess' })
  expect(await logout(page)).toEqual([200, { result: 'Successfully logged out' }])

  await start(page, 'key')
  expect(await next(page, 'bob', passwordOf('bob'))).toMatchObject({ type: 'Step', webauthn: 'proves' })
  expect(await touch(page)).toMatchObject({ type: 'LoginSuccess' })
  expect(await sessionInfo(page, gateway.login)).toMatchObject({ username: 'bob', properties: { AuthLevel: '2' } })
  await cdp.detach()
})

test('a page of a site that may not call gets nothing, whoever is signed in', async ({ page, scene }) => {
  const { gateway, site } = scene
  await openApp(page, site, gateway.login)
  await start(page)
  expect(await next(page, 'alice', passwordOf('alice'))).toMatchObject({ type: 'LoginSuccess' })
  await openApp(page, gateway.site('other'), gateway.login)
  await expect(start(page)).rejects.toThrow('Failed to fetch')
  await expect(logout(page)).rejects.toThrow('Failed to fetch')
  await expect(sessionInfo(page, gateway.login)).rejects.toThrow('Failed to fetch')
  await openApp(page, site, gateway.login)
  expect(await sessionInfo(page, gateway.login)).toMatchObject({ username: 'alice' })
})
