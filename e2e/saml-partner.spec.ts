import { SAML } from '@node-saml/node-saml'
import { partnerKeys, spMetadata } from '../src/federation/saml-idp/sp.fixture.ts'
import { Client } from './client.ts'
import { freePort } from '../src/free-port.fixture.ts'
import { expect, signIn, test as base } from './fixtures.ts'
import { gatehouseYaml, hashOf, startOwnRig, usersYaml } from './own-rig.ts'
import { servePartner, type PartnerAnswer } from './partner-server.ts'

/* An application of somebody else that signs people in by SAML: what a page of ours may send where is the browser's to enforce. */

interface Scene {
  /** Asks by an address; `/form` asks by a form. */
  readonly site: string
  /** Where the application sends people from there: another origin. */
  readonly landing: string
  close(): Promise<void>
}

async function openScene(): Promise<Scene> {
  const port = await freePort()
  const [site, landing] = [`http://wiki.partner.localhost:${port}`, `http://start.elsewhere.localhost:${port}`]
  const [entityId, acs, keys] = [`${site}/saml`, `${site}/acs`, partnerKeys()]
  const partner = { id: 'wiki', entityId, metadata: spMetadata({ entityId, keys, consumers: [acs] }) }
  const rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml().replace('login.acme.test', 'login.acme.localhost'),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': '',
      'realms/staff/users.yaml': usersYaml([{ username: 'alice', hash: await hashOf('a-password') }]),
      'realms/staff/clients.yaml': JSON.stringify({ saml: { serviceProviders: [partner] } }),
    },
  })
  const idp = `http://login.acme.localhost:${rig.port}/saml2/staff`
  const { body: metadata } = await new Client().call(`${idp}/metadata`)
  const saml = new SAML({
    ...{ issuer: entityId, audience: entityId, callbackUrl: acs, entryPoint: `${idp}/sso`, identifierFormat: null },
    idpCert: /<ds:X509Certificate>([^<]*)/.exec(metadata.slice(metadata.indexOf('KeyDescriptor')))?.[1] ?? '',
    ...{ skipRequestCompression: true, disableRequestedAuthnContext: true },
  })
  const byAddress = new SAML({ ...saml.options, skipRequestCompression: false })
  const answer = async (path: string, body: string): Promise<PartnerAnswer> => {
    if (path === '/') return { to: await byAddress.getAuthorizeUrlAsync('x', undefined, {}) }
    if (path === '/form') return { html: await saml.getAuthorizeFormAsync('x') }
    if (path !== '/acs') return { html: '<h1>Welcome</h1>' }
    const SAMLResponse = new URLSearchParams(body).get('SAMLResponse') ?? ''
    const { profile } = await saml.validatePostResponseAsync({ SAMLResponse })
    return { to: `${landing}/welcome?${String(profile?.['uid'])}` }
  }
  const close = servePartner(port, ({ target, body }) => answer(target, body))
  return {
    site,
    landing,
    async close() {
      await close()
      await rig.stop()
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

test('a partner signs people in, by an address and by a form of another site, and sends them on to where it likes', async ({
  page,
  scene,
}) => {
  await page.goto(`${scene.site}/`)
  await signIn(page, 'alice', 'a-password')
  await expect(page).toHaveURL(`${scene.landing}/welcome?alice`)
  // The form brings no cookie of ours along; the request that follows it does.
  await page.goto(`${scene.site}/form`)
  await expect(page).toHaveURL(`${scene.landing}/welcome?alice`)
})

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false })

  test('the answer is sent by its button', async ({ page, scene }) => {
    await page.goto(`${scene.site}/`)
    await signIn(page, 'alice', 'a-password')
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('wiki')
    await page.getByRole('button', { name: 'Continue' }).click()
    await expect(page).toHaveURL(`${scene.landing}/welcome?alice`)
  })
})
